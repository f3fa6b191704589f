//! Simple Notification Service: topics, subscriptions, publishing.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::access::Asker;
use crate::call::{Call, Refusal};
use crate::world::World;

/// What an account holds of SNS in one Region.
#[derive(Clone, Debug, Default)]
pub struct Sns {
    /// Topics by name.
    pub topics: BTreeMap<String, ()>,
}

/// Performs one operation.
pub fn perform(_world: &mut World, call: &Call) -> Result<Value, Refusal> {
    Err(Refusal::bad("InvalidAction", format!("{} is not simulated", call.operation)))
}

/// Publishes a message to a topic for a service or a role, as EventBridge does for a target.
///
/// # Errors
/// EventBridge's error code, as it stands in a dead letter: `NO_PERMISSIONS`, `NO_RESOURCE`.
pub fn publish(_world: &mut World, _topic_arn: &str, _message: &str, _asker: &Asker) -> Result<(), String> {
    Err("NO_RESOURCE".to_owned())
}

/// The endpoints (`protocol endpoint`) that a message published by `asker` would reach, without sending anything.
///
/// # Errors
/// As [`publish`].
pub fn would_reach(
    _world: &World,
    _topic_arn: &str,
    _message: &str,
    _asker: &Asker,
) -> Result<Vec<String>, String> {
    Err("NO_RESOURCE".to_owned())
}

/// Confirms a pending subscription as whoever reads the endpoint's mail does; whether there was one.
pub fn confirm(_world: &mut World, _topic_arn: &str, _endpoint: &str) -> bool {
    false
}

/// Follows the unsubscribe link of a mail; whether it took the subscription away.
pub fn click_unsubscribe(_world: &mut World, _topic_arn: &str, _endpoint: &str) -> bool {
    false
}
