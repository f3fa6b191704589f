//! Operations on subscriptions.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::arn::{self, TopicArn, invalid};
use super::filter::{Filter, Scope};
use super::state::{Standing, Subscription};
use super::topics::PAGE;
use super::{Found, admit, confirmation, endpoint, find, token, write};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::wire::entries;
use crate::world::World;

/// AWS: Subscribe is idempotent on topic, protocol and endpoint; while the subscription is not confirmed, every
/// repetition asks the endpoint anew.
pub(super) fn subscribe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let topic_arn = TopicArn::of(call, world, "TopicArn")?;
    let protocol = call.text("Protocol").unwrap_or_default();
    let endpoint = call.text("Endpoint").unwrap_or_default();
    let context = Context::from([
        ("sns:protocol".to_owned(), vec![protocol.to_owned()]),
        ("sns:endpoint".to_owned(), vec![endpoint.to_owned()]),
    ]);
    admit(world, call, "sns:Subscribe", topic_arn, context)?;
    let Found { topic, options, now } = Found::current(world, topic_arn)?;
    endpoint::check(protocol, endpoint, topic.attributes.contains_key("FifoTopic"))?;
    let wanted = wanted_attributes(call)?;
    if protocol == "firehose" {
        let role = wanted.get("SubscriptionRoleArn").map(String::as_str).unwrap_or_default();
        if !role.starts_with("arn:") {
            return Err(invalid(
                "Attributes Reason: SubscriptionRoleArn is required for the firehose protocol",
            ));
        }
        let to = Context::from([("iam:passedtoservice".to_owned(), vec!["sns.amazonaws.com".to_owned()])]);
        world.authorize(call, "iam:PassRole", role, to)?;
    }
    let filter =
        compile(protocol, &wanted).map_err(|reason| invalid(format!("Attributes Reason: {reason}")))?;
    if let Some(existing) = topic.find(protocol, endpoint, now, options).map(Arc::clone) {
        let same = |name: &str, value: &str| same_value(existing.attributes.get(name), name, value);
        if !wanted.iter().all(|(name, value)| same(name, value)) {
            return Err(invalid("Attributes Reason: Subscription already exists with different attributes"));
        }
        if existing.pending() {
            confirmation::ask(world, topic_arn, &existing);
        }
        return Ok(answer(call, &existing));
    }
    if topic.living(now, options).count() >= options.subscriptions {
        return Err(Refusal::new(403, "SubscriptionLimitExceeded", "Subscription count limit exceeded"));
    }
    within_filters(
        &filter,
        topic.living(now, options).filter(|s| s.filter.is_some()).count(),
        options.filters,
    )?;
    let pending = endpoint::needs_confirmation(protocol, endpoint, &call.caller.account);
    let standing = match pending {
        true => Standing::Pending { since: now },
        false => Standing::Confirmed { authenticated: true },
    };
    let subscription = Subscription {
        arn: format!("{}:{}", topic_arn.text, world.uuid()),
        owner: call.caller.account.clone(),
        principal: call.caller.principal_arn(world.partition.name),
        protocol: protocol.to_owned(),
        endpoint: endpoint.to_owned(),
        standing,
        attributes: wanted,
        filter,
    };
    write(world, topic_arn)?.insert(subscription.clone());
    if pending {
        confirmation::ask(world, topic_arn, &subscription);
    }
    Ok(answer(call, &subscription))
}

fn answer(call: &Call, subscription: &Subscription) -> Value {
    let told = !subscription.pending() || call.flag("ReturnSubscriptionArn") == Some(true);
    json!({ "SubscriptionArn": if told { &subscription.arn } else { "pending confirmation" } })
}

