//! What AWS's services need of a customer's key, and whether the key's policy gives it. Pure.
//!
//! A key whose policy does not let a service in stops deliveries without a word: EventBridge publishes to SNS, SNS asks KMS,
//! and what is refused there is not tried again. So a key is looked at before anything is encrypted with it, and in every
//! pass afterwards.

mod advice;
mod condition;
mod policy;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub(crate) use advice::advice;
pub(crate) use policy::{Answer, ask};

use crate::world::{Topic, World};

/// What EventBridge is called in policies.
const EVENTS: &str = "events.amazonaws.com";
/// What CloudWatch is called in policies.
const CLOUDWATCH: &str = "cloudwatch.amazonaws.com";

/// One use of a key by a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// The service, as policies call it.
    pub(crate) service: &'static str,
    /// For what, in words.
    pub(crate) purpose: String,
    /// The actions that it takes.
    pub(crate) actions: &'static [&'static str],
    /// The condition keys that KMS is told, in small letters, with their values.
    pub(crate) told: BTreeMap<String, String>,
    /// The condition keys that KMS is certainly not told, in small letters.
    pub(crate) untold: &'static [&'static str],
}

impl Use {
    /// `events.amazonaws.com for topic orgwatch-iam-changes`.
    pub(crate) fn label(&self) -> String {
        format!("{} for {}", self.service, self.purpose)
    }
}

/// KMS is not told for whom EventBridge or CloudWatch put something into a topic or queue.
///
/// "Adding aws:SourceAccount, aws:SourceArn and aws:SourceOrgID to a KMS policy is not supported for EventBridge-to-encrypted
/// topics": <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>.
const SOURCES: [&str; 4] = ["aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"];

/// What is put somewhere takes a new data key, or one that must be decrypted first.
const PUT: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];

/// The key of the encryption context of a bus and of its archives.
const BUS_CONTEXT: &str = "kms:EncryptionContext:aws:events:event-bus:arn";

/// Everything that a key of ours is used for.
pub(crate) fn uses(world: &World, key: &str) -> Vec<Use> {
    let mut uses = Vec::new();
    if world.key.as_deref() == Some(key) {
        uses.extend(of_bus(world));
        let inbox = world.inbox.then(|| world.inbox_queue());
        uses.extend([world.dead_letter_queue()].iter().chain(&inbox).map(|name| of_queue(name)));
    }
    let topics = topics(world).filter(|topic| topic.key.as_deref() == Some(key));
    uses.extend(topics.flat_map(|topic| of_topic(world, &topic.name)));
    uses
}

/// Every key that something is encrypted with.
pub(crate) fn all(world: &World) -> BTreeSet<&str> {
    topics(world).filter_map(|topic| topic.key.as_deref()).chain(world.key.as_deref()).collect()
}

/// Whether a key is the central account's own, so that its policy is ours to read: KMS tells policies to nobody else.
pub(crate) fn is_readable(world: &World, key: &str) -> bool {
    key.split(':').nth(4) == Some(world.central.as_str())
}

fn topics(world: &World) -> impl Iterator<Item = &Topic> {
    world.every_alert().filter_map(|alert| alert.topic.as_ref())
}

/// What EventBridge does with the key of the central bus: it looks whether it could use it, of which KMS is told no bus, and
/// then it does.
///
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html>
fn of_bus(world: &World) -> [Use; 2] {
    let told = BTreeMap::from([
        (BUS_CONTEXT.to_lowercase(), world.bus_arn()),
        ("aws:sourcearn".to_owned(), world.bus_arn()),
        ("aws:sourceaccount".to_owned(), world.central.to_string()),
    ]);
    let purpose = format!("event bus {}", world.bus());
    let look = format!("{purpose}, which it looks at the key for");
    [
        Use {
            service: EVENTS,
            purpose: look,
            actions: &["kms:DescribeKey"],
            told: BTreeMap::new(),
            untold: &[],
        },
        Use { service: EVENTS, purpose, actions: &PUT, told, untold: &[] },
    ]
}

/// What is done with the key of a queue of ours by those who put messages there.
fn of_queue(name: &str) -> Use {
    put(EVENTS, format!("queue {name}"))
}

/// What is done with the key of a topic of ours by those who publish there.
fn of_topic(world: &World, name: &str) -> Vec<Use> {
    let mut uses = vec![put(EVENTS, format!("topic {name}"))];
    if alarmed(world).any(|arn| arn.rsplit(':').next() == Some(name)) {
        uses.push(put(CLOUDWATCH, format!("topic {name}")));
    }
    uses
}

/// The ARNs of the topics that alarms publish to.
fn alarmed(world: &World) -> impl Iterator<Item = &str> {
    let health = world.health.iter().map(|health| health.alert.topic_arn.as_str());
    health.chain(world.installed.iter().map(|installed| installed.topic_arn.as_str()))
}

fn put(service: &'static str, purpose: String) -> Use {
    Use { service, purpose, actions: &PUT, told: BTreeMap::new(), untold: &SOURCES }
}

/// The statements that the policy of a key needs for all that is encrypted with it, as narrow as AWS lets them be.
pub(crate) fn statements(world: &World, key: &str) -> Vec<Value> {
    let mut statements = Vec::new();
    let allow = |sid: &str, principal: Value, actions: &[&str]| json!({ "Sid": sid, "Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*" });
    let service = |name: &str| json!({ "Service": name });
    let data = ["kms:GenerateDataKey*", "kms:Decrypt"];
    let uses = uses(world, key);
    if world.key.as_deref() == Some(key) {
        // KMS is told of no bus when EventBridge only looks.
        statements.push(allow("EventBridgeLooksAtTheKey", service(EVENTS), &["kms:DescribeKey"]));
        // An archive is encrypted anew when its key changes.
        let actions = ["kms:GenerateDataKey", "kms:Decrypt", "kms:ReEncrypt*"];
        let mut bus = allow("EventBridgeKeepsTheBus", service(EVENTS), &actions);
        bus["Condition"] = json!({ "StringEquals": { BUS_CONTEXT: world.bus_arn() } });
        statements.push(bus);
    }
    // Without a condition: KMS is not told for whom they deliver.
    for (name, sid) in [(EVENTS, "EventBridgeDelivers"), (CLOUDWATCH, "AlarmsPublish")] {
        if uses.iter().any(|usage| usage.service == name && usage.untold == SOURCES) {
            statements.push(allow(sid, service(name), &data));
        }
    }
    // A key of another account leaves nothing to the central account's own policies unless it says so.
    if !is_readable(world, key) && !uses.is_empty() {
        let root = json!({ "AWS": format!("arn:{}:iam::{}:root", world.partition, world.central) });
        let mut own = allow("OrgwatchReadsQueuesAndPublishes", root, &data);
        let services = ["sns", "sqs"].map(|service| format!("{service}.{}.*", world.central_region));
        own["Condition"] = json!({ "StringLike": { "kms:ViaService": services } });
        statements.push(own);
    }
    statements
}
