//! Ways of events through small worlds. Lambda functions stand for targets that take everything.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::service::events::perform;
use crate::service::events::tests::{
    AWAY, HOME, REGION, advance, ask, ask_as, call, document, role, rule, world,
};

const LAMBDA: &str = "arn:aws:lambda:us-east-1:111111111111:function:f";

fn function(account: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{account}:function:f")
}

fn bus_arn(account: &str, bus: &str) -> String {
    format!("arn:aws:events:{REGION}:{account}:event-bus/{bus}")
}

fn event(account: &str, source: &str) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "t", "source": source, "account": account,
        "time": "2026-11-20T00:00:00Z", "region": REGION, "resources": [], "detail": { "a": 1 },
    })
}

fn by_trail(account: &str, name: &str) -> Value {
    let mut event = event(account, "aws.iam");
    event["detail-type"] = json!("AWS API Call via CloudTrail");
    event["detail"] = json!({ "eventName": name, "managementEvent": true });
    event
}

fn target(world: &mut World, account: &str, bus: &str, rule: &str, target: Value) {
    let input = json!({ "Rule": rule, "EventBusName": bus, "Targets": [target] });
    assert_eq!(ask_as(world, account, "PutTargets", input).unwrap()["FailedEntryCount"], 0);
}

/// A world with a rule `a` on the default bus that calls a function.
fn simple() -> World {
    let mut world = world();
    rule(&mut world, HOME, "default", "a");
    target(&mut world, HOME, "default", "a", json!({ "Id": "1", "Arn": LAMBDA }));
    world
}

/// Opens a bus to everybody.
fn open(world: &mut World, account: &str, bus: &str) {
    let input = json!({
        "EventBusName": bus, "Action": "events:PutEvents", "Principal": "*", "StatementId": "all",
    });
    ask_as(world, account, "PutPermission", input).unwrap();
}

/// A world where events of one account reach a function of another by a rule on each side.
fn forwarding() -> World {
    let mut world = world();
    ask_as(&mut world, AWAY, "CreateEventBus", json!({ "Name": "hub" })).unwrap();
    open(&mut world, AWAY, "hub");
    rule(&mut world, HOME, "default", "a");
    let role = role(&mut world, HOME, "r");
    let hub = bus_arn(AWAY, "hub");
    target(&mut world, HOME, "default", "a", json!({ "Id": "1", "Arn": hub, "RoleArn": role }));
    rule(&mut world, AWAY, "hub", "b");
    target(&mut world, AWAY, "hub", "b", json!({ "Id": "1", "Arn": function(AWAY) }));
    world
}

/// Puts an event on the default bus at home; what was received, and what the dry run said just before.
fn received(world: &mut World, event: &Value) -> Vec<String> {
    let foretold = would_reach(world, HOME, REGION, "default", event, View::Effective);
    let before = world.outbox.all().count();
    put(world, HOME, REGION, "default", event.clone());
    let reached: Vec<String> =
        world.outbox.all().skip(before).map(|received| received.endpoint.clone()).collect();
    let as_foretold: BTreeSet<String> = reached.iter().map(|arn| format!("lambda {arn}")).collect();
    assert_eq!(foretold, as_foretold, "the dry run differs from the delivery");
    reached
}

fn counted(world: &World, account: &str, rule: &str) -> Deliveries {
    world.outbox.deliveries(&format!("arn:aws:events:{REGION}:{account}:rule/{rule}"))
}

#[test]
fn a_rule_calls_its_targets_for_the_events_that_it_matches() {
    let mut world = simple();
    assert_eq!(received(&mut world, &event(HOME, "app")), [LAMBDA]);
    assert!(received(&mut world, &event(HOME, "other")).is_empty());
    let message = world.outbox.all().next().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&message.body).unwrap(), event(HOME, "app"));
    assert_eq!(
        counted(&world, HOME, "a"),
        Deliveries { matched: 1, invocations: 1, ..Deliveries::default() }
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = forwarding();
    assert_eq!(would_reach(&world, HOME, REGION, "default", &event(HOME, "app"), View::Effective).len(), 1);
    assert_eq!(world.outbox.all().count(), 0);
    assert_eq!(counted(&world, HOME, "a"), Deliveries::default());
}