fn wanted_attributes(call: &Call) -> Result<BTreeMap<String, String>, Refusal> {
    let empty = Map::new();
    let mut wanted = BTreeMap::new();
    for (name, value) in call.object("Attributes").unwrap_or(&empty) {
        if !known(name) {
            return Err(invalid(format!("Attributes Reason: Unknown attribute: {name}")));
        }
        wanted.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    if let Some(raw) = wanted.get_mut("RawMessageDelivery") {
        raw.make_ascii_lowercase();
    }
    Ok(wanted)
}

fn known(name: &str) -> bool {
    matches!(
        name,
        "DeliveryPolicy"
            | "FilterPolicy"
            | "FilterPolicyScope"
            | "RawMessageDelivery"
            | "RedrivePolicy"
            | "ReplayPolicy"
            | "SubscriptionRoleArn"
    )
}

/// Whether an attribute has that value already; unset ones have their default.
fn same_value(own: Option<&String>, name: &str, value: &str) -> bool {
    let default = match name {
        "RawMessageDelivery" => "false",
        "FilterPolicyScope" => "MessageAttributes",
        _ => "",
    };
    let own = own.map_or(default, String::as_str);
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    own == value || json(own).is_some() && json(own) == json(value)
}

/// Checks a subscription's attributes together, and compiles the filter policy among them.
fn compile(protocol: &str, attributes: &BTreeMap<String, String>) -> Result<Option<Arc<Filter>>, String> {
    let text = |name| attributes.get(name).map(String::as_str);
    match text("RawMessageDelivery") {
        None | Some("false") => {}
        Some("true") if endpoint::may_be_raw(protocol) => {}
        Some("true") => {
            return Err(format!("Delivery protocol [{protocol}] does not support raw message delivery."));
        }
        Some(other) => {
            return Err(format!("RawMessageDelivery: Invalid value [{other}]. Must be true or false."));
        }
    }
    let scope = match text("FilterPolicyScope") {
        None | Some("") => Scope::default(),
        Some(name) => Scope::parse(name).ok_or_else(|| {
            format!(
                "FilterPolicyScope: Invalid value [{name}]. Please use either MessageBody or MessageAttributes"
            )
        })?,
    };
    if let Some(policy) = text("RedrivePolicy").filter(|policy| !policy.is_empty()) {
        let policy: Value =
            serde_json::from_str(policy).map_err(|e| format!("RedrivePolicy: failed to parse JSON. {e}"))?;
        let target = policy.get("deadLetterTargetArn").and_then(Value::as_str).unwrap_or_default();
        if endpoint::check("sqs", target, true).is_err() {
            return Err("RedrivePolicy: deadLetterTargetArn is an invalid arn".to_owned());
        }
    }
    if let Some(policy) = text("DeliveryPolicy").filter(|policy| !policy.is_empty())
        && !serde_json::from_str::<Value>(policy).is_ok_and(|policy| policy.is_object())
    {
        return Err("DeliveryPolicy: failed to parse JSON.".to_owned());
    }
    let filter = Filter::parse(text("FilterPolicy").unwrap_or_default(), scope)?;
    Ok(filter.map(Arc::new))
}

fn within_filters(filter: &Option<Arc<Filter>>, others: usize, limit: usize) -> Result<(), Refusal> {
    if filter.is_some() && others >= limit {
        let message = format!("Filter policy limit of {limit} per topic exceeded");
        return Err(Refusal::new(403, "FilterPolicyLimitExceeded", message));
    }
    Ok(())
}

/// AWS: a pending subscription cannot be deleted by anybody; one that is gone already is no error; only its owner and
/// the topic's may delete one that needs authentication.
pub(super) fn unsubscribe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "sns:Unsubscribe", "*", Context::new())?;
    let (topic_arn, id) = arn::subscription(call)?;
    let Ok(found) = Found::current(world, topic_arn) else { return Ok(Value::Null) };
    let subscription = found.topic.subscriptions.get(id);
    let Some(subscription) = subscription.filter(|each| each.lives(found.now, found.options)) else {
        return Ok(Value::Null);
    };
    match subscription.standing {
        Standing::Pending { .. } => {
            return Err(invalid(
                "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation",
            ));
        }
        Standing::Confirmed { authenticated: true } if !owns(call, topic_arn, subscription) => {
            return Err(denied(world, call, "Unsubscribe", &subscription.arn));
        }
        Standing::Confirmed { .. } => {}
    }
    let gone = Arc::clone(subscription);
    write(world, topic_arn)?.remove(id);
    if !owns(call, topic_arn, &gone) {
        confirmation::tell_cancelled(world, topic_arn, &gone);
    }
    Ok(Value::Null)
}

fn owns(call: &Call, topic: TopicArn<'_>, subscription: &Subscription) -> bool {
    [topic.account, subscription.owner.as_str()].contains(&call.caller.account.as_str())
}

fn denied(world: &World, call: &Call, operation: &str, resource: &str) -> Refusal {
    let caller = call.caller.arn(world.partition.name);
    let message =
        format!("User: {caller} is not authorized to perform: SNS:{operation} on resource: {resource}");
    Refusal::new(403, "AuthorizationError", message)
}

fn listed(subscription: &Subscription, topic: &str) -> Value {
    let arn = if subscription.pending() { "PendingConfirmation" } else { &subscription.arn };
    json!({
        "SubscriptionArn": arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": topic,
    })
}

pub(super) fn list_by_topic(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let topic_arn = TopicArn::of(call, world, "TopicArn")?;
    admit(world, call, "sns:ListSubscriptionsByTopic", topic_arn, Context::new())?;
    let after = token::read(call)?.map_or(Bound::Unbounded, Bound::Excluded);
    let Found { topic, options, now } = Found::read(world, topic_arn)?;
    let mut living = topic
        .subscriptions
        .range::<String, _>((after, Bound::Unbounded))
        .filter(|(_, subscription)| subscription.lives(now, options));
    let page: Vec<(&String, &Arc<Subscription>)> = living.by_ref().take(PAGE).collect();
    let next = living.next().and(page.last()).map(|(id, _)| token::write(id));
    let page: Vec<Value> = page.iter().map(|(_, each)| listed(each, topic_arn.text)).collect();
    Ok(json!({ "Subscriptions": page, "NextToken": next }))
}

