//! The Security Token Service.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::call::{Call, Refusal, Session};
use crate::world::World;

/// The credentials that AssumeRole gave: access key to account and session.
#[derive(Debug, Default)]
pub struct Sessions {
    /// By access key.
    pub by_key: HashMap<String, (String, Arc<Session>)>,
}

/// Performs one operation.
pub fn perform(_world: &mut World, call: &Call) -> Result<Value, Refusal> {
    Err(Refusal::bad("InvalidAction", format!("{} is not simulated", call.operation)))
}
