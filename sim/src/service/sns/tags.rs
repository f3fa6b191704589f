//! Tags of topics.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::arn::{TopicArn, invalid};
use super::{admit, find, tag_context, write};
use crate::call::{Call, Refusal};
use crate::world::World;

/// AWS: 50 tags a topic.
const TAGS: usize = 50;

/// The tags of a call's input.
///
/// # Errors
/// `InvalidParameter` for a key that is there twice.
pub(super) fn given(call: &Call) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tags = BTreeMap::new();
    for tag in call.list("Tags") {
        let text = |name| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if tags.insert(text("Key"), text("Value")).is_some() {
            return Err(invalid("Duplicated keys are not allowed."));
        }
    }
    Ok(tags)
}

/// Checks keys, values and their number.
///
/// # Errors
/// `InvalidParameter`, `TagLimitExceeded`.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let wrong = tags.iter().any(|(key, value)| {
        key.is_empty()
            || key.chars().count() > 128
            || value.chars().count() > 256
            || key.to_ascii_lowercase().starts_with("aws:")
    });
    if wrong {
        return Err(invalid("Tags"));
    }
    if tags.len() > TAGS {
        return Err(Refusal::bad(
            "TagLimitExceeded",
            "Could not complete request: tag quota of per resource exceeded",
        ));
    }
    Ok(())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = TopicArn::of(call, world, "ResourceArn")?;
    let given = given(call)?;
    admit(world, call, "sns:TagResource", arn, tag_context("aws:requesttag/", &given))?;
    let mut tags = find(world, arn).ok_or_else(missing)?.tags.clone();
    tags.extend(given);
    check(&tags)?;
    write(world, arn)?.tags = tags;
    Ok(json!({}))
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = TopicArn::of(call, world, "ResourceArn")?;
    let keys: Vec<&str> = call.list("TagKeys").iter().filter_map(Value::as_str).collect();
    let named = keys.iter().map(|key| (*key).to_owned()).collect();
    admit(world, call, "sns:UntagResource", arn, BTreeMap::from([("aws:tagkeys".to_owned(), named)]))?;
    find(world, arn).ok_or_else(missing)?;
    write(world, arn)?.tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = TopicArn::of(call, world, "ResourceArn")?;
    admit(world, call, "sns:ListTagsForResource", arn, BTreeMap::new())?;
    let found = super::Found::read(world, arn).map_err(|_| missing())?;
    let tags: Vec<Value> =
        found.topic.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(json!({ "Tags": tags }))
}

fn missing() -> Refusal {
    Refusal::new(404, "ResourceNotFound", "Resource does not exist")
}
