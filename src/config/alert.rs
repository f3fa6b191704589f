//! `[[alert]]`: what the central account delivers, and to whom.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::alert_contradictions::Contradiction;
use super::problem::{did_you_mean, quoted};
use super::reader::{Place, Read, Table, read, words};
use super::{Suppress, names, secret_file, suppress, watch};
use crate::document;
use crate::model::endpoint::{Endpoint, Protocol};
use crate::model::ids::{AccountId, Arn, Installation, RoleArn};
use crate::pattern::Pattern;

/// `[[alert]]`: a named receiver rule on the central bus, its format, its topic and subscriptions.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its name, part of the names of the rule and the topic.
    pub name: String,
    /// The watches that feed it; never empty.
    pub watches: BTreeSet<String>,
    /// What it delivers of that; none: everything.
    pub pattern: Option<Pattern>,
    /// Accounts whose events it delivers; empty: all.
    pub accounts: BTreeSet<AccountId>,
    /// Accounts whose events it does not deliver.
    pub exclude_accounts: BTreeSet<AccountId>,
    /// A word that the message carries.
    pub severity: Option<String>,
    /// How the message is written.
    pub format: Format,
    /// What lets EventBridge publish to the topic.
    pub delivery: Delivery,
    /// Whether what orgwatch itself writes is delivered.
    pub own_writes: OwnWrites,
    /// What it does not deliver for a time.
    pub suppress: Vec<Suppress>,
    /// A topic of somebody else that it is delivered to; none: one of ours.
    pub topic: Option<Arn>,
    /// The customer's key of its topic; none: the topic is not encrypted.
    pub kms_key_arn: Option<Arn>,
    /// The name that mails come from and text messages begin with.
    pub display_name: Option<String>,
    /// What happens to subscriptions of the topic that the configuration does not name.
    pub unknown_subscriptions: UnknownSubscriptions,
    /// Who is told.
    pub subscriptions: Vec<Subscription>,
}

words! {
    /// How the message of an alert is written.
    Format {
        /// Sentences for people.
        Text = "text",
        /// An object with the same keys for every event.
        Json = "json",
        /// The custom notification of AWS's chat service.
        Chat = "chat",
        /// The event as it came.
        Raw = "raw",
    }
}

words! {
    /// What lets EventBridge publish to the topic of an alert.
    Delivery {
        /// A statement of the topic's policy. It admits EventBridge for whatever rule: its service principal takes no
        /// condition there.
        TopicPolicy = "topic-policy",
        /// The delivery role, which `deploy/` installs; the topic admits nobody else.
        Role = "role",
    }
}

words! {
    /// Whether what orgwatch itself writes in members is delivered.
    OwnWrites {
        /// Not to people; it is in the archive all the same.
        Hide = "hide",
        /// Like everything else.
        Show = "show",
    }
}

words! {
    /// What happens to subscriptions that the configuration does not name.
    UnknownSubscriptions {
        /// They are shown.
        Report = "report",
        /// They are removed.
        Remove = "remove",
    }
}

/// One who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// How.
    pub protocol: Protocol,
    /// Where.
    pub endpoint: Endpoint,
    /// Which messages it takes, by their body; none: all.
    pub filter: Option<Value>,
    /// Whether it takes the message without SNS's envelope.
    pub raw: bool,
    /// The queue for what could not be delivered.
    pub dead_letter: Option<Arn>,
    /// The role with which SNS writes to Firehose.
    pub role_arn: Option<RoleArn>,
}

impl Subscription {
    /// What differs from a subscription without attributes, by SNS's names.
    pub fn attributes(&self) -> BTreeMap<String, Value> {
        let mut attributes = BTreeMap::new();
        let mut set = |name: &str, value: Value| attributes.insert(name.to_owned(), value);
        if let Some(filter) = &self.filter {
            set("FilterPolicy", filter.clone());
            // EventBridge's messages have no attributes, only a body.
            set("FilterPolicyScope", Value::from("MessageBody"));
        }
        if self.raw {
            set("RawMessageDelivery", Value::from("true"));
        }
        if let Some(queue) = &self.dead_letter {
            set("RedrivePolicy", json!({ "deadLetterTargetArn": queue.to_string() }));
        }
        if let Some(role) = &self.role_arn {
            set("SubscriptionRoleArn", Value::from(role.to_string()));
        }
        attributes
    }
}

