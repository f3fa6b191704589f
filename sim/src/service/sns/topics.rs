//! Operations on topics.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Value, json};

use super::arn::{TopicArn, invalid};
use super::attributes::{self, Fault};
use super::state::Topic;
use super::{Found, admit, find, tag_context, tags, token, write};
use crate::call::{Call, Refusal};
use crate::policy::Policy;
use crate::service::iam::Document;
use crate::wire::entries;
use crate::world::World;

/// AWS: lists have 100 entries a page.
pub(super) const PAGE: usize = 100;

/// AWS: CreateTopic returns the topic if it exists, and refuses attributes or tags that it has not.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.text("Name").unwrap_or_default();
    let owner = &call.caller.account;
    let arn = format!("arn:{}:sns:{}:{owner}:{name}", world.partition.name, call.region);
    let given = tags::given(call)?;
    let context = tag_context("aws:requesttag/", &given);
    world.authorize(call, "sns:CreateTopic", &arn, context.clone())?;
    if !given.is_empty() {
        world.authorize(call, "sns:TagResource", &arn, context)?;
    }
    let empty = serde_json::Map::new();
    let wanted = call.object("Attributes").unwrap_or(&empty);
    let wanted: BTreeMap<&str, &str> =
        wanted.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())).collect();
    let fifo = wanted.get("FifoTopic") == Some(&"true");
    if !valid_name(name, fifo) {
        return Err(invalid("Topic Name"));
    }
    if let Some(topic) = world.regional(owner, &call.region).sns.current().topics.get(name) {
        if !wanted.iter().all(|(name, value)| attributes::has(topic, name, value)) {
            return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
        }
        if given.iter().any(|(key, value)| topic.tags.get(key) != Some(value)) {
            return Err(invalid("Tags Reason: Topic already exists with different tags"));
        }
        return Ok(json!({ "TopicArn": arn }));
    }
    let mut policy = None;
    let mut set = BTreeMap::new();
    for (name, value) in wanted {
        match name {
            "Policy" => {
                policy = Some(attributes::policy(world, value).map_err(|fault| at_creation(name, fault))?)
            }
            "FifoTopic" if !fifo => {}
            _ => {
                if name != "FifoTopic" {
                    attributes::check(name, value, fifo).map_err(|fault| at_creation(name, fault))?;
                }
                set.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    if fifo {
        set.entry("ContentBasedDeduplication".to_owned()).or_insert_with(|| "false".to_owned());
    }
    tags::check(&given)?;
    let policy = match policy {
        Some(policy) => policy,
        None => default_policy(&arn, owner)?,
    };
    let (now, lag) = (world.now(), world.lags.longest());
    let regional = world.regional(owner, &call.region);
    if regional.sns.current().topics.len() >= regional.mailroom.options.topics {
        return Err(Refusal::new(403, "TopicLimitExceeded", "Topic count limit exceeded"));
    }
    let topic = Topic {
        arn: arn.clone(),
        policy,
        attributes: set,
        tags: given,
        subscriptions: BTreeMap::new(),
        by_endpoint: BTreeMap::new(),
        deleted: 0,
    };
    regional.sns.write(now, lag).topics.insert(name.to_owned(), Arc::new(topic));
    Ok(json!({ "TopicArn": arn }))
}

fn at_creation(name: &str, fault: Fault) -> Refusal {
    match fault {
        Fault::Unknown => invalid(format!("Attributes Reason: Unknown attribute: {name}")),
        Fault::Value(reason) => invalid(format!("Attributes Reason: {reason}")),
    }
}

fn valid_name(name: &str, fifo: bool) -> bool {
    let stem = match (fifo, name.strip_suffix(".fifo")) {
        (true, Some(stem)) => stem,
        (false, None) => name,
        _ => return false,
    };
    let known = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_';
    !stem.is_empty() && name.len() <= 256 && stem.bytes().all(known)
}

fn default_policy(arn: &str, owner: &str) -> Result<Document, Refusal> {
    let text = attributes::default_policy(arn, owner);
    let policy = Policy::parse(&text).map_err(|reason| Refusal::new(500, "InternalError", reason))?;
    Ok(Document { text: text.into(), policy: Arc::new(policy) })
}

/// AWS: a topic that does not exist is deleted without complaint; its subscriptions go with it for good.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = TopicArn::of(call, world, "TopicArn")?;
    admit(world, call, "sns:DeleteTopic", arn, BTreeMap::new())?;
    if find(world, arn).is_some() {
        let (now, lag) = (world.now(), world.lags.longest());
        let regional = world.regional(arn.account, arn.region);
        regional.sns.write(now, lag).topics.remove(arn.name);
        regional.mailroom.tokens.retain(|_, token| token.topic != arn.text);
        let subscriptions = format!("{}:", arn.text);
        regional.mailroom.meters.retain(|name, _| !name.starts_with(&subscriptions));
    }
    Ok(Value::Null)
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "sns:ListTopics", "*", BTreeMap::new())?;
    let after = token::read(call)?;
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let lag = world.read_lag();
    let now = world.now();
    let Some(regional) = world.accounts.get(&call.caller.account).and_then(|a| a.regions.get(&call.region))
    else {
        return Ok(json!({ "Topics": [] }));
    };
    let mut topics = regional.sns.seen(now, lag).topics.range::<String, _>((start, Bound::Unbounded));
    let page: Vec<(&String, &Arc<Topic>)> = topics.by_ref().take(PAGE).collect();
    let next = topics.next().and(page.last()).map(|(name, _)| token::write(name));
    let page: Vec<Value> = page.iter().map(|(_, topic)| json!({ "TopicArn": topic.arn })).collect();
    Ok(json!({ "Topics": page, "NextToken": next }))
}

