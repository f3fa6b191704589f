//! What somebody changes behind our back is shown with its fields, put right, and then all is as before.

use serde_json::Value;

use super::{
    reading::{account_of, changes, items, plan, steady},
    scene::Scene,
};

/// A name of `drift.py`, and what a plan must show of it: action, resource and fields of each change.
type Drift = (&'static str, &'static [(&'static str, &'static str, &'static [&'static str])]);

const SENDER_RULE: &str = "sender_rule orgwatch-iam-changes";
const ROLE: &str = "forwarding_role orgwatch-forwarder";
const ALERT_RULE: &str = "alert_rule orgwatch-iam-changes";
const TOPIC: &str = "topic orgwatch-iam-changes";
const BUS: &str = "event_bus orgwatch";

const WHOLE_RULE: &[&str] = &["description", "pattern", "state", "targets"];

const OF_MEMBERS: [Drift; 12] = [
    ("rule-deleted", &[("create", SENDER_RULE, WHOLE_RULE)]),
    ("rule-disabled", &[("update", SENDER_RULE, &["state"])]),
    ("rule-pattern", &[("update", SENDER_RULE, &["pattern.detail", "pattern.source"])]),
    ("rule-bare-put", &[("update", SENDER_RULE, &["description"])]),
    ("mark-removed", &[("update", SENDER_RULE, &["description"])]),
    ("target-removed", &[("update", SENDER_RULE, &["targets.central"])]),
    ("target-role", &[("update", SENDER_RULE, &["targets.central.role_arn"])]),
    ("target-foreign", &[("update", SENDER_RULE, &["targets.payroll"])]),
    (
        "role-deleted",
        &[("create", ROLE, &["attached", "boundary", "description", "path", "policies", "tags", "trust"])],
    ),
    ("role-trust", &[("update", ROLE, &["trust.Statement.SenderRules.Condition"])]),
    ("role-policy", &[("update", ROLE, &["policies.orgwatch-forward.Statement"])]),
    ("role-attached", &[("update", ROLE, &["attached"])]),
];

const OF_ALERTS: [Drift; 6] = [
    ("alert-rule-pattern", &[("update", ALERT_RULE, &["pattern.detail", "pattern.source"])]),
    ("alert-rule-disabled", &[("update", ALERT_RULE, &["state"])]),
    ("alert-target-removed", &[("update", ALERT_RULE, &["targets.topic"])]),
    (
        "topic-policy",
        &[(
            "update",
            TOPIC,
            &["policy.Statement.alert-rules", "policy.Statement.owner", "policy.Statement.payroll"],
        )],
    ),
    ("topic-deleted", &[("create", TOPIC, &["display_name", "policy", "subscriptions", "tags"])]),
    ("subscription-removed", &[("update", TOPIC, &["subscriptions.email security@example.com"])]),
];

const OF_THE_BUS: [Drift; 2] = [
    ("bus-policy", &[("update", BUS, &["policy.Statement.payroll"])]),
    ("bus-deleted", &[("create", BUS, &["description", "policy"]), ("create", ALERT_RULE, WHOLE_RULE)]),
];

/// Action, resource and fields of the changes that a plan shows for an account.
fn shown<'a>(plan: &'a Value, account: &str) -> Vec<(&'a str, &'a str, Vec<&'a str>)> {
    let text = |value: &'a Value| value.as_str().expect("it is text");
    changes(plan)
        .into_iter()
        .filter(|(target, _)| account_of(target) == account)
        .map(|(_, change)| {
            let paths = items(&change["fields"]).iter().map(|field| text(&field["path"])).collect();
            (text(&change["action"]), text(&change["resource"]), paths)
        })
        .collect()
}

fn assert_shown(plan: &Value, account: &str, (name, wanted): &Drift) {
    let wanted: Vec<_> =
        wanted.iter().map(|(action, resource, paths)| (*action, *resource, paths.to_vec())).collect();
    assert_eq!(shown(plan, account), wanted, "{name}");
    for (_, change) in changes(plan) {
        for field in items(&change["fields"]) {
            assert_ne!(field["desired"], field["observed"], "{name}: {field}");
        }
    }
}

