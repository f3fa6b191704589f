//! The help of each command, as it is printed.

use insta::assert_snapshot;

use super::*;

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
      reload        Let a running daemon read its configuration anew; show what is different
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