impl Read for Protocol {
    fn read(value: toml::Value, place: &Place<'_>) -> Option<Self> {
        place.word(value, &Self::ALL.map(|protocol| (protocol.as_str(), protocol)))
    }
}

pub(super) fn read(
    mut t: Table<'_>,
    installation: Option<&Installation>,
    seen: &mut BTreeSet<String>,
    all_watches: &BTreeSet<String>,
) -> Option<Alert> {
    let whole = Place { path: t.path.clone(), report: t.report };
    let alert = read!(t, Alert {
        name = names::read(&mut t, installation, seen),
        watches = watches(&mut t, all_watches),
        pattern = narrowing(&mut t),
        accounts,
        exclude_accounts,
        severity = short_text(&mut t, "severity", 32),
        format = t.value_or("format", Format::Text),
        delivery = t.value_or("delivery", Delivery::TopicPolicy),
        own_writes = t.value_or("own_writes", OwnWrites::Hide),
        suppress = t.each("suppress", suppress::read).into_iter().collect::<Option<Vec<_>>>(),
        topic,
        kms_key_arn,
        // SNS takes no more.
        display_name = short_text(&mut t, "display_name", 100),
        unknown_subscriptions = t.value_or("unknown_subscriptions", UnknownSubscriptions::Report),
        subscriptions = subscriptions(&mut t),
    })?;
    let contradictions = Contradiction::all_of(&alert);
    let fine = contradictions.is_empty();
    for Contradiction { code, key, found, expected, hint } in contradictions {
        whole.report.add::<()>(code, &format!("{}.{key}", whole.path), found, expected, hint);
    }
    if alert.topic.is_none() && alert.subscriptions.is_empty() {
        whole.report.add::<()>(
            "W-no-subscriber",
            &whole.path,
            "neither a topic nor a subscription",
            "somebody who is told",
            "add subscriptions = [{ protocol = \"email\", endpoint = \"...\" }]",
        );
    }
    fine.then_some(alert)
}

fn watches(t: &mut Table<'_>, all: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let named: BTreeSet<String> = t.value("watches")?;
    let place = t.place("watches");
    for unknown in named.difference(all) {
        place.report.add::<()>(
            "E-unknown-watch",
            &place.path,
            quoted(unknown),
            "the name of a [[watch]]",
            did_you_mean(
                unknown,
                all.iter().map(String::as_str),
                "add the watch, or leave `watches` out for all",
            ),
        );
    }
    Some(if named.is_empty() { all.clone() } else { named })
}

/// A pattern that is asked for besides that of a watch, which names the source.
fn narrowing(t: &mut Table<'_>) -> Option<Option<Pattern>> {
    let text: Option<Option<String>> = t.value("pattern");
    match text? {
        None => Some(None),
        Some(text) => watch::parse(&text, &t.place("pattern"), |f| f.code != "E-pattern-no-source").map(Some),
    }
}

fn short_text(t: &mut Table<'_>, key: &'static str, longest: usize) -> Option<Option<String>> {
    t.checked(
        key,
        &format!("up to {longest} letters, digits, spaces or characters of _.:/=+-@"),
        "",
        |text: &Option<String>| quoted(text.as_deref().unwrap_or_default()),
        // Nothing that would have to be escaped in a message or a subject.
        |text| {
            text.as_ref().is_none_or(|text| {
                text.len() <= longest
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c))
            })
        },
    )
}

fn subscriptions(t: &mut Table<'_>) -> Option<Vec<Subscription>> {
    let place = t.place("subscriptions");
    let list: Option<Vec<Subscription>> = t.each("subscriptions", subscription).into_iter().collect();
    let list = list?;
    let mut seen = BTreeSet::new();
    for (i, subscription) in list.iter().enumerate() {
        if !seen.insert((subscription.protocol, &subscription.endpoint)) {
            place.report.add::<()>(
                "E-duplicate-subscription",
                &format!("{}[{i}]", place.path),
                format!("{} {} for the second time", subscription.protocol, subscription.endpoint),
                "each endpoint once",
                "remove one of them; SNS knows an endpoint only once",
            );
        }
    }
    Some(list)
}

