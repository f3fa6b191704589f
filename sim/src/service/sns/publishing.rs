//! From a message to a topic's subscribers.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::arn::{TopicArn, invalid};
use super::attributes::largest_message;
use super::state::{Standing, Subscription, Topic};
use super::{Found, admit, find, regional, subscriptions};
use crate::access::{Asker, Resource};
use crate::call::{Call, Refusal};
use crate::delivery::Received;
use crate::policy::Context;
use crate::service::kms::{self, Cipher};
use crate::service::{cloudwatch, sqs};
use crate::world::{Part, World};

const NO_RESOURCE: &str = "NO_RESOURCE";
const NO_PERMISSIONS: &str = "NO_PERMISSIONS";
const INVALID_PARAMETER: &str = "INVALID_PARAMETER";

/// The subject of mails whose message has none.
const SUBJECT: &str = "AWS Notification Message";

/// A message.
struct Message<'a> {
    body: &'a str,
    subject: Option<&'a str>,
    /// Bodies by protocol, `default` among them.
    bodies: Option<Map<String, Value>>,
    /// `{"DataType": …, "StringValue": …}` by name.
    attributes: Map<String, Value>,
}

/// Publishes a message to a topic for a service or a role, as EventBridge does for a target.
///
/// # Errors
/// EventBridge's error code, as it stands in a dead letter: `NO_PERMISSIONS`, `NO_RESOURCE`, `INVALID_PARAMETER`.
pub fn publish(world: &mut World, topic_arn: &str, message: &str, asker: &Asker) -> Result<(), String> {
    let (topic, subscriptions) = reached(world, topic_arn, message, asker, world.lags.effect)?;
    let message = Message { body: message, subject: None, bodies: None, attributes: Map::new() };
    deliver(world, topic, &message, &subscriptions);
    Ok(())
}

/// As [`publish`], with a subject, as CloudWatch does for an alarm.
///
/// # Errors
/// As [`publish`].
pub fn notify(
    world: &mut World,
    topic_arn: &str,
    subject: &str,
    message: &str,
    asker: &Asker,
) -> Result<(), String> {
    let (topic, subscriptions) = reached(world, topic_arn, message, asker, world.lags.effect)?;
    let message = Message { body: message, subject: Some(subject), bodies: None, attributes: Map::new() };
    deliver(world, topic, &message, &subscriptions);
    Ok(())
}

/// The endpoints (`protocol endpoint`) that a message published by `asker` would reach, without sending anything.
///
/// # Errors
/// As [`publish`].
pub fn would_reach(
    world: &World,
    topic_arn: &str,
    message: &str,
    asker: &Asker,
) -> Result<Vec<String>, String> {
    would_reach_at(world, topic_arn, message, asker, world.lags.effect)
}

/// As [`would_reach`], with changes respected that are older than `lag`: zero for what was written last.
///
/// # Errors
/// As [`publish`].
pub fn would_reach_at(
    world: &World,
    topic_arn: &str,
    message: &str,
    asker: &Asker,
    lag: SignedDuration,
) -> Result<Vec<String>, String> {
    let (topic, subscriptions) = reached(world, topic_arn, message, asker, lag)?;
    let sns = self::asker(topic);
    Ok(subscriptions
        .iter()
        .filter(|each| each.protocol != "sqs" || sqs::may_send_at(world, &each.endpoint, &sns, lag).is_ok())
        .map(|each| format!("{} {}", each.protocol, each.endpoint))
        .collect())
}

/// SNS itself, when it brings a topic's messages to a queue.
pub(super) fn asker(topic: TopicArn<'_>) -> Asker {
    Asker::Service {
        service: "sns.amazonaws.com".to_owned(),
        source_account: topic.account.to_owned(),
        source_arn: topic.text.to_owned(),
    }
}

/// Decides whether a message is taken, and who gets it.
fn reached<'a>(
    world: &World,
    topic_arn: &'a str,
    message: &str,
    asker: &Asker,
    lag: SignedDuration,
) -> Result<(TopicArn<'a>, Vec<Arc<Subscription>>), String> {
    let arn = TopicArn::parse(topic_arn).ok_or(NO_RESOURCE)?;
    let now = world.now();
    let behind = world.behind(arn.account, Part::Topics, lag);
    let topic = regional(world, arn)
        .and_then(|regional| regional.sns.seen(now, behind).topics.get(arn.name))
        .ok_or(NO_RESOURCE)?;
    let resource = Resource { arn: arn.text, owner: arn.account, policy: Some(&*topic.policy.policy) };
    world
        .asker_may(asker, "sns:Publish", resource, Context::new(), lag)
        .map_err(|_| NO_PERMISSIONS.to_owned())?;
    // AWS: the key alias/aws/sns lets in principals of its own account that come by SNS, but no service.
    let may_encrypt = match (cipher(topic, arn), asker) {
        (None, _) => true,
        (Some(cipher), Asker::Service { .. }) if is_aws_own(cipher.key) => false,
        (Some(cipher), Asker::Role { account, .. }) if is_aws_own(cipher.key) => account == arn.account,
        (Some(cipher), asker) => kms::may(world, cipher, asker, lag).is_ok(),
    };
    if !may_encrypt {
        return Err(NO_PERMISSIONS.to_owned());
    }
    if message.is_empty() || message.len() > largest_message(topic) || arn.name.ends_with(".fifo") {
        return Err(INVALID_PARAMETER.to_owned());
    }
    Ok((arn, subscribers(world, arn, topic, message, &json!({}))))
}

