//! From a rule to topics and queues.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::call::{Call, Service};
use crate::service::events::tests::call;
use crate::service::{sns, sqs};

pub(super) const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:alerts";
const RULE: &str = "arn:aws:events:us-east-1:111111111111:rule/a";
const OTHER_RULE: &str = "arn:aws:events:us-east-1:111111111111:rule/other";

pub(super) fn of(service: Service, account: &str, operation: &str, input: Value) -> Call {
    Call { service, ..call(account, operation, input) }
}

pub(super) fn queue_arn(account: &str, name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{account}:{name}")
}

/// A policy that lets EventBridge in for one rule.
fn for_rule(action: &str, resource: &str, rule: &str) -> String {
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" }, "Action": action,
        "Resource": resource, "Condition": { "ArnEquals": { "aws:SourceArn": rule } },
    }] });
    policy.to_string()
}

/// A queue that admits the rule.
fn queue(world: &mut World, account: &str, name: &str, rule: &str) -> String {
    let arn = queue_arn(account, name);
    let attributes = json!({ "Policy": for_rule("sqs:SendMessage", &arn, rule) });
    let input = json!({ "QueueName": name, "Attributes": attributes });
    sqs::perform(world, &of(Service::Sqs, account, "CreateQueue", input)).unwrap();
    arn
}

pub(super) fn messages(world: &mut World, account: &str, name: &str) -> Vec<Value> {
    let url = format!("http://localhost/{account}/{name}");
    let input = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"] });
    let answer = sqs::perform(world, &of(Service::Sqs, account, "ReceiveMessage", input)).unwrap();
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

/// A rule and a topic that admits it, with one confirmed mail address.
pub(super) fn with_topic() -> World {
    let mut world = world();
    rule(&mut world, HOME, "default", "a");
    sns::perform(&mut world, &of(Service::Sns, HOME, "CreateTopic", json!({ "Name": "alerts" }))).unwrap();
    admit(&mut world, RULE);
    let input = json!({ "TopicArn": TOPIC, "Protocol": "email", "Endpoint": "me@example.com" });
    sns::perform(&mut world, &of(Service::Sns, HOME, "Subscribe", input)).unwrap();
    assert!(sns::confirm(&mut world, TOPIC, "me@example.com"));
    target(&mut world, HOME, "default", "a", json!({ "Id": "1", "Arn": TOPIC }));
    world.outbox.clear();
    world
}

/// Lets only that rule publish to the topic.
fn admit(world: &mut World, rule: &str) {
    let value = for_rule("sns:Publish", TOPIC, rule);
    let input = json!({ "TopicArn": TOPIC, "AttributeName": "Policy", "AttributeValue": value });
    sns::perform(world, &of(Service::Sns, HOME, "SetTopicAttributes", input)).unwrap();
}

fn foretold(world: &World, view: View) -> Vec<String> {
    would_reach(world, HOME, REGION, "default", &event(HOME, "app"), view).into_iter().collect()
}

fn put_app(world: &mut World) {
    put(world, HOME, REGION, "default", event(HOME, "app"));
}

fn close_hub(world: &mut World) {
    let input = json!({ "EventBusName": "hub", "RemoveAllPermissions": true });
    ask_as(world, AWAY, "RemovePermission", input).unwrap();
}

#[test]
fn a_topic_that_admits_the_rule_mails_the_event() {
    let mut world = with_topic();
    assert_eq!(foretold(&world, View::Effective), [format!("{TOPIC} email me@example.com")]);
    put_app(&mut world);
    let received: Vec<_> = world.outbox.all().collect();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].topic_arn.as_str(), received[0].endpoint.as_str()), (TOPIC, "me@example.com"));
    assert_eq!(serde_json::from_str::<Value>(&received[0].body).unwrap(), event(HOME, "app"));
}

#[test]
fn a_topic_that_admits_another_rule_mails_nothing() {
    let mut world = with_topic();
    admit(&mut world, OTHER_RULE);
    assert!(foretold(&world, View::Effective).is_empty());
    put_app(&mut world);
    assert_eq!(world.outbox.all().count(), 0);
    assert_eq!(counted(&world, HOME, "a").failed, 1);
}

#[test]
fn a_topic_is_seen_late_by_deliveries_and_at_once_as_written() {
    let mut world = with_topic();
    world.lags.effect = SignedDuration::from_secs(10);
    admit(&mut world, OTHER_RULE);
    assert_eq!(foretold(&world, View::Effective).len(), 1);
    assert!(foretold(&world, View::Written).is_empty());
    advance(&mut world, 10);
    assert!(foretold(&world, View::Effective).is_empty());
}

