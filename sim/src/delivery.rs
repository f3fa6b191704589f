//! What happens to an event that is put on a bus.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::Value;

use crate::world::World;

/// Something that a subscriber received.
#[derive(Clone, Debug)]
pub struct Received {
    /// When.
    pub at: Timestamp,
    /// From which topic.
    pub topic_arn: String,
    /// By which protocol.
    pub protocol: String,
    /// At which endpoint.
    pub endpoint: String,
    /// The subject of a mail.
    pub subject: Option<String>,
    /// The text.
    pub body: String,
}

/// What subscribers have received.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    received: VecDeque<Received>,
}

impl Outbox {
    /// Adds what was received.
    pub fn record(&mut self, received: Received) {
        self.received.push_back(received);
    }

    /// All that was received, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Received> {
        self.received.iter()
    }

    /// Forgets it.
    pub fn clear(&mut self) {
        self.received.clear();
    }
}

/// Puts an event on a bus: rules are matched, targets called, failures go to dead-letter queues.
pub fn put(_world: &mut World, _account: &str, _region: &str, _bus: &str, _event: Value) {}
