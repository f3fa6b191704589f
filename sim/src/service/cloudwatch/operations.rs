//! Operations on alarms.

use serde_json::{Value, json};

use super::alarm::{AlarmState, read, show};
use super::metric::Metric;
use super::{alarm_arn, evaluation, held, invalid, missing, tags};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

/// AWS: a page of alarms.
const PAGE: usize = 100;

pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.text("AlarmName").ok_or_else(|| missing("AlarmName"))?;
    if name.is_empty() || name.chars().count() > 255 {
        return Err(invalid("The name of an alarm has 1 to 255 characters."));
    }
    let arn = alarm_arn(world, call, name);
    let mut context = tags::request_context(call);
    let actions: Vec<String> = ["AlarmActions", "OKActions", "InsufficientDataActions"]
        .into_iter()
        .flat_map(|list| call.list(list))
        .filter_map(Value::as_str)
        .map(ToOwned::to_owned)
        .collect();
    if !actions.is_empty() {
        context.insert("cloudwatch:alarmactions".to_owned(), actions);
    }
    let there = held(world, call).and_then(|held| held.alarms.get(name)).cloned();
    if let Some(there) = &there {
        tags::resource_context(there, &mut context);
    }
    world.authorize(call, "cloudwatch:PutMetricAlarm", &arn, context.clone())?;
    // AWS: an alarm that is made with tags needs the right to tag.
    if there.is_none() && !call.list("Tags").is_empty() {
        world.authorize(call, "cloudwatch:TagResource", &arn, context)?;
    }
    let mut alarm = read(call, arn, call.at)?;
    if let Some(there) = there {
        // AWS: all is overwritten but the state, and tags are ignored.
        alarm.state = there.state;
        alarm.reason = there.reason;
        alarm.state_since = there.state_since;
        alarm.tags = there.tags;
    }
    let held = &mut world.regional(&call.caller.account, &call.region).cloudwatch;
    held.alarms.insert(name.to_owned(), alarm);
    Ok(Value::Null)
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = alarm_arn(world, call, "*");
    world.authorize(call, "cloudwatch:DescribeAlarms", &arn, Context::new())?;
    let names: Vec<&str> = call.list("AlarmNames").iter().filter_map(Value::as_str).collect();
    if !names.is_empty() && call.text("AlarmNamePrefix").is_some() {
        let message = "AlarmNames and AlarmNamePrefix cannot be given together.";
        return Err(Refusal::bad("InvalidParameterCombination", message));
    }
    let types: Vec<&str> = call.list("AlarmTypes").iter().filter_map(Value::as_str).collect();
    let metric_alarms = types.is_empty() || types.contains(&"MetricAlarm");
    let after = call.text("NextToken").unwrap_or_default();
    let page = call.number("MaxRecords").and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE);
    if !(1..=PAGE).contains(&page) {
        return Err(invalid("MaxRecords must be between 1 and 100."));
    }
    let alarms = held(world, call).map(|held| &held.alarms);
    let mut wanted = alarms
        .into_iter()
        .flatten()
        .filter(|(name, alarm)| {
            metric_alarms
                && name.as_str() > after
                && (names.is_empty() || names.contains(&name.as_str()))
                && call.text("AlarmNamePrefix").is_none_or(|prefix| name.starts_with(prefix))
                && call.text("StateValue").is_none_or(|state| state == alarm.state.label())
                && call.text("ActionPrefix").is_none_or(|prefix| {
                    alarm.actions.values().flatten().any(|action| action.starts_with(prefix))
                })
        })
        .peekable();
    let mut shown = Vec::new();
    let mut last = "";
    while let Some((name, alarm)) = wanted.next_if(|_| shown.len() < page) {
        shown.push(show(name, alarm));
        last = name;
    }
    let mut answer = json!({ "MetricAlarms": shown, "CompositeAlarms": [] });
    if wanted.peek().is_some() {
        answer["NextToken"] = last.into();
    }
    Ok(answer)
}

pub(super) fn describe_for_metric(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "cloudwatch:DescribeAlarmsForMetric", "*", Context::new())?;
    let metric = Metric::read(
        call.text("Namespace").ok_or_else(|| missing("Namespace"))?,
        call.text("MetricName").ok_or_else(|| missing("MetricName"))?,
        call.list("Dimensions"),
    )?;
    let shown: Vec<Value> = held(world, call)
        .into_iter()
        .flat_map(|held| &held.alarms)
        .filter(|(_, alarm)| {
            alarm.metric == metric
                && call.text("Statistic").is_none_or(|statistic| statistic == alarm.statistic)
                && call.number("Period").is_none_or(|period| period == alarm.period)
        })
        .map(|(name, alarm)| show(name, alarm))
        .collect();
    Ok(json!({ "MetricAlarms": shown }))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let names = admitted(world, call, "cloudwatch:DeleteAlarms")?;
    let account = call.caller.account.as_str();
    let held = &mut world.regional(account, &call.region).cloudwatch;
    // AWS: if one of several is not there, none is deleted; one alone that is not there is no error.
    if names.len() > 1 && names.iter().any(|name| !held.alarms.contains_key(name)) {
        return Err(Refusal::new(404, "ResourceNotFound", "One of the alarms does not exist."));
    }
    for name in &names {
        held.alarms.remove(name);
    }
    Ok(Value::Null)
}

pub(super) fn enable_actions(world: &mut World, call: &Call, enabled: bool) -> Result<Value, Refusal> {
    let names = admitted(world, call, &format!("cloudwatch:{}", call.operation))?;
    let held = &mut world.regional(&call.caller.account, &call.region).cloudwatch;
    for name in &names {
        if let Some(alarm) = held.alarms.get_mut(name) {
            alarm.actions_enabled = enabled;
        }
    }
    Ok(Value::Null)
}

pub(super) fn set_state(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.text("AlarmName").ok_or_else(|| missing("AlarmName"))?;
    let arn = alarm_arn(world, call, name);
    world.authorize(call, "cloudwatch:SetAlarmState", &arn, Context::new())?;
    let reason = call.text("StateReason").ok_or_else(|| missing("StateReason"))?;
    let state = call.text("StateValue").ok_or_else(|| missing("StateValue"))?;
    let state = AlarmState::parse(state).ok_or_else(|| invalid(format!("{state} is no state.")))?;
    let (account, region) = (call.caller.account.clone(), call.region.clone());
    let alarm = world.regional(&account, &region).cloudwatch.alarms.get_mut(name);
    let alarm =
        alarm.ok_or_else(|| Refusal::new(404, "ResourceNotFound", format!("{name} does not exist.")))?;
    if alarm.state != state {
        let former = evaluation::transit(alarm, state, reason.to_owned(), call.at);
        evaluation::tell(world, &account, &region, name, former);
    }
    Ok(Value::Null)
}

/// The alarms that a call names; each of them must be allowed.
fn admitted(world: &World, call: &Call, action: &str) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> =
        call.list("AlarmNames").iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
    if names.is_empty() {
        return Err(missing("AlarmNames"));
    }
    for name in &names {
        let mut context = Context::new();
        if let Some(alarm) = held(world, call).and_then(|held| held.alarms.get(name)) {
            tags::resource_context(alarm, &mut context);
        }
        world.authorize(call, action, &alarm_arn(world, call, name), context)?;
    }
    Ok(names)
}
