mod publishing;
mod subscriptions;
mod topics;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{click_unsubscribe, confirm, perform, publish, would_reach, would_reach_at};
use crate::access::Asker;
use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::clock::Clock;
use crate::partition::PARTITIONS;
use crate::pattern::Pattern;
use crate::service::sqs;
use crate::world::World;

pub(super) const OWNER: &str = "111111111111";
pub(super) const OTHER: &str = "222222222222";
pub(super) const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:alerts";
pub(super) const QUEUE: &str = "arn:aws:sqs:us-east-1:111111111111:inbox";
pub(super) const MAIL: &str = "security@example.com";

pub(super) fn world() -> World {
    let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let mut world = World::new(PARTITIONS[0], Clock::from_source(move || start), 7);
    world.organization.management = OWNER.to_owned();
    world
}

pub(super) fn wait(world: &mut World, time: SignedDuration) {
    world.clock.advance(time);
}

fn call(world: &World, account: &str, service: Service, operation: &str, input: Value) -> Call {
    let Value::Object(input) = input else { panic!("an input is an object") };
    Call {
        service,
        operation: operation.to_owned(),
        input,
        region: "us-east-1".to_owned(),
        caller: Caller {
            account: account.to_owned(),
            principal: Principal::Administrator,
            access_key: "test".to_owned(),
        },
        request_id: "request".to_owned(),
        at: world.now(),
    }
}

pub(super) fn ask_as(
    world: &mut World,
    account: &str,
    operation: &str,
    input: Value,
) -> Result<Value, Refusal> {
    let call = call(world, account, Service::Sns, operation, input);
    perform(world, &call)
}

pub(super) fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, Refusal> {
    ask_as(world, OWNER, operation, input)
}

pub(super) fn with_topic() -> World {
    let mut world = world();
    ask(&mut world, "CreateTopic", json!({ "Name": "alerts" })).unwrap();
    world
}

pub(super) fn subscribe(world: &mut World, protocol: &str, endpoint: &str) -> String {
    let input = json!({
        "TopicArn": TOPIC, "Protocol": protocol, "Endpoint": endpoint, "ReturnSubscriptionArn": "true",
    });
    arn(ask(world, "Subscribe", input).unwrap())
}

fn arn(answer: Value) -> String {
    answer["SubscriptionArn"].as_str().unwrap().to_owned()
}

pub(super) fn set(world: &mut World, name: &str, value: &str) -> Result<Value, Refusal> {
    let input = json!({ "TopicArn": TOPIC, "AttributeName": name, "AttributeValue": value });
    ask(world, "SetTopicAttributes", input)
}

pub(super) fn events() -> Asker {
    Asker::Service {
        service: "events.amazonaws.com".to_owned(),
        source_account: OWNER.to_owned(),
        source_arn: "arn:aws:events:us-east-1:111111111111:rule/r".to_owned(),
    }
}

pub(super) fn inbox(world: &mut World) {
    let call = call(world, OWNER, Service::Sqs, "CreateQueue", json!({ "QueueName": "inbox" }));
    sqs::perform(world, &call).unwrap();
    // A queue admits SNS by its policy alone.
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" },
        "Action": "sqs:SendMessage", "Resource": QUEUE,
    }]});
    let url = "http://localhost/111111111111/inbox";
    let input = json!({ "QueueUrl": url, "Attributes": { "Policy": policy.to_string() } });
    let call = self::call(world, OWNER, Service::Sqs, "SetQueueAttributes", input);
    sqs::perform(world, &call).unwrap();
}

pub(super) fn in_queue(world: &World) -> Vec<String> {
    let queue = &world.accounts[OWNER].regions["us-east-1"].sqs.queues["inbox"];
    queue.messages.iter().map(|message| message.body.clone()).collect()
}

/// Lets EventBridge publish.
pub(super) fn admit_events(world: &mut World) {
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "Events", "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
        "Action": "sns:Publish", "Resource": TOPIC,
    }]});
    set(world, "Policy", &policy.to_string()).unwrap();
}

fn listed(world: &mut World) -> Vec<(String, String)> {
    let answer = ask(world, "ListSubscriptionsByTopic", json!({ "TopicArn": TOPIC })).unwrap();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let entries = answer["Subscriptions"].as_array().unwrap();
    entries.iter().map(|entry| (text(entry, "Endpoint"), text(entry, "SubscriptionArn"))).collect()
}

fn attributes(world: &mut World) -> Value {
    let answer = ask(world, "GetTopicAttributes", json!({ "TopicArn": TOPIC })).unwrap();
    answer["Attributes"]["$entries"].clone()
}

fn mails(world: &World, protocol: &str) -> usize {
    world.outbox.all().filter(|received| received.protocol == protocol).count()
}
