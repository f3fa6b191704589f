//! One account is broken: it is named with its reason, left alone, and nobody else has to wait for it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::{DENIED, SOON, Scene, account, until_covered};
use crate::{
    orgwatch::Daemon,
    proxy::{Fault, Then},
    wait::eventually,
};

/// The account as `/coverage` names it.
fn not_covered(daemon: &Daemon, id: &str) -> Value {
    let coverage = daemon.get("/api/v1/coverage").json();
    let mut items = coverage["not_covered"].as_array().expect("it is a list").iter();
    items.find(|item| item["id"] == id).cloned().unwrap_or_default()
}

/// Waits until so many accounts are covered.
fn until_covered_but(daemon: &Daemon, covered: usize) {
    eventually("all others are covered", SOON, || {
        (daemon.status()["coverage"]["covered"] == covered).then_some(())
    });
}

#[test]
fn an_account_that_lets_nobody_in_is_named_with_what_to_do_and_all_others_are_covered() {
    let scene = Scene::new(8);
    let shut = scene.member(1);
    let fault = scene.proxy.fault(Fault::on("sts", "AssumeRole", DENIED).role_arn(shut));
    let orgwatch = scene.orgwatch(&scene.config().with("member.grace_period = '0s'"));
    let daemon = orgwatch.serve();
    until_covered_but(&daemon, 5);
    let named = eventually("it is named", SOON, || {
        Some(not_covered(&daemon, shut)).filter(|named| named["coverage"] == "unknown")
    });
    assert_eq!(named["reason"], "Denied");
    let one = account(&daemon, shut);
    assert_eq!((&one["coverage"], &one["verdict"]), (&json!("unknown"), &json!("unknown")));
    for told in [&named["message"], &one["coverage_message"], &one["errors"][0]["error"]] {
        for part in ["sts:AssumeRole", "AccessDenied", shut, "trust policy"] {
            assert!(told.to_string().contains(part), "{part} is not in {told}");
        }
    }
    assert_eq!(daemon.status()["accounts"]["unknown"], 1);

    // A command that leaves somebody out says so too.
    let status = orgwatch.run(&["status"]).expect_code(3);
    assert!(status.stdout.contains(shut), "{}", status.stdout);
    scene.proxy.heal(fault);
    until_covered(&daemon, 6);
    daemon.stop();
}

#[test]
fn a_new_account_that_lets_nobody_in_yet_is_given_time() {
    let scene = Scene::installed(6);
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    until_covered(&daemon, 4);
    // Nobody else is entered anew, so that the next one is the newcomer.
    let fault = scene.proxy.fault(Fault::on("sts", "AssumeRole", DENIED));
    let newcomer = scene.emulator.add_account("newcomer").id;
    let named = eventually("it is named", SOON, || {
        Some(not_covered(&daemon, &newcomer)).filter(|named| named["reason"] == "NotReady")
    });
    assert_eq!(named["coverage"], "pending");
    assert_eq!(account(&daemon, &newcomer)["verdict"], "pending");
    assert_eq!(daemon.status()["accounts"]["unknown"], 0);
    scene.proxy.heal(fault);
    until_covered(&daemon, 5);
    daemon.stop();
}

#[test]
fn an_account_whose_calls_hang_keeps_nobody_waiting() {
    let scene = Scene::new(8);
    let slow = scene.member(1);
    let hang = Then::Delay(Duration::from_secs(3600));
    scene.proxy.fault(Fault::on("events", "*", hang.clone()).account(slow));
    scene.proxy.fault(Fault::on("iam", "*", hang).account(slow));
    let began = Instant::now();
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    until_covered_but(&daemon, 5);
    println!("all others are covered after {:?}", began.elapsed());
    let one = account(&daemon, slow);
    assert_eq!((&one["coverage"], &one["coverage_reason"]), (&json!("pending"), &json!("NotObserved")));
    scene.emulator.drift(scene.member(0), "rule-deleted");
    eventually("drift elsewhere is seen", SOON, || {
        let writes = scene.writes_in(scene.member(0));
        (writes.iter().filter(|call| call.operation == "PutRule").count() == 2).then_some(())
    });
    // Running passes are given some seconds, and no more.
    println!("SIGTERM to exit: {:?}", daemon.stop());
    assert_eq!(scene.writes_in(slow).len(), 0);
}

