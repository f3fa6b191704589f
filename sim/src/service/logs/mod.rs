//! CloudWatch Logs: log groups and their metric filters.
//!
//! No log events are kept, and nothing is counted of them: what matters here is which filters stand on which group.

mod filters;
mod groups;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

/// AWS: a page of groups or filters.
const PAGE: usize = 50;

/// What an account holds of CloudWatch Logs in one Region.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// Log groups by name.
    pub groups: BTreeMap<String, LogGroup>,
}

/// A log group.
#[derive(Clone, Debug, PartialEq)]
pub struct LogGroup {
    /// Its ARN, without the `:*` behind it.
    pub arn: String,
    /// Its metric filters by name.
    pub filters: BTreeMap<String, MetricFilter>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl LogGroup {
    /// A group with nothing in it.
    pub fn new(partition: &str, account: &str, region: &str, name: &str, at: Timestamp) -> Self {
        Self {
            arn: format!("arn:{partition}:logs:{region}:{account}:log-group:{name}"),
            filters: BTreeMap::new(),
            tags: BTreeMap::new(),
            created_at: at,
        }
    }
}

/// What makes a figure of a log event.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricFilter {
    /// Which events.
    pub pattern: String,
    /// Which figure of which metric, by AWS's names. AWS: exactly one.
    pub transformation: Value,
    /// When it was made or changed last.
    pub created_at: Timestamp,
}

/// Performs one operation.
///
/// # Errors
/// What AWS refuses.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "CreateLogGroup" => groups::create(world, call),
        "DeleteLogGroup" => groups::delete(world, call),
        "DeleteMetricFilter" => filters::delete(world, call),
        "DescribeLogGroups" => groups::describe(world, call),
        "DescribeMetricFilters" => filters::describe(world, call),
        "PutMetricFilter" => filters::put(world, call),
        other => Err(Refusal::bad("UnknownOperationException", format!("{other} is not simulated"))),
    }
}

fn held<'a>(world: &'a World, call: &Call) -> Option<&'a Logs> {
    Some(&world.accounts.get(&call.caller.account)?.regions.get(&call.region)?.logs)
}

/// Whether the caller may do this with a group; an empty name stands for all of them.
///
/// AWS: what is asked for is the group with its streams, so a policy must name it with `:*` behind its name.
fn authorize(world: &World, call: &Call, group: &str) -> Result<(), Refusal> {
    let arn = format!(
        "arn:{}:logs:{}:{}:log-group:{group}:log-stream:",
        world.partition.name, call.region, call.caller.account
    );
    let mut context = Context::new();
    for (key, value) in held(world, call).and_then(|held| held.groups.get(group)).iter().flat_map(|g| &g.tags)
    {
        context.insert(format!("aws:resourcetag/{}", key.to_lowercase()), vec![value.clone()]);
    }
    world.authorize(call, &format!("logs:{}", call.operation), &arn, context)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::bad("InvalidParameterException", message)
}

fn no_group() -> Refusal {
    Refusal::bad("ResourceNotFoundException", "The specified log group does not exist.")
}

/// The name of the group that a call is about. AWS: 1 to 512 letters, digits and `_-/.#`.
fn group_name(call: &Call) -> Result<&str, Refusal> {
    let name = call.required("logGroupName")?;
    let spelled = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.#".contains(&byte);
    if (1..=512).contains(&name.len()) && name.bytes().all(spelled) {
        Ok(name)
    } else {
        Err(invalid(format!(
            "1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        )))
    }
}

/// A text of at most so many characters that has none of these.
fn checked<'a>(name: &str, text: &'a str, longest: usize, without: &str) -> Result<&'a str, Refusal> {
    if text.chars().count() <= longest && !text.contains(|letter| without.contains(letter)) {
        return Ok(text);
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{text}' at '{name}' failed to satisfy constraint: Member must have length \
         less than or equal to {longest} and none of {without}"
    )))
}

/// One page of rows behind the token of a call, and the token of the next page: the number of rows before it.
fn page(call: &Call, rows: Vec<Value>) -> Result<(Vec<Value>, Option<String>), Refusal> {
    let limit = call.number("limit").map_or(Some(PAGE), |limit| usize::try_from(limit).ok());
    let limit = limit.filter(|limit| (1..=PAGE).contains(limit)).ok_or_else(|| {
        invalid("Value at 'limit' failed to satisfy constraint: Member must be between 1 and 50")
    })?;
    let begin = match call.text("nextToken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| invalid("The specified nextToken is invalid."))?,
    };
    let more = rows.len() > begin + limit;
    let shown = rows.into_iter().skip(begin).take(limit).collect();
    Ok((shown, more.then(|| (begin + limit).to_string())))
}

/// The answer of a listing call.
fn answer(field: &str, (rows, next): (Vec<Value>, Option<String>)) -> Value {
    let mut answer = serde_json::json!({ field: rows });
    if let Some(token) = next {
        answer["nextToken"] = token.into();
    }
    answer
}
