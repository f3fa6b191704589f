//! Deliveries into what a customer's key encrypts.

use serde_json::{Value, json};

use super::services::{TOPIC, messages, of, queue_arn, with_topic};
use super::*;
use crate::call::Service;
use crate::service::kms::tests::{ask as ask_kms, for_events, key, policy};
use crate::service::{sns, sqs};

fn encrypt_topic(world: &mut World, key: &str) {
    let input = json!({ "TopicArn": TOPIC, "AttributeName": "KmsMasterKeyId", "AttributeValue": key });
    sns::perform(world, &of(Service::Sns, HOME, "SetTopicAttributes", input)).unwrap();
}

/// How many mails an event brings; the dry run must say the same.
fn mails(world: &mut World) -> usize {
    let event = event(HOME, "app");
    let foretold = would_reach(world, HOME, REGION, "default", &event, View::Effective).len();
    let before = world.outbox.all().count();
    put(world, HOME, REGION, "default", event);
    let came = world.outbox.all().count() - before;
    assert_eq!(foretold, came, "the dry run differs from the delivery");
    came
}

#[test]
fn a_topic_takes_nothing_as_long_as_its_key_does_not_let_eventbridge_in() {
    let mut world = with_topic();
    assert_eq!(mails(&mut world), 1);
    let key = key(&mut world, &[]);
    encrypt_topic(&mut world, &key);
    assert_eq!(mails(&mut world), 0);
    let mut give = |statements: &[Value]| {
        let input = json!({ "KeyId": key, "Policy": policy(statements) });
        ask_kms(&mut world, HOME, "PutKeyPolicy", input).unwrap();
        mails(&mut world)
    };
    assert_eq!(give(&[for_events(&json!({}))]), 1);
    // KMS is not told for whom EventBridge publishes.
    assert_eq!(give(&[for_events(&json!({ "StringEquals": { "aws:SourceAccount": HOME } }))]), 0);
    assert_eq!(give(&[for_events(&json!({ "ArnLike": { "aws:SourceArn": "arn:aws:events:*" } }))]), 0);
    assert_eq!(
        give(&[for_events(&json!({ "StringEquals": { "kms:EncryptionContext:aws:sns:topicArn": TOPIC } }))]),
        1
    );
    let deny = json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*" });
    assert_eq!(give(&[for_events(&json!({})), deny]), 0);
    assert_eq!(give(&[for_events(&json!({}))]), 1);
    for (operation, came) in [("DisableKey", 0), ("EnableKey", 1), ("ScheduleKeyDeletion", 0)] {
        ask_kms(&mut world, HOME, operation, json!({ "KeyId": key })).unwrap();
        assert_eq!(mails(&mut world), came, "{operation}");
    }
    encrypt_topic(&mut world, "");
    assert_eq!(mails(&mut world), 1);
}

#[test]
fn the_owners_policies_say_who_publishes_and_receives_with_a_key_that_leaves_it_to_them() {
    let mut world = with_topic();
    let key = key(&mut world, &[for_events(&json!({}))]);
    encrypt_topic(&mut world, &key);
    let input = json!({ "TopicArn": TOPIC, "Message": "hello" });
    sns::perform(&mut world, &of(Service::Sns, HOME, "Publish", input.clone())).unwrap();
    ask_kms(&mut world, HOME, "DisableKey", json!({ "KeyId": key })).unwrap();
    let refused = sns::perform(&mut world, &of(Service::Sns, HOME, "Publish", input)).unwrap_err();
    assert_eq!(refused.code, "KMSDisabled");

    let attributes = json!({ "KmsMasterKeyId": key });
    let input = json!({ "QueueName": "box", "Attributes": attributes });
    sqs::perform(&mut world, &of(Service::Sqs, HOME, "CreateQueue", input)).unwrap();
    let input = json!({ "QueueUrl": format!("http://localhost/{HOME}/box") });
    let refused = sqs::perform(&mut world, &of(Service::Sqs, HOME, "ReceiveMessage", input)).unwrap_err();
    assert_eq!(refused.code, "com.amazonaws.sqs#KmsDisabled");
}

/// A bus `hub` with a key and a dead-letter queue of its own, and a rule that calls a function.
fn encrypted_bus(world: &mut World) -> String {
    let bus = bus_arn(HOME, "hub");
    let context = json!({ "StringEquals": { "kms:EncryptionContext:aws:events:event-bus:arn": bus } });
    let look = json!({
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" }, "Action": "kms:DescribeKey",
        "Resource": "*",
    });
    let key = key(world, &[for_events(&context), look]);
    let queue = queue_arn(HOME, "lost");
    let admits = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" }, "Action": "sqs:SendMessage",
        "Resource": queue, "Condition": { "ArnEquals": { "aws:SourceArn": bus } },
    }] });
    let input = json!({ "QueueName": "lost", "Attributes": { "Policy": admits.to_string() } });
    sqs::perform(world, &of(Service::Sqs, HOME, "CreateQueue", input)).unwrap();
    let input = json!({ "Name": "hub", "KmsKeyIdentifier": key, "DeadLetterConfig": { "Arn": queue } });
    ask_as(world, HOME, "CreateEventBus", input).unwrap();
    rule(world, HOME, "hub", "b");
    target(world, HOME, "hub", "b", json!({ "Id": "1", "Arn": LAMBDA }));
    key
}

#[test]
fn what_a_bus_cannot_encrypt_goes_to_its_own_dead_letter_queue() {
    let mut world = world();
    let key = encrypted_bus(&mut world);
    put(&mut world, HOME, REGION, "hub", event(HOME, "app"));
    assert_eq!(world.outbox.all().count(), 1);
    ask_kms(&mut world, HOME, "DisableKey", json!({ "KeyId": key })).unwrap();
    put(&mut world, HOME, REGION, "hub", event(HOME, "app"));
    assert_eq!(world.outbox.all().count(), 1);
    let letters = messages(&mut world, HOME, "lost");
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"], "KmsDisabled");
    // Without a key of its own the bus works again.
    ask_as(&mut world, HOME, "UpdateEventBus", json!({ "Name": "hub", "KmsKeyIdentifier": "" })).unwrap();
    put(&mut world, HOME, REGION, "hub", event(HOME, "app"));
    assert_eq!(world.outbox.all().count(), 2);
}

#[test]
fn a_bus_is_not_given_a_key_that_eventbridge_may_not_even_look_at() {
    let mut world = world();
    let key = key(&mut world, &[for_events(&json!({}))]);
    let input = json!({ "Name": "hub", "KmsKeyIdentifier": key });
    let refused = ask_as(&mut world, HOME, "CreateEventBus", input).unwrap_err();
    assert_eq!(refused.code, "ValidationException");
}
