//! Operations on metric filters.

use serde_json::{Value, json};

use super::{MetricFilter, answer, authorize, checked, group_name, held, invalid, no_group, page};
use crate::call::{Call, Refusal};
use crate::world::World;

/// AWS: a group has at most so many metric filters; nobody can have more.
const MOST: usize = 100;
/// AWS: a metric filter has at most so many dimensions.
const MOST_DIMENSIONS: usize = 3;

/// The name of the filter that a call is about. AWS: 1 to 512 characters, and neither `:` nor `*`.
fn filter_name(call: &Call) -> Result<&str, Refusal> {
    let name = call.required("filterName")?;
    if name.is_empty() {
        return Err(invalid("Value at 'filterName' failed to satisfy constraint: Member must not be empty"));
    }
    checked("filterName", name, 512, ":*")
}

pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let group = group_name(call)?;
    authorize(world, call, group)?;
    let name = filter_name(call)?.to_owned();
    let pattern = checked("filterPattern", call.required("filterPattern")?, 1_024, "")?.to_owned();
    let filter = MetricFilter { pattern, transformation: transformation(call)?, created_at: call.at };
    let groups = &mut world.regional(&call.caller.account, &call.region).logs.groups;
    let group = groups.get_mut(group).ok_or_else(no_group)?;
    if group.filters.len() >= MOST && !group.filters.contains_key(&name) {
        return Err(Refusal::bad("LimitExceededException", "Resource limit exceeded."));
    }
    // AWS: what is there by that name is replaced.
    group.filters.insert(name, filter);
    Ok(Value::Null)
}

/// The one transformation that a filter has.
fn transformation(call: &Call) -> Result<Value, Refusal> {
    let [given] = call.list("metricTransformations") else {
        return Err(invalid("metricTransformations must have exactly one member."));
    };
    let text = |name: &str| {
        let value = given.get(name).and_then(Value::as_str);
        value.ok_or_else(|| invalid(format!("metricTransformations.1.member.{name} must not be null")))
    };
    for (name, longest, without) in
        [("metricName", 255, ":*$"), ("metricNamespace", 255, ":*$"), ("metricValue", 100, "")]
    {
        checked(name, text(name)?, longest, without)?;
    }
    let dimensions = given.get("dimensions").and_then(Value::as_object);
    if dimensions.is_some_and(|dimensions| dimensions.len() > MOST_DIMENSIONS) {
        return Err(invalid(format!("A metric filter has at most {MOST_DIMENSIONS} dimensions.")));
    }
    // AWS: a metric that has dimensions cannot have a default value.
    if dimensions.is_some_and(|dimensions| !dimensions.is_empty()) && given.get("defaultValue").is_some() {
        return Err(invalid("A default value cannot be given together with dimensions."));
    }
    let names = ["metricName", "metricNamespace", "metricValue", "defaultValue", "dimensions", "unit"];
    let kept = names.into_iter().filter_map(|name| {
        Some((name.to_owned(), given.get(name).filter(|value| !value.is_null())?.clone()))
    });
    Ok(Value::Object(kept.collect()))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let group = call.text("logGroupName").map(|_| group_name(call)).transpose()?;
    authorize(world, call, group.unwrap_or_default())?;
    let metric = (call.text("metricName"), call.text("metricNamespace"));
    if metric.0.is_some() != metric.1.is_some() {
        return Err(invalid("metricName and metricNamespace must be given together."));
    }
    let held = held(world, call);
    if group.is_some_and(|name| held.is_none_or(|held| !held.groups.contains_key(name))) {
        return Err(no_group());
    }
    // AWS: a prefix counts only where a group is named.
    let prefix = group.and_then(|_| call.text("filterNamePrefix")).unwrap_or_default();
    let of = |filter: &MetricFilter, field: &str, wanted: Option<&str>| {
        wanted.is_none_or(|wanted| filter.transformation[field] == wanted)
    };
    let mut rows = Vec::new();
    let groups = held.into_iter().flat_map(|held| &held.groups);
    for (group, of_group) in groups.filter(|(name, _)| group.is_none_or(|group| group == *name)) {
        let wanted = of_group.filters.iter().filter(|(name, filter)| {
            name.starts_with(prefix)
                && of(filter, "metricName", metric.0)
                && of(filter, "metricNamespace", metric.1)
        });
        rows.extend(wanted.map(|(name, filter)| show(group, name, filter)));
    }
    Ok(answer("metricFilters", page(call, rows)?))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let group = group_name(call)?;
    authorize(world, call, group)?;
    let name = filter_name(call)?;
    let groups = &mut world.regional(&call.caller.account, &call.region).logs.groups;
    let filters = &mut groups.get_mut(group).ok_or_else(no_group)?.filters;
    let missing = || Refusal::bad("ResourceNotFoundException", "The specified metric filter does not exist.");
    filters.remove(name).map(|_| Value::Null).ok_or_else(missing)
}

fn show(group: &str, name: &str, filter: &MetricFilter) -> Value {
    json!({
        "filterName": name,
        "filterPattern": filter.pattern,
        "metricTransformations": [filter.transformation],
        "creationTime": filter.created_at.as_millisecond(),
        "logGroupName": group,
        "applyOnTransformedLogs": false,
    })
}
