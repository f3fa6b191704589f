//! Attributes of topics: what may be set, and what a topic tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::state::{Options, Topic};
use crate::policy::Policy;
use crate::service::iam::Document;
use crate::world::World;

/// AWS: topics take policies over these actions alone; `sns:*` is out of their scope.
pub(super) const ACTIONS: [&str; 12] = [
    "AddPermission",
    "DeleteTopic",
    "GetDataProtectionPolicy",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "ListTagsForResource",
    "Publish",
    "PutDataProtectionPolicy",
    "Receive",
    "RemovePermission",
    "SetTopicAttributes",
    "Subscribe",
];

/// What the default policy lets the topic's owner do.
const OWNER_ACTIONS: [&str; 8] = [
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
];

const POLICY_BYTES: usize = 30_720;
const DISPLAY_NAME_LENGTH: usize = 100;
const LARGEST_MESSAGE: usize = 1024 * 1024;
const USUAL_MESSAGE: usize = 256 * 1024;

/// Why an attribute cannot be set.
pub(super) enum Fault {
    /// There is none of that name.
    Unknown,
    /// The value is wrong, in the words of SNS.
    Value(String),
}

impl Fault {
    fn value(reason: impl Into<String>) -> Self {
        Self::Value(reason.into())
    }
}

/// Checks a value of an attribute other than the policy.
pub(super) fn check(name: &str, value: &str, fifo: bool) -> Result<(), Fault> {
    match name {
        "DisplayName" => {
            let printable = value.chars().all(|letter| letter == '\t' || !letter.is_control());
            if value.chars().count() > DISPLAY_NAME_LENGTH || !printable {
                return Err(Fault::value("DisplayName"));
            }
        }
        "KmsMasterKeyId" => {
            let known = |letter: char| letter.is_ascii_alphanumeric() || "-_:/".contains(letter);
            if value.len() > 2048 || !value.chars().all(known) {
                return Err(Fault::value("KmsMasterKeyId"));
            }
        }
        "DeliveryPolicy" => {
            let json = value.is_empty() || serde_json::from_str::<Value>(value).is_ok_and(|v| v.is_object());
            if !json {
                return Err(Fault::value("DeliveryPolicy: failed to parse JSON."));
            }
        }
        "SignatureVersion" => one_of(name, value, &["1", "2"])?,
        "TracingConfig" => one_of(name, value, &["PassThrough", "Active"])?,
        "MaximumMessageSize" => {
            let size: Option<usize> = value.parse().ok();
            if !size.is_some_and(|size| (1024..=LARGEST_MESSAGE).contains(&size)) {
                return Err(Fault::value("MaximumMessageSize"));
            }
        }
        "ContentBasedDeduplication" if fifo => one_of(name, value, &["true", "false"])?,
        "FifoThroughputScope" if fifo => one_of(name, value, &["Topic", "MessageGroup"])?,
        "ArchivePolicy" if fifo => {}
        _ if feedback(name) => {}
        _ => return Err(Fault::Unknown),
    }
    Ok(())
}

fn one_of(name: &str, value: &str, allowed: &[&str]) -> Result<(), Fault> {
    if allowed.contains(&value) {
        Ok(())
    } else {
        Err(Fault::value(format!("{name}: Invalid value [{value}]")))
    }
}

/// Whether it is one of the attributes that log deliveries, e.g. `SQSFailureFeedbackRoleArn`.
fn feedback(name: &str) -> bool {
    ["HTTP", "Firehose", "Lambda", "Application", "SQS"].into_iter().any(|protocol| {
        name.strip_prefix(protocol).is_some_and(|rest| {
            matches!(rest, "SuccessFeedbackRoleArn" | "SuccessFeedbackSampleRate" | "FailureFeedbackRoleArn")
        })
    })
}

/// The largest message that a topic takes. AWS: 256 KiB, unless the topic says more.
pub(super) fn largest_message(topic: &Topic) -> usize {
    topic.attributes.get("MaximumMessageSize").and_then(|size| size.parse().ok()).unwrap_or(USUAL_MESSAGE)
}

/// Whether messages of that size could not be brought to the topic's subscribers.
///
/// AWS: more than 256 KiB needs at most 100 subscriptions, none of them but queues, functions and Firehose.
pub(super) fn too_large_for_subscribers(
    value: &str,
    topic: &Topic,
    now: Timestamp,
    options: &Options,
) -> bool {
    value.parse().is_ok_and(|size: usize| size > USUAL_MESSAGE)
        && (topic.living(now, options).count() > 100
            || topic
                .living(now, options)
                .any(|each| !matches!(each.protocol.as_str(), "sqs" | "lambda" | "firehose")))
}

