//! What happens to an event that is put on a bus.

use jiff::Timestamp;
use serde_json::Value;

use crate::world::World;

/// What subscribers have received.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    received: Vec<Received>,
}

/// A message as it came to a subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// When.
    pub at: Timestamp,
    /// Through which topic.
    pub topic_arn: String,
    /// The subscription's protocol.
    pub protocol: String,
    /// The subscription's endpoint.
    pub endpoint: String,
    /// The subject, where the protocol has one.
    pub subject: Option<String>,
    /// The body.
    pub body: String,
}

impl Outbox {
    /// Keeps a message.
    pub fn record(&mut self, received: Received) {
        self.received.push(received);
    }

    /// Everything that was received, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Received> {
        self.received.iter()
    }
}

/// Puts an event on a bus: rules are matched, targets called, failures go to dead-letter queues.
pub fn put(_world: &mut World, _account: &str, _region: &str, _bus: &str, _event: Value) {}