pub(super) fn get_attributes(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = TopicArn::of(call, world, "TopicArn")?;
    admit(world, call, "sns:GetTopicAttributes", arn, BTreeMap::new())?;
    let Found { topic, options, now } = Found::read(world, arn)?;
    Ok(json!({ "Attributes": entries(attributes::all(topic, arn.account, now, options)) }))
}

pub(super) fn set_attributes(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = TopicArn::of(call, world, "TopicArn")?;
    admit(world, call, "sns:SetTopicAttributes", arn, BTreeMap::new())?;
    let refused = |fault| match fault {
        Fault::Unknown => invalid("AttributeName"),
        Fault::Value(reason) => invalid(reason),
    };
    let found = Found::current(world, arn)?;
    let name = call.text("AttributeName").unwrap_or_default();
    let value = call.text("AttributeValue").unwrap_or_default();
    if name == "Policy" {
        let policy = attributes::policy(world, value).map_err(refused)?;
        write(world, arn)?.policy = policy;
        return Ok(Value::Null);
    }
    let fifo = found.topic.attributes.contains_key("FifoTopic");
    attributes::check(name, value, fifo).map_err(refused)?;
    if name == "MaximumMessageSize"
        && attributes::too_large_for_subscribers(value, found.topic, found.now, found.options)
    {
        return Err(invalid("MaximumMessageSize"));
    }
    let topic = write(world, arn)?;
    if value.is_empty() {
        topic.attributes.remove(name);
    } else {
        topic.attributes.insert(name.to_owned(), value.to_owned());
    }
    Ok(Value::Null)
}

/// AWS: AddPermission adds a statement to the policy, under a label that is new in it.
pub(super) fn add_permission(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = TopicArn::of(call, world, "TopicArn")?;
    admit(world, call, "sns:AddPermission", arn, BTreeMap::new())?;
    let found = Found::current(world, arn)?;
    let label = call.text("Label").filter(|label| !label.is_empty()).ok_or_else(|| invalid("Label"))?;
    let texts = |name| call.list(name).iter().filter_map(Value::as_str);
    let principals: Vec<String> = texts("AWSAccountId")
        .map(|id| match id {
            "*" => "*".to_owned(),
            id => format!("arn:{}:iam::{id}:root", world.partition.name),
        })
        .collect();
    let actions: Vec<String> = texts("ActionName").map(|name| format!("SNS:{name}")).collect();
    if principals.is_empty() || actions.is_empty() {
        return Err(invalid("AWSAccountId and ActionName must not be empty"));
    }
    let one_or_all = |mut values: Vec<String>| match values.len() {
        1 => values.pop().map(Value::String).unwrap_or_default(),
        _ => json!(values),
    };
    let mut policy: Value = serde_json::from_str(&found.topic.policy.text).unwrap_or_default();
    let mut statements = policy.get("Statement").map(attributes::one_or_many).unwrap_or_default().to_vec();
    if statements.iter().any(|statement| statement.get("Sid").and_then(Value::as_str) == Some(label)) {
        return Err(invalid("Statement already exists"));
    }
    statements.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_all(principals) },
        "Action": one_or_all(actions),
        "Resource": arn.text,
    }));
    replace_statements(world, arn, &mut policy, statements)
}

/// AWS: RemovePermission removes the statement of that label; one that is not there is no error.
pub(super) fn remove_permission(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = TopicArn::of(call, world, "TopicArn")?;
    admit(world, call, "sns:RemovePermission", arn, BTreeMap::new())?;
    let found = Found::current(world, arn)?;
    let label = call.text("Label").filter(|label| !label.is_empty()).ok_or_else(|| invalid("Label"))?;
    let mut policy: Value = serde_json::from_str(&found.topic.policy.text).unwrap_or_default();
    let mut statements = policy.get("Statement").map(attributes::one_or_many).unwrap_or_default().to_vec();
    statements.retain(|statement| statement.get("Sid").and_then(Value::as_str) != Some(label));
    replace_statements(world, arn, &mut policy, statements)
}

fn replace_statements(
    world: &mut World,
    arn: TopicArn<'_>,
    policy: &mut Value,
    statements: Vec<Value>,
) -> Result<Value, Refusal> {
    policy["Statement"] = Value::Array(statements);
    let document = attributes::policy(world, &policy.to_string()).map_err(|fault| match fault {
        Fault::Unknown => invalid("Policy"),
        Fault::Value(reason) => invalid(reason),
    })?;
    write(world, arn)?.policy = document;
    Ok(Value::Null)
}
