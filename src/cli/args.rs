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
    CompletionsArgs, DiscoveryArgs, DiscoveryCommand, HoldsArgs, PauseArgs, ReleaseArgs, ResumeArgs,
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
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn read(line: &str) -> Result<Cli, String> {
        Cli::parse_checked(line.split_whitespace().map(OsString::from)).map_err(|e| e.to_string())
    }

    fn help(command: &str) -> String {
        let mut root = Cli::command().term_width(100);
        root.build();
        let command = match command {
            "" => &mut root,
            name => root.find_subcommand_mut(name).unwrap(),
        };
        command.render_long_help().to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_line_of_any_help_is_wider_than_100_columns() {
        let names: Vec<String> = Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        for name in names.iter().map(String::as_str).chain([""]) {
            for line in help(name).lines() {
                assert!(line.chars().count() <= 100, "{name}: {line}");
            }
        }
    }

    #[test]
    fn the_program_explains_itself() {
        // The demo is one line more where it is built in.
        let demo = |line: &&str| line.trim_start().starts_with("demo ");
        let all = help("");
        assert_eq!(all.lines().filter(demo).count(), usize::from(cfg!(feature = "demo")));
        let shipped: Vec<&str> = all.lines().filter(|line| !demo(line)).collect();
        assert_snapshot!(shipped.join("\n"), @r"
        Installs IAM change alerting in every account of an AWS Organization and keeps it true

        Usage: orgwatch [OPTIONS] <COMMAND>

        Commands:
          serve         Run the daemon: keep every account as desired and show it over HTTP
          plan          Show what `apply` would change; makes no writing call
          apply         Make one full pass: show the plan, ask, change, and read again
          status        Show who is covered and what is wrong
          accounts      List accounts with their verdict and coverage
          account       Show one account: what is there, what differs, what is planned
          doctor        Walk the path of an account's alerts; say what is broken and what mends it
          audit         Hold every account against a standard of monitoring: CIS, Security Hub or CWL-010
          history       Show what happened: writes, drift, changes of coverage
          holds         Show what a running daemon holds back, why, and how to release it
          release       Let a running daemon do what it holds back, once
          pause         Let a running daemon write nothing in a part of the organization
          resume        End a pause
          discovery     Tell a running daemon about its look at the organization
          check         Check the configuration, all problems at once
          health        Ask whether the daemon on this machine serves, for supervisors of containers
          match         Say what would become of an event: who is told what, or why nobody is
          presets       List the event patterns that ship with orgwatch, or show one in full
          dead-letters  List the events that could not be delivered, or deliver them late
          drill         Send a drill to everybody who is subscribed to an alert
          teardown      Remove what orgwatch made: members first, the central account last
          completions   Print the script that completes these commands in a shell
          man           Print the manual page
          help          Print this message or the help of the given subcommand(s)

        Options:
          -h, --help
                  Print help (see a summary with '-h')

          -V, --version
                  Print version

        Global options:
              --config <FILE>
                  The configuration file; by default config/orgwatch.toml, else /etc/orgwatch/orgwatch.toml

                  [env: ORGWATCH_CONFIG]

              --color <WHEN>
                  When to colour what is printed; `auto` colours on a terminal and honours NO_COLOR

                  [default: auto]
                  [possible values: auto, always, never]

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
          orgwatch serve
        ");
    }

    #[test]
    fn serve_explains_itself() {
        assert_snapshot!(help("serve"), @r"
        Run the daemon: keep every account as desired and show it over HTTP.

        `reconcile.mode` in the configuration decides whether drift is repaired (`enforce`) or only shown
        (`observe`, the default).

        Usage: orgwatch serve [OPTIONS]

        Options:
          -h, --help
                  Print help (see a summary with '-h')

        Global options:
              --config <FILE>
                  The configuration file; by default config/orgwatch.toml, else /etc/orgwatch/orgwatch.toml

                  [env: ORGWATCH_CONFIG]

              --color <WHEN>
                  When to colour what is printed; `auto` colours on a terminal and honours NO_COLOR

                  [default: auto]
                  [possible values: auto, always, never]

        Example:
          orgwatch serve --config /etc/orgwatch/orgwatch.toml
        ");
    }

    #[test]
    fn plan_explains_itself() {
        assert_snapshot!(help("plan"), @r"
        Show what `apply` would change; makes no writing call

        Usage: orgwatch plan [OPTIONS]

        Options:
              --expand
                  Name every account of a change that is the same in several

              --detailed-exitcode
                  Exit with 2 if anything is not as desired

              --prune
                  Plan the removal of orphans: what is ours and no longer desired

              --json
                  Print JSON

          -h, --help
                  Print help (see a summary with '-h')

        Where (default: everywhere):
              --account <ID>
                  Only this account; may be given more than once

              --ou <ID>
                  Only the accounts in this organizational unit or root, at any depth; may be given more
                  than once

        Global options:
              --config <FILE>
                  The configuration file; by default config/orgwatch.toml, else /etc/orgwatch/orgwatch.toml

                  [env: ORGWATCH_CONFIG]

              --color <WHEN>
                  When to colour what is printed; `auto` colours on a terminal and honours NO_COLOR

                  [default: auto]
                  [possible values: auto, always, never]

        Example, for a pipeline that must notice drift (exit code 2):
          orgwatch plan --detailed-exitcode

        Example, for one account and one part of the organization:
          orgwatch plan --account 333333333333 --ou ou-ab12-cdefgh34 --expand
        ");
    }

    #[test]
    fn apply_explains_itself() {
        assert_snapshot!(help("apply"), @r"
        Make one full pass: show the plan, ask, change, and read again.

        It writes whatever `reconcile.mode` says; overrides for an account or an organizational unit bind
        it. Without a terminal it needs --yes. Stopped halfway, a second run continues.

        Usage: orgwatch apply [OPTIONS]

        Options:
              --yes
                  Answer the question with yes; required without a terminal

              --prune
                  Remove orphans too: what is ours and no longer desired

              --limit <N>
                  Change at most this many accounts; the next run continues

              --max-failures <N>
                  Begin no further account after this many failed changes

                  [default: 10]

              --expand
                  Name every account of a change that is the same in several

              --json
                  Print JSON

          -h, --help
                  Print help (see a summary with '-h')

        Where (default: everywhere):
              --account <ID>
                  Only this account; may be given more than once

              --ou <ID>
                  Only the accounts in this organizational unit or root, at any depth; may be given more
                  than once

        Global options:
              --config <FILE>
                  The configuration file; by default config/orgwatch.toml, else /etc/orgwatch/orgwatch.toml

                  [env: ORGWATCH_CONFIG]

              --color <WHEN>
                  When to colour what is printed; `auto` colours on a terminal and honours NO_COLOR

                  [default: auto]
                  [possible values: auto, always, never]

        Example, for a first try on a few accounts:
          orgwatch apply --limit 5

        Example, without a terminal:
          orgwatch apply --yes
        ");
    }

    #[test]
    fn status_explains_itself() {
        assert_snapshot!(help("status"), @r"
        Show who is covered and what is wrong.

        With --url a running daemon is asked; without it orgwatch looks for itself, read-only.

        Usage: orgwatch status [OPTIONS]

        Options:
              --json
                  Print JSON, in the form of GET /api/v1/status

              --watch
                  Go on, and show what a running daemon says whenever it says something else; ends at Ctrl-C

          -h, --help
                  Print help (see a summary with '-h')

        Which daemon:
              --url <URL>
                  Where the daemon answers, such as http://127.0.0.1:8080

                  [env: ORGWATCH_URL]

              --token-file <FILE>
                  A file that holds the token for the daemon

        Global options:
              --config <FILE>
                  The configuration file; by default config/orgwatch.toml, else /etc/orgwatch/orgwatch.toml

                  [env: ORGWATCH_CONFIG]

              --color <WHEN>
                  When to colour what is printed; `auto` colours on a terminal and honours NO_COLOR

                  [default: auto]
                  [possible values: auto, always, never]

        Example:
          orgwatch status --url https://orgwatch.example.com --token-file ~/.config/orgwatch/token
        ");
    }

    #[test]
    fn check_explains_itself() {
        assert_snapshot!(help("check"), @r"
        Check the configuration, all problems at once

        Usage: orgwatch check [OPTIONS]

        Options:
              --aws
                  Look at everything that an installation needs in AWS too, with reading calls only: hosts,
                  clock, credentials, roles, trails, quotas. What is missing is named with what mends it

              --prove-guard
                  Write what is in place in the central account once more, one call of each kind, and see
                  whether the guard tells of it. Changes nothing; needs --aws, and a daemon that is stopped
                  meanwhile

              --json
                  Print JSON

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
              --config <FILE>
                  The configuration file; by default config/orgwatch.toml, else /etc/orgwatch/orgwatch.toml

                  [env: ORGWATCH_CONFIG]

              --color <WHEN>
                  When to colour what is printed; `auto` colours on a terminal and honours NO_COLOR

                  [default: auto]
                  [possible values: auto, always, never]

        Example, before a first start:
          orgwatch check --aws
        ");
    }

    #[test]
    fn presets_explains_itself() {
        assert_snapshot!(help("presets"), @r"
        List the event patterns that ship with orgwatch, or show one in full

        Usage: orgwatch presets [OPTIONS] [NAME]

        Arguments:
          [NAME]
                  The preset to show in full; without it all are listed

        Options:
              --json
                  Print JSON

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
              --config <FILE>
                  The configuration file; by default config/orgwatch.toml, else /etc/orgwatch/orgwatch.toml

                  [env: ORGWATCH_CONFIG]

              --color <WHEN>
                  When to colour what is printed; `auto` colours on a terminal and honours NO_COLOR

                  [default: auto]
                  [possible values: auto, always, never]

        Example:
          orgwatch presets iam-changes
        ");
    }

    #[test]
    fn teardown_explains_itself() {
        assert_snapshot!(help("teardown"), @r"
        Remove what orgwatch made: members first, the central account last.

        Afterwards IAM changes alert nobody. Kept unless --delete-data says otherwise: the archive and the
        bus that it belongs to, dead-letter queues that are not empty, and adopted resources.

        Usage: orgwatch teardown [OPTIONS]

        Options:
              --yes
                  Answer the question with yes; required without a terminal

              --account <ID>
                  Only this account, even an excluded one; may be given more than once

              --delete-data
                  Remove archives, waiting dead letters and adopted resources too

              --json
                  Print JSON

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
              --config <FILE>
                  The configuration file; by default config/orgwatch.toml, else /etc/orgwatch/orgwatch.toml

                  [env: ORGWATCH_CONFIG]

              --color <WHEN>
                  When to colour what is printed; `auto` colours on a terminal and honours NO_COLOR

                  [default: auto]
                  [possible values: auto, always, never]

        Example, for an account that leaves the organization:
          orgwatch teardown --account 333333333333
        ");
    }

    #[test]
    fn accounts_and_units_are_collected_in_the_models_types() {
        let cli = read("orgwatch plan --account 012345678901 --account 333333333333 --ou r-ab12").unwrap();
        let Command::Plan(PlanArgs { scope, .. }) = cli.command else { panic!("not a plan") };
        assert_eq!(scope.accounts, ["012345678901", "333333333333"].map(|id| id.parse().unwrap()));
        assert_eq!(scope.ous, ["r-ab12".parse().unwrap()]);
    }

    #[test]
    fn a_wrong_account_id_is_told_what_one_looks_like() {
        assert_snapshot!(read("orgwatch plan --account 12345678901").unwrap_err(), @r"
        error: invalid value '12345678901' for '--account <ID>': an account id has exactly 12 digits; leading zeros are part of it

        For more information, try '--help'.
        ");
    }

    #[test]
    fn the_name_of_a_unit_is_told_that_the_id_is_wanted() {
        assert_snapshot!(read("orgwatch apply --ou Workloads").unwrap_err(), @r"
        error: invalid value 'Workloads' for '--ou <ID>': an organizational unit's id looks like ou-ab12-cdefgh34, a root's like r-ab12; names are not accepted

        For more information, try '--help'.
        ");
    }

    #[test]
    fn a_daemons_address_must_be_complete_and_hold_no_secret() {
        for bad in ["127.0.0.1:8080", "ftp://example.com", "file:///etc/passwd"] {
            assert!(read(&format!("orgwatch status --url {bad}")).is_err(), "{bad}");
        }
        let error = read("orgwatch status --url https://me:secret@example.com").unwrap_err();
        assert!(error.contains("--token-file") && !error.contains("secret"), "{error}");
        let cli = read("orgwatch status --url http://127.0.0.1:8080 --token-file t").unwrap();
        let Command::Status(status) = cli.command else { panic!("not a status") };
        assert_eq!(status.daemon.url.unwrap().as_str(), "http://127.0.0.1:8080/");
    }

    #[test]
    fn a_token_without_a_daemon_to_send_it_to_is_refused() {
        // The variable would name a daemon, so the environment of whoever runs the test decides otherwise.
        let mut command = Cli::command().mut_subcommand("status", |c| c.mut_arg("url", |a| a.env(None)));
        assert!(command.try_get_matches_from_mut(["orgwatch", "status", "--token-file", "t"]).is_err());
    }

    #[test]
    fn apply_stops_after_ten_failures_unless_told_otherwise_and_zero_is_refused() {
        let Command::Apply(apply) = read("orgwatch apply").unwrap().command else { panic!("not an apply") };
        assert_eq!((apply.max_failures, apply.limit), (10, None));
        assert!(read("orgwatch apply --limit 0").is_err());
        assert!(read("orgwatch apply --max-failures 0").is_err());
    }

    #[test]
    fn a_wrong_argument_is_an_error_and_never_looks_like_drift() {
        let outcome = |line: &str| outcome_of(&Cli::try_parse_from(line.split_whitespace()).unwrap_err());
        assert_eq!(outcome("orgwatch plan --no-such-flag"), Outcome::Error);
        assert_eq!(outcome("orgwatch"), Outcome::Error);
        assert_eq!(outcome("orgwatch plan --help"), Outcome::Done);
        assert_eq!(outcome("orgwatch --version"), Outcome::Done);
    }

    #[cfg(feature = "demo")]
    #[test]
    fn the_demo_is_served_on_loopback_only_and_takes_times_as_people_write_them() {
        for refused in ["--bind 0.0.0.0:80", "--bind localhost", "--pace 10ms", "--accounts 5", "--for ever"]
        {
            assert!(read(&format!("orgwatch demo {refused}")).is_err(), "{refused}");
        }
        let Command::Demo(demo) = read("orgwatch demo --pace 500ms --for 2m").unwrap().command else {
            panic!("not a demo")
        };
        assert_eq!(demo.pace, std::time::Duration::from_millis(500));
        assert_eq!((demo.lasts, demo.accounts), (Some(std::time::Duration::from_secs(120)), 40));
    }

    #[cfg(not(feature = "demo"))]
    #[test]
    fn whatever_is_asked_of_a_demo_that_is_not_built_in_is_taken_and_answered_by_the_command() {
        for line in ["orgwatch demo", "orgwatch demo --accounts 12 --help", "orgwatch demo x"] {
            assert!(matches!(read(line).unwrap().command, Command::Demo(_)), "{line}");
        }
    }

    #[test]
    fn options_for_all_commands_may_stand_after_the_command() {
        let cli = read("orgwatch plan --config c.toml --color never").unwrap();
        assert_eq!(cli.config, Some(PathBuf::from("c.toml")));
        assert_eq!(cli.colour(), anstream::ColorChoice::Never);
    }
}