/// What encrypts a topic's messages, if anything of the customer's does.
fn cipher<'a>(topic: &'a Topic, arn: TopicArn<'a>) -> Option<Cipher<'a>> {
    let key = topic.attributes.get("KmsMasterKeyId").filter(|key| !key.is_empty())?;
    let context = ("aws:sns:topicArn", arn.text);
    Some(Cipher { key, account: arn.account, region: arn.region, service: "sns", context })
}

/// Whether it is the key that AWS keeps in the account for SNS.
fn is_aws_own(key: &str) -> bool {
    key.ends_with("alias/aws/sns")
}

/// The confirmed subscriptions of a topic whose filters admit a message.
fn subscribers(
    world: &World,
    arn: TopicArn<'_>,
    topic: &Topic,
    body: &str,
    attributes: &Value,
) -> Vec<Arc<Subscription>> {
    let current = find(world, arn);
    let suspended = |id: &str| {
        let now = current.and_then(|topic| topic.subscriptions.get(id));
        now.is_some_and(|subscription| subscription.pending())
    };
    let filtered = topic.subscriptions.values().any(|each| each.filter.is_some());
    let body: Option<Value> = filtered.then(|| serde_json::from_str(body).ok()).flatten();
    topic
        .subscriptions
        .iter()
        .filter(|(id, each)| !each.pending() && !suspended(id))
        .filter(|(_, each)| {
            each.filter.as_ref().is_none_or(|filter| filter.admits(body.as_ref(), attributes))
        })
        .map(|(_, each)| Arc::clone(each))
        .collect()
}

/// Brings a message to subscribers.
fn deliver(
    world: &mut World,
    topic: TopicArn<'_>,
    message: &Message<'_>,
    subscriptions: &[Arc<Subscription>],
) -> String {
    let id = world.uuid();
    let now = world.now();
    measure(world, topic, "NumberOfMessagesPublished");
    for subscription in subscriptions {
        let protocol = subscription.protocol.as_str();
        let mail = matches!(protocol, "email" | "email-json");
        let mailroom = &mut world.regional(topic.account, topic.region).mailroom;
        if mail && mailroom.floods(&subscription.arn, now) {
            subscriptions::stand(world, topic, subscription.id(), Standing::Pending { since: now });
            continue;
        }
        let bodies = message.bodies.as_ref();
        let own = bodies.and_then(|bodies| bodies.get(protocol).and_then(Value::as_str));
        let plain = own.unwrap_or(message.body);
        let body = if subscription.raw() || matches!(protocol, "email" | "sms" | "application") {
            plain.to_owned()
        } else {
            envelope(world, topic, subscription, message, plain, &id)
        };
        if protocol == "sqs" && !queue(world, topic, subscription, message, &body) {
            measure(world, topic, "NumberOfNotificationsFailed");
            continue;
        }
        measure(world, topic, "NumberOfNotificationsDelivered");
        let subject = message.subject.or(mail.then_some(SUBJECT)).map(str::to_owned);
        world.outbox.record(Received {
            at: now,
            topic_arn: topic.text.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: subscription.endpoint.clone(),
            subject,
            body,
        });
    }
    id
}

fn measure(world: &mut World, topic: TopicArn<'_>, metric: &str) {
    let dimensions = [("TopicName", topic.name)];
    cloudwatch::count(world, topic.account, topic.region, ("AWS/SNS", metric), &dimensions, 1.0);
}

/// Sends to a queue; if that fails, to the subscription's dead-letter queue. Whether the queue has it.
fn queue(
    world: &mut World,
    topic: TopicArn<'_>,
    subscription: &Subscription,
    message: &Message<'_>,
    body: &str,
) -> bool {
    let sns = asker(topic);
    let attributes: BTreeMap<String, String> = message
        .attributes
        .iter()
        .filter(|_| subscription.raw())
        .filter_map(|(name, value)| Some((name.clone(), value.get("StringValue")?.as_str()?.to_owned())))
        .collect();
    if sqs::send(world, &subscription.endpoint, body, &attributes, &sns).is_ok() {
        return true;
    }
    let redrive = subscription.attributes.get("RedrivePolicy");
    let redrive: Option<Value> = redrive.and_then(|text| serde_json::from_str(text).ok());
    let target = redrive.as_ref().and_then(|policy| policy.get("deadLetterTargetArn")?.as_str());
    if let Some(target) = target {
        // What a dead-letter queue does not take is lost.
        sqs::send(world, target, body, &attributes, &sns).ok();
    }
    false
}

