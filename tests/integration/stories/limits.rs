//! A mistake does not reach every account at once.

use aws_sdk_eventbridge::Client as EventBridge;
use futures::future::join_all;
use serde_json::json;

use super::{
    reading::{RULE, items, last_position, position},
    scene::{SOON, Scene, until_covered},
};
use crate::{
    proxy::Call,
    sdk::{self, block_on},
    wait::eventually,
};

/// How many accounts may be rewritten whatever the limit says.
const FEW: usize = 9;
const DRIFTED: usize = 12;
/// A pattern that matches no IAM event.
const BLUNT: &str = r#"{"source":["aws.s3"]}"#;
/// A description that leaves the rule ours.
const MARK: &str = "managed by orgwatch/orgwatch v1";

/// Whether the call is about the members' half of the path, the central account's own included.
fn is_of_member(call: &Call) -> bool {
    let of_bus = call.field("EventBusName").or_else(|| call.field("Name"));
    call.service == "iam" || call.service == "events" && of_bus.as_deref() != Some("orgwatch")
}

/// Gives the sender rules of the first members another pattern, behind the proxy's back: they stay in force.
fn blunt_rules(scene: &Scene) {
    block_on(join_all((0..DRIFTED).map(|n| async move {
        let config = sdk::member(scene.emulator.endpoint(), &scene.seed, scene.member(n), None).await;
        let rule = EventBridge::new(&config).put_rule().name(RULE).event_pattern(BLUNT);
        rule.description(MARK).send().await.expect("the rule is there");
    })));
}

fn blunted(scene: &Scene) -> usize {
    let read = scene.read_back();
    let accounts = read["accounts"].as_object().expect("accounts by id");
    accounts
        .values()
        .filter(|account| account["rules"][RULE]["pattern"]["source"] == json!(["aws.s3"]))
        .count()
}

#[test]
fn an_apply_rewrites_no_more_accounts_than_the_limit_allows() {
    let scene = Scene::installed(4 + DRIFTED);
    blunt_rules(&scene);
    let orgwatch = scene.orgwatch(&scene.config().with("reconcile.limits.changed_accounts = '1%'"));
    orgwatch.run(&["apply", "--yes"]).expect_code(4);
    assert_eq!(scene.proxy.writes().len(), FEW);
    assert_eq!(blunted(&scene), DRIFTED - FEW);
}

#[test]
fn a_daemon_shows_what_the_limit_holds() {
    let scene = Scene::installed(4 + DRIFTED);
    let orgwatch = scene.orgwatch(&scene.config().with("reconcile.limits.changed_accounts = '1%'"));
    let daemon = orgwatch.serve();
    until_covered(&daemon, scene.seed.covered().count());
    blunt_rules(&scene);
    let held = DRIFTED - FEW;
    let hold = eventually("the last accounts are held", SOON, || {
        let holds = daemon.get("/api/v1/holds").json();
        let hold = items(&holds["items"]).first()?.clone();
        (hold["changes"] == held).then_some(hold)
    });
    assert_eq!(hold["reason"], "ChangedAccountsLimit");
    assert_eq!(items(&hold["accounts"]).len(), held);
    assert!(hold["message"].as_str().is_some_and(|text| text.contains("reconcile.limits.changed_accounts")));
    eventually("the others are repaired", SOON, || (blunted(&scene) == held).then_some(()));
    let status = daemon.status();
    assert_eq!((&status["holds"], &status["coverage"]["broken"]), (&json!(1), &json!(held)));
    daemon.stop();
}

#[test]
fn the_second_deletion_is_held_where_one_is_allowed() {
    let scene = Scene::installed(7);
    let config = scene.config().with(
        r#"
        watch = [{ name = "iam-writes", preset = "iam-changes" }]
        reconcile = { limits = { deletions = 1 } }
        "#,
    );
    let orgwatch = scene.orgwatch(&config);
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    scene.proxy.clear();
    orgwatch.run(&["apply", "--yes", "--prune"]).expect_code(4);
    let operations: Vec<_> = scene.proxy.writes().into_iter().map(|call| call.operation).collect();
    assert_eq!(operations, ["RemoveTargets", "DeleteRule"]);
}

#[test]
fn bus_and_policy_come_first_then_the_first_accounts_then_everybody() {
    let scene = Scene::new(8);
    let first = scene.member(2);
    let config = scene.config().with(&format!("reconcile.first_accounts = ['{first}']"));
    scene.orgwatch(&config).run(&["apply", "--yes"]).expect_code(0);
    let calls = scene.proxy.calls();
    let member_write = |call: &Call| call.is_write() && is_of_member(call);
    let of_first = |call: &Call| call.account.as_deref() == Some(first);

    let any_member = position(&calls, "a member is written", member_write);
    let admitted = position(&calls, "PutPermission", |call| call.operation == "PutPermission");
    assert!(admitted < any_member);
    let read_back = |call: &Call| call.operation == "DescribeEventBus";
    assert!(calls[admitted..any_member].iter().any(read_back), "the policy was not read back");

    let last_of_first =
        last_position(&calls, "the first account is written", |call| member_write(call) && of_first(call));
    let next = position(&calls, "another is written", |call| member_write(call) && !of_first(call));
    assert!(last_of_first < next);
    for reads in ["GetRolePolicy", "ListTargetsByRule"] {
        let observes = |call: &Call| of_first(call) && call.operation == reads;
        assert!(calls[last_of_first..next].iter().any(observes), "{reads} of the first account");
    }
}
