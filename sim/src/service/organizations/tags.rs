//! Tags of accounts, units, roots and policies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::paging::Asked;
use super::standing::{self, Who, invalid, no_target, permit, violated};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

/// AWS: a resource has at most so many tags.
const MOST: usize = 50;

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = call.required("ResourceId")?;
    permit(world, call, Who::Reader, &standing::arn(world, id), Context::new())?;
    let asked = Asked::read(world, call, id)?;
    let tags = of(world, id).ok_or_else(no_target)?;
    let page = tags.range::<str, _>(asked.range()).map(|(key, value)| (key.as_str(), (key, value)));
    Ok(asked.answer("Tags", page, |(key, value)| json!({ "Key": key, "Value": value })))
}

pub(super) fn add(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = call.required("ResourceId")?;
    permit(world, call, Who::Management, &standing::arn(world, id), requested(call))?;
    let added = read(call)?;
    let tags = of_mut(world, id).ok_or_else(no_target)?;
    let kept = tags.keys().filter(|key| !added.contains_key(*key)).count();
    if kept + added.len() > MOST {
        return Err(violated("You have exceeded the number of tags allowed on this resource."));
    }
    tags.extend(added);
    Ok(Value::Null)
}

pub(super) fn remove(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = call.required("ResourceId")?;
    let keys: Vec<&str> = call.list("TagKeys").iter().filter_map(Value::as_str).collect();
    let mut context = Context::new();
    context.insert("aws:tagkeys".to_owned(), keys.iter().map(|&key| key.to_owned()).collect());
    permit(world, call, Who::Management, &standing::arn(world, id), context)?;
    let tags = of_mut(world, id).ok_or_else(no_target)?;
    for key in keys {
        tags.remove(key);
    }
    Ok(Value::Null)
}

/// The tags that a call gives.
pub(super) fn read(call: &Call) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tags = BTreeMap::new();
    for tag in call.list("Tags") {
        let key = tag.get("Key").and_then(Value::as_str).unwrap_or_default();
        let value = tag.get("Value").and_then(Value::as_str).unwrap_or_default();
        standing::length(key, 1, 128)?;
        standing::length(value, 0, 256)?;
        if key.starts_with("aws:") {
            return Err(invalid("You specified a tag key that is reserved for AWS."));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(invalid("Tag keys must be unique among the tags attached to the same entity."));
        }
    }
    if tags.len() > MOST {
        return Err(violated("You have exceeded the number of tags allowed on this resource."));
    }
    Ok(tags)
}

/// The condition keys of the tags that a call gives.
pub(super) fn requested(call: &Call) -> Context {
    let mut context = Context::new();
    for tag in call.list("Tags") {
        let key = tag.get("Key").and_then(Value::as_str).unwrap_or_default();
        let value = tag.get("Value").and_then(Value::as_str).unwrap_or_default();
        context.insert(format!("aws:requesttag/{}", key.to_lowercase()), vec![value.to_owned()]);
        context.entry("aws:tagkeys".to_owned()).or_default().push(key.to_owned());
    }
    context
}

fn of<'a>(world: &'a World, id: &str) -> Option<&'a BTreeMap<String, String>> {
    static NONE: BTreeMap<String, String> = BTreeMap::new();
    let organization = &world.organization;
    if let Some(member) = organization.members.get(id) {
        return Some(&member.tags);
    }
    if !organization.is_place(id) && !organization.policies.contains_key(id) {
        return None;
    }
    Some(organization.notes.get(id).map_or(&NONE, |note| &note.tags))
}

fn of_mut<'a>(world: &'a mut World, id: &str) -> Option<&'a mut BTreeMap<String, String>> {
    let organization = &mut world.organization;
    let noted = organization.is_place(id) || organization.policies.contains_key(id);
    if noted {
        return Some(&mut organization.notes.entry(id.to_owned()).or_default().tags);
    }
    organization.members.get_mut(id).map(|member| &mut member.tags)
}
