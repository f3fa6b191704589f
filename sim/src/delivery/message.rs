//! The text that a target receives.

use serde_json::Value;

use crate::service::events::{Rule, Target};
use crate::world::World;

/// What the target receives for the event.
pub(super) fn of(world: &World, rule: &Rule, target: &Target, event: &Value) -> String {
    let _ = (world, rule, target);
    event.to_string()
}