fn subscription(mut t: Table<'_>) -> Option<Subscription> {
    let protocol: Option<Protocol> = t.value("protocol");
    let text = secret_file::text_or_file(&mut t, "endpoint", "endpoint_file");
    let filter = filter(&mut t);
    let raw: Option<bool> = t.value("raw");
    let dead_letter: Option<Option<Arn>> = t.value("dead_letter");
    let role_arn: Option<Option<RoleArn>> = t.value("role_arn");
    let (place, path, report) = (t.place("endpoint"), t.path.clone(), t.report);
    t.finish();
    let (filter, raw, dead_letter, role_arn) = (filter?, raw?, dead_letter?, role_arn?);
    let at = |key: &str| Place { path: format!("{path}.{key}"), report };
    if let Some(protocol) = protocol {
        suits(protocol, raw, dead_letter.as_ref(), role_arn.as_ref(), &at)?;
    }
    let (protocol, Some(text)) = (protocol?, text?) else {
        return place.report.add(
            "E-missing-key",
            &place.path,
            "nothing",
            "endpoint or endpoint_file",
            "say where the messages go",
        );
    };
    if protocol == Protocol::Http {
        place.report.add::<()>(
            "W-plain-http",
            &place.path,
            "http",
            "https",
            "alerts would cross the network readable and forgeable",
        );
    }
    match Endpoint::new(protocol, text.expose_secret()) {
        Ok(endpoint) => Some(Subscription { protocol, endpoint, filter, raw, dead_letter, role_arn }),
        Err(error) => {
            place.bad(quoted(&error.found), error.expected, format!("as protocol \"{protocol}\" asks for it"))
        }
    }
}

/// SNS takes an event pattern for a filter, with fewer keys and combinations and without wildcards.
fn filter(t: &mut Table<'_>) -> Option<Option<Value>> {
    let text: Option<Option<String>> = t.value("filter");
    let place = t.place("filter");
    let Some(text) = text? else { return Some(None) };
    let known =
        |f: &crate::pattern::Finding| !["E-pattern-no-source", "E-pattern-unknown-field"].contains(&f.code);
    let pattern = watch::parse(&text, &place, known)?;
    let keys = pattern.value().as_object().map_or(0, serde_json::Map::len);
    if keys > 5 || text.contains("\"wildcard\"") {
        return place.bad(
            format!("{keys} keys{}", if text.contains("\"wildcard\"") { " and a wildcard" } else { "" }),
            "at most 5 keys at the top, and no wildcard",
            "that is what SNS takes of a filter; narrow the alert by `pattern` instead",
        );
    }
    Some(Some(document::normal_pattern(pattern.value().clone())))
}

/// Whether SNS takes these attributes for the protocol.
fn suits<'a>(
    protocol: Protocol,
    raw: bool,
    dead_letter: Option<&Arn>,
    role: Option<&RoleArn>,
    at: &dyn Fn(&str) -> Place<'a>,
) -> Option<()> {
    let mut fine = Some(());
    if raw && !matches!(protocol, Protocol::Sqs | Protocol::Http | Protocol::Https | Protocol::Firehose) {
        fine = at("raw").bad(
            "true",
            "false",
            format!("SNS delivers raw to queues, URLs and Firehose, not by {protocol}"),
        );
    }
    if dead_letter.is_some_and(|arn| arn.service != "sqs") {
        fine = at("dead_letter").bad(
            "an ARN of another service",
            "the ARN of a queue of SQS",
            "beside the topic",
        );
    }
    match (protocol, role) {
        (Protocol::Firehose, None) => {
            fine = at("role_arn").bad(
                "nothing",
                "the role with which SNS writes to the delivery stream",
                "SNS refuses a subscription of Firehose without one",
            );
        }
        (Protocol::Firehose, Some(_)) | (_, None) => {}
        (_, Some(_)) => fine = at("role_arn").bad("a role", "none", format!("{protocol} needs no role")),
    }
    fine
}

#[cfg(test)]
mod tests;