#[test]
fn a_disabled_rule_delivers_nothing() {
    let mut world = simple();
    ask(&mut world, "DisableRule", json!({ "Name": "a" })).unwrap();
    assert!(received(&mut world, &event(HOME, "app")).is_empty());
    ask(&mut world, "EnableRule", json!({ "Name": "a" })).unwrap();
    assert_eq!(received(&mut world, &event(HOME, "app")), [LAMBDA]);
}

#[test]
fn read_only_calls_reach_only_rules_that_take_all_management_events() {
    let mut world = simple();
    assert_eq!(received(&mut world, &by_trail(HOME, "CreateUser")).len(), 1);
    assert_eq!(received(&mut world, &by_trail(HOME, "GetFederationToken")).len(), 1);
    for name in ["GetUser", "ListUsers", "DescribeUser"] {
        assert!(received(&mut world, &by_trail(HOME, name)).is_empty(), "{name}");
    }
    let all = json!({
        "Name": "a", "EventPattern": r#"{"source":["aws.iam"]}"#,
        "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
    });
    ask(&mut world, "PutRule", all).unwrap();
    assert_eq!(received(&mut world, &by_trail(HOME, "GetUser")).len(), 1);
    // It is the trail's events that are held back, not every event with such a detail.
    rule(&mut world, HOME, "default", "a");
    let mut own = by_trail(HOME, "GetUser");
    own["detail-type"] = json!("t");
    assert_eq!(received(&mut world, &own).len(), 1);
}

#[test]
fn an_event_keeps_what_it_is_on_its_way_to_another_account() {
    let mut world = forwarding();
    assert_eq!(received(&mut world, &event(HOME, "app")), [function(AWAY)]);
    let message = world.outbox.all().next().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&message.body).unwrap(), event(HOME, "app"));
    let hub = world.outbox.deliveries(&format!("arn:aws:events:{REGION}:{AWAY}:rule/hub/b"));
    assert_eq!(hub.invocations, 1);
}

