//! What stands at our name and is not ours.

use serde_json::{Value, json};

use super::{
    reading::{RULE, changes, items, plan, steady},
    scene::{self, SOON, Scene},
};
use crate::wait::eventually;

/// What stands at the name of an account's sender rule.
fn rule_of<'a>(read: &'a Value, account: &str) -> &'a Value {
    &read["accounts"][account]["rules"][RULE]
}

#[test]
fn a_rule_at_our_name_that_is_not_ours_stays_until_it_is_adopted_by_name() {
    let scene = Scene::new(7);
    let taken = scene.member(1);
    scene.emulator.drift(taken, "rule-foreign");
    let before = scene.read_back();
    let covered = scene.seed.covered().count();

    let orgwatch = scene.orgwatch(&scene.config());
    orgwatch.run(&["apply", "--yes"]).expect_code(3);
    assert!(scene.writes_in(taken).iter().all(|call| call.service == "iam"), "only the role is ours to make");
    assert_eq!(rule_of(&scene.read_back(), taken), rule_of(&before, taken), "it was touched");
    let seen = plan(&orgwatch, &[], 2);
    assert_eq!(changes(&seen), []);
    let [left] = items(&seen["left"]) else { panic!("{seen}") };
    assert_eq!(left["target"], format!("member {taken}/us-east-1"));
    assert_eq!(
        (&left["resource"]["verdict"], &left["resource"]["reason"]),
        (&json!("foreign"), &json!("NameTaken"))
    );

    let daemon = orgwatch.serve();
    let status = eventually("all but one are covered", SOON, || {
        Some(daemon.status()).filter(|status| status["coverage"]["covered"] == covered - 1)
    });
    assert_eq!((&status["coverage"]["broken"], &status["accounts"]["foreign"]), (&json!(1), &json!(1)));
    let account = scene::account(&daemon, taken);
    assert_eq!(
        (&account["verdict"], &account["coverage"], &account["coverage_reason"]),
        (&json!("foreign"), &json!("broken"), &json!("NameTaken"))
    );
    daemon.stop();

    let entry = format!("sender_rule:{taken}/us-east-1/{RULE}");
    let message = account["coverage_message"].as_str().expect("a broken account says why");
    assert!(message.contains(&entry), "it says how to go on: {message}");
    let adopting = scene.orgwatch(&scene.config().with(&format!("reconcile.adopt = ['{entry}']")));
    adopting.run(&["apply", "--yes"]).expect_code(0);
    let read = scene.read_back();
    let (adopted, other) = (rule_of(&read, taken), rule_of(&read, scene.member(0)));
    assert_eq!(adopted["tags"], json!({ "orgwatch:managed-by": "orgwatch" }));
    assert_eq!((&adopted["pattern"], &adopted["state"]), (&other["pattern"], &other["state"]));
    assert_eq!(adopted["targets"][0]["Arn"], other["targets"][0]["Arn"]);
    plan(&adopting, &[], 0);
}

#[test]
fn a_daemon_that_saw_a_rule_as_ours_takes_it_back_when_mark_and_tag_are_removed() {
    let scene = Scene::installed(6);
    let before = steady(scene.read_back());
    // It looks again only when asked, not between the two calls of the drift.
    let orgwatch = scene.orgwatch(&scene.config().with("reconcile.resync_interval = '1h'"));
    let daemon = orgwatch.serve();
    scene::until_covered(&daemon, scene.seed.covered().count());
    scene.emulator.drift(scene.member(0), "ownership-removed");
    assert_ne!(steady(scene.read_back()), before);
    let asked = daemon.post(&format!("/api/v1/accounts/{}/reconcile", scene.member(0)));
    assert_eq!(asked.status, 202);
    eventually("it is as before", SOON, || (steady(scene.read_back()) == before).then_some(()));
    scene::until_covered(&daemon, scene.seed.covered().count());
    assert!(daemon.log().contains("OwnershipRemoved"), "{}", daemon.log());
    daemon.stop();
}
