//! CloudTrail.

use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::world::World;

/// Performs one operation.
pub fn perform(_world: &mut World, call: &Call) -> Result<Value, Refusal> {
    Err(Refusal::bad("UnknownOperationException", format!("{} is not simulated", call.operation)))
}
