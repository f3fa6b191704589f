//! Attributes of queues: what may be set, and what a queue tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::Queue;
use super::errors::modelled;
use crate::call::Refusal;
use crate::policy::Policy;
use crate::service::iam::Document;

/// Attributes that are numbers: name, default, lowest, highest.
const NUMBERS: [(&str, i64, i64, i64); 6] = [
    ("DelaySeconds", 0, 0, 900),
    ("KmsDataKeyReusePeriodSeconds", 300, 60, 86_400),
    ("MaximumMessageSize", 1_048_576, 1_024, 1_048_576),
    ("MessageRetentionPeriod", 345_600, 60, 1_209_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 0, 20),
    ("VisibilityTimeout", 30, 0, 43_200),
];

/// Attributes that only can be read.
const FACTS: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// Other attributes that can be set.
const TEXTS: [&str; 8] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
];

/// Attributes to be set, checked.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The policy: none was given, it is to be removed, it is to be this one.
    policy: Option<Option<Document>>,
    values: BTreeMap<String, String>,
}

pub(super) fn default_number(name: &str) -> i64 {
    NUMBERS.iter().find(|(each, ..)| *each == name).map_or(0, |(_, default, ..)| *default)
}

impl Changes {
    /// Checks attributes.
    ///
    /// # Errors
    /// `InvalidAttributeName`, `InvalidAttributeValue`.
    pub(super) fn read<'a>(
        given: impl IntoIterator<Item = (&'a String, &'a Value)>,
        creating: bool,
    ) -> Result<Self, Refusal> {
        let mut changes = Self::default();
        for (name, value) in given {
            let number = value.as_i64().map(|number| number.to_string());
            let value = number.as_deref().or(value.as_str()).unwrap_or_default();
            let wrong =
                || modelled("InvalidAttributeValue", format!("Invalid value for the parameter {name}."));
            if let Some((.., low, high)) = NUMBERS.iter().find(|(each, ..)| each == name) {
                let number: i64 = value.parse().map_err(|_| wrong())?;
                if !(*low..=*high).contains(&number) {
                    return Err(wrong());
                }
            } else if name == "Policy" {
                changes.policy = Some(policy(value).ok_or_else(wrong)?);
                continue;
            } else if !(TEXTS.contains(&name.as_str()) || creating && name == "FifoQueue") {
                return Err(unknown(name));
            } else if !text_fits(name, value) {
                return Err(wrong());
            }
            changes.values.insert(name.clone(), value.to_owned());
        }
        Ok(changes)
    }

    /// Sets them. An empty text removes an attribute.
    pub(super) fn apply(self, queue: &mut Queue) {
        if let Some(policy) = self.policy {
            queue.policy = policy;
        }
        for (name, value) in self.values {
            // AWS: one kind of encryption replaces the other.
            if name == "KmsMasterKeyId" && !value.is_empty() {
                queue.attributes.insert("SqsManagedSseEnabled".to_owned(), "false".to_owned());
            }
            if name == "SqsManagedSseEnabled" && value == "true" {
                queue.attributes.remove("KmsMasterKeyId");
            }
            if value.is_empty() {
                queue.attributes.remove(&name);
            } else {
                queue.attributes.insert(name, value);
            }
        }
    }

    /// The first of them that a queue has not.
    pub(super) fn differing(&self, queue: &Queue) -> Option<&str> {
        if let Some(policy) = &self.policy {
            let json = |document: &Option<Document>| {
                document.as_ref().and_then(|document| serde_json::from_str::<Value>(&document.text).ok())
            };
            if json(policy) != json(&queue.policy) {
                return Some("Policy");
            }
        }
        let own = settings(queue);
        self.values
            .iter()
            .find(|(name, value)| own.get(name.as_str()).map_or("", String::as_str) != value.as_str())
            .map(|(name, _)| name.as_str())
    }
}

pub(super) fn unknown(name: &str) -> Refusal {
    modelled("InvalidAttributeName", format!("Unknown Attribute {name}."))
}

/// A policy; `Some(None)`: an empty text, which removes it; `None`: it is malformed.
fn policy(text: &str) -> Option<Option<Document>> {
    if text.is_empty() {
        return Some(None);
    }
    let json: Value = serde_json::from_str(text).ok()?;
    json.get("Statement")?;
    let policy = Policy::parse(text).ok()?;
    Some(Some(Document { text: text.into(), policy: Arc::new(policy) }))
}

fn text_fits(name: &str, value: &str) -> bool {
    match name {
        "SqsManagedSseEnabled" | "ContentBasedDeduplication" | "FifoQueue" => {
            matches!(value, "true" | "false")
        }
        "RedrivePolicy" if !value.is_empty() => {
            let json: Option<Value> = serde_json::from_str(value).ok();
            json.is_some_and(|policy| {
                let count = policy.get("maxReceiveCount");
                let count = count.and_then(|count| count.as_i64().or_else(|| count.as_str()?.parse().ok()));
                let target = policy.get("deadLetterTargetArn").and_then(Value::as_str);
                count.is_some_and(|count| (1..=1000).contains(&count))
                    && target.is_some_and(|target| super::Place::parse(target).is_some())
            })
        }
        "RedriveAllowPolicy" if !value.is_empty() => {
            serde_json::from_str::<Value>(value).is_ok_and(|policy| policy.is_object())
        }
        _ => true,
    }
}

/// The attributes that can be set, as they are in force.
fn settings(queue: &Queue) -> BTreeMap<String, String> {
    let mut settings = queue.attributes.clone();
    let encrypted = settings.contains_key("KmsMasterKeyId");
    for (name, default, ..) in NUMBERS {
        if name != "KmsDataKeyReusePeriodSeconds" || encrypted {
            settings.entry(name.to_owned()).or_insert_with(|| default.to_string());
        }
    }
    settings.entry("SqsManagedSseEnabled".to_owned()).or_insert_with(|| (!encrypted).to_string());
    settings
}

/// The attributes of those names, as GetQueueAttributes answers them.
///
/// # Errors
/// `InvalidAttributeName`.
pub(super) fn told(
    queue: &Queue,
    names: &[&str],
    now: Timestamp,
) -> Result<BTreeMap<String, String>, Refusal> {
    let known = |name: &str| {
        name == "All"
            || name == "FifoQueue"
            || NUMBERS.iter().any(|(each, ..)| *each == name)
            || FACTS.contains(&name)
            || TEXTS.contains(&name)
    };
    if let Some(name) = names.iter().find(|name| !known(name)) {
        return Err(unknown(name));
    }
    let mut all = settings(queue);
    let (visible, hidden, delayed) = queue.messages.counts(now);
    let facts = [
        ("ApproximateNumberOfMessages", visible.to_string()),
        ("ApproximateNumberOfMessagesDelayed", delayed.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", hidden.to_string()),
        ("CreatedTimestamp", queue.created_at.as_second().to_string()),
        ("LastModifiedTimestamp", queue.modified_at.as_second().to_string()),
        ("QueueArn", queue.arn.clone()),
    ];
    all.extend(facts.into_iter().map(|(name, value)| (name.to_owned(), value)));
    if let Some(policy) = &queue.policy {
        all.insert("Policy".to_owned(), policy.text.to_string());
    }
    if !names.contains(&"All") {
        all.retain(|name, _| names.contains(&name.as_str()));
    }
    Ok(all)
}
