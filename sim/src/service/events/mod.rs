//! EventBridge: buses, rules, targets, archives.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::world::World;

/// What an account holds of EventBridge in one Region.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// Buses by name; `default` is always there, made on first sight.
    pub buses: BTreeMap<String, Bus>,
}

/// An event bus.
#[derive(Clone, Debug, Default)]
pub struct Bus {
    /// Its rules by name.
    pub rules: BTreeMap<String, ()>,
}

/// Performs one operation.
pub fn perform(_world: &mut World, call: &Call) -> Result<Value, Refusal> {
    Err(Refusal::bad("UnknownOperationException", format!("{} is not simulated", call.operation)))
}
