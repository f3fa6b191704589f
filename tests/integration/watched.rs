//! `orgwatch status --watch`: prints whenever something changed, and only then.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::staged::Staged;
use crate::wait::eventually;

/// A running `status --watch` with what it printed.
struct Watch<'d> {
    child: Child,
    daemon: &'d Staged,
    name: &'static str,
}

impl<'d> Watch<'d> {
    fn start(daemon: &'d Staged, name: &'static str, arguments: &[&str]) -> Self {
        let file = |end: &str| File::create(daemon.folder.path().join(format!("{name}.{end}")));
        let child = Command::new(env!("CARGO_BIN_EXE_orgwatch"))
            .args(["status", "--watch", "--url", daemon.url()])
            .args(arguments)
            .env_clear()
            .env("HOME", daemon.folder.path())
            .stdin(Stdio::null())
            .stdout(file("out").expect("our directory is writable"))
            .stderr(file("err").expect("our directory is writable"))
            .spawn()
            .expect("the binary is there");
        Self { child, daemon, name }
    }

    fn read(&self, end: &str) -> String {
        let path = self.daemon.folder.path().join(format!("{}.{end}", self.name));
        fs::read_to_string(path).expect("it prints UTF-8")
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// What may differ though nothing happened.
fn without_ages(line: &str) -> Value {
    let mut value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let status = value.as_object_mut().expect("a status is an object");
    for moving in ["observed_at", "oldest_observation_age_seconds", "last_resync", "discovery"] {
        assert!(status.remove(moving).is_some(), "{moving}: {line}");
    }
    value
}

#[test]
fn a_watched_status_is_printed_when_it_changes_and_ends_with_the_daemon() {
    let daemon = Staged::start(3, "guard.enabled = false\nnotify.alert = 'off'\n");
    daemon.until_covered(3);
    let mut lines = Watch::start(&daemon, "json", &["--json"]);
    let text = Watch::start(&daemon, "text", &[]);
    daemon.until("both have printed once", |_| {
        (lines.read("out").ends_with('\n') && text.read("out").contains("accounts covered")).then_some(())
    });
    assert!(!text.read("out").contains('\u{1b}'), "it clears no screen where there is none");

    let paused = daemon.run(&["pause", "all", "--reason", "a migration"]);
    assert!(paused.status.success(), "{paused:?}");
    daemon.until("both tell of the pause", |_| {
        (lines.read("out").contains("a migration") && text.read("out").contains("a migration")).then_some(())
    });
    let resumed = daemon.run(&["resume", "all"]);
    assert!(resumed.status.success(), "{resumed:?}");
    daemon.until("and of its end", |_| {
        let printed = lines.read("out");
        printed.lines().last().is_some_and(|line| !line.contains("a migration")).then_some(())
    });

    let printed = lines.read("out");
    let printed: Vec<Value> = printed.lines().map(without_ages).collect();
    assert!(printed.len() >= 3, "{printed:?}");
    assert!(printed.windows(2).all(|two| two[0] != two[1]), "what is the same is printed once: {printed:?}");

    daemon.signal("TERM");
    let status = eventually("the command ends with the daemon", crate::staged::SOON, || {
        lines.child.try_wait().expect("it can be waited for")
    });
    assert_eq!(status.code(), Some(1));
    assert!(lines.read("err").contains("no daemon answers at"), "{}", lines.read("err"));
}