#[test]
fn an_event_goes_to_another_region() {
    let mut world = world();
    let mut rule_there =
        call(HOME, "PutRule", json!({ "Name": "b", "EventPattern": r#"{"source":["app"]}"# }));
    let there = "arn:aws:lambda:eu-west-1:111111111111:function:f";
    let mut targets_there =
        call(HOME, "PutTargets", json!({ "Rule": "b", "Targets": [{ "Id": "1", "Arn": there }] }));
    for call in [&mut rule_there, &mut targets_there] {
        call.region = "eu-west-1".to_owned();
        perform(&mut world, call).unwrap();
    }
    rule(&mut world, HOME, "default", "a");
    let role = role(&mut world, HOME, "r");
    let bus = bus_arn(HOME, "default").replace(REGION, "eu-west-1");
    target(&mut world, HOME, "default", "a", json!({ "Id": "1", "Arn": bus, "RoleArn": role }));
    assert_eq!(received(&mut world, &event(HOME, "app")), [there]);
}

#[test]
fn there_is_no_third_hop_and_no_loop() {
    let mut world = forwarding();
    // From the hub on to a third bus, and back to where it came from.
    open(&mut world, HOME, "default");
    let role = role(&mut world, AWAY, "back");
    let third = "333333333333";
    open(&mut world, third, "default");
    for (id, account) in [("2", third), ("3", HOME)] {
        let bus = bus_arn(account, "default");
        target(&mut world, AWAY, "hub", "b", json!({ "Id": id, "Arn": bus, "RoleArn": role }));
    }
    rule(&mut world, third, "default", "c");
    target(&mut world, third, "default", "c", json!({ "Id": "1", "Arn": function(third) }));
    assert_eq!(received(&mut world, &event(HOME, "app")), [function(AWAY)]);
    let hub = world.outbox.deliveries(&format!("arn:aws:events:{REGION}:{AWAY}:rule/hub/b"));
    assert_eq!((hub.invocations, hub.failed), (3, 2));
    assert_eq!(counted(&world, HOME, "a").invocations, 1);
}

#[test]
fn a_third_bus_of_the_same_account_gets_nothing() {
    let mut world = world();
    let role = role(&mut world, HOME, "r");
    let buses = ["default", "second", "third"];
    for bus in &buses[1..] {
        ask(&mut world, "CreateEventBus", json!({ "Name": bus })).unwrap();
    }
    for bus in buses {
        rule(&mut world, HOME, bus, "a");
        let arn = format!("arn:aws:lambda:{REGION}:{HOME}:function:{bus}");
        target(&mut world, HOME, bus, "a", json!({ "Id": "call", "Arn": arn }));
    }
    for pair in buses.windows(2) {
        let next = bus_arn(HOME, pair[1]);
        target(&mut world, HOME, pair[0], "a", json!({ "Id": "on", "Arn": next, "RoleArn": role }));
    }
    let function = |bus: &str| format!("arn:aws:lambda:{REGION}:{HOME}:function:{bus}");
    assert_eq!(received(&mut world, &event(HOME, "app")), [function("default"), function("second")]);
    let second = world.outbox.deliveries(&format!("arn:aws:events:{REGION}:{HOME}:rule/second/a"));
    assert_eq!((second.invocations, second.failed), (2, 1));
}

#[test]
fn what_another_account_put_itself_is_not_sent_to_a_third() {
    let mut world = forwarding();
    assert!(received(&mut world, &event("333333333333", "app")).is_empty());
    assert_eq!(counted(&world, HOME, "a").failed, 1);
    assert_eq!(received(&mut world, &event(HOME, "app")), [function(AWAY)]);
}

#[test]
fn without_a_role_no_bus_of_another_account_is_reached() {
    let mut world = forwarding();
    let service = json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "a", "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
        "Action": "events:PutEvents", "Resource": bus_arn(AWAY, "hub"),
    }] });
    let input = json!({ "EventBusName": "hub", "Policy": service.to_string() });
    ask_as(&mut world, AWAY, "PutPermission", input).unwrap();
    // PutTargets would refuse it.
    let now = world.now();
    let events = world.regional(HOME, REGION).events.write(now, SignedDuration::ZERO);
    let rule = events.bus_mut("default").unwrap().rules.get_mut("a").unwrap();
    let target = Arc::make_mut(rule).targets.get_mut("1").unwrap();
    Arc::make_mut(target).role = None;
    assert!(received(&mut world, &event(HOME, "app")).is_empty());
    assert_eq!(counted(&world, HOME, "a").failed, 1);
}

#[test]
fn a_bus_of_the_same_account_is_reached_without_a_role_if_its_policy_admits_the_rule() {
    let mut world = world();
    ask(&mut world, "CreateEventBus", json!({ "Name": "second" })).unwrap();
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "a", "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
        "Action": "events:PutEvents", "Resource": bus_arn(HOME, "second"),
        "Condition": { "ArnEquals": { "aws:SourceArn": format!("arn:aws:events:{REGION}:{HOME}:rule/a") } },
    }] });
    let input = json!({ "EventBusName": "second", "Policy": policy.to_string() });
    ask(&mut world, "PutPermission", input).unwrap();
    rule(&mut world, HOME, "second", "b");
    target(&mut world, HOME, "second", "b", json!({ "Id": "1", "Arn": LAMBDA }));
    for (name, admitted) in [("a", true), ("other", false)] {
        rule(&mut world, HOME, "default", name);
        world.events.checks_destination = admitted;
        let bus = bus_arn(HOME, "second");
        target(&mut world, HOME, "default", name, json!({ "Id": "1", "Arn": bus }));
        assert_eq!(received(&mut world, &event(HOME, "app")).len(), 1, "only rule a is admitted");
    }
    assert_eq!((counted(&world, HOME, "a").failed, counted(&world, HOME, "other").failed), (0, 1));
}

#[test]
fn a_bus_that_does_not_admit_the_role_gets_nothing() {
    for (what, input) in [
        ("no policy", json!({ "EventBusName": "hub", "RemoveAllPermissions": true })),
        ("another statement", json!({ "EventBusName": "hub", "StatementId": "all" })),
    ] {
        let mut world = forwarding();
        ask_as(&mut world, AWAY, "RemovePermission", input).unwrap();
        assert!(received(&mut world, &event(HOME, "app")).is_empty(), "{what}");
        let counted = counted(&world, HOME, "a");
        assert_eq!((counted.invocations, counted.failed, counted.sent_to_dlq), (1, 1, 0), "{what}");
    }
}

