//! A new name never costs an event: what bears it is in place before what bore the old one is touched.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_iam::Client as Iam;
use serde_json::{Value, json};

use super::{
    reading::{RULE, account_of, changes, items, last_position, plan, position},
    scene::Scene,
};
use crate::{
    config::Config,
    proxy::Call,
    sdk::{self, block_on},
};

const NEW_RULE: &str = "orgwatch-iam-writes";
const ROLE: &str = "orgwatch-forwarder";
const NEW_ROLE: &str = "orgwatch-forwarder2";

fn new_watch(scene: &Scene) -> Config {
    scene.config().with("watch = [{ name = 'iam-writes', preset = 'iam-changes' }]")
}

/// The calls about an account's half of the path, in order.
fn calls_of_member(scene: &Scene, account: &str) -> Vec<Call> {
    let of_member = |call: &Call| {
        call.account.as_deref() == Some(account) && call.field("EventBusName").as_deref() != Some("orgwatch")
    };
    scene.proxy.calls().into_iter().filter(of_member).collect()
}

/// Whether the call does this to the rule or role of this name.
fn is(call: &Call, operation: &str, name: &str) -> bool {
    let named = ["Name", "Rule", "RoleName"].iter().find_map(|field| call.field(field));
    call.operation == operation && named.as_deref() == Some(name)
}

/// What a plan shows and does not change: account, name and verdict.
fn left(plan: &Value) -> BTreeSet<(&str, &str, &str)> {
    fn text(value: &Value) -> &str {
        value.as_str().expect("it is text")
    }
    items(&plan["left"])
        .iter()
        .map(|left| {
            let resource = &left["resource"];
            (account_of(text(&left["target"])), text(&resource["name"]), text(&resource["verdict"]))
        })
        .collect()
}

fn names(things: &Value) -> Vec<&String> {
    things.as_object().expect("things by name").keys().collect()
}

#[test]
fn without_prune_the_rule_of_a_renamed_watch_stays_and_is_shown_as_an_orphan() {
    let scene = Scene::installed(7);
    let orgwatch = scene.orgwatch(&new_watch(&scene));
    let covered: BTreeSet<_> = scene.seed.covered().map(|account| account.id.as_str()).collect();

    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    assert!(scene.proxy.writes().iter().all(|call| !call.body.contains(RULE)), "the old rule was touched");
    let read = scene.read_back();
    for id in &covered {
        let [old, new] = [RULE, NEW_RULE].map(|name| &read["accounts"][id]["rules"][name]);
        assert_eq!((&old["pattern"], &old["targets"]), (&new["pattern"], &new["targets"]), "{id}");
    }
    let seen = plan(&orgwatch, &[], 2);
    assert_eq!(changes(&seen), []);
    assert_eq!(left(&seen), covered.iter().map(|id| (*id, RULE, "orphan")).collect());
    let status = orgwatch.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!(status["accounts"]["orphan"], covered.len());
    assert_eq!(status["coverage"]["covered"], covered.len(), "the new rule covers them");

    scene.proxy.clear();
    orgwatch.run(&["apply", "--yes", "--prune"]).expect_code(0);
    for id in &covered {
        let calls = calls_of_member(&scene, id);
        let removal = position(&calls, "RemoveTargets", |call| is(call, "RemoveTargets", RULE));
        let looks = calls[..removal].iter().filter(|call| is(call, "ListTargetsByRule", RULE)).count();
        assert!(looks >= 2, "{id}: it goes only after it was seen twice");
    }
    let operations: BTreeSet<_> = scene.proxy.writes().into_iter().map(|call| call.operation).collect();
    assert_eq!(operations, ["DeleteRule", "RemoveTargets"].map(str::to_owned).into());
    let read = scene.read_back();
    for id in &covered {
        assert_eq!(names(&read["accounts"][id]["rules"]), [NEW_RULE], "{id}");
    }
    plan(&orgwatch, &[], 0);
}

#[test]
fn with_prune_the_old_rule_goes_after_the_new_one_was_observed_and_had_time_to_settle() {
    let scene = Scene::installed(6);
    let orgwatch = scene.orgwatch(&new_watch(&scene).with("reconcile.prune = true"));
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    for account in scene.seed.covered() {
        let calls = calls_of_member(&scene, &account.id);
        let made = position(&calls, "PutTargets", |call| is(call, "PutTargets", NEW_RULE));
        let touched = position(&calls, "any write", |call| call.is_write() && (call.body.contains(RULE)));
        assert!(made < touched, "{}", account.name);
        let between = &calls[made..touched];
        assert!(between.iter().any(|call| is(call, "ListTargetsByRule", NEW_RULE)), "{}", account.name);
        assert!(calls[touched].at - calls[made].at >= Duration::from_secs(1), "{}", account.name);
    }
    plan(&orgwatch, &[], 0);
}

/// What a new version of the template would install in the management account.
fn install_in_management(scene: &Scene) {
    let (seed, endpoint) = (&scene.seed, scene.emulator.endpoint());
    let management = &seed.management_account_id;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" }, "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "aws:SourceAccount": management } },
    }] });
    block_on(async {
        let iam = Iam::new(&sdk::member(endpoint, seed, management, None).await);
        let create = iam.create_role().role_name(NEW_ROLE).assume_role_policy_document(trust.to_string());
        create.send().await.expect("the name is free");
    });
}

