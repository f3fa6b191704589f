//! The arguments of every command, with the help that explains them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, Parser, Subcommand};
use reqwest::Url;

use super::audit::AuditArgs;
use super::change::{ApplyArgs, PlanArgs, TeardownArgs};
use super::delivery::{DeadLettersArgs, DrillArgs};
#[cfg(feature = "demo")]
use super::demo::DemoArgs;
#[cfg(not(feature = "demo"))]
use super::demo::NoDemoArgs;
use super::exit::Outcome;
use super::history::{DaemonArgs, HistoryArgs};
use super::look::{AccountArgs, AccountsArgs, HealthArgs, StatusArgs};
use super::offline::{CheckArgs, MatchArgs, PresetsArgs};
use super::operate::{
    CompletionsArgs, DiscoveryArgs, DiscoveryCommand, HoldsArgs, PauseArgs, ReleaseArgs, ReloadArgs,
    ResumeArgs,
};
use crate::model::ids::{AccountId, OuId};

/// The heading of the options that every command takes.
const EVERYWHERE: &str = "Global options";

/// Installs IAM change alerting in every account of an AWS Organization and keeps it true.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "orgwatch",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_long_help = "\
Exit codes:
  0   done and in sync, or printed
  1   error
  2   not as desired, or not met, only with --detailed-exitcode
  3   incomplete: something could not be seen or reached; it is listed last
  4   a change is held until a person releases it
  78  bad configuration; nothing was sent to AWS

Example, from nothing to a covered organization:
  orgwatch check --aws
  orgwatch plan
  orgwatch apply
  orgwatch serve"
)]
pub struct Cli {
    /// The configuration file; by default config/orgwatch.toml, else /etc/orgwatch/orgwatch.toml.
    #[arg(long, global = true, value_name = "FILE", help_heading = EVERYWHERE)]
    #[arg(env = "ORGWATCH_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,

    /// When to colour what is printed; `auto` colours on a terminal and honours NO_COLOR.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = EVERYWHERE)]
    pub color: ColorChoice,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What orgwatch can be told to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: keep every account as desired and show it over HTTP.
    ///
    /// `reconcile.mode` in the configuration decides whether drift is repaired (`enforce`) or only
    /// shown (`observe`, the default).
    #[command(after_long_help = "\
Example:
  orgwatch serve --config /etc/orgwatch/orgwatch.toml")]
    Serve,

    /// Show what `apply` would change; makes no writing call.
    #[command(after_long_help = "\
Example, for a pipeline that must notice drift (exit code 2):
  orgwatch plan --detailed-exitcode

Example, for one account and one part of the organization:
  orgwatch plan --account 333333333333 --ou ou-ab12-cdefgh34 --expand")]
    Plan(PlanArgs),

    /// Make one full pass: show the plan, ask, change, and read again.
    ///
    /// It writes whatever `reconcile.mode` says; overrides for an account or an organizational unit
    /// bind it. Without a terminal it needs --yes. Stopped halfway, a second run continues.
    #[command(after_long_help = "\
Example, for a first try on a few accounts:
  orgwatch apply --limit 5

Example, without a terminal:
  orgwatch apply --yes")]
    Apply(ApplyArgs),

    /// Show who is covered and what is wrong.
    ///
    /// With --url a running daemon is asked; without it orgwatch looks for itself, read-only.
    #[command(after_long_help = "\
Example:
  orgwatch status --url https://orgwatch.example.com --token-file ~/.config/orgwatch/token")]
    Status(StatusArgs),

    /// List accounts with their verdict and coverage.
    ///
    /// With --url a running daemon is asked; without it orgwatch looks for itself, read-only.
    #[command(after_long_help = "\
Example, everybody who is known not to be covered:
  orgwatch accounts --coverage broken --url http://127.0.0.1:8080")]
    Accounts(AccountsArgs),

    /// Show one account: what is there, what differs, what is planned.
    #[command(after_long_help = "\
Example:
  orgwatch account 333333333333")]
    Account(AccountArgs),

    /// Walk the path of an account's alerts; say what is broken and what mends it.
    ///
    /// From CloudTrail over sender rule, forwarding role, event bus, alert rule and topic to people. With --url
    /// a running daemon is asked; without it orgwatch looks for itself, read-only. Exit code 1: a hop is
    /// broken; 3: one could not be looked at, or is not ready.
    #[command(after_long_help = "\
Example:
  orgwatch doctor 333333333333")]
    Doctor(AccountArgs),

