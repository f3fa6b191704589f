//! Simple Queue Service: queues and their messages.

mod attributes;
mod batch;
mod digest;
mod errors;
mod exchange;
mod message;
mod queues;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::access::{Asker, Resource};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::service::iam::Document;
use crate::service::kms::{self, Cipher};
use crate::world::World;

pub use errors::query_code;
pub use message::{Attribute, Message, Messages};

/// What an account holds of SQS in one Region.
#[derive(Clone, Debug, Default)]
pub struct Sqs {
    /// Queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// When queues of a name were deleted, for as long as AWS keeps the name back.
    pub deleted: BTreeMap<String, Timestamp>,
    /// The limits.
    pub options: Options,
}

/// The limits of SQS in one account and Region.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many messages a queue keeps; AWS has no such limit, a simulator's memory has.
    pub messages: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { messages: 200_000 }
    }
}

/// A queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Its ARN.
    pub arn: String,
    /// Its URL, as AWS spells it. Calls may name it under any host.
    pub url: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its attributes were set for the last time.
    pub modified_at: Timestamp,
    /// Its access policy.
    pub policy: Option<Document>,
    /// The attributes that were set, the policy not among them.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its messages.
    pub messages: Messages,
    /// When it was purged.
    pub purged_at: Option<Timestamp>,
}

impl Queue {
    /// A number among its attributes, or its default.
    fn number(&self, name: &str) -> i64 {
        let own = self.attributes.get(name).and_then(|value| value.parse().ok());
        own.unwrap_or_else(|| attributes::default_number(name))
    }

    /// What encrypts its messages, if a key of the customer does.
    fn cipher<'a>(&'a self, place: &'a Place) -> Option<Cipher<'a>> {
        let key = self.attributes.get("KmsMasterKeyId").filter(|key| !key.is_empty())?;
        let context = ("aws:sqs:arn", self.arn.as_str());
        Some(Cipher { key, account: &place.account, region: &place.region, service: "sqs", context })
    }

    /// Forgets messages past their retention period.
    fn expire(&mut self, now: Timestamp) {
        let retention = SignedDuration::from_secs(self.number("MessageRetentionPeriod"));
        self.messages.expire(now, retention);
    }
}

/// How long a call would wait for a message as things are; nothing for every other call.
pub fn patience(world: &World, call: &Call) -> std::time::Duration {
    exchange::patience(world, call)
}

/// Performs one operation.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "CreateQueue" => queues::create(world, call),
        "GetQueueUrl" => queues::url(world, call),
        "ListQueues" => queues::list(world, call),
        "GetQueueAttributes" => queues::get_attributes(world, call),
        "SetQueueAttributes" => queues::set_attributes(world, call),
        "DeleteQueue" => queues::delete(world, call),
        "PurgeQueue" => queues::purge(world, call),
        "TagQueue" => queues::tag(world, call),
        "UntagQueue" => queues::untag(world, call),
        "ListQueueTags" => queues::list_tags(world, call),
        "SendMessage" => exchange::send(world, call),
        "SendMessageBatch" => batch::send(world, call),
        "ReceiveMessage" => exchange::receive(world, call),
        "DeleteMessage" => exchange::delete(world, call),
        "DeleteMessageBatch" => batch::delete(world, call),
        "ChangeMessageVisibility" => exchange::change_visibility(world, call),
        "ChangeMessageVisibilityBatch" => batch::change_visibility(world, call),
        _ => Err(Refusal::bad("InvalidAction", format!("{} is not simulated", call.operation))),
    }
}

/// Where a queue is: account, Region, name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    account: String,
    region: String,
    name: String,
}

impl Place {
    /// The queue whose URL a call gives. AWS's clients send it to wherever they are told, so its host means nothing.
    fn of(call: &Call) -> Result<Self, Refusal> {
        let url = call.text("QueueUrl").ok_or_else(|| errors::missing("QueueUrl"))?;
        let mut parts = url.trim_end_matches('/').rsplit('/');
        let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if account.len() != 12 || !account.bytes().all(|digit| digit.is_ascii_digit()) || name.is_empty() {
            return Err(errors::modelled(
                "InvalidAddress",
                format!("The address {url} is not valid for this endpoint."),
            ));
        }
        Ok(Self { account: account.to_owned(), region: call.region.clone(), name: name.to_owned() })
    }

    fn parse(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        match parts[..] {
            ["arn", _, "sqs", region, account, name] if !name.is_empty() => {
                Some(Self { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() })
            }
            _ => None,
        }
    }

    fn arn(&self, world: &World) -> String {
        format!("arn:{}:sqs:{}:{}:{}", world.partition.name, self.region, self.account, self.name)
    }

    fn find<'a>(&self, world: &'a World) -> Option<&'a Queue> {
        world.accounts.get(&self.account)?.regions.get(&self.region)?.sqs.queues.get(&self.name)
    }

    /// The queue to be worked with, without its messages that are past their time.
    fn open<'a>(&self, world: &'a mut World) -> Result<(&'a mut Queue, &'a Options), Refusal> {
        self.find(world).ok_or_else(errors::no_queue)?;
        let now = world.now();
        let Sqs { queues, options, .. } = &mut world.regional(&self.account, &self.region).sqs;
        let queue = queues.get_mut(&self.name).ok_or_else(errors::no_queue)?;
        queue.expire(now);
        Ok((queue, options))
    }
}

