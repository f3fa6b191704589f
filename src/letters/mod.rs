//! Dead letters: events that EventBridge could not deliver, with what it says about each. Pure.
//!
//! They lie in queues that only EventBridge's rules may send to, but what a rule sends is an event of its account; so a
//! letter is read as what anybody may have written, and nothing is done because of it but telling people of it.

pub mod delivery;
mod render;
mod summary;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::model::ids::{AccountId, Region};

pub use summary::{Group, Overview, Summary, Unreadable};

/// The longest body that is read, in bytes: EventBridge takes events up to this.
const LONGEST: usize = 1024 * 1024;
/// The longest text that is kept of EventBridge's message, in characters.
const LONGEST_TEXT: usize = 300;

/// A message of a dead-letter queue as it was received.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// SQS's id of the message; the same each time it is received.
    pub id: String,
    /// By what it is deleted.
    pub handle: String,
    /// The event.
    pub body: String,
    /// What EventBridge says about it: `RULE_ARN`, `TARGET_ARN`, `ERROR_CODE`, `ERROR_MESSAGE`.
    pub attributes: BTreeMap<String, String>,
    /// When it was put into the queue.
    pub sent_at: Option<Timestamp>,
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// SQS's id of the message.
    pub id: String,
    /// The account that the event is of, as EventBridge says; none where the letter holds no event.
    pub account: Option<AccountId>,
    /// The rule that could not deliver it.
    pub rule: Rule,
    /// Where it should have gone.
    pub target_arn: String,
    /// Why not, as a constant of EventBridge: `NO_PERMISSIONS`.
    pub error: String,
    /// Why not, in EventBridge's words.
    pub message: String,
    /// The event, if it is one.
    pub event: Option<Value>,
    /// When it happened, or else when the letter was put into the queue.
    pub at: Option<Timestamp>,
}

/// The rule of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// The account that the rule is in; none where EventBridge did not say.
    pub account: Option<AccountId>,
    /// Its Region.
    pub region: Option<Region>,
    /// The bus that it is on; none for the default bus.
    pub bus: Option<String>,
    /// Its name.
    pub name: String,
}

impl Rule {
    /// Reads `arn:<partition>:events:<region>:<account>:rule/[<bus>/]<name>`.
    fn parse(arn: &str) -> Self {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [_, _, "events", region, account, resource] = parts[..] else {
            return Self { account: None, region: None, bus: None, name: text(arn) };
        };
        let path = resource.strip_prefix("rule/").unwrap_or(resource);
        let (bus, name) = path.split_once('/').map_or((None, path), |(bus, name)| (Some(text(bus)), name));
        Self { account: account.parse().ok(), region: region.parse().ok(), bus, name: text(name) }
    }
}

/// What kind of event a letter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// An event that people should have heard of.
    Event,
    /// A canary or another message of orgwatch's own: nobody should hear of it.
    Own,
    /// No event.
    Nothing,
}

impl Letter {
    /// Reads a message. What is missing or malformed is left empty: also such a letter has to be seen.
    pub fn read(message: &Message) -> Self {
        let attribute =
            |name: &str| message.attributes.get(name).map(|value| text(value)).unwrap_or_default();
        let event = (message.body.len() <= LONGEST)
            .then(|| serde_json::from_str::<Value>(&message.body).ok())
            .flatten()
            .filter(|event| event["source"].is_string() && event["account"].is_string());
        let happened = || event.as_ref()?["time"].as_str()?.parse::<Timestamp>().ok();
        Self {
            id: message.id.clone(),
            account: event.as_ref().and_then(|event| event["account"].as_str()?.parse().ok()),
            rule: Rule::parse(message.attributes.get("RULE_ARN").map(String::as_str).unwrap_or_default()),
            target_arn: attribute("TARGET_ARN"),
            error: attribute("ERROR_CODE"),
            message: attribute("ERROR_MESSAGE"),
            at: happened().or(message.sent_at),
            event,
        }
    }

    /// What kind of event it holds.
    pub fn holds(&self) -> Holds {
        match self.event.as_ref().and_then(|event| event["source"].as_str()) {
            Some(source) if source == "orgwatch" || source.starts_with("orgwatch.") => Holds::Own,
            Some(_) => Holds::Event,
            None => Holds::Nothing,
        }
    }
}

/// A text without control characters, cut off where it is long.
fn text(of: &str) -> String {
    of.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests;