#[test]
fn a_rule_is_switched_to_a_renamed_role_in_one_call_and_only_once_that_role_was_observed() {
    let scene = Scene::installed(7);
    let management = scene.seed.management_account_id.as_str();
    let orgwatch =
        scene.orgwatch(&scene.config().with(&format!("member.forwarding_role_name = '{NEW_ROLE}'")));
    let others = || scene.seed.covered().map(|account| account.id.as_str()).filter(|id| *id != management);
    let role_of =
        |read: &Value, id: &str| read["accounts"][id]["rules"][RULE]["targets"][0]["RoleArn"].clone();
    let arn = |id: &str, role: &str| Value::from(format!("arn:aws:iam::{id}:role/{role}"));

    orgwatch.run(&["apply", "--yes"]).expect_code(4);
    for id in others() {
        let calls = calls_of_member(&scene, id);
        let writes: Vec<_> =
            calls.iter().filter(|call| call.is_write()).map(|c| c.operation.as_str()).collect();
        assert_eq!(writes, ["CreateRole", "PutRolePolicy", "PutTargets"], "{id}");
        let granted = position(&calls, "PutRolePolicy", |call| is(call, "PutRolePolicy", NEW_ROLE));
        let switched = position(&calls, "PutTargets", |call| is(call, "PutTargets", RULE));
        let observed = calls[granted..switched].iter().any(|call| is(call, "GetRolePolicy", NEW_ROLE));
        assert!(observed, "{id}: switched before the new role was seen");
    }
    let read = scene.read_back();
    for id in others() {
        assert_eq!(role_of(&read, id), arn(id, NEW_ROLE));
        assert_eq!(names(&read["accounts"][id]["roles"]), [ROLE, NEW_ROLE], "without prune it stays");
    }
    // Nobody but a person may make that role in the management account; until then its rule goes on as it is.
    assert_eq!(role_of(&read, management), arn(management, ROLE));
    let seen = plan(&orgwatch, &[], 4);
    let [(target, change)] = changes(&seen)[..] else { panic!("{seen}") };
    assert_eq!((account_of(target), &change["hold"]["reason"]), (management, &json!("WaitingForRole")));
    let orphans = others().map(|id| (id, ROLE, "orphan"));
    assert_eq!(left(&seen), orphans.chain([(management, NEW_ROLE, "drifted")]).collect());

    install_in_management(&scene);
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    assert_eq!(role_of(&scene.read_back(), management), arn(management, NEW_ROLE));
    orgwatch.run(&["apply", "--yes", "--prune"]).expect_code(0);
    let read = scene.read_back();
    for id in others() {
        assert_eq!(names(&read["accounts"][id]["roles"]), [NEW_ROLE], "{id}");
    }
    assert_eq!(names(&read["accounts"][management]["roles"]), [ROLE, NEW_ROLE], "roles there are not ours");
    plan(&orgwatch, &[], 0);
}

#[test]
fn the_topic_of_a_renamed_alert_is_held_while_people_listen_on_it() {
    let scene = Scene::installed(6);
    let orgwatch = scene.orgwatch(&scene.config().with(
        r#"
        [[alert]]
        name = "iam-news"
        subscriptions = [{ protocol = "email", endpoint = "security@example.com" }]
        "#,
    ));
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    let central = scene.read_back()["central"].clone();
    assert_eq!(names(&central["topics"]), [RULE, "orgwatch-iam-news"]);
    assert_eq!(names(&central["rules"]), [RULE, "orgwatch-iam-news"]);

    orgwatch.run(&["apply", "--yes", "--prune"]).expect_code(4);
    let seen = plan(&orgwatch, &["--prune"], 4);
    let [(_, change)] = changes(&seen)[..] else { panic!("{seen}") };
    assert_eq!((&change["action"], &change["resource"]), (&json!("delete"), &json!(format!("topic {RULE}"))));
    assert_eq!(change["hold"]["reason"], "WaitingForConfirmation");
    let held = scene.read_back()["central"].clone();
    assert_eq!(held["topics"], central["topics"], "neither topic nor subscriptions changed");

    scene.emulator.drift(&scene.seed.central_account_id, "subscription-removed");
    orgwatch.run(&["apply", "--yes", "--prune"]).expect_code(0);
    assert_eq!(names(&scene.read_back()["central"]["topics"]), ["orgwatch-iam-news"]);
    plan(&orgwatch, &[], 0);
}

#[test]
fn the_bus_admits_a_renamed_role_before_and_the_old_one_until_every_rule_has_been_switched() {
    let scene = Scene::installed(7);
    install_in_management(&scene);
    let orgwatch =
        scene.orgwatch(&scene.config().with(&format!("member.forwarding_role_name = '{NEW_ROLE}'")));
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    let writes = scene.proxy.writes();
    let last_switch = last_position(&writes, "PutTargets", |call| is(call, "PutTargets", RULE));
    let first_switch = position(&writes, "PutTargets", |call| is(call, "PutTargets", RULE));
    let admits = |call: &Call, role: &str| {
        let policy: Value =
            call.field("Policy").and_then(|text| serde_json::from_str(&text).ok()).expect("a policy");
        let admitted = &policy["Statement"][0]["Condition"]["ArnLike"]["aws:PrincipalArn"];
        let patterns = admitted.as_array().cloned().unwrap_or_else(|| vec![admitted.clone()]);
        patterns.iter().any(|pattern| {
            let name = pattern.as_str().and_then(|arn| arn.rsplit('/').next()).expect("a role's ARN");
            name.strip_suffix('*').map_or(name == role, |prefix| role.starts_with(prefix))
        })
    };
    for (at, put) in writes.iter().enumerate().filter(|(_, call)| call.operation == "PutPermission") {
        assert!(at > last_switch || admits(put, ROLE), "rules that still use the old role are shut out");
        assert!(at > first_switch || admits(put, NEW_ROLE), "the new role is not let in");
    }
}
