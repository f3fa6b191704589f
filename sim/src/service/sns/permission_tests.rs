//! What the policies of topics and queues let through; needs evaluation of policies.

use serde_json::json;

use super::tests::{
    MAIL, OTHER, OWNER, QUEUE, TOPIC, admit_events, ask, ask_as, events, in_queue, inbox, set, subscribe,
    wait, with_topic,
};
use super::{publish, would_reach};
use jiff::SignedDuration;

#[test]
fn the_default_policy_lets_no_service_publish() {
    let mut world = with_topic();
    assert_eq!(publish(&mut world, TOPIC, "x", &events()), Err("NO_PERMISSIONS".to_owned()));
    admit_events(&mut world);
    assert_eq!(publish(&mut world, TOPIC, "x", &events()), Ok(()));
}

#[test]
fn a_change_of_the_policy_is_respected_after_its_lag() {
    let mut world = with_topic();
    world.lags.effect = SignedDuration::from_secs(30);
    wait(&mut world, SignedDuration::from_secs(30));
    admit_events(&mut world);
    assert_eq!(would_reach(&world, TOPIC, "x", &events()), Err("NO_PERMISSIONS".to_owned()));
    wait(&mut world, SignedDuration::from_secs(30));
    assert_eq!(would_reach(&world, TOPIC, "x", &events()), Ok(Vec::new()));
}

#[test]
fn a_queue_without_a_policy_for_sns_gets_nothing_and_nobody_is_told() {
    let mut world = with_topic();
    inbox(&mut world);
    admit_events(&mut world);
    subscribe(&mut world, "sqs", QUEUE);
    assert_eq!(would_reach(&world, TOPIC, "x", &events()).unwrap().len(), 1);
    world.regional(OWNER, "us-east-1").sqs.queues.get_mut("inbox").unwrap().policy = None;
    assert!(would_reach(&world, TOPIC, "x", &events()).unwrap().is_empty());
    assert_eq!(publish(&mut world, TOPIC, "x", &events()), Ok(()));
    assert!(in_queue(&world).is_empty());
}

#[test]
fn another_account_reads_a_topic_only_where_its_policy_says_so() {
    let mut world = with_topic();
    let input = json!({ "TopicArn": TOPIC });
    let refusal = ask_as(&mut world, OTHER, "GetTopicAttributes", input.clone()).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (403, "AuthorizationError"));
    let none = json!({ "TopicArn": "arn:aws:sns:us-east-1:111111111111:none" });
    assert_eq!(ask_as(&mut world, OTHER, "GetTopicAttributes", none).unwrap_err().status, 403);
    let admitted = json!({
        "TopicArn": TOPIC, "Label": "l", "AWSAccountId": [OTHER], "ActionName": ["GetTopicAttributes"],
    });
    ask(&mut world, "AddPermission", admitted).unwrap();
    assert!(ask_as(&mut world, OTHER, "GetTopicAttributes", input).is_ok());
}

#[test]
fn a_policy_over_protocol_and_endpoint_limits_who_is_subscribed() {
    let mut world = with_topic();
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "sns:Subscribe", "Resource": TOPIC,
        "Condition": { "StringNotLike": { "sns:Endpoint": "*@example.com" } },
    }]});
    set(&mut world, "Policy", &policy.to_string()).unwrap();
    subscribe(&mut world, "email", MAIL);
    let input = json!({ "TopicArn": TOPIC, "Protocol": "email", "Endpoint": "thief@elsewhere.org" });
    assert_eq!(ask(&mut world, "Subscribe", input).unwrap_err().code, "AuthorizationError");
}

#[test]
fn a_filter_over_absent_attributes_lets_an_event_through() {
    let mut world = with_topic();
    admit_events(&mut world);
    let input = json!({
        "TopicArn": TOPIC, "Protocol": "sms", "Endpoint": "+15550000001",
        "Attributes": { "FilterPolicy": r#"{"source":[{"exists":false}]}"# },
    });
    ask(&mut world, "Subscribe", input).unwrap();
    assert_eq!(would_reach(&world, TOPIC, "x", &events()).unwrap().len(), 1);
}

#[test]
fn a_filter_over_the_body_lets_through_what_it_names() {
    let mut world = with_topic();
    admit_events(&mut world);
    let input = json!({
        "TopicArn": TOPIC, "Protocol": "sms", "Endpoint": "+15550000001",
        "Attributes": { "FilterPolicy": r#"{"detail":{"eventName":[{"prefix":"Create"}]}}"#, "FilterPolicyScope": "MessageBody" },
    });
    ask(&mut world, "Subscribe", input).unwrap();
    let reached = |world: &crate::world::World, name: &str| {
        let body = json!({ "detail": { "eventName": name } }).to_string();
        would_reach(world, TOPIC, &body, &events()).unwrap().len()
    };
    assert_eq!((reached(&world, "CreateUser"), reached(&world, "DeleteUser")), (1, 0));
}
