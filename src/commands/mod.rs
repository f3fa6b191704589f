//! The commands: each reads its arguments, lets the controller work, and prints what it found.

mod accounts;
mod apply;
mod audit;
mod check;
mod complete;
mod daemon;
mod dead_letters;
#[cfg(feature = "demo")]
mod demo;
mod drill;
mod health;
mod history;
mod match_event;
mod operate;
mod plan;
mod presets;
mod serve;
mod status;
mod teardown;

use std::io::{BufWriter, Write};
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::app::{App, Keeping, cancel_on_signal};
use crate::cli::args::{Cli, Command};
use crate::cli::exit::Outcome;
use crate::clock::Clock;
use crate::compile;
use crate::config::{self, LogFormat, Problem, Settings};
use crate::controller::{DiscoverError, PassOutcome, Purpose};
use crate::model::target::TargetKey;
use crate::model::view::TargetView;
use crate::render::problems::{self, ProblemRow, Severity};
use crate::render::progress::Progress;
use crate::render::style::Style;
use crate::telemetry::logs;

/// What a command was started with.
struct Invocation {
    cli: Cli,
    style: Style,
}

/// Runs the command to its end. Errors that nobody foresaw come back as such; all others are printed and told as an
/// outcome.
pub async fn run(cli: Cli) -> anyhow::Result<Outcome> {
    let style = Style::of_stdout(cli.colour());
    let invocation = Invocation { cli, style };
    match invocation.cli.command.clone() {
        Command::Serve => serve::run(&invocation).await,
        Command::Plan(arguments) => plan::run(&invocation, &arguments).await,
        Command::Apply(arguments) => apply::run(&invocation, &arguments).await,
        Command::Status(arguments) => status::run(&invocation, &arguments).await,
        Command::Accounts(arguments) => accounts::accounts(&invocation, &arguments).await,
        Command::Account(arguments) => accounts::account(&invocation, &arguments).await,
        Command::Doctor(arguments) => accounts::doctor(&invocation, &arguments).await,
        Command::Audit(arguments) => audit::run(&invocation, &arguments).await,
        Command::History(arguments) => history::run(&invocation, &arguments).await,
        Command::Holds(arguments) => operate::holds(&invocation, &arguments).await,
        Command::Release(arguments) => operate::release(&invocation, &arguments).await,
        Command::Pause(arguments) => operate::pause(&invocation, &arguments).await,
        Command::Resume(arguments) => operate::resume(&invocation, &arguments).await,
        Command::Reload(arguments) => operate::reload(&invocation, &arguments).await,
        Command::Discovery(arguments) => operate::discovery(&arguments.command).await,
        Command::Completions(arguments) => complete::completions(&arguments),
        Command::Man => complete::man(),
        Command::Check(arguments) => check::run(&invocation, &arguments).await,
        Command::Health(arguments) => health::run(&invocation, &arguments).await,
        Command::Match(arguments) => match_event::run(&invocation, &arguments),
        Command::Presets(arguments) => presets::run(&invocation, &arguments),
        Command::DeadLetters(arguments) => dead_letters::run(&invocation, &arguments).await,
        Command::Drill(arguments) => drill::run(&invocation, &arguments).await,
        Command::Teardown(arguments) => teardown::run(&invocation, &arguments).await,
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => demo::run(&invocation, &arguments).await,
        #[cfg(not(feature = "demo"))]
        Command::Demo(_) => without_demo(),
    }
}

/// What ships holds no simulator, and says so to whoever has read of the demo.
#[cfg(not(feature = "demo"))]
fn without_demo() -> anyhow::Result<Outcome> {
    complain(
        "error: this orgwatch was built without the simulated organization; in its source tree, \
         `cargo run --locked --features demo -- demo` builds and runs one with it\n",
    )?;
    Ok(Outcome::Error)
}

impl Invocation {
    /// The configuration, compiled as of now.
    fn read(&self) -> Result<config::Loaded, config::ConfigError> {
        read(&self.cli)
    }

    /// The configuration; if it cannot be used, its problems are printed.
    fn settings(&self) -> anyhow::Result<Result<config::Loaded, Outcome>> {
        match self.read() {
            Ok(loaded) => Ok(Ok(loaded)),
            Err(error) => {
                complain(&problems::problems(&rows(&error.problems), self.style))?;
                Ok(Err(Outcome::BadConfig))
            }
        }
    }

