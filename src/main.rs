//! Parses the command line, runs the command, maps its outcome to an exit code.

use std::process::ExitCode;

use orgwatch::cli::args::Cli;
use orgwatch::cli::exit::Outcome;
use tikv_jemallocator::Jemalloc;

/// A pass allocates on one thread and frees on another, tens of thousands of times a second: the C library's allocator
/// spends a third of the daemon's time on its locks there, and musl's, which the image would have, more.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    orgwatch::panics::tell();
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(outcome) => return outcome.into(),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(orgwatch::commands::run(cli)) {
        Ok(outcome) => outcome.into(),
        Err(error) => failed(&error),
    }
}

/// The whole chain of causes once, at the edge.
#[expect(clippy::print_stderr, reason = "the last word of a program that failed")]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    Outcome::Error.into()
}
