//! What happens to an event that is put on a bus.

use serde_json::Value;

use crate::world::World;

/// What subscribers have received.
#[derive(Clone, Debug, Default)]
pub struct Outbox {}

/// Puts an event on a bus: rules are matched, targets called, failures go to dead-letter queues.
pub fn put(_world: &mut World, _account: &str, _region: &str, _bus: &str, _event: Value) {}
