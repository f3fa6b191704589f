//! Simple Notification Service: topics, subscriptions, publishing.

mod arn;
mod attributes;
mod confirmation;
mod endpoint;
mod filter;
mod publishing;
mod state;
mod subscriptions;
mod tags;
mod token;
mod topics;

#[cfg(test)]
mod permission_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::access::Resource;
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::{Regional, World};
use arn::TopicArn;

pub use confirmation::{click_unsubscribe, confirm};
pub use filter::{Filter, Scope};
pub use publishing::{notify, publish, would_reach, would_reach_at};
pub use state::{Mailroom, Options, Sns, Standing, Subscription, Topic};

/// Performs one operation.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "CreateTopic" => topics::create(world, call),
        "DeleteTopic" => topics::delete(world, call),
        "ListTopics" => topics::list(world, call),
        "GetTopicAttributes" => topics::get_attributes(world, call),
        "SetTopicAttributes" => topics::set_attributes(world, call),
        "AddPermission" => topics::add_permission(world, call),
        "RemovePermission" => topics::remove_permission(world, call),
        "TagResource" => tags::tag(world, call),
        "UntagResource" => tags::untag(world, call),
        "ListTagsForResource" => tags::list(world, call),
        "Subscribe" => subscriptions::subscribe(world, call),
        "ConfirmSubscription" => confirmation::confirm_by_token(world, call),
        "Unsubscribe" => subscriptions::unsubscribe(world, call),
        "ListSubscriptions" => subscriptions::list(world, call),
        "ListSubscriptionsByTopic" => subscriptions::list_by_topic(world, call),
        "GetSubscriptionAttributes" => subscriptions::get_attributes(world, call),
        "SetSubscriptionAttributes" => subscriptions::set_attributes(world, call),
        "Publish" => publishing::publish_by_call(world, call),
        _ => Err(Refusal::bad("InvalidAction", format!("{} is not simulated", call.operation))),
    }
}

/// A topic as somebody sees it.
struct Found<'a> {
    topic: &'a Arc<Topic>,
    options: &'a Options,
    now: Timestamp,
}

impl<'a> Found<'a> {
    /// As a read sees it: perhaps as it was a while ago.
    fn read(world: &'a mut World, arn: TopicArn<'_>) -> Result<Self, Refusal> {
        let lag = world.read_lag();
        let world = &*world;
        let now = world.now();
        let regional = regional(world, arn).ok_or_else(no_topic)?;
        let topic = regional.sns.seen(now, lag).topics.get(arn.name).ok_or_else(no_topic)?;
        Ok(Self { topic, options: &regional.mailroom.options, now })
    }

    /// As it is.
    fn current(world: &'a World, arn: TopicArn<'_>) -> Result<Self, Refusal> {
        let regional = regional(world, arn).ok_or_else(no_topic)?;
        let topic = regional.sns.current().topics.get(arn.name).ok_or_else(no_topic)?;
        Ok(Self { topic, options: &regional.mailroom.options, now: world.now() })
    }
}

/// What the topic's account holds in its Region.
fn regional<'a>(world: &'a World, arn: TopicArn<'_>) -> Option<&'a Regional> {
    world.accounts.get(arn.account)?.regions.get(arn.region)
}

/// The topic as it is.
fn find<'a>(world: &'a World, arn: TopicArn<'_>) -> Option<&'a Arc<Topic>> {
    regional(world, arn)?.sns.current().topics.get(arn.name)
}

/// The topic, to be changed; what is over is removed from it first.
fn write<'a>(world: &'a mut World, arn: TopicArn<'_>) -> Result<&'a mut Topic, Refusal> {
    find(world, arn).ok_or_else(no_topic)?;
    let (now, lag) = (world.now(), world.lags.longest());
    let Regional { sns, mailroom, .. } = world.regional(arn.account, arn.region);
    let topic = sns.write(now, lag).topics.get_mut(arn.name).ok_or_else(no_topic)?;
    let topic = Arc::make_mut(topic);
    topic.tidy(now, &mailroom.options);
    Ok(topic)
}

/// Authorizes a call on a topic, whose policy has its say. A change of the policy takes a while to be respected.
fn admit(
    world: &World,
    call: &Call,
    action: &str,
    arn: TopicArn<'_>,
    mut context: Context,
) -> Result<(), Refusal> {
    let sns = regional(world, arn).map(|regional| &regional.sns);
    let topic = sns.and_then(|sns| {
        let respected = sns.seen(world.now(), world.lags.effect).topics.get(arn.name);
        respected.or_else(|| sns.current().topics.get(arn.name))
    });
    if let Some(topic) = topic {
        context.extend(tag_context("aws:resourcetag/", &topic.tags));
    }
    let policy = topic.map(|topic| &*topic.policy.policy);
    world.authorize_at(call, action, Resource { arn: arn.text, owner: arn.account, policy }, context)
}

/// The condition keys of tags: `aws:ResourceTag/…`, or `aws:RequestTag/…` with `aws:TagKeys`.
fn tag_context(prefix: &str, tags: &BTreeMap<String, String>) -> Context {
    let mut context = Context::new();
    for (key, value) in tags {
        context.entry(format!("{prefix}{}", key.to_lowercase())).or_default().push(value.clone());
    }
    if prefix == "aws:requesttag/" && !tags.is_empty() {
        context.insert("aws:tagkeys".to_owned(), tags.keys().cloned().collect());
    }
    context
}

fn no_topic() -> Refusal {
    Refusal::new(404, "NotFound", "Topic does not exist")
}
