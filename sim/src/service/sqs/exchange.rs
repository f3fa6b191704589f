//! Operations on messages: sending, receiving, deleting.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::errors::{invalid, missing, modelled, out_of_range};
use super::message::{Attribute, Message, Messages};
use super::{Place, TO_RECEIVE, TO_SEND, admit, digest, unlock};
use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::world::World;

/// AWS: ten message attributes.
const ATTRIBUTES: usize = 10;
const LONGEST_HIDING: i64 = 43_200;
const LONGEST_DELAY: i64 = 900;

/// A message on its way into a queue.
pub(super) struct Outgoing {
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, Attribute>,
    /// Seconds; `None`: the queue's own.
    pub(super) delay: Option<i64>,
    pub(super) sender: String,
}

impl Outgoing {
    /// Reads a message as SendMessage and the entries of SendMessageBatch have it.
    pub(super) fn read(input: &Map<String, Value>, caller: &Caller) -> Result<Self, Refusal> {
        let body = input.get("MessageBody").and_then(Value::as_str).unwrap_or_default();
        if body.is_empty() {
            return Err(missing("MessageBody"));
        }
        let allowed = |letter: char| matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
        if !body.chars().all(allowed) {
            return Err(modelled(
                "InvalidMessageContents",
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
            ));
        }
        let delay = input.get("DelaySeconds").and_then(Value::as_i64);
        if let Some(delay) = delay.filter(|delay| !(0..=LONGEST_DELAY).contains(delay)) {
            return Err(out_of_range("DelaySeconds", delay, 0, LONGEST_DELAY));
        }
        let mut attributes = BTreeMap::new();
        for (name, attribute) in
            input.get("MessageAttributes").and_then(Value::as_object).into_iter().flatten()
        {
            attributes.insert(name.clone(), read_attribute(name, attribute)?);
        }
        if attributes.len() > ATTRIBUTES {
            return Err(invalid(format!(
                "Number of message attributes [{}] exceeds the allowed maximum [{ATTRIBUTES}].",
                attributes.len()
            )));
        }
        Ok(Self { body: body.to_owned(), attributes, delay, sender: sender(caller) })
    }

    pub(super) fn size(&self) -> usize {
        let attributes = self.attributes.iter();
        attributes.fold(self.body.len(), |size, (name, attribute)| {
            size + name.len() + attribute.data_type.len() + attribute.value.len()
        })
    }
}

fn read_attribute(name: &str, attribute: &Value) -> Result<Attribute, Refusal> {
    let text = |field| attribute.get(field).and_then(Value::as_str);
    let data_type = text("DataType").unwrap_or_default().to_owned();
    let kind = data_type.split('.').next().unwrap_or_default();
    let value = match kind {
        "String" | "Number" => text("StringValue").map(|text| text.as_bytes().to_vec()),
        "Binary" => text("BinaryValue").and_then(|text| STANDARD.decode(text).ok()),
        _ => {
            return Err(invalid(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
            )));
        }
    };
    let value = value.filter(|value| !value.is_empty()).ok_or_else(|| {
        invalid(format!(
            "The message attribute '{name}' must contain a non-empty message attribute value for message attribute type '{data_type}'."
        ))
    })?;
    Ok(Attribute { data_type, value })
}

/// What `SenderId` holds of a caller.
fn sender(caller: &Caller) -> String {
    match &caller.principal {
        Principal::Administrator => format!("AIDA{}", caller.account),
        Principal::Session(session) => format!("{}:{}", session.role_id, session.name),
    }
}

/// Puts a message into a queue; its id and digests, as SendMessage answers them.
pub(super) fn put(
    world: &mut World,
    place: &Place,
    outgoing: Outgoing,
) -> Result<Map<String, Value>, Refusal> {
    let id = world.uuid();
    let now = world.now();
    let (queue, options) = place.open(world)?;
    let largest = queue.number("MaximumMessageSize");
    if i64::try_from(outgoing.size()).is_ok_and(|size| size > largest) {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {largest} bytes."
        )));
    }
    let delay = outgoing.delay.unwrap_or_else(|| queue.number("DelaySeconds"));
    let mut answer = Map::new();
    answer.insert("MessageId".to_owned(), id.clone().into());
    answer.insert("MD5OfMessageBody".to_owned(), digest::body(&outgoing.body).into());
    if let Some(digest) = digest::attributes(&outgoing.attributes) {
        answer.insert("MD5OfMessageAttributes".to_owned(), digest.into());
    }
    let message = Message {
        id,
        body: outgoing.body,
        attributes: outgoing.attributes,
        sent_at: now,
        sender: outgoing.sender,
        visible_at: now.saturating_add(SignedDuration::from_secs(delay)).unwrap_or(now),
        first_received_at: None,
        received: 0,
    };
    queue.messages.push(message, options.messages);
    world.arrivals.notify_waiters();
    Ok(answer)
}

