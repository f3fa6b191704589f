//! EventBridge: buses, rules, targets, archives.

mod archives;
mod arn;
mod buses;
mod check;
mod page;
mod permission;
mod place;
mod put_events;
mod roles;
mod rules;
mod state;
mod tags;
mod target;
mod targets;
#[cfg(test)]
pub(crate) mod tests;

use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::world::World;

pub use arn::Arn;
pub use place::Place;
pub use state::{Archive, Bus, EventPattern, Events, Options, Rule, RuleState};
pub use target::{Destination, Target};

pub(crate) use place::seen;
pub(crate) use target::crosses_regions;
pub(crate) use targets::asker;

/// The principal that EventBridge acts as.
pub const PRINCIPAL: &str = "events.amazonaws.com";

/// The bus that every account has in every Region.
pub const DEFAULT_BUS: &str = "default";

/// Performs one operation.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "CreateEventBus" => buses::create(world, call),
        "UpdateEventBus" => buses::update(world, call),
        "DeleteEventBus" => buses::delete(world, call),
        "DescribeEventBus" => buses::describe(world, call),
        "ListEventBuses" => buses::list(world, call),
        "PutPermission" => permission::put(world, call),
        "RemovePermission" => permission::remove(world, call),
        "PutRule" => rules::put(world, call),
        "DescribeRule" => rules::describe(world, call),
        "ListRules" => rules::list(world, call),
        "EnableRule" => rules::switch(world, call, RuleState::Enabled),
        "DisableRule" => rules::switch(world, call, RuleState::Disabled),
        "DeleteRule" => rules::delete(world, call),
        "TestEventPattern" => rules::test_pattern(world, call),
        "PutTargets" => targets::put(world, call),
        "RemoveTargets" => targets::remove(world, call),
        "ListTargetsByRule" => targets::list(world, call),
        "ListRuleNamesByTarget" => targets::list_rule_names(world, call),
        "TagResource" => tags::tag(world, call),
        "UntagResource" => tags::untag(world, call),
        "ListTagsForResource" => tags::list(world, call),
        "PutEvents" => put_events::put(world, call),
        "CreateArchive" => archives::create(world, call),
        "DescribeArchive" => archives::describe(world, call),
        "UpdateArchive" => archives::update(world, call),
        "DeleteArchive" => archives::delete(world, call),
        "ListArchives" => archives::list(world, call),
        unknown => Err(Refusal::bad("UnknownOperationException", format!("{unknown} is not simulated"))),
    }
}