/// Lists the caller's subscriptions to topics of its own account.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "sns:ListSubscriptions", "*", Context::new())?;
    let after = token::read(call)?.unwrap_or_default();
    let (first, last) = after.split_once(' ').unwrap_or((&after, ""));
    let lag = world.read_lag();
    let now = world.now();
    let account = world.accounts.get(&call.caller.account);
    let Some(regional) = account.and_then(|account| account.regions.get(&call.region)) else {
        return Ok(json!({ "Subscriptions": [] }));
    };
    let options = &regional.mailroom.options;
    let topics = regional.sns.seen(now, lag).topics.range(first.to_owned()..);
    let mut all = topics.flat_map(|(name, topic)| {
        let start = if name == first { Bound::Excluded(last.to_owned()) } else { Bound::Unbounded };
        topic
            .subscriptions
            .range::<String, _>((start, Bound::Unbounded))
            .filter(|(_, each)| each.lives(now, options) && each.owner == call.caller.account)
            .map(move |(id, each)| (name, id, topic, each))
    });
    let page: Vec<_> = all.by_ref().take(PAGE).collect();
    let next = all.next().and(page.last()).map(|(name, id, ..)| token::write(&format!("{name} {id}")));
    let page: Vec<Value> = page.iter().map(|(_, _, topic, each)| listed(each, &topic.arn)).collect();
    Ok(json!({ "Subscriptions": page, "NextToken": next }))
}

pub(super) fn get_attributes(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "sns:GetSubscriptionAttributes", "*", Context::new())?;
    let (topic_arn, id) = arn::subscription(call)?;
    let caller = call.caller.arn(world.partition.name);
    let found = Found::read(world, topic_arn).map_err(|_| missing())?;
    let subscription = found.topic.subscriptions.get(id);
    let subscription =
        subscription.filter(|each| each.lives(found.now, found.options)).ok_or_else(missing)?;
    if !owns(call, topic_arn, subscription) {
        let message = format!(
            "User: {caller} is not authorized to perform: SNS:GetSubscriptionAttributes on resource: {}",
            subscription.arn
        );
        return Err(Refusal::new(403, "AuthorizationError", message));
    }
    Ok(json!({ "Attributes": entries(told(subscription, topic_arn.text)) }))
}

fn told(subscription: &Subscription, topic: &str) -> BTreeMap<String, String> {
    let mut told = subscription.attributes.clone();
    told.retain(|_, value| !value.is_empty());
    if told.contains_key("FilterPolicy") {
        told.entry("FilterPolicyScope".to_owned()).or_insert_with(|| "MessageAttributes".to_owned());
    } else {
        told.remove("FilterPolicyScope");
    }
    told.entry("RawMessageDelivery".to_owned()).or_insert_with(|| "false".to_owned());
    let authenticated = subscription.standing == Standing::Confirmed { authenticated: true };
    let fields = [
        ("SubscriptionArn", subscription.arn.clone()),
        ("TopicArn", topic.to_owned()),
        ("Owner", subscription.owner.clone()),
        ("Protocol", subscription.protocol.clone()),
        ("Endpoint", subscription.endpoint.clone()),
        ("SubscriptionPrincipal", subscription.principal.clone()),
        ("PendingConfirmation", subscription.pending().to_string()),
        ("ConfirmationWasAuthenticated", authenticated.to_string()),
    ];
    told.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
    told
}

/// AWS: SetSubscriptionAttributes is for the subscription's owner.
pub(super) fn set_attributes(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "sns:SetSubscriptionAttributes", "*", Context::new())?;
    let (topic_arn, id) = arn::subscription(call)?;
    let found = Found::current(world, topic_arn).map_err(|_| missing())?;
    let subscription = found.topic.subscriptions.get(id);
    let subscription =
        subscription.filter(|each| each.lives(found.now, found.options)).ok_or_else(missing)?;
    if subscription.owner != call.caller.account {
        return Err(denied(world, call, "SetSubscriptionAttributes", &subscription.arn));
    }
    let name = call.text("AttributeName").unwrap_or_default();
    let value = call.text("AttributeValue").unwrap_or_default();
    if !known(name) {
        return Err(invalid("AttributeName"));
    }
    let mut changed = Subscription::clone(subscription);
    let value = if name == "RawMessageDelivery" { value.to_ascii_lowercase() } else { value.to_owned() };
    changed.attributes.insert(name.to_owned(), value);
    changed.filter = compile(&changed.protocol, &changed.attributes).map_err(invalid)?;
    let others =
        found.topic.living(found.now, found.options).filter(|s| s.filter.is_some() && s.id() != id).count();
    within_filters(&changed.filter, others, found.options.filters)?;
    write(world, topic_arn)?.insert(changed);
    Ok(Value::Null)
}

fn missing() -> Refusal {
    Refusal::new(404, "NotFound", "Subscription does not exist")
}

/// Changes whether a subscription is confirmed; nothing happens if it is gone.
pub(super) fn stand(world: &mut World, topic: TopicArn<'_>, id: &str, standing: Standing) {
    if find(world, topic).is_none_or(|topic| !topic.subscriptions.contains_key(id)) {
        return;
    }
    if let Ok(topic) = write(world, topic)
        && let Some(subscription) = topic.subscriptions.get_mut(id)
    {
        Arc::make_mut(subscription).standing = standing;
    }
}
