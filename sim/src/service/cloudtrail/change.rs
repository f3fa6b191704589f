//! Changing trails.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{PRINCIPAL, find, look};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::trail::{Selectors, Trail, foretell};
use crate::world::World;

/// AWS: an account has at most so many trails in a Region, shadows included.
const MOST_TRAILS: usize = 5;
/// AWS: a trail has at most so many tags.
const MOST_TAGS: usize = 50;

pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("Name")?;
    find::check_name(name)?;
    let partition = world.partition.name;
    let organization = call.flag("IsOrganizationTrail").unwrap_or(false);
    let caller = call.caller.account.as_str();
    // AWS: a trail that a delegated administrator makes for the organization belongs to the management account.
    let owner = if organization && find::acts_for_organization(world, caller) {
        world.organization.management.clone()
    } else {
        caller.to_owned()
    };
    let mut trail = Trail::new(partition, &owner, &call.region, name);
    world.authorize(call, "cloudtrail:CreateTrail", &trail.arn, tag_context(call))?;
    trail.bucket = bucket(call.required("S3BucketName")?)?.to_owned();
    trail.logging = false;
    trail.multi_region = call.flag("IsMultiRegionTrail").unwrap_or(false);
    trail.global_events = call.flag("IncludeGlobalServiceEvents").unwrap_or(true);
    trail.organization = organization;
    trail.tags = read_tags(call)?;
    trail.settings = settings(call);
    check(world, call, &trail)?;
    let account = world.account(&owner);
    let there = |region: &str| account.trails.iter().filter(|other| other.is_in(region)).count();
    let doubled = |other: &Trail| other.name == name && (other.is_in(&call.region) || trail.multi_region);
    if account.trails.iter().any(doubled) {
        let message = format!("Trail {name} already exists for customer: {owner}");
        return Err(Refusal::bad("TrailAlreadyExistsException", message));
    }
    if there(&call.region) >= MOST_TRAILS {
        let message = format!("User: {owner} already has {MOST_TRAILS} trails in {}.", call.region);
        return Err(Refusal::bad("MaximumNumberOfTrailsExceededException", message));
    }
    let shown = look::written(&trail);
    account.trails.push(trail);
    Ok(shown)
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (owner, arn) = admitted(world, call, "Name")?;
    let mut trail = find::owned(world, &owner, &arn)?.clone();
    if let Some(name) = call.text("S3BucketName") {
        trail.bucket = bucket(name)?.to_owned();
    }
    for (name, field) in [
        ("IsMultiRegionTrail", &mut trail.multi_region),
        ("IncludeGlobalServiceEvents", &mut trail.global_events),
        ("IsOrganizationTrail", &mut trail.organization),
    ] {
        if let Some(value) = call.flag(name) {
            *field = value;
        }
    }
    trail.settings.extend(settings(call));
    check(world, call, &trail)?;
    let shown = look::written(&trail);
    foretell(world, call);
    *find::owned(world, &owner, &arn)? = trail;
    Ok(shown)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (owner, arn) = admitted(world, call, "Name")?;
    foretell(world, call);
    world.account(&owner).trails.retain(|trail| trail.arn != arn);
    Ok(json!({}))
}

pub(super) fn start(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (owner, arn) = admitted(world, call, "Name")?;
    let trail = find::owned(world, &owner, &arn)?;
    if !trail.logging {
        trail.logging = true;
        trail.started_at = Some(call.at);
    }
    Ok(json!({}))
}

pub(super) fn stop(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (owner, arn) = admitted(world, call, "Name")?;
    foretell(world, call);
    let trail = find::owned(world, &owner, &arn)?;
    if trail.logging {
        trail.logging = false;
        trail.stopped_at = Some(call.at);
    }
    Ok(json!({}))
}

pub(super) fn put_selectors(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (owner, arn) = admitted(world, call, "TrailName")?;
    let (classic, advanced) = (call.list("EventSelectors"), call.list("AdvancedEventSelectors"));
    // AWS: either kind replaces whatever was there.
    let selectors = match (classic.is_empty(), advanced.is_empty()) {
        (false, false) => {
            Err("You cannot specify both event selectors and advanced event selectors for a trail.")
        }
        (_, true) => Selectors::classic(classic),
        (true, false) => Selectors::advanced(advanced),
    };
    let selectors = selectors.map_err(|why| Refusal::bad("InvalidEventSelectorsException", why))?;
    let (name, shown) = selectors.show();
    foretell(world, call);
    let trail = find::owned(world, &owner, &arn)?;
    trail.selectors = selectors;
    trail.custom_selectors = true;
    let mut answer = json!({ "TrailARN": arn });
    answer[name] = shown;
    Ok(answer)
}

