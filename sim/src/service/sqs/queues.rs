//! Operations on queues.

use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::attributes::{self, Changes};
use super::errors::{invalid, missing, modelled, no_queue, out_of_range};
use super::{Messages, Place, Queue, admit, tag_context};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

/// AWS: the name of a deleted queue is free again after a minute; a queue is purged at most once a minute.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// AWS: 50 tags a queue.
const TAGS: usize = 50;

fn tags(call: &Call, field: &str) -> BTreeMap<String, String> {
    let given = call.object(field).into_iter().flatten();
    given.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// AWS: CreateQueue returns the queue if it exists, and refuses attributes that it has not; tags it ignores then.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.text("QueueName").ok_or_else(|| missing("QueueName"))?;
    let place =
        Place { account: call.caller.account.clone(), region: call.region.clone(), name: name.to_owned() };
    let arn = place.arn(world);
    let given = tags(call, "tags");
    let context = tag_context("aws:requesttag/", &given);
    world.authorize(call, "sqs:CreateQueue", &arn, context.clone())?;
    if !given.is_empty() {
        world.authorize(call, "sqs:TagQueue", &arn, context)?;
    }
    let empty = Map::new();
    let wanted = call.object("Attributes").unwrap_or(&empty);
    let fifo = wanted.get("FifoQueue").and_then(Value::as_str) == Some("true");
    if !valid_name(name, fifo) {
        return Err(invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ));
    }
    let changes = Changes::read(wanted, true)?;
    if given.len() > TAGS {
        return Err(invalid(format!("Too many tags added for queue {name}.")));
    }
    if let Some(queue) = place.find(world) {
        return match changes.differing(queue) {
            None => Ok(json!({ "QueueUrl": queue.url })),
            Some(name) => Err(modelled(
                "QueueNameExists",
                format!(
                    "A queue already exists with the same name and a different value for attribute {name}"
                ),
            )),
        };
    }
    let now = world.now();
    let url = format!("https://sqs.{}.{}/{}/{name}", place.region, world.partition.dns_suffix, place.account);
    let sqs = &mut world.regional(&place.account, &place.region).sqs;
    sqs.deleted.retain(|_, at| now.duration_since(*at) < MINUTE);
    if sqs.deleted.contains_key(name) {
        return Err(modelled(
            "QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        ));
    }
    let mut queue = Queue {
        arn,
        url: url.clone(),
        created_at: now,
        modified_at: now,
        policy: None,
        attributes: BTreeMap::new(),
        tags: given,
        messages: Messages::default(),
        purged_at: None,
    };
    changes.apply(&mut queue);
    sqs.queues.insert(place.name, queue);
    Ok(json!({ "QueueUrl": url }))
}

fn valid_name(name: &str, fifo: bool) -> bool {
    let stem = match (fifo, name.strip_suffix(".fifo")) {
        (true, Some(stem)) => stem,
        (false, None) => name,
        _ => return false,
    };
    let known = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_';
    !stem.is_empty() && name.len() <= 80 && stem.bytes().all(known)
}

pub(super) fn url(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.text("QueueName").ok_or_else(|| missing("QueueName"))?;
    let account = call.text("QueueOwnerAWSAccountId").unwrap_or(&call.caller.account);
    let place = Place { account: account.to_owned(), region: call.region.clone(), name: name.to_owned() };
    admit(world, call, "sqs:GetQueueUrl", &place)?;
    let queue = place.find(world).ok_or_else(no_queue)?;
    Ok(json!({ "QueueUrl": queue.url }))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "sqs:ListQueues", "*", Context::new())?;
    let most = call.number("MaxResults").unwrap_or(1000);
    let page = usize::try_from(most).ok().filter(|page| (1..=1000).contains(page));
    let page = page.ok_or_else(|| out_of_range("MaxResults", most, 1, 1000))?;
    let prefix = call.text("QueueNamePrefix").unwrap_or_default();
    let after = call.text("NextToken").map(|token| token.strip_prefix("after-").unwrap_or(token));
    let start = match after {
        Some(after) if after >= prefix => Bound::Excluded(after.to_owned()),
        _ => Bound::Included(prefix.to_owned()),
    };
    let account = world.accounts.get(&call.caller.account);
    let Some(regional) = account.and_then(|account| account.regions.get(&call.region)) else {
        return Ok(json!({}));
    };
    let mut queues = regional
        .sqs
        .queues
        .range::<String, _>((start, Bound::Unbounded))
        .take_while(|(name, _)| name.starts_with(prefix));
    let found: Vec<(&String, &Queue)> = queues.by_ref().take(page).collect();
    // AWS: without MaxResults there is no next page.
    let next = queues.next().and(found.last()).filter(|_| call.number("MaxResults").is_some());
    let mut answer = json!({});
    if let Some((name, _)) = next {
        answer["NextToken"] = format!("after-{name}").into();
    }
    if !found.is_empty() {
        answer["QueueUrls"] = found.iter().map(|(_, queue)| queue.url.clone()).collect();
    }
    Ok(answer)
}

pub(super) fn get_attributes(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:GetQueueAttributes", &place)?;
    let now = world.now();
    let (queue, _) = place.open(world)?;
    let names: Vec<&str> = call.list("AttributeNames").iter().filter_map(Value::as_str).collect();
    let told = attributes::told(queue, &names, now)?;
    if told.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Attributes": told }))
}

pub(super) fn set_attributes(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:SetQueueAttributes", &place)?;
    let now = world.now();
    let (queue, _) = place.open(world)?;
    let wanted = call.object("Attributes").ok_or_else(|| missing("Attribute.Name"))?;
    let changes = Changes::read(wanted, false)?;
    changes.apply(queue);
    queue.modified_at = now;
    Ok(Value::Null)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:DeleteQueue", &place)?;
    place.open(world)?;
    let now = world.now();
    let sqs = &mut world.regional(&place.account, &place.region).sqs;
    sqs.queues.remove(&place.name);
    sqs.deleted.insert(place.name, now);
    Ok(Value::Null)
}

pub(super) fn purge(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:PurgeQueue", &place)?;
    let now = world.now();
    let (queue, _) = place.open(world)?;
    if queue.purged_at.is_some_and(|at| now.duration_since(at) < MINUTE) {
        return Err(modelled(
            "PurgeQueueInProgress",
            format!("Only one PurgeQueue operation on {} is allowed every 60 seconds.", place.name),
        ));
    }
    queue.messages.purge();
    queue.purged_at = Some(now);
    Ok(Value::Null)
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:TagQueue", &place)?;
    let (queue, _) = place.open(world)?;
    let mut all = queue.tags.clone();
    all.extend(tags(call, "Tags"));
    if all.len() > TAGS {
        return Err(invalid(format!("Too many tags added for queue {}.", place.name)));
    }
    queue.tags = all;
    Ok(Value::Null)
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:UntagQueue", &place)?;
    let (queue, _) = place.open(world)?;
    for key in call.list("TagKeys").iter().filter_map(Value::as_str) {
        queue.tags.remove(key);
    }
    Ok(Value::Null)
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:ListQueueTags", &place)?;
    let (queue, _) = place.open(world)?;
    if queue.tags.is_empty() {
        return Ok(json!({}));
    }
    Ok(json!({ "Tags": queue.tags }))
}
