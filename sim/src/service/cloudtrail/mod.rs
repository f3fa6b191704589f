//! CloudTrail: trails and their event selectors.

mod change;
mod find;
mod look;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::world::World;

/// The principal that acts for CloudTrail in an organization.
pub const PRINCIPAL: &str = "cloudtrail.amazonaws.com";

/// Performs one operation.
///
/// # Errors
/// What AWS refuses.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "AddTags" => change::add_tags(world, call),
        "CreateTrail" => change::create(world, call),
        "DeleteTrail" => change::delete(world, call),
        "DescribeTrails" => look::describe(world, call),
        "GetEventSelectors" => look::selectors(world, call),
        "GetTrail" => look::get(world, call),
        "GetTrailStatus" => look::status(world, call),
        "ListTags" => look::tags(world, call),
        "ListTrails" => look::list(world, call),
        "PutEventSelectors" => change::put_selectors(world, call),
        "RemoveTags" => change::remove_tags(world, call),
        "StartLogging" => change::start(world, call),
        "StopLogging" => change::stop(world, call),
        "UpdateTrail" => change::update(world, call),
        other => Err(Refusal::bad("UnknownOperationException", format!("{other} is not simulated"))),
    }
}
