//! Messages, and how a queue keeps them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::digest;

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its body.
    pub body: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, Attribute>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Who sent it.
    pub sender: String,
    /// From when on it can be received.
    pub visible_at: Timestamp,
    /// When it was received for the first time.
    pub first_received_at: Option<Timestamp>,
    /// How many times it was received.
    pub received: u32,
}

/// A message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, perhaps with a label behind a dot.
    pub data_type: String,
    /// Its value, as bytes.
    pub value: Vec<u8>,
}

impl Attribute {
    /// A text.
    pub fn text(value: &str) -> Self {
        Self { data_type: "String".to_owned(), value: value.into() }
    }

    /// Whether it is sent as bytes.
    pub fn binary(&self) -> bool {
        self.data_type.starts_with("Binary")
    }

    /// As answers have it.
    pub(super) fn json(&self) -> Value {
        if self.binary() {
            json!({ "DataType": self.data_type, "BinaryValue": STANDARD.encode(&self.value) })
        } else {
            json!({ "DataType": self.data_type, "StringValue": String::from_utf8_lossy(&self.value) })
        }
    }
}

/// The messages of a queue.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// By number, in the order of sending.
    by_number: BTreeMap<u64, Message>,
    /// The numbers by when they can be received: the next one to be received is the first.
    by_visibility: BTreeSet<(Timestamp, u64)>,
    next: u64,
    /// How many messages were dropped because there were too many.
    pub dropped: u64,
}

impl Messages {
    /// All messages, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Message> {
        self.by_number.values()
    }

    /// Adds a message; the oldest is dropped when there are more than `most`.
    pub(super) fn push(&mut self, message: Message, most: usize) {
        self.by_visibility.insert((message.visible_at, self.next));
        self.by_number.insert(self.next, message);
        self.next += 1;
        while self.by_number.len() > most {
            let Some((number, oldest)) = self.by_number.pop_first() else { break };
            self.by_visibility.remove(&(oldest.visible_at, number));
            self.dropped += 1;
        }
    }

    /// Forgets messages that were sent longer ago than the retention period.
    pub(super) fn expire(&mut self, now: Timestamp, retention: SignedDuration) {
        while let Some((number, oldest)) = self.by_number.first_key_value() {
            if now.duration_since(oldest.sent_at) < retention {
                break;
            }
            let number = *number;
            self.remove(number);
        }
    }

    /// Whether a message can be received now.
    pub(super) fn any(&self, now: Timestamp) -> bool {
        self.by_visibility.range(..=(now, u64::MAX)).next().is_some()
    }

    /// Receives up to `most` messages, which are hidden for `hidden`; each with its receipt handle.
    pub(super) fn receive(
        &mut self,
        now: Timestamp,
        most: usize,
        hidden: SignedDuration,
    ) -> Vec<(String, &Message)> {
        let ready: Vec<(Timestamp, u64)> =
            self.by_visibility.range(..=(now, u64::MAX)).take(most).copied().collect();
        for entry in &ready {
            self.hide(entry.1, now.saturating_add(hidden).unwrap_or(Timestamp::MAX));
            if let Some(message) = self.by_number.get_mut(&entry.1) {
                message.received += 1;
                message.first_received_at.get_or_insert(now);
            }
        }
        ready
            .iter()
            .filter_map(|(_, number)| {
                self.by_number.get(number).map(|message| (handle(*number, message), message))
            })
            .collect()
    }

    /// The message that a receipt handle is the latest of; `None`: it is gone, or was received again since.
    ///
    /// # Errors
    /// The handle is none.
    pub(super) fn of_handle(&self, handle: &str) -> Result<Option<(u64, &Message)>, ()> {
        let (number, received, id) = read_handle(handle).ok_or(())?;
        Ok(self
            .by_number
            .get(&number)
            .filter(|message| message.id == id && message.received == received)
            .map(|message| (number, message)))
    }

    /// Changes from when on a message can be received.
    pub(super) fn hide(&mut self, number: u64, until: Timestamp) {
        if let Some(message) = self.by_number.get_mut(&number) {
            self.by_visibility.remove(&(message.visible_at, number));
            message.visible_at = until;
            self.by_visibility.insert((until, number));
        }
    }

    /// Removes a message.
    pub(super) fn remove(&mut self, number: u64) {
        if let Some(message) = self.by_number.remove(&number) {
            self.by_visibility.remove(&(message.visible_at, number));
        }
    }

    /// Removes all messages.
    pub(super) fn purge(&mut self) {
        self.by_number.clear();
        self.by_visibility.clear();
    }

    /// How many messages can be received, are being worked on, and are delayed.
    pub(super) fn counts(&self, now: Timestamp) -> (usize, usize, usize) {
        let (mut hidden, mut delayed) = (0, 0);
        let later = (std::ops::Bound::Excluded((now, u64::MAX)), std::ops::Bound::Unbounded);
        for (_, number) in self.by_visibility.range(later) {
            match self.by_number.get(number) {
                Some(message) if message.received == 0 => delayed += 1,
                _ => hidden += 1,
            }
        }
        (self.by_number.len() - hidden - delayed, hidden, delayed)
    }
}

fn handle(number: u64, message: &Message) -> String {
    STANDARD.encode(format!("{number} {} {}", message.received, message.id))
}

fn read_handle(handle: &str) -> Option<(u64, u32, String)> {
    let text = String::from_utf8(STANDARD.decode(handle).ok()?).ok()?;
    let mut parts = text.split(' ');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.to_owned()))
}

impl Message {
    /// As ReceiveMessage answers it, with the attributes that were asked for.
    pub(super) fn json(&self, handle: &str, system: &[&str], wanted: &[&str]) -> Value {
        let chosen: Vec<(&String, &Attribute)> = self
            .attributes
            .iter()
            .filter(|(name, _)| wanted.iter().any(|want| asks_for(want, name)))
            .collect();
        let mut json = json!({
            "MessageId": self.id,
            "ReceiptHandle": handle,
            "MD5OfBody": digest::body(&self.body),
            "Body": self.body,
        });
        if let Some(digest) = digest::attributes(chosen.iter().copied()) {
            json["MD5OfMessageAttributes"] = digest.into();
            for (name, attribute) in chosen {
                json["MessageAttributes"][name] = attribute.json();
            }
        }
        let first = self.first_received_at.map(|at| at.as_millisecond().to_string());
        let facts = [
            ("SenderId", Some(self.sender.clone())),
            ("SentTimestamp", Some(self.sent_at.as_millisecond().to_string())),
            ("ApproximateReceiveCount", Some(self.received.to_string())),
            ("ApproximateFirstReceiveTimestamp", first),
        ];
        for (name, value) in facts {
            if system.contains(&"All") || system.contains(&name) {
                json["Attributes"][name] = value.into();
            }
        }
        json
    }
}

/// AWS: `All`, `.*`, a name, or the beginning of names before `.*`.
fn asks_for(want: &str, name: &str) -> bool {
    match want {
        "All" | ".*" => true,
        _ => want == name || want.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix)),
    }
}