/// Each drift by itself, one after the other, in the central account of one organization.
fn are_repaired(drifts: &[Drift]) {
    let scene = Scene::installed(6);
    let orgwatch = scene.orgwatch(&scene.config());
    let central = &scene.seed.central_account_id;
    let before = steady(scene.read_back());
    for drift in drifts {
        scene.emulator.drift(central, drift.0);
        let seen = plan(&orgwatch, &[], 2);
        assert_shown(&seen, central, drift);
        assert_eq!(changes(&seen).len(), drift.1.len(), "{}: nothing else is changed", drift.0);
        orgwatch.run(&["apply", "--yes"]).expect_code(0);
        assert_eq!(steady(scene.read_back()), before, "{}: it is not as before", drift.0);
        plan(&orgwatch, &[], 0);
    }
}

#[test]
fn every_drift_of_alerts_is_shown_and_repaired() {
    are_repaired(&OF_ALERTS);
}

#[test]
fn every_drift_of_the_bus_is_shown_and_repaired() {
    are_repaired(&OF_THE_BUS);
}

/// Each drift in a member of its own.
#[test]
fn every_drift_of_a_member_is_shown_and_repaired() {
    let scene = Scene::installed(6 + OF_MEMBERS.len());
    let orgwatch = scene.orgwatch(&scene.config().with("reconcile.limits.changed_accounts = 'off'"));
    let before = steady(scene.read_back());
    for (n, (name, _)) in OF_MEMBERS.iter().enumerate() {
        scene.emulator.drift(scene.member(n), name);
    }
    let seen = plan(&orgwatch, &[], 2);
    for (n, drift) in OF_MEMBERS.iter().enumerate() {
        assert_shown(&seen, scene.member(n), drift);
    }
    assert_eq!(changes(&seen).len(), OF_MEMBERS.len(), "nothing else is changed");
    for _ in 0..3 {
        assert_eq!(plan(&orgwatch, &[], 2), seen, "a plan does not depend on who answers first");
    }
    assert_eq!(scene.proxy.writes().len(), 0, "a plan writes nothing");
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    assert_eq!(steady(scene.read_back()), before);
    plan(&orgwatch, &[], 0);
}

#[test]
fn an_unknown_subscription_is_reported_and_goes_only_on_request() {
    let scene = Scene::installed(6);
    let before = steady(scene.read_back());
    scene.emulator.drift(&scene.seed.central_account_id, "subscription-unknown");
    let drifted = steady(scene.read_back());
    assert_ne!(drifted, before);

    let reporting = scene.orgwatch(&scene.config());
    let seen = plan(&reporting, &[], 2);
    assert_eq!(changes(&seen), []);
    let [left] = items(&seen["left"]) else { panic!("{seen}") };
    let resource = &left["resource"];
    assert_eq!((&resource["kind"], &resource["verdict"]), (&"topic".into(), &"drifted".into()));
    assert_eq!(resource["reason"], "UnknownSubscription");
    assert_eq!(resource["changes"][0]["path"], "subscriptions.email somebody@example.org");
    reporting.run(&["apply", "--yes"]).expect_code(3);
    assert_eq!(scene.proxy.writes().len(), 0);
    assert_eq!(steady(scene.read_back()), drifted);

    let removing = scene.orgwatch(&scene.config().with(
        r#"
        [[alert]]
        name = "iam-changes"
        unknown_subscriptions = "remove"
        subscriptions = [{ protocol = "email", endpoint = "security@example.com" }]
        "#,
    ));
    let seen = plan(&removing, &[], 2);
    let [(_, change)] = changes(&seen)[..] else { panic!("{seen}") };
    assert_eq!(change["calls"][0]["operation"], "Unsubscribe");
    removing.run(&["apply", "--yes"]).expect_code(0);
    assert_eq!(steady(scene.read_back()), before);
    plan(&removing, &[], 0);
}