#[test]
fn a_bus_policy_decides_by_what_the_event_and_the_role_are() {
    let table = [
        (json!({ "Bool": { "events:eventBusInvocation": "true" } }), true),
        (json!({ "Bool": { "events:eventBusInvocation": "false" } }), false),
        (json!({ "StringEquals": { "events:source": "app" } }), true),
        (json!({ "StringEquals": { "events:source": "aws.iam" } }), false),
        (json!({ "StringEquals": { "events:detail-type": "t" } }), true),
        (json!({ "StringEquals": { "events:detail-type": "u" } }), false),
        (json!({ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/r" } }), true),
        (json!({ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/s" } }), false),
        (json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } }), false),
    ];
    for (condition, admitted) in table {
        let mut world = forwarding();
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents",
            "Resource": bus_arn(AWAY, "hub"), "Condition": condition,
        }] });
        let input = json!({ "EventBusName": "hub", "Policy": policy.to_string() });
        ask_as(&mut world, AWAY, "PutPermission", input).unwrap();
        assert_eq!(!received(&mut world, &event(HOME, "app")).is_empty(), admitted, "{condition}");
    }
}

#[test]
fn a_role_that_lost_its_rights_its_trust_or_itself_forwards_nothing() {
    let changes: [fn(&mut crate::service::iam::Iam); 3] = [
        |iam| iam.roles.get_mut("r").unwrap().inline.clear(),
        |iam| {
            let nobody = json!({ "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "lambda.amazonaws.com" },
            }] });
            iam.roles.get_mut("r").unwrap().trust = document(&nobody);
        },
        |iam| iam.roles.clear(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut world = forwarding();
        let now = world.now();
        change(world.account(HOME).iam.write(now, SignedDuration::ZERO));
        assert!(received(&mut world, &event(HOME, "app")).is_empty(), "change {number}");
        assert_eq!(counted(&world, HOME, "a").failed, 1, "change {number}");
    }
}

#[test]
fn a_bus_that_is_gone_is_no_resource() {
    let mut world = forwarding();
    ask_as(&mut world, AWAY, "RemoveTargets", json!({ "Rule": "b", "EventBusName": "hub", "Ids": ["1"] }))
        .unwrap();
    ask_as(&mut world, AWAY, "DeleteRule", json!({ "Name": "b", "EventBusName": "hub" })).unwrap();
    ask_as(&mut world, AWAY, "DeleteEventBus", json!({ "Name": "hub" })).unwrap();
    assert!(received(&mut world, &event(HOME, "app")).is_empty());
    assert_eq!(counted(&world, HOME, "a").failed, 1);
}

#[test]
fn what_cannot_be_buried_is_counted() {
    let mut world = forwarding();
    let hub = bus_arn(AWAY, "hub");
    let queue = format!("arn:aws:sqs:{REGION}:{HOME}:none");
    let with_queue = json!({ "Id": "1", "Arn": hub, "DeadLetterConfig": { "Arn": queue } });
    target(&mut world, HOME, "default", "a", with_queue);
    ask_as(
        &mut world,
        AWAY,
        "RemovePermission",
        json!({ "EventBusName": "hub", "RemoveAllPermissions": true }),
    )
    .unwrap();
    assert!(received(&mut world, &event(HOME, "app")).is_empty());
    let counted = counted(&world, HOME, "a");
    assert_eq!((counted.failed, counted.sent_to_dlq, counted.failed_to_be_sent_to_dlq), (1, 0, 1));
}

#[test]
fn put_targets_refuses_a_bus_that_would_refuse_the_events() {
    let mut world = forwarding();
    ask_as(
        &mut world,
        AWAY,
        "RemovePermission",
        json!({ "EventBusName": "hub", "RemoveAllPermissions": true }),
    )
    .unwrap();
    let again = json!({ "Rule": "a", "Targets": [{ "Id": "1", "Arn": bus_arn(AWAY, "hub") }] });
    assert_eq!(ask(&mut world, "PutTargets", again.clone()).unwrap_err().code, "AccessDeniedException");
    world.events.checks_destination = false;
    ask(&mut world, "PutTargets", again).unwrap();
}