pub(super) fn send(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:SendMessage", &place)?;
    place.open(world)?;
    unlock(world, call, &place, &TO_SEND)?;
    let outgoing = Outgoing::read(&call.input, &call.caller)?;
    put(world, &place, outgoing).map(Value::Object)
}

/// Answers what can be received now.
///
/// `WaitTimeSeconds` is checked, not waited for: an answer without messages is one that AWS may give as well.
pub(super) fn receive(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:ReceiveMessage", &place)?;
    let now = world.now();
    place.open(world)?;
    unlock(world, call, &place, &TO_RECEIVE)?;
    let (queue, _) = place.open(world)?;
    let most = call.number("MaxNumberOfMessages").unwrap_or(1);
    if !(1..=10).contains(&most) {
        return Err(invalid(format!(
            "Value {most} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."
        )));
    }
    let hidden = call.number("VisibilityTimeout").unwrap_or_else(|| queue.number("VisibilityTimeout"));
    if !(0..=LONGEST_HIDING).contains(&hidden) {
        return Err(out_of_range("VisibilityTimeout", hidden, 0, LONGEST_HIDING));
    }
    if let Some(wait) = call.number("WaitTimeSeconds").filter(|wait| !(0..=20).contains(wait)) {
        return Err(out_of_range("WaitTimeSeconds", wait, 0, 20));
    }
    let names = |field| call.list(field).iter().filter_map(Value::as_str);
    let system: Vec<&str> = names("AttributeNames").chain(names("MessageSystemAttributeNames")).collect();
    let wanted: Vec<&str> = names("MessageAttributeNames").collect();
    let most = usize::try_from(most).unwrap_or(1);
    let received = queue.messages.receive(now, most, SignedDuration::from_secs(hidden));
    let messages: Vec<Value> =
        received.iter().map(|(handle, message)| message.json(handle, &system, &wanted)).collect();
    if messages.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Messages": messages }))
}

/// How long a call that receives would wait as things are: not at all where there is something to receive, or nothing
/// to wait for.
pub(super) fn patience(world: &World, call: &Call) -> Duration {
    if call.service != Service::Sqs || call.operation != "ReceiveMessage" {
        return Duration::ZERO;
    }
    let Ok(place) = Place::of(call) else { return Duration::ZERO };
    let Some(queue) = place.find(world) else { return Duration::ZERO };
    if queue.messages.any(world.now()) || admit(world, call, "sqs:ReceiveMessage", &place).is_err() {
        return Duration::ZERO;
    }
    let own = || queue.number("ReceiveMessageWaitTimeSeconds");
    // AWS: 20 seconds at most; what is beyond is refused without waiting.
    let seconds = call.number("WaitTimeSeconds").unwrap_or_else(own);
    u64::try_from(seconds).ok().filter(|seconds| *seconds <= 20).map_or(Duration::ZERO, Duration::from_secs)
}

fn handle(call: &Call) -> Result<&str, Refusal> {
    call.text("ReceiptHandle").ok_or_else(|| missing("ReceiptHandle"))
}

pub(super) fn no_handle(handle: &str) -> Refusal {
    modelled(
        "ReceiptHandleIsInvalid",
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
}

/// AWS: deleting by a handle that is not the latest one succeeds and need not delete anything.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:DeleteMessage", &place)?;
    let (queue, _) = place.open(world)?;
    let handle = handle(call)?;
    let found = queue.messages.of_handle(handle).map_err(|()| no_handle(handle))?;
    if let Some(number) = found.map(|(number, _)| number) {
        queue.messages.remove(number);
    }
    Ok(Value::Null)
}

pub(super) fn change_visibility(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:ChangeMessageVisibility", &place)?;
    let now = world.now();
    let (queue, _) = place.open(world)?;
    let handle = handle(call)?;
    hide(&mut queue.messages, handle, call.number("VisibilityTimeout"), now)?;
    Ok(Value::Null)
}

/// Hides a message that was received for so many seconds from now.
pub(super) fn hide(
    messages: &mut Messages,
    handle: &str,
    seconds: Option<i64>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let seconds = seconds.ok_or_else(|| missing("VisibilityTimeout"))?;
    if !(0..=LONGEST_HIDING).contains(&seconds) {
        return Err(out_of_range("VisibilityTimeout", seconds, 0, LONGEST_HIDING));
    }
    let found = messages.of_handle(handle).map_err(|()| no_handle(handle))?;
    let number = found.filter(|(_, message)| message.visible_at > now).map(|(number, _)| number);
    let number =
        number.ok_or_else(|| modelled("MessageNotInflight", "The specified message isn't in flight."))?;
    let until = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
    messages.hide(number, until);
    Ok(())
}
