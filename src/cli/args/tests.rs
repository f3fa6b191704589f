mod help;

use super::*;
use insta::assert_snapshot;

fn read(line: &str) -> Result<Cli, String> {
    Cli::parse_checked(line.split_whitespace().map(OsString::from)).map_err(|e| e.to_string())
}

#[test]
fn the_definition_of_the_arguments_is_sound() {
    Cli::command().debug_assert();
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
    for refused in ["--bind 0.0.0.0:80", "--bind localhost", "--pace 10ms", "--accounts 5", "--for ever"] {
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
