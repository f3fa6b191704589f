//! From a message's body to what it tells. Pure.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::hidden::{self, HiddenEvent};
use super::{Message, Tampering};
use crate::canary::{self, Nonce};
use crate::news;

/// The longest body that is read, in bytes: more than EventBridge's largest event.
pub const LONGEST: usize = 300 * 1024;
/// The longest text that is kept of a message, in characters.
const LONGEST_TEXT: usize = 300;

/// What people and services may do to what is ours.
const GUARDED: [&str; 5] = ["aws.cloudtrail", "aws.events", "aws.iam", "aws.sns", "aws.sqs"];

#[derive(Deserialize)]
struct Envelope {
    source: String,
    account: String,
    region: String,
    time: Timestamp,
    #[serde(default)]
    detail: Value,
}

/// What our own rules tell of an event that an alert does not deliver.
#[derive(Deserialize)]
struct NotDelivered {
    id: String,
    alert: String,
    event_name: String,
}

/// Reads a message once.
pub fn parse(body: &str) -> Message {
    if body.len() > LONGEST {
        return Message::Foreign("TooLong");
    }
    let Ok(envelope) = serde_json::from_str::<Envelope>(body) else {
        return Message::Foreign("Malformed");
    };
    match envelope.source.as_str() {
        source if GUARDED.contains(&source) => tampering(&envelope),
        hidden::SOURCE => not_delivered(&envelope, body),
        "aws.organizations" => match (envelope.account.parse(), text(&envelope.detail, "/eventName")) {
            (Ok(account), Some(event)) => Message::Organization { account, event, at: envelope.time },
            _ => Message::Foreign("Malformed"),
        },
        canary::SOURCE => {
            let nonce = envelope.detail.get("nonce").and_then(Value::as_str).and_then(Nonce::parse);
            match (envelope.account.parse(), text(&envelope.detail, "/rule"), nonce) {
                (Ok(account), Some(rule), Some(nonce)) => Message::Canary { account, rule, nonce },
                _ => Message::Foreign("Malformed"),
            }
        }
        news::HEARTBEAT_SOURCE => match envelope.account.parse() {
            Ok(account) => Message::Heartbeat { account },
            Err(_) => Message::Foreign("Malformed"),
        },
        _ => Message::Foreign("UnknownSource"),
    }
}

fn tampering(envelope: &Envelope) -> Message {
    let Envelope { source, account, region, time, detail } = envelope;
    let (Ok(account), Ok(region)) = (account.parse(), region.parse()) else {
        return Message::Foreign("Malformed");
    };
    let (Some(event_id), Some(operation)) = (text(detail, "/eventID"), text(detail, "/eventName")) else {
        return Message::Foreign("Malformed");
    };
    let identity = "/userIdentity/sessionContext/sessionIssuer/userName";
    let actor = text(detail, "/userIdentity/arn").or_else(|| text(detail, "/userIdentity/invokedBy"));
    Message::Wake(Tampering {
        event_id,
        request_id: text(detail, "/requestID"),
        account,
        region,
        service: source.trim_start_matches("aws.").to_owned(),
        operation,
        actor: actor.unwrap_or_else(|| "somebody unnamed".to_owned()),
        role: text(detail, identity),
        failed: detail.get("errorCode").is_some_and(|code| !code.is_null()),
        at: *time,
    })
}

fn not_delivered(envelope: &Envelope, body: &str) -> Message {
    let told = serde_json::from_str::<NotDelivered>(body).ok();
    let named = told.and_then(|told| Some((clean(&told.id)?, clean(&told.alert)?, told.event_name)));
    match (named, envelope.account.parse(), envelope.region.parse()) {
        (Some((id, alert, event_name)), Ok(account), Ok(region)) => {
            let event_name = clean(&event_name).unwrap_or_default();
            Message::Hidden(HiddenEvent { id, alert, event_name, account, region, at: envelope.time })
        }
        _ => Message::Foreign("Malformed"),
    }
}

/// The text at `pointer`, without control characters and cut off where it is long.
fn text(detail: &Value, pointer: &str) -> Option<String> {
    clean(detail.pointer(pointer)?.as_str()?)
}

fn clean(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect())
}