#[test]
fn a_change_takes_effect_on_deliveries_when_its_lag_is_over() {
    let mut world = simple();
    world.lags.effect = SignedDuration::from_secs(10);
    ask(&mut world, "DisableRule", json!({ "Name": "a" })).unwrap();
    let app = event(HOME, "app");
    assert!(would_reach(&world, HOME, REGION, "default", &app, View::Written).is_empty());
    assert_eq!(received(&mut world, &app), [LAMBDA]);
    advance(&mut world, 10);
    assert!(received(&mut world, &app).is_empty());
}

#[test]
fn an_archive_keeps_the_events_that_it_asks_for() {
    let mut world = world();
    let archive = json!({
        "ArchiveName": "kept", "EventSourceArn": bus_arn(HOME, "default"), "EventPattern": r#"{"source":["app"]}"#,
    });
    let arn = ask(&mut world, "CreateArchive", archive).unwrap()["ArchiveArn"].as_str().unwrap().to_owned();
    let mut replayed = event(HOME, "app");
    replayed["replay-name"] = json!("again");
    for event in [event(HOME, "app"), event(HOME, "other"), replayed] {
        put(&mut world, HOME, REGION, "default", event);
    }
    assert_eq!(world.outbox.archived(&arn).count(), 1);
    let described = ask(&mut world, "DescribeArchive", json!({ "ArchiveName": "kept" })).unwrap();
    assert_eq!(described["EventCount"], 1);
    ask(&mut world, "DeleteArchive", json!({ "ArchiveName": "kept" })).unwrap();
    assert_eq!(world.outbox.archived(&arn).count(), 0);
}

#[test]
fn a_transformer_changes_what_the_target_receives() {
    let mut world = simple();
    let input = json!({
        "Id": "1", "Arn": LAMBDA,
        "InputTransformer": { "InputPathsMap": { "s": "$.source" }, "InputTemplate": r#"{"from":<s>,"rule":<aws.events.rule-name>}"# },
    });
    target(&mut world, HOME, "default", "a", input);
    received(&mut world, &event(HOME, "app"));
    let body: Value = serde_json::from_str(&world.outbox.all().next().unwrap().body).unwrap();
    assert_eq!(body, json!({ "from": "app", "rule": "a" }));
}

#[test]
fn put_events_reaches_the_bus_of_another_account_that_admits_it() {
    let mut world = forwarding();
    let entry =
        json!({ "Source": "app", "DetailType": "t", "Detail": "{}", "EventBusName": bus_arn(AWAY, "hub") });
    let entries = json!({ "Entries": [entry] });
    assert_eq!(ask(&mut world, "PutEvents", entries.clone()).unwrap()["FailedEntryCount"], 0);
    let message: Value = serde_json::from_str(&world.outbox.all().next().unwrap().body).unwrap();
    assert_eq!((&message["account"], &message["region"]), (&json!(HOME), &json!(REGION)));

    ask_as(
        &mut world,
        AWAY,
        "RemovePermission",
        json!({ "EventBusName": "hub", "RemoveAllPermissions": true }),
    )
    .unwrap();
    assert_eq!(ask(&mut world, "PutEvents", entries).unwrap_err().code, "AccessDeniedException");
    assert_eq!(world.outbox.all().count(), 1);
}

#[test]
fn an_event_for_a_bus_that_is_not_there_is_lost() {
    let mut world = simple();
    put(&mut world, HOME, REGION, "none", event(HOME, "app"));
    assert_eq!(world.outbox.all().count(), 0);
}

#[test]
fn the_outbox_forgets_the_oldest_but_counts_them() {
    let mut world = simple();
    world.outbox.set_limit(2);
    for _ in 0..3 {
        put(&mut world, HOME, REGION, "default", event(HOME, "app"));
    }
    assert_eq!(world.outbox.all().count(), 2);
    assert_eq!(world.outbox.totals()[LAMBDA], 3);
    world.outbox.clear();
    assert_eq!((world.outbox.all().count(), world.outbox.totals().len()), (0, 0));
    assert_eq!(counted(&world, HOME, "a").invocations, 3);
}
