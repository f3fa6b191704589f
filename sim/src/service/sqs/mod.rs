//! Simple Queue Service: queues and their messages.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::access::Asker;
use crate::call::{Call, Refusal};
use crate::world::World;

/// What an account holds of SQS in one Region.
#[derive(Clone, Debug, Default)]
pub struct Sqs {
    /// Queues by name.
    pub queues: BTreeMap<String, ()>,
}

/// Performs one operation.
pub fn perform(_world: &mut World, call: &Call) -> Result<Value, Refusal> {
    Err(Refusal::bad("InvalidAction", format!("{} is not simulated", call.operation)))
}

/// Puts a message into a queue for a service or a role, as EventBridge and SNS do.
///
/// `attributes` are message attributes of type String (a dead letter carries RULE_ARN, TARGET_ARN, ERROR_CODE, …).
///
/// # Errors
/// EventBridge's error code: `NO_PERMISSIONS`, `NO_RESOURCE`.
pub fn send(
    _world: &mut World,
    _queue_arn: &str,
    _body: &str,
    _attributes: &BTreeMap<String, String>,
    _asker: &Asker,
) -> Result<(), String> {
    Err("NO_RESOURCE".to_owned())
}

/// Whether [`send`] would succeed, without sending anything.
///
/// # Errors
/// As [`send`].
pub fn may_send(_world: &World, _queue_arn: &str, _asker: &Asker) -> Result<(), String> {
    Err("NO_RESOURCE".to_owned())
}