fn envelope(
    world: &World,
    topic: TopicArn<'_>,
    subscription: &Subscription,
    message: &Message<'_>,
    body: &str,
    id: &str,
) -> String {
    let host = format!("https://sns.{}.{}", topic.region, world.partition.dns_suffix);
    let mut envelope = json!({
        "Type": "Notification",
        "MessageId": id,
        "TopicArn": topic.text,
        "Message": body,
        "Timestamp": format!("{:.3}", world.now()),
        "SignatureVersion": "1",
        "Signature": "simulated",
        "SigningCertURL": format!("{host}/SimpleNotificationService-simulated.pem"),
        "UnsubscribeURL": format!("{host}/?Action=Unsubscribe&SubscriptionArn={}", subscription.arn),
    });
    if let Some(subject) = message.subject {
        envelope["Subject"] = subject.into();
    }
    for (name, value) in &message.attributes {
        let text = value.get("StringValue").or_else(|| value.get("BinaryValue"));
        envelope["MessageAttributes"][name] = json!({ "Type": value.get("DataType"), "Value": text });
    }
    envelope.to_string()
}

/// The operation Publish.
pub(super) fn publish_by_call(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let parameter = if call.text("TopicArn").is_some() { "TopicArn" } else { "TargetArn" };
    let arn = TopicArn::of(call, world, parameter)?;
    admit(world, call, "sns:Publish", arn, Context::new())?;
    let subject = call.text("Subject");
    if subject.is_some_and(|text| text.is_empty() || text.len() > 100 || text.contains(['\n', '\r'])) {
        return Err(invalid("Subject"));
    }
    let body =
        call.text("Message").filter(|body| !body.is_empty()).ok_or_else(|| invalid("Empty message"))?;
    let attributes = call.object("MessageAttributes").cloned().unwrap_or_default();
    for (name, attribute) in &attributes {
        let text = |field| attribute.get(field).and_then(Value::as_str).unwrap_or_default();
        if text("StringValue").is_empty() && text("BinaryValue").is_empty() {
            let kind = text("DataType");
            return Err(Refusal::bad(
                "ParameterValueInvalid",
                format!(
                    "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{kind}'."
                ),
            ));
        }
    }
    let (now, lag) = (world.now(), world.lags.effect);
    // A topic younger than the lag is published to as it is: it exists for its own account at once.
    let young = find(world, arn);
    let seen = regional(world, arn).and_then(|regional| regional.sns.seen(now, lag).topics.get(arn.name));
    let topic = match (young, seen) {
        (None, _) => return Err(Found::current(world, arn).err().unwrap_or_else(|| invalid(parameter))),
        (Some(_), Some(seen)) => seen,
        (Some(young), None) => young,
    };
    let cipher = cipher(topic, arn).filter(|cipher| !is_aws_own(cipher.key));
    let to_put = ["kms:GenerateDataKey", "kms:Decrypt"];
    if let Some(code) = cipher.and_then(|cipher| kms::caller_may(world, cipher, call, &to_put).err()) {
        let code = code.replacen("Kms", "KMS", 1);
        let message =
            format!("The key of the topic cannot be used by {}", call.caller.arn(world.partition.name));
        return Err(Refusal::bad(code, message));
    }
    let size =
        attributes.iter().fold(body.len(), |size, (name, value)| size + name.len() + value_size(value));
    if size > largest_message(topic) {
        return Err(invalid("Message too long"));
    }
    if arn.name.ends_with(".fifo") && call.text("MessageGroupId").is_none() {
        return Err(invalid("The MessageGroupId parameter is required for FIFO topics"));
    }
    let bodies = match call.text("MessageStructure") {
        Some("json") => Some(bodies(body)?),
        _ => None,
    };
    let default = bodies.as_ref().and_then(|bodies| bodies.get("default")).and_then(Value::as_str);
    let default = default.unwrap_or(body).to_owned();
    let subscriptions = subscribers(world, arn, topic, &default, &filterable(&attributes));
    let message = Message { body: &default, subject, bodies, attributes };
    let id = deliver(world, arn, &message, &subscriptions);
    Ok(json!({ "MessageId": id }))
}

fn value_size(attribute: &Value) -> usize {
    attribute.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_str).map(str::len).sum()
}

fn bodies(message: &str) -> Result<Map<String, Value>, Refusal> {
    let parsed: Value = serde_json::from_str(message)
        .map_err(|_| invalid("Message Structure - JSON message body failed to parse"))?;
    match parsed {
        Value::Object(bodies) if bodies.get("default").is_some_and(Value::is_string) => Ok(bodies),
        _ => Err(invalid("Message Structure - No default entry in JSON message body")),
    }
}

/// Message attributes as filter policies see them. AWS: `String.Array` is an array, `Number` a number, `Binary`
/// cannot be filtered by.
fn filterable(attributes: &Map<String, Value>) -> Value {
    let values = attributes.iter().filter_map(|(name, attribute)| {
        let text = attribute.get("StringValue")?.as_str()?;
        let kind = attribute.get("DataType").and_then(Value::as_str).unwrap_or("String");
        let value = match kind {
            "Number" | "String.Array" => serde_json::from_str(text).ok()?,
            _ => Value::String(text.to_owned()),
        };
        Some((name.clone(), value))
    });
    Value::Object(values.collect())
}
