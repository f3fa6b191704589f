//! A configuration that cannot be used: every problem at once, each with its place and what to do, and no call.

use std::collections::BTreeSet;

use serde_json::Value;

use super::scene::Scene;

/// What `check --json` finds in a configuration: code and place of each problem. Every other command finds it too.
fn problems(scene: &Scene, lines: &str) -> BTreeSet<(String, String)> {
    let orgwatch = scene.orgwatch(&scene.config().with(lines));
    let checked = orgwatch.run(&["check", "--json"]).expect_code(78).json();
    assert_eq!(checked["valid"], false);
    let found = checked["problems"].as_array().expect("it is a list").clone();
    let printed = orgwatch.run(&["apply", "--yes"]).expect_code(78).stderr;
    let text = |value: &Value| value.as_str().expect("it is a text").to_owned();
    found
        .iter()
        .map(|problem| {
            let [code, path, expected, hint] =
                ["code", "path", "expected", "hint"].map(|key| text(&problem[key]));
            assert!(!(expected + &hint).is_empty(), "{problem}");
            assert!(printed.contains(&path), "{path} is not in {printed}");
            (code, path)
        })
        .collect()
}

/// All places are named, and nobody was asked anything.
#[track_caller]
fn named(lines: &str, places: &[&str]) {
    let scene = Scene::new(6);
    let found = problems(&scene, lines);
    let found: Vec<&str> = found.iter().map(|(_, path)| path.as_str()).collect();
    let mut expected = places.to_vec();
    expected.sort_unstable();
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(scene.proxy.calls().len(), 0);
}

#[test]
fn all_problems_are_told_at_once_with_the_nearest_known_key() {
    let scene = Scene::new(6);
    let lines = r#"
        organisation = { id = "o-a1b2c3d4e5" }
        organization = { exclude_acounts = ["333333333333"], poll_interval = "soon" }
        central = { account_id = "22222222222" }
        reconcile = { mode = "enforced", concurrency = 0 }
        http = { bind = "localhost" }
    "#;
    let orgwatch = scene.orgwatch(&scene.config().with(lines));
    let refused = orgwatch.run(&["plan"]).expect_code(78).stderr;
    for part in [
        "organisation",
        "organization.exclude_acounts",
        "exclude_accounts",
        "organization.poll_interval",
        "central.account_id",
        "reconcile.mode",
        "observe",
        "reconcile.concurrency",
        "http.bind",
    ] {
        assert!(refused.contains(part), "{part} is not in:\n{refused}");
    }
    assert_eq!(scene.proxy.calls().len(), 0);
}

#[test]
fn account_ids_are_twelve_digits_in_quotes() {
    named(
        r#"
        central = { account_id = 222222222222 }
        organization = { exclude_accounts = ["33333333333", 444444444444, "not-an-account"] }
        reconcile = { first_accounts = ["1234567890123"] }
        "#,
        &[
            "central.account_id",
            "organization.exclude_accounts[0]",
            "organization.exclude_accounts[1]",
            "organization.exclude_accounts[2]",
            "reconcile.first_accounts[0]",
        ],
    );
}

#[test]
fn an_account_id_that_begins_with_zeros_keeps_them() {
    let scene = Scene::new(6);
    let config = scene.config().with("central.account_id = '000000000042'");
    let refused = scene.orgwatch(&config).run(&["plan"]).expect_code(4);
    assert!(refused.stderr.contains("000000000042"), "{}", refused.stderr);
}

#[test]
fn arns_and_ids_of_the_wrong_shape_are_refused() {
    named(
        r#"
        organization = { reader_role_arn = "arn:aws:iam::111111111111:user/me", include_ous = ["Workloads"], id = "myorg" }
        member = { via_role_arn = "orgwatch" }
        [[alert]]
        name = "iam-changes"
        topic = "arn:aws:sqs:us-east-1:111111111111:queue"
        [[alert]]
        name = "other-changes"
        subscriptions = [{ protocol = "email", endpoint = "nobody" }, { protocol = "pigeon", endpoint = "a" }]
        "#,
        &[
            "organization.reader_role_arn",
            "organization.include_ous[0]",
            "organization.id",
            "member.via_role_arn",
            "alert[0].topic",
            "alert[1].subscriptions[0].endpoint",
            "alert[1].subscriptions[1].protocol",
        ],
    );
}

#[test]
fn patterns_that_are_no_json_or_can_never_match_are_refused() {
    named(
        r#"
        [[watch]]
        name = "torn"
        pattern = '{"source": ["aws.iam"'
        [[watch]]
        name = "stars"
        pattern = '{"source": ["aws.iam"], "detail": {"eventName": ["Add*"]}}'
        [[watch]]
        name = "sourceless"
        pattern = '{"detail": {"eventName": ["DeleteUser"]}}'
        [[watch]]
        name = "unknown"
        preset = "iam-chnages"
        [[alert]]
        name = "iam-changes"
        subscriptions = [{ protocol = "email", endpoint = "security@example.com" }]
        "#,
        &[
            "watch[0].pattern",
            "watch[1].pattern: detail.eventName[0]",
            "watch[2].pattern: source",
            "watch[3].preset",
        ],
    );
}

#[test]
fn names_that_are_taken_or_reserved_are_refused() {
    named(
        r#"
        [[watch]]
        name = "iam-changes"
        preset = "iam-changes"
        [[watch]]
        name = "iam-changes"
        preset = "iam-changes"
        [[watch]]
        name = "guard"
        preset = "iam-changes"
        [[watch]]
        name = "Not A Name"
        preset = "iam-changes"
        [[alert]]
        name = "heartbeat"
        subscriptions = [{ protocol = "email", endpoint = "security@example.com" }]
        [[alert]]
        name = "iam-changes"
        watches = ["no-such-watch"]
        "#,
        &["watch[1].name", "watch[2].name", "watch[3].name", "alert[0].name", "alert[1].watches"],
    );
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_one_clear_problem() {
    let scene = Scene::new(6);
    let orgwatch = scene.orgwatch(&scene.config().raw("[central\naccount_id = 1"));
    let torn = orgwatch.run(&["plan"]).expect_code(78);
    assert!(torn.stderr.contains("orgwatch.toml") && torn.stderr.contains('1'), "{}", torn.stderr);
    std::fs::remove_file(orgwatch.home().join("orgwatch.toml")).expect("it was there");
    let missing = orgwatch.run(&["plan"]).expect_code(78);
    assert!(missing.stderr.contains("orgwatch.toml"), "{}", missing.stderr);
    assert_eq!(scene.proxy.calls().len(), 0);
}

#[test]
fn a_good_configuration_is_called_valid_without_asking_aws() {
    let scene = Scene::new(6);
    let orgwatch = scene.orgwatch(&scene.config());
    let checked = orgwatch.run(&["check", "--json"]).expect_code(0).json();
    assert_eq!(checked["valid"], true);
    orgwatch.run(&["check"]).expect_code(0);
    assert_eq!(scene.proxy.calls().len(), 0);
    let asked = orgwatch.run(&["check", "--aws", "--json"]).expect_code(0).json();
    assert_eq!(asked["unreachable"], serde_json::json!([]));
    assert_eq!(scene.proxy.writes().len(), 0);
}
