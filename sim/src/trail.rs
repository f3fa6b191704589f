//! CloudTrail trails, and the events that calls leave on an account's default bus.

use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::world::World;

/// A trail.
#[derive(Clone, Debug)]
pub struct Trail {}

/// Puts the event `AWS API Call via CloudTrail` of a call onto the default bus where AWS puts it, if a trail logs it.
pub fn emit(_world: &mut World, _call: &Call, _result: &Result<Value, Refusal>) {}
