//! Tags of alarms.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Alarm, held, invalid, missing};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

/// AWS: so many tags at most.
const MOST: usize = 50;

/// The tags that a call gives.
pub(super) fn read(call: &Call) -> Result<BTreeMap<String, String>, Refusal> {
    let text = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let tags: BTreeMap<_, _> =
        call.list("Tags").iter().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect();
    if tags.len() > MOST || tags.keys().any(String::is_empty) {
        return Err(invalid("The tags are not valid."));
    }
    Ok(tags)
}

/// What policies may ask of the tags that a call gives.
pub(super) fn request_context(call: &Call) -> Context {
    let mut context = Context::new();
    for tag in call.list("Tags") {
        let text = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = text("Key");
        context.insert(format!("aws:requesttag/{}", key.to_lowercase()), vec![text("Value").to_owned()]);
        context.entry("aws:tagkeys".to_owned()).or_default().push(key.to_owned());
    }
    context
}

/// What policies may ask of the tags that an alarm has.
pub(super) fn resource_context(alarm: &Alarm, context: &mut Context) {
    for (key, value) in &alarm.tags {
        context.insert(format!("aws:resourcetag/{}", key.to_lowercase()), vec![value.clone()]);
    }
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let alarm = admitted(world, call)?;
    let tags: Vec<Value> =
        alarm.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(json!({ "Tags": tags }))
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let mut alarm = admitted(world, call)?;
    alarm.tags.extend(read(call)?);
    if alarm.tags.len() > MOST {
        return Err(invalid(format!("An alarm has at most {MOST} tags.")));
    }
    set(world, call, alarm);
    Ok(json!({}))
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let mut alarm = admitted(world, call)?;
    for key in call.list("TagKeys").iter().filter_map(Value::as_str) {
        alarm.tags.remove(key);
    }
    set(world, call, alarm);
    Ok(json!({}))
}

fn set(world: &mut World, call: &Call, alarm: Alarm) {
    let name = name_of(&alarm.arn).to_owned();
    world.regional(&call.caller.account, &call.region).cloudwatch.alarms.insert(name, alarm);
}

fn name_of(arn: &str) -> &str {
    arn.splitn(7, ':').nth(6).unwrap_or_default()
}

/// The alarm whose ARN the call gives, and may do this with.
fn admitted(world: &World, call: &Call) -> Result<Alarm, Refusal> {
    let arn = call.text("ResourceARN").ok_or_else(|| missing("ResourceARN"))?;
    let mut context = request_context(call);
    let there = held(world, call)
        .and_then(|held| held.alarms.get(name_of(arn)))
        .filter(|alarm| alarm.arn == arn)
        .cloned();
    if let Some(alarm) = &there {
        resource_context(alarm, &mut context);
    }
    world.authorize(call, &format!("cloudwatch:{}", call.operation), arn, context)?;
    there.ok_or_else(|| Refusal::new(404, "ResourceNotFoundException", format!("{arn} does not exist.")))
}
