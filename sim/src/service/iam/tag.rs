//! Tags of roles and policies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::context::Keys;
use super::page::Page;
use super::{Constraints, change, check as checks, current, managed, refusal, role, seen};
use crate::call::{Call, Refusal};
use crate::world::World;

/// AWS: a resource of IAM has at most so many tags.
const MOST: usize = 50;

/// A tag as a call gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given<'a> {
    /// Its key.
    pub(crate) key: &'a str,
    /// Its value; AWS: a tag may have an empty one.
    pub(crate) value: &'a str,
}

/// The tags in `Tags`, not yet checked.
pub(crate) fn given(call: &Call) -> Vec<Given<'_>> {
    fn text<'c>(tag: &'c Value, field: &str) -> &'c str {
        tag.get(field).and_then(Value::as_str).unwrap_or_default()
    }
    call.list("Tags").iter().map(|tag| Given { key: text(tag, "Key"), value: text(tag, "Value") }).collect()
}

/// AWS: at most 50 tags, keys of 1 to 128 characters that are not AWS's own and differ in more than their case, values
/// of at most 256, both of letters, digits, spaces and `_.:/=+-@`.
pub(crate) fn check(tags: &[Given<'_>]) -> Result<(), Refusal> {
    let mut constraints = Constraints::default();
    if tags.len() > MOST {
        constraints.violated("[…]", "Tags", &format!("Member must have length less than or equal to {MOST}"));
    }
    for (number, tag) in tags.iter().enumerate() {
        let (key, value) =
            (format!("tags.{}.member.key", number + 1), format!("tags.{}.member.value", number + 1));
        constraints.length(tag.key, &key, 1, 128);
        constraints.letters(tag.key, &key, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", is_tag_letter);
        constraints.length(tag.value, &value, 0, 256);
        constraints.letters(tag.value, &value, r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", is_tag_letter);
    }
    constraints.verdict()?;
    if tags.iter().any(|tag| tag.key.to_lowercase().starts_with("aws:")) {
        let message = "aws: prefixed tag key names are not allowed for external use.";
        return Err(refusal::invalid_input(message));
    }
    let mut keys = BTreeSet::new();
    if !tags.iter().all(|tag| keys.insert(tag.key.to_lowercase())) {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(refusal::invalid_input(message));
    }
    Ok(())
}

fn is_tag_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == ' ' || "_.:/=+-@".contains(letter)
}

/// Tags for something new.
pub(super) fn owned(tags: &[Given<'_>]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.to_owned(), tag.value.to_owned())).collect()
}

/// What the tags become. AWS: a key that differs in case only is the same key.
fn merged(
    present: &BTreeMap<String, String>,
    tags: &[Given<'_>],
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut merged = without(present, tags.iter().map(|tag| tag.key));
    merged.extend(owned(tags));
    if merged.len() > MOST {
        return Err(refusal::limit("The number of tags has reached the maximum limit."));
    }
    Ok(merged)
}

fn without<'a>(
    present: &BTreeMap<String, String>,
    keys: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, String> {
    let gone: BTreeSet<String> = keys.map(str::to_lowercase).collect();
    present
        .iter()
        .filter(|(key, _)| !gone.contains(&key.to_lowercase()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// As answers carry them; null, and so left out, when there are none.
pub(super) fn show(tags: &BTreeMap<String, String>) -> Value {
    if tags.is_empty() {
        return Value::Null;
    }
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

fn keys_to_remove(call: &Call) -> Vec<&str> {
    call.list("TagKeys").iter().filter_map(Value::as_str).collect()
}

fn page_of(tags: &BTreeMap<String, String>, page: &Page) -> Value {
    let items = tags
        .range::<str, _>(page.range())
        .map(|(key, value)| (key.as_str(), json!({ "Key": key, "Value": value })));
    page.answer("Tags", items).into()
}

pub(super) fn tag_role(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let tags = given(call);
    let name = call.required("RoleName")?;
    let found = role::authorize(world, call, "iam:TagRole", |keys, _| keys.request_tags(&tags))?;
    check(&tags)?;
    let merged = merged(&found.existing()?.tags, &tags)?;
    role::change(world, call, name, |role| role.tags = merged)
}

pub(super) fn untag_role(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let keys = keys_to_remove(call);
    let name = call.required("RoleName")?;
    let found =
        role::authorize(world, call, "iam:UntagRole", |context, _| context.tag_keys(keys.iter().copied()))?;
    let rest = without(&found.existing()?.tags, keys.into_iter());
    role::change(world, call, name, |role| role.tags = rest)
}

pub(super) fn list_role_tags(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    role::authorize(world, call, "iam:ListRoleTags", |keys, _| keys)?;
    let page = Page::of(call)?;
    let role = seen(world, call).roles.get(name).ok_or_else(|| refusal::no_such_role(name))?;
    Ok(page_of(&role.tags, &page))
}

pub(super) fn tag_policy(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let tags = given(call);
    let arn = managed::authorize(world, call, "iam:TagPolicy", |keys| keys.request_tags(&tags))?;
    check(&tags)?;
    checks::policy_arn(call, "PolicyArn")?;
    let merged = merged(&managed::existing(world, call, arn)?.tags, &tags)?;
    replace_policy_tags(world, call, arn, merged)
}

pub(super) fn untag_policy(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let keys = keys_to_remove(call);
    let context = |context: Keys| context.tag_keys(keys.iter().copied());
    let arn = managed::authorize(world, call, "iam:UntagPolicy", context)?;
    let rest = without(&managed::existing(world, call, arn)?.tags, keys.iter().copied());
    replace_policy_tags(world, call, arn, rest)
}

pub(super) fn list_policy_tags(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = managed::authorize(world, call, "iam:ListPolicyTags", |keys| keys)?;
    let page = Page::of(call)?;
    let policy = seen(world, call).policies.get(arn).ok_or_else(|| refusal::no_such_policy(arn))?;
    Ok(page_of(&policy.tags, &page))
}

fn replace_policy_tags(
    world: &mut World,
    call: &Call,
    arn: &str,
    tags: BTreeMap<String, String>,
) -> Result<Value, Refusal> {
    let unchanged = current(world, &call.caller.account)
        .and_then(|iam| iam.policies.get(arn))
        .is_some_and(|policy| policy.tags == tags);
    if !unchanged && let Some(policy) = change(world, &call.caller.account).policies.get_mut(arn) {
        policy.tags = tags;
    }
    Ok(Value::Null)
}