    /// Hold every account against a standard of monitoring: CIS, Security Hub or CWL-010.
    ///
    /// Says of each control and account whether it is met, by what, and what is missing. With --url a
    /// running daemon is asked; without it orgwatch looks for itself, read-only.
    #[command(after_long_help = "\
Example, a report that an auditor can keep:
  orgwatch audit --standard cis-1.4 --html > audit.html

Example, for a pipeline that must notice what is not met (exit code 2):
  orgwatch audit --standard security-hub --detailed-exitcode")]
    Audit(AuditArgs),

    /// Show what happened: writes, drift, changes of coverage.
    ///
    /// With --url a running daemon is asked; without it the file of `history.path` is read. A write whose
    /// outcome is unknown is under way, or orgwatch was killed before the answer came.
    #[command(after_long_help = "\
Example, what was written in one account since yesterday:
  orgwatch history --what write --account 333333333333 --since 24h

Example, an export of everything:
  orgwatch history --limit 0 --json-lines > history.jsonl")]
    History(HistoryArgs),

    /// Show what a running daemon holds back, why, and how to release it.
    Holds(HoldsArgs),

    /// Let a running daemon do what it holds back, once.
    #[command(after_long_help = "\
Example:
  orgwatch release DeletionLimit-alert_rule-orgwatch-old --url http://127.0.0.1:8080")]
    Release(ReleaseArgs),

    /// Let a running daemon write nothing in a part of the organization.
    ///
    /// It goes on looking, and shows what it would do. Alerts are not touched: they flow through AWS alone.
    /// A pause outlives restarts of the daemon, and binds `apply` too where it uses the same history.
    #[command(after_long_help = "\
Example, for the time of a migration:
  orgwatch pause ou-ab12-cdefgh34 --for 2h --reason \"the pipeline moves its roles\"")]
    Pause(PauseArgs),

    /// End a pause.
    Resume(ResumeArgs),

    /// Let a running daemon read its configuration anew; show what is different.
    ///
    /// It reads its own file and environment as at its start, all problems at once. With any problem, and where a
    /// key differs that only a restart takes over, nothing changes and the exit code is 78.
    #[command(after_long_help = "\
Example, after an edit of the daemon's configuration file:
  orgwatch check --config /etc/orgwatch/orgwatch.toml
  orgwatch reload --url http://127.0.0.1:8080")]
    Reload(ReloadArgs),

    /// Tell a running daemon about its look at the organization.
    Discovery(DiscoveryArgs),

    /// Check the configuration, all problems at once.
    #[command(after_long_help = "\
Example, before a first start:
  orgwatch check --aws")]
    Check(CheckArgs),

    /// Ask whether the daemon on this machine serves, for supervisors of containers.
    ///
    /// It asks where the configuration says that the daemon listens. Exit code 0: it answers.
    #[command(after_long_help = "\
Example, in a Dockerfile:
  HEALTHCHECK CMD [\"/orgwatch\", \"health\"]")]
    Health(HealthArgs),

    /// Say what would become of an event: who is told what, or why nobody is.
    ///
    /// The event is one that EventBridge delivered, or what CloudTrail keeps: a record, a file of
    /// `Records`, or what `aws cloudtrail lookup-events` prints. Nothing is sent to AWS.
    #[command(after_long_help = "\
Example, for the last deletions of users:
  aws cloudtrail lookup-events \\
    --lookup-attributes AttributeKey=EventName,AttributeValue=DeleteUser | orgwatch match")]
    Match(MatchArgs),

    /// List the event patterns that ship with orgwatch, or show one in full.
    #[command(after_long_help = "\
Example:
  orgwatch presets iam-changes")]
    Presets(PresetsArgs),

    /// List the events that could not be delivered, or deliver them late.
    ///
    /// Listing leaves them where they are. `dead-letters deliver` publishes each to the topic of its
    /// alert, in the alert's format under the heading "delayed", and removes it only after that.
    #[command(after_long_help = "\
Example, after the cause was mended:
  orgwatch dead-letters
  orgwatch dead-letters deliver --limit 20")]
    DeadLetters(DeadLettersArgs),

    /// Send a drill to everybody who is subscribed to an alert.
    ///
    /// It goes through the alert's own rule, in its format, and begins with "DRILL, no action needed": what
    /// arrives proves bus, rule, topic and subscription. Needs `drill.schedule` in the configuration.
    #[command(after_long_help = "\