#[test]
fn what_may_not_be_read_is_unknown_and_is_not_written() {
    let scene = Scene::installed(9);
    let [rules, roles, targets] = [0, 1, 2].map(|n| scene.member(n));
    let denied = [
        (rules, "rule-disabled", "events", "ListRules"),
        (roles, "role-policy", "iam", "GetRole"),
        (targets, "rule-disabled", "events", "ListTargetsByRule"),
    ];
    for (account, drift, service, operation) in denied {
        scene.emulator.drift(account, drift);
        scene.proxy.fault(Fault::on(service, operation, DENIED).account(account));
    }
    let drifted = scene.member(3);
    scene.emulator.drift(drifted, "rule-disabled");
    let orgwatch = scene.orgwatch(&scene.config().with("member.grace_period = '0s'"));
    let applied = orgwatch.run(&["apply", "--yes"]).expect_code(3);
    for unseen in [rules, roles, targets] {
        assert!(applied.stdout.contains(unseen), "{unseen} is told: {}", applied.stdout);
    }
    let written = [rules, roles, targets].map(|id| scene.writes_in(id).len());
    assert_eq!(written, [0, 0, 0], "who does not see everything changes nothing");
    assert!(!scene.writes_in(drifted).is_empty(), "others are repaired");

    let daemon = orgwatch.serve();
    eventually("they are unknown", SOON, || (daemon.status()["accounts"]["unknown"] == 3).then_some(()));
    for unseen in [rules, roles, targets] {
        assert_eq!(not_covered(&daemon, unseen)["reason"], "Denied");
        assert_eq!(account(&daemon, unseen)["coverage"], "unknown");
    }
    daemon.stop();
}

#[test]
fn without_a_look_at_the_bus_no_member_is_written() {
    let scene = Scene::installed(7);
    scene.emulator.drift(scene.member(0), "rule-deleted");
    scene.emulator.drift(scene.member(1), "role-policy");
    scene.proxy.fault(Fault::on("events", "DescribeEventBus", DENIED));
    let orgwatch = scene.orgwatch(&scene.config());
    let applied = orgwatch.run(&["apply", "--yes"]);
    assert!([1, 3].contains(&applied.code), "{applied:?}");
    assert!(applied.stdout.contains("DescribeEventBus"), "{}", applied.stdout);
    assert_eq!(scene.proxy.writes().len(), 0);
}

#[test]
fn a_target_that_fails_inside_a_success_is_told_and_put_again() {
    let scene = Scene::new(7);
    let [passing, lasting] = [0, 1].map(|n| scene.member(n));
    let failed = |code: &str| {
        let entry = json!({ "TargetId": "central", "ErrorCode": code, "ErrorMessage": "not this time" });
        let body = json!({ "FailedEntryCount": 1, "FailedEntries": [entry] });
        Then::Answer { status: 200, body: body.to_string() }
    };
    let put = |code, account| Fault::on("events", "PutTargets", failed(code)).account(account);
    let conflict = scene.proxy.fault(put("ConcurrentModificationException", passing).times(1));
    let refused = scene.proxy.fault(put("LimitExceededException", lasting));
    let applied = scene.apply().expect_code(1);
    assert_eq!(scene.proxy.heal(conflict), 1);
    for part in ["ConcurrentModificationException", "LimitExceededException", "not this time"] {
        assert!(applied.stdout.contains(part), "{part} is not in {}", applied.stdout);
    }
    let targets = |id: &str| {
        let read = scene.read_back();
        read["accounts"][id]["rules"]["orgwatch-iam-changes"]["targets"].as_array().map(Vec::len)
    };
    assert_eq!((targets(passing), targets(lasting)), (Some(1), Some(0)));
    scene.proxy.heal(refused);
    scene.apply().expect_code(0);
    assert_eq!(targets(lasting), Some(1));
}

#[test]
fn a_first_account_that_cannot_be_read_yet_passes_its_turn_on() {
    let scene = Scene::new(8);
    let central = &scene.seed.central_account_id;
    let ids = scene.seed.covered().map(|account| account.id.as_str());
    let first = ids.filter(|id| id != central).min().expect("there are some");
    // It is new: what it denies may be granted any moment.
    scene.proxy.fault(Fault::on("events", "*", DENIED).account(first));
    scene.proxy.fault(Fault::on("iam", "*", DENIED).account(first));
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    until_covered_but(&daemon, 5);
    assert_eq!(account(&daemon, first)["coverage"], "pending");
    assert_eq!(scene.writes_in(first).len(), 0);
    daemon.stop();
}