/// Authorizes a call on a queue, whose policy has its say.
fn admit(world: &World, call: &Call, action: &str, place: &Place) -> Result<(), Refusal> {
    let queue = place.find(world);
    // AWS: some operations are for the queue's own account whatever its policy says.
    let own_only = matches!(
        action,
        "sqs:DeleteQueue"
            | "sqs:ListQueueTags"
            | "sqs:SetQueueAttributes"
            | "sqs:TagQueue"
            | "sqs:UntagQueue"
    );
    let policy = queue
        .and_then(|queue| queue.policy.as_ref())
        .filter(|_| !own_only || call.caller.account == place.account);
    let context = queue.map(|queue| tag_context("aws:resourcetag/", &queue.tags)).unwrap_or_default();
    let arn = place.arn(world);
    let policy = policy.map(|document| &*document.policy);
    world.authorize_at(call, action, Resource { arn: &arn, owner: &place.account, policy }, context)
}

fn tag_context(prefix: &str, tags: &BTreeMap<String, String>) -> Context {
    let mut context = Context::new();
    for (key, value) in tags {
        context.entry(format!("{prefix}{}", key.to_lowercase())).or_default().push(value.clone());
    }
    if prefix == "aws:requesttag/" && !tags.is_empty() {
        context.insert("aws:tagkeys".to_owned(), tags.keys().cloned().collect());
    }
    context
}

/// Puts a message into a queue for a service or a role, as EventBridge and SNS do.
///
/// `attributes` are message attributes of type String (a dead letter carries RULE_ARN, TARGET_ARN, ERROR_CODE, …).
///
/// # Errors
/// EventBridge's error code: `NO_PERMISSIONS`, `NO_RESOURCE`, `INVALID_PARAMETER`.
pub fn send(
    world: &mut World,
    queue_arn: &str,
    body: &str,
    attributes: &BTreeMap<String, String>,
    asker: &Asker,
) -> Result<(), String> {
    may_send(world, queue_arn, asker)?;
    let place = Place::parse(queue_arn).ok_or("NO_RESOURCE")?;
    let sender = match asker {
        Asker::Service { service, .. } => service.clone(),
        Asker::Role { role_arn, .. } => role_arn.clone(),
    };
    let attributes = attributes.iter().map(|(name, value)| (name.clone(), Attribute::text(value))).collect();
    let outgoing = exchange::Outgoing { body: body.to_owned(), attributes, delay: None, sender };
    exchange::put(world, &place, outgoing).map(|_| ()).map_err(|_| "INVALID_PARAMETER".to_owned())
}

/// Whether [`send`] would succeed, without sending anything.
///
/// # Errors
/// As [`send`].
pub fn may_send(world: &World, queue_arn: &str, asker: &Asker) -> Result<(), String> {
    may_send_at(world, queue_arn, asker, world.lags.effect)
}

/// As [`may_send`], with a role's rights as they were `lag` ago.
///
/// # Errors
/// As [`send`].
pub fn may_send_at(world: &World, queue_arn: &str, asker: &Asker, lag: SignedDuration) -> Result<(), String> {
    let place = Place::parse(queue_arn).ok_or("NO_RESOURCE")?;
    let queue = place.find(world).ok_or("NO_RESOURCE")?;
    let policy = queue.policy.as_ref().map(|document| &*document.policy);
    let resource = Resource { arn: queue_arn, owner: &place.account, policy };
    world
        .asker_may(asker, "sqs:SendMessage", resource, Context::new(), lag)
        .map_err(|_| "NO_PERMISSIONS".to_owned())?;
    // AWS: the key alias/aws/sqs lets in principals of its own account that come by SQS, but no service.
    let own = matches!(asker, Asker::Role { account, .. } if *account == place.account);
    let admitted = match queue.cipher(&place) {
        None => true,
        Some(cipher) if is_aws_own(cipher.key) => own,
        Some(cipher) => kms::may(world, cipher, asker, lag).is_ok(),
    };
    if admitted { Ok(()) } else { Err("NO_PERMISSIONS".to_owned()) }
}

/// Whether it is the key that AWS keeps in the account for SQS.
fn is_aws_own(key: &str) -> bool {
    key.ends_with("alias/aws/sqs")
}

/// Refuses a caller who may not use the key of a queue: to put messages there, or to read them.
fn unlock(world: &World, call: &Call, place: &Place, actions: &[&str]) -> Result<(), Refusal> {
    let cipher = place.find(world).and_then(|queue| queue.cipher(place));
    let Some(cipher) = cipher.filter(|cipher| !is_aws_own(cipher.key)) else { return Ok(()) };
    kms::caller_may(world, cipher, call, actions).map_err(|code| {
        let who = call.caller.arn(world.partition.name);
        errors::modelled(code, format!("The key of the queue cannot be used by {who}"))
    })
}

/// AWS: what a sender needs of a queue's key, and what a receiver does.
const TO_SEND: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];
const TO_RECEIVE: [&str; 1] = ["kms:Decrypt"];