#[test]
fn a_queue_of_the_own_account_is_reached_by_its_policy_and_one_of_another_by_a_role_too() {
    let mut world = world();
    rule(&mut world, HOME, "default", "a");
    let own = queue(&mut world, HOME, "own", RULE);
    let other = queue_arn(AWAY, "other");
    let role = role(&mut world, HOME, "r");
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": role }, "Action": "sqs:SendMessage", "Resource": other,
    }] });
    let input = json!({ "QueueName": "other", "Attributes": { "Policy": policy.to_string() } });
    sqs::perform(&mut world, &of(Service::Sqs, AWAY, "CreateQueue", input)).unwrap();
    target(&mut world, HOME, "default", "a", json!({ "Id": "1", "Arn": own }));
    target(&mut world, HOME, "default", "a", json!({ "Id": "2", "Arn": other, "RoleArn": role }));
    assert_eq!(foretold(&world, View::Effective), [format!("sqs {own}"), format!("sqs {other}")]);
    put_app(&mut world);
    for (account, name) in [(HOME, "own"), (AWAY, "other")] {
        let messages = messages(&mut world, account, name);
        assert_eq!(messages.len(), 1, "{name}");
        let body: Value = serde_json::from_str(messages[0]["Body"].as_str().unwrap()).unwrap();
        assert_eq!(body, event(HOME, "app"));
    }
}

#[test]
fn what_cannot_be_delivered_is_buried_with_the_reason() {
    for (change, wanted) in [("RemovePermission", "NO_PERMISSIONS"), ("DeleteEventBus", "NO_RESOURCE")] {
        let mut world = forwarding();
        // The dead letters of a rule may be kept in another account.
        let dead = queue(&mut world, AWAY, "dead", RULE);
        let hub = bus_arn(AWAY, "hub");
        let with_queue = json!({ "Id": "1", "Arn": hub, "DeadLetterConfig": { "Arn": dead } });
        target(&mut world, HOME, "default", "a", with_queue);
        if change == "RemovePermission" {
            close_hub(&mut world);
        } else {
            let of_rule = json!({ "Rule": "b", "EventBusName": "hub", "Ids": ["1"] });
            ask_as(&mut world, AWAY, "RemoveTargets", of_rule).unwrap();
            ask_as(&mut world, AWAY, "DeleteRule", json!({ "Name": "b", "EventBusName": "hub" })).unwrap();
            ask_as(&mut world, AWAY, change, json!({ "Name": "hub" })).unwrap();
        }
        assert!(foretold(&world, View::Effective).is_empty());
        put_app(&mut world);
        let messages = messages(&mut world, AWAY, "dead");
        assert_eq!(messages.len(), 1, "{change}");
        let body: Value = serde_json::from_str(messages[0]["Body"].as_str().unwrap()).unwrap();
        assert_eq!(body, event(HOME, "app"));
        let attribute = |name: &str| messages[0]["MessageAttributes"][name]["StringValue"].as_str();
        assert_eq!(attribute("ERROR_CODE"), Some(wanted));
        assert_eq!(attribute("RULE_ARN"), Some(RULE));
        assert_eq!(attribute("TARGET_ARN"), Some(hub.as_str()));
        assert!(attribute("ERROR_MESSAGE").is_some_and(|message| !message.is_empty()));
        assert_eq!(attribute("EXHAUSTED_RETRY_CONDITION"), None);
        let counted = counted(&world, HOME, "a");
        assert_eq!((counted.failed, counted.sent_to_dlq, counted.failed_to_be_sent_to_dlq), (1, 1, 0));
    }
}

#[test]
fn a_dead_letter_queue_that_does_not_admit_the_rule_stays_empty() {
    let mut world = forwarding();
    let dead = queue(&mut world, HOME, "dead", OTHER_RULE);
    let with_queue = json!({ "Id": "1", "Arn": bus_arn(AWAY, "hub"), "DeadLetterConfig": { "Arn": dead } });
    target(&mut world, HOME, "default", "a", with_queue);
    close_hub(&mut world);
    put_app(&mut world);
    assert!(messages(&mut world, HOME, "dead").is_empty());
    let counted = counted(&world, HOME, "a");
    assert_eq!((counted.sent_to_dlq, counted.failed_to_be_sent_to_dlq), (0, 1));
}
