//! What is said of a panic: where it was, and its message only if nothing of what was being worked on can be in it.
//!
//! A message that is a literal is part of the program. One that was put together may hold a token, an external id or an
//! endpoint, and panics are printed, logged and collected by whoever runs us; so it is kept back, and the place that is
//! told instead leads to it in the source.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

use tokio::task::JoinError;

/// What is said where the message is kept back.
const KEPT_BACK: &str = "its message may hold a secret and is kept back";

/// What may be said of what a panic carries.
pub fn said(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or(KEPT_BACK)
}

/// What may be said of a task that did not end by itself. Its own words for a panic repeat the message.
pub fn of_task(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => format!("a task panicked: {}", said(&*payload)),
        Err(error) => error.to_string(),
    }
}

/// Tells of every panic of the process from now on in place of the standard library, which prints whole messages.
pub fn tell() {
    std::panic::set_hook(Box::new(hook));
}

fn hook(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let said = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or(KEPT_BACK);
    // As RUST_BACKTRACE says; it names functions and places, no values.
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    if tracing::dispatcher::has_been_set() {
        tracing::error!(location, backtrace, "A panic at {location}: {said}");
    } else {
        print(&format!("error: a panic at {location}: {said}\n{}", backtrace.unwrap_or_default()));
    }
}

/// Before there is a log. Nobody is left to tell that standard error is gone.
fn print(text: &str) {
    use std::io::Write;
    let _gone = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::process::Command;

    use secrecy::SecretString;

    use super::*;
    use crate::telemetry::logs;

    const PLANTED: &str = "planted-secret-0123456789";

    /// Run by the test below, in a process of its own: a hook is the whole process's.
    #[test]
    #[ignore = "panics on purpose, so only the test below runs it, in a process of its own"]
    fn child() {
        tell();
        let early = catch_unwind(|| panic!("before the log: {PLANTED}"));
        assert!(early.is_err());
        logs::start(logs::Format::Json, "trace").unwrap();
        let failed: Result<(), String> =
            format!("a pass: {PLANTED}").parse::<u8>().map(drop).map_err(|_| PLANTED.to_owned());
        let unwrapped = catch_unwind(|| failed.unwrap());
        assert!(unwrapped.is_err());
        let secret = SecretString::from(PLANTED);
        assert!(catch_unwind(AssertUnwindSafe(|| panic!("a handler with {secret:?}"))).is_err());
        assert!(catch_unwind(|| panic!("a literal of the program")).is_err());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn_on(async { panic!("in a task: {PLANTED}") }, runtime.handle());
        let ended: Option<Result<(), JoinError>> = runtime.block_on(tasks.join_next());
        tracing::error!("{}", of_task(ended.unwrap().unwrap_err()));
    }

    #[test]
    fn no_panic_prints_what_was_put_into_its_message() {
        let test = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "panics::tests::child", "--ignored", "--nocapture", "--test-threads=1"])
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&test.stdout), String::from_utf8_lossy(&test.stderr));
        assert!(test.status.success(), "{said}");
        assert!(!said.contains(PLANTED), "{said}");
        assert_eq!(said.matches("kept back").count(), 5, "{said}");
        assert!(said.contains("a literal of the program"), "{said}");
        assert!(said.matches("src/panics.rs:").count() >= 5, "each says where it was: {said}");
    }
}
