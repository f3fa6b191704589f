//! Ways of events through small worlds. Lambda functions stand for targets that take everything.

mod hops;
mod keys;
mod services;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::service::events::tests::{AWAY, HOME, REGION, advance, ask, ask_as, role, rule, world};

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