    /// Everything up to the first look at the organization; if that is not reached, how the command ends.
    async fn begin(
        &self,
        purpose: impl FnOnce(&Settings) -> Purpose,
        keeping: Keeping,
    ) -> anyhow::Result<Result<Opened, Outcome>> {
        let settings = match self.settings()? {
            Ok(loaded) => loaded.settings,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let purpose = purpose(&settings);
        let opened = self.open(settings, purpose, keeping).await?;
        Ok(opened.discover().await?.map(|()| opened))
    }

    /// A controller for a command that begins and ends: logs only what went wrong, unless told otherwise.
    async fn open(&self, settings: Settings, purpose: Purpose, keeping: Keeping) -> anyhow::Result<Opened> {
        let level =
            if settings.log.level == "info" { "error".to_owned() } else { settings.log.level.clone() };
        start_logs(settings.log.format, &level)?;
        let app = App::open(settings, purpose, keeping).await?;
        let mut signals = JoinSet::new();
        signals.spawn(cancel_on_signal(app.stop.clone()));
        Ok(Opened { app, _signals: signals })
    }
}

/// The configuration that these arguments name, compiled as of now.
fn read(cli: &Cli) -> Result<config::Loaded, config::ConfigError> {
    let loaded = config::load(cli.config.as_deref(), config::environment())?;
    compile::checked(loaded, Clock::system().now())
}

/// An app of a command, with the task that hears signals; it ends with the command.
struct Opened {
    app: App,
    _signals: JoinSet<std::io::Result<()>>,
}

impl Opened {
    /// Looks at the organization; if that is not possible, says why.
    async fn discover(&self) -> anyhow::Result<Result<(), Outcome>> {
        let found = tokio::select! {
            found = self.app.controller.discover() => found,
            () = self.app.stop.cancelled() => return Ok(Err(Outcome::Incomplete)),
        };
        let outcome = match found {
            Ok(_) => return Ok(Ok(())),
            Err(error) => {
                complain(&format!("error: {error}\n"))?;
                match error {
                    DiscoverError::Cloud(_) => Outcome::Error,
                    DiscoverError::WrongPlace(_) => Outcome::Held,
                    DiscoverError::Configuration(_) => Outcome::BadConfig,
                }
            }
        };
        Ok(Err(outcome))
    }

    /// Looks at every target, with progress, and answers what `keys` hold.
    async fn look(&self, title: &str, keys: &[TargetKey]) -> Vec<Arc<TargetView>> {
        let progress = Progress::new(title, self.app.controller.keys().len() as u64);
        let mut tell = |outcome: &PassOutcome| progress.done_one(&outcome.target.to_string());
        self.app.controller.look_at_all(&self.app.stop, &mut tell).await;
        progress.finish();
        self.app.controller.views(keys)
    }
}

fn start_logs(format: LogFormat, level: &str) -> anyhow::Result<()> {
    let format = match format {
        LogFormat::Auto => logs::Format::Auto,
        LogFormat::Text => logs::Format::Text,
        LogFormat::Json => logs::Format::Json,
    };
    Ok(logs::start(format, level)?)
}

fn rows(problems: &[Problem]) -> Vec<ProblemRow> {
    let row = |problem: &Problem| ProblemRow {
        code: problem.code.to_owned(),
        path: problem.path.clone(),
        found: problem.found.clone(),
        expected: problem.expected.clone(),
        hint: problem.hint.clone(),
        severity: if problem.is_warning() { Severity::Warning } else { Severity::Error },
    };
    problems.iter().map(row).collect()
}

/// Prints a finished text. A reader who went away is no error.
fn say(text: &str) -> anyhow::Result<()> {
    gone_is_fine(std::io::stdout().lock().write_all(text.as_bytes()))
}

/// Prints a value as JSON, piece by piece: that of thousands of accounts is longer than all that it is made of. A reader who
/// went away is no error.
fn say_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut output, value).map_err(std::io::Error::from);
    gone_is_fine(written.and_then(|()| writeln!(output)).and_then(|()| output.flush()))
}

/// Prints what went wrong.
fn complain(text: &str) -> anyhow::Result<()> {
    gone_is_fine(std::io::stderr().lock().write_all(text.as_bytes()))
}

fn gone_is_fine(result: std::io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
