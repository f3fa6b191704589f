//! From bus to bus.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::service::events::perform;
use crate::service::events::tests::{call, document};

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
