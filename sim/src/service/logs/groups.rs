//! Operations on log groups.

use serde_json::{Value, json};

use super::{LogGroup, answer, authorize, group_name, held, no_group, page};
use crate::call::{Call, Refusal};
use crate::world::World;

pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = group_name(call)?;
    authorize(world, call, name)?;
    if held(world, call).is_some_and(|held| held.groups.contains_key(name)) {
        return Err(Refusal::bad("ResourceAlreadyExistsException", "The specified log group already exists"));
    }
    let mut group = LogGroup::new(world.partition.name, &call.caller.account, &call.region, name, call.at);
    let tags = call.object("tags").into_iter().flatten();
    group.tags = tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    world.regional(&call.caller.account, &call.region).logs.groups.insert(name.to_owned(), group);
    Ok(Value::Null)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = group_name(call)?;
    authorize(world, call, name)?;
    let groups = &mut world.regional(&call.caller.account, &call.region).logs.groups;
    groups.remove(name).map(|_| Value::Null).ok_or_else(no_group)
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    // AWS: the rights are asked for on all groups, whatever the prefix.
    authorize(world, call, "")?;
    let prefix = call.text("logGroupNamePrefix").unwrap_or_default();
    let groups = held(world, call).into_iter().flat_map(|held| &held.groups);
    let rows = groups.filter(|(name, _)| name.starts_with(prefix)).map(|(name, group)| show(name, group));
    Ok(answer("logGroups", page(call, rows.collect())?))
}

fn show(name: &str, group: &LogGroup) -> Value {
    json!({
        "logGroupName": name,
        "arn": format!("{}:*", group.arn),
        "logGroupArn": group.arn,
        "creationTime": group.created_at.as_millisecond(),
        "metricFilterCount": group.filters.len(),
        "storedBytes": 0,
    })
}