pub(super) fn add_tags(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (owner, arn) = admitted(world, call, "ResourceId")?;
    let given = read_tags(call)?;
    let tags = &mut find::owned(world, &owner, &arn)?.tags;
    let kept = tags.keys().filter(|key| !given.contains_key(*key)).count();
    if kept + given.len() > MOST_TAGS {
        return Err(too_many_tags());
    }
    tags.extend(given);
    Ok(json!({}))
}

pub(super) fn remove_tags(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (owner, arn) = admitted(world, call, "ResourceId")?;
    let tags = &mut find::owned(world, &owner, &arn)?.tags;
    for key in call.list("TagsList").iter().filter_map(|tag| tag.get("Key")?.as_str()) {
        tags.remove(key);
    }
    Ok(json!({}))
}

/// The owner and ARN of the trail that the call names, and may change.
fn admitted(world: &World, call: &Call, parameter: &str) -> Result<(String, String), Refusal> {
    let arn = find::arn(world, call, call.required(parameter)?)?;
    let action = format!("cloudtrail:{}", call.operation);
    world.authorize(call, &action, &arn, tag_context(call))?;
    Ok((find::changeable(world, call, &arn)?, arn))
}

/// What must hold of a trail that is made or changed.
fn check(world: &World, call: &Call, trail: &Trail) -> Result<(), Refusal> {
    if trail.multi_region && !trail.global_events {
        return Err(Refusal::bad(
            "InvalidParameterCombinationException",
            "Multi-Region trail must include global service events.",
        ));
    }
    if !trail.organization {
        return Ok(());
    }
    let organization = &world.organization;
    let caller = call.caller.account.as_str();
    if !organization.members.contains_key(caller) {
        return Err(Refusal::bad(
            "OrganizationsNotInUseException",
            "The account is not a member of an organization.",
        ));
    }
    if !find::acts_for_organization(world, caller) {
        return Err(find::not_master());
    }
    if !organization.service_access.contains_key(PRINCIPAL) {
        return Err(Refusal::bad(
            "CloudTrailAccessNotEnabledException",
            "Trusted access between AWS CloudTrail and AWS Organizations has not been enabled.",
        ));
    }
    Ok(())
}

fn bucket(name: &str) -> Result<&str, Refusal> {
    let spelled = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    if (3..=63).contains(&name.len()) && name.bytes().all(spelled) {
        Ok(name)
    } else {
        Err(Refusal::bad("InvalidS3BucketNameException", "The bucket name is not valid."))
    }
}

/// What has no meaning here but is read back.
fn settings(call: &Call) -> BTreeMap<String, Value> {
    let names =
        ["S3KeyPrefix", "SnsTopicName", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "KmsKeyId"];
    let mut settings: BTreeMap<String, Value> =
        names.into_iter().filter_map(|name| Some((name.to_owned(), call.input.get(name)?.clone()))).collect();
    if let Some(validated) = call.flag("EnableLogFileValidation") {
        settings.insert("LogFileValidationEnabled".to_owned(), validated.into());
    }
    settings
}

fn read_tags(call: &Call) -> Result<BTreeMap<String, String>, Refusal> {
    let text = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let tags: BTreeMap<_, _> =
        call.list("TagsList").iter().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect();
    if tags.keys().any(|key| key.is_empty() || key.chars().count() > 128) {
        return Err(Refusal::bad("InvalidTagParameterException", "The tag key is not valid."));
    }
    if tags.len() > MOST_TAGS {
        return Err(too_many_tags());
    }
    Ok(tags)
}

fn too_many_tags() -> Refusal {
    Refusal::bad("TagsLimitExceededException", "The number of tags per trail exceeds the permitted amount.")
}

fn tag_context(call: &Call) -> Context {
    let mut context = Context::new();
    for tag in call.list("TagsList") {
        let text = |name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = text("Key");
        context.insert(format!("aws:requesttag/{}", key.to_lowercase()), vec![text("Value").to_owned()]);
        context.entry("aws:tagkeys".to_owned()).or_default().push(key.to_owned());
    }
    context
}