/// Reads a topic policy.
pub(super) fn policy(world: &World, text: &str) -> Result<Document, Fault> {
    let malformed = || Fault::value("Policy Error: null");
    if text.len() > POLICY_BYTES {
        return Err(Fault::value("Policy length exceeds the limit of 30720 bytes"));
    }
    let json: Value = serde_json::from_str(text).map_err(|_| malformed())?;
    let statements = one_or_many(json.get("Statement").ok_or_else(malformed)?);
    for statement in statements {
        let effect = statement.get("Effect").and_then(Value::as_str);
        let principal = statement.get("Principal").or_else(|| statement.get("NotPrincipal"));
        let (Some("Allow" | "Deny"), Some(principal)) = (effect, principal) else { return Err(malformed()) };
        let action = statement.get("Action").or_else(|| statement.get("NotAction")).ok_or_else(malformed)?;
        if !one_or_many(action).iter().all(|action| action.as_str().is_some_and(in_scope)) {
            return Err(Fault::value("Policy statement action out of service scope!"));
        }
        let named = principal.get("AWS").map(one_or_many).unwrap_or_default();
        if named.iter().filter_map(Value::as_str).any(|name| !exists(world, name)) {
            return Err(Fault::value("Policy Error: PrincipalNotFound"));
        }
    }
    let policy = Policy::parse(text).map_err(|_| malformed())?;
    Ok(Document { text: text.into(), policy: Arc::new(policy) })
}

fn in_scope(action: &str) -> bool {
    action.split_once(':').is_some_and(|(service, name)| {
        service.eq_ignore_ascii_case("sns") && ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(name))
    })
}

/// Whether a principal can be named: AWS refuses roles that are not there (yet). Accounts outside the simulated
/// organization are taken to exist.
fn exists(world: &World, principal: &str) -> bool {
    let parts: Vec<&str> = principal.splitn(6, ':').collect();
    match parts[..] {
        ["*"] => true,
        [id] => id.len() == 12 && id.bytes().all(|digit| digit.is_ascii_digit()) || id.starts_with("ARO"),
        ["arn", _, "iam", "", account, resource] => {
            let Some(path) = resource.strip_prefix("role/") else { return true };
            let name = path.rsplit('/').next().unwrap_or(path);
            world
                .accounts
                .get(account)
                .is_none_or(|account| account.iam.seen(world.now(), world.lags.role).roles.contains_key(name))
        }
        ["arn", _, "sts", "", _, _] => true,
        _ => false,
    }
}

pub(super) fn one_or_many(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// The policy that a topic has from the beginning.
///
/// `AWS:SourceOwner` comes with calls that some services make for their customers; an account's own principals are
/// admitted by their identity policies.
pub(super) fn default_policy(arn: &str, owner: &str) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": OWNER_ACTIONS,
            "Resource": arn,
            "Condition": { "StringEquals": { "AWS:SourceOwner": owner } },
        }],
    })
    .to_string()
}

/// Everything that GetTopicAttributes answers.
pub(super) fn all(topic: &Topic, owner: &str, now: Timestamp, options: &Options) -> BTreeMap<String, String> {
    let mut all = topic.attributes.clone();
    let (mut pending, mut confirmed, mut over) = (0_u64, 0_u64, 0_u64);
    for subscription in topic.subscriptions.values() {
        if !subscription.lives(now, options) {
            over += 1;
        } else if subscription.pending() {
            pending += 1;
        } else {
            confirmed += 1;
        }
    }
    let effective = effective_delivery_policy(topic.attributes.get("DeliveryPolicy").map(String::as_str));
    all.entry("DisplayName".to_owned()).or_default();
    let told = [
        ("TopicArn", topic.arn.clone()),
        ("Owner", owner.to_owned()),
        ("Policy", topic.policy.text.to_string()),
        ("EffectiveDeliveryPolicy", effective),
        ("SubscriptionsConfirmed", confirmed.to_string()),
        ("SubscriptionsPending", pending.to_string()),
        ("SubscriptionsDeleted", (topic.deleted + over).to_string()),
    ];
    all.extend(told.into_iter().map(|(name, value)| (name.to_owned(), value)));
    all
}

fn effective_delivery_policy(own: Option<&str>) -> String {
    let mut policy = json!({ "http": {
        "defaultHealthyRetryPolicy": {
            "minDelayTarget": 20, "maxDelayTarget": 20, "numRetries": 3, "numMaxDelayRetries": 0,
            "numNoDelayRetries": 0, "numMinDelayRetries": 0, "backoffFunction": "linear",
        },
        "disableSubscriptionOverrides": false,
        "defaultRequestPolicy": { "headerContentType": "text/plain; charset=UTF-8" },
    }});
    let own: Option<Value> = own.and_then(|text| serde_json::from_str(text).ok());
    if let Some(Value::Object(http)) = own.as_ref().and_then(|own| own.get("http")) {
        for (name, value) in http {
            policy["http"][name] = value.clone();
        }
    }
    policy.to_string()
}

/// Whether a topic has an attribute with that value already; policies are compared as JSON.
pub(super) fn has(topic: &Topic, name: &str, value: &str) -> bool {
    let same_json = |text: &str| {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
        parsed(text).is_some() && parsed(text) == parsed(value)
    };
    match name {
        "Policy" => same_json(&topic.policy.text),
        "FifoTopic" if value == "false" => !topic.attributes.contains_key(name),
        _ => match topic.attributes.get(name) {
            Some(own) => own == value || same_json(own),
            None => value.is_empty(),
        },
    }
}