Example:
  orgwatch drill iam-changes")]
    Drill(DrillArgs),

    /// Remove what orgwatch made: members first, the central account last.
    ///
    /// Afterwards IAM changes alert nobody. Kept unless --delete-data says otherwise: the archive and
    /// the bus that it belongs to, dead-letter queues that are not empty, and adopted resources.
    #[command(after_long_help = "\
Example, for an account that leaves the organization:
  orgwatch teardown --account 333333333333")]
    Teardown(TeardownArgs),

    /// Print the script that completes these commands in a shell.
    #[command(after_long_help = "\
Example:
  orgwatch completions bash > /etc/bash_completion.d/orgwatch")]
    Completions(CompletionsArgs),

    /// Print the manual page.
    #[command(after_long_help = "\
Example:
  orgwatch man > /usr/local/share/man/man1/orgwatch.1")]
    Man,

    /// Run the daemon in a simulated organization, and tell what happens; needs no AWS.
    ///
    /// People and tools disable, delete and change what orgwatch has installed, accounts join and
    /// leave, and IAM changes are reported. None of your AWS profiles,
    /// credentials and endpoints is used.
    #[cfg(feature = "demo")]
    #[command(after_long_help = "\
Example, of half a minute in a small organization:
  orgwatch demo --accounts 12 --for 30s")]
    Demo(DemoArgs),

    /// Says how to get the program that has it.
    #[cfg(not(feature = "demo"))]
    #[command(hide = true, disable_help_flag = true)]
    Demo(NoDemoArgs),
}

impl Command {
    /// Which daemon it asks, if it can ask one.
    fn daemon(&self) -> Option<&DaemonArgs> {
        match self {
            Self::Status(arguments) => Some(&arguments.daemon),
            Self::Accounts(arguments) => Some(&arguments.daemon),
            Self::Account(arguments) | Self::Doctor(arguments) => Some(&arguments.daemon),
            Self::Audit(arguments) => Some(&arguments.daemon),
            Self::History(arguments) => Some(&arguments.daemon),
            Self::Holds(arguments) => Some(&arguments.daemon),
            Self::Release(arguments) => Some(&arguments.daemon),
            Self::Pause(arguments) => Some(&arguments.daemon),
            Self::Resume(arguments) => Some(&arguments.daemon),
            Self::Reload(arguments) => Some(&arguments.daemon),
            Self::Discovery(DiscoveryArgs { command: DiscoveryCommand::Accept(arguments) }) => {
                Some(&arguments.daemon)
            }
            _ => None,
        }
    }
}

impl Cli {
    /// Reads the arguments. Where there is nothing to run, because help was asked for or an argument is
    /// wrong, prints what clap has to say and answers the outcome instead.
    ///
    /// A wrong argument is an error like any other: clap's own exit code for it, 2, means drift here.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Outcome> {
        Self::parse_checked(arguments).map_err(|error| match error.print() {
            Ok(()) => outcome_of(&error),
            Err(_) => Outcome::Error,
        })
    }

    fn parse_checked(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(arguments)?;
        // Not in the value's parser, because clap repeats what a parser refuses, password and all.
        if let Some(DaemonArgs { url: Some(url), .. }) = cli.command.daemon()
            && (!url.username().is_empty() || url.password().is_some())
        {
            let message = "the address of --url must not hold credentials; \
                           put the token into a file and name it with --token-file\n";
            return Err(Self::command().error(ErrorKind::ValueValidation, message));
        }
        Ok(cli)
    }

    /// The choice of colour as the streams understand it.
    pub fn colour(&self) -> anstream::ColorChoice {
        match self.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        }
    }
}

/// Help that was asked for is no error.
fn outcome_of(error: &clap::Error) -> Outcome {
    if error.use_stderr() { Outcome::Error } else { Outcome::Done }
}

// The types' own messages speak of quotes, which only a configuration file needs.
pub(super) fn account(text: &str) -> Result<AccountId, &'static str> {
    text.parse().map_err(|_| "an account id has exactly 12 digits; leading zeros are part of it")
}

pub(super) fn ou(text: &str) -> Result<OuId, &'static str> {
    text.parse().map_err(|_| {
        "an organizational unit's id looks like ou-ab12-cdefgh34, a root's like r-ab12; names are not accepted"
    })
}

pub(super) fn daemon_url(text: &str) -> Result<Url, &'static str> {
    let url: Url = text.parse().map_err(|_| "a full address is needed, such as http://127.0.0.1:8080")?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("the address must begin with http:// or https://");
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
