//! The SNS topic of an alert with its policy and its subscriptions.

mod alarms;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::sns::SubscriptionRow;
use crate::aws::{Cloud, Session};
use crate::document;
use crate::model::call::{Call, KMS_KEY, Tags};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::plan::Hold;
use crate::model::resource::{KindName, Note};
use crate::model::target::Side;
use crate::world::{Target, Topic as Wanted, World};

/// Somebody must open a mail or answer a request before alerts arrive there.
pub(crate) const SUBSCRIPTION_PENDING: &str = "SubscriptionPending";
/// Somebody had confirmed, and AWS sends no more to that address until it is confirmed again.
pub(crate) const SUSPENDED_BY_VOLUME: &str = "SuspendedByVolume";
/// Nobody at all receives what this topic gets.
pub(crate) const NO_CONFIRMED_SUBSCRIPTION: &str = "NoConfirmedSubscription";
/// A removal waits until somebody confirmed the new subscription.
pub(crate) const WAITING_FOR_CONFIRMATION: &str = "WaitingForConfirmation";

/// The statement by which a topic admits EventBridge itself.
pub(crate) const ALERT_RULES: &str = "alert-rules";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TopicSpec {
    display_name: String,
    /// In normal form.
    policy: Value,
    /// The customer's key; none: it is not encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kms_key_arn: Option<String>,
    /// What each subscription is: `subscribed`, or its attributes where it has some, or its ARN where nobody asked for
    /// it.
    subscriptions: BTreeMap<String, Value>,
    tags: Tags,
}

const SUBSCRIBED: &str = "subscribed";

pub(super) struct Topic;

impl Kind for Topic {
    type Spec = TopicSpec;
    const NAME: KindName = "topic";
    const SIDE: Side = Side::Central;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, TopicSpec> {
        if !target.holds_bus(world) {
            return BTreeMap::new();
        }
        let spec = |topic: &Wanted| TopicSpec {
            display_name: topic.display_name.clone().unwrap_or_default(),
            policy: policy(world, target, &topic.name),
            kms_key_arn: topic.key.clone(),
            subscriptions: topic
                .subscriptions
                .iter()
                .map(|(s, attributes)| (label(s), described(attributes)))
                .collect(),
            tags: world.owner_tags(),
        };
        world
            .every_alert()
            .filter_map(|alert| alert.topic.as_ref())
            .map(|t| (t.name.clone(), spec(t)))
            .collect()
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> Sights<TopicSpec> {
        if !target.holds_bus(world) {
            return Sights::new();
        }
        let names = match cloud.list_topics(session, &world.prefix()).await {
            Ok(names) => names,
            Err(error) => return super::all_unknown(scope, &error),
        };
        let names: BTreeSet<String> = names.into_iter().chain(scope.names.iter().cloned()).collect();
        let mut sights = Sights::new();
        for name in names {
            let sight = match look(cloud, session, world, target, &name).await {
                Ok(seen) => Sight::Present(seen),
                Err(error) if error.class == ErrorClass::NotFound => Sight::Absent,
                Err(error) => Sight::Unknown(error),
            };
            sights.insert(name, sight);
        }
        sights
    }

    fn mend(
        world: &World,
        _: &Target,
        name: &str,
        desired: &TopicSpec,
        observed: Option<&Seen<TopicSpec>>,
    ) -> Vec<Call> {
        let arn = topic_arn(world, name);
        let mut calls = Vec::new();
        // Without attributes, which are set afterwards, so that a second try is not refused for differing from the
        // first; with its tags, because a topic that is left without them would be taken for somebody else's.
        if observed.is_none() {
            calls.push(Call::CreateTopic { name: name.to_owned(), tags: world.owner_tags() });
        }
        let spec = observed.map(|seen| &seen.spec);
        if spec.is_some_and(|s| s.tags != desired.tags) {
            calls.push(Call::TagTopic { arn: arn.clone(), tags: world.owner_tags() });
        }
        if spec.is_none_or(|s| s.policy != desired.policy) {
            let value = desired.policy.clone();
            calls.push(Call::SetTopicAttribute { arn: arn.clone(), attribute: "Policy".to_owned(), value });
        }
        if spec.map_or("", |s| s.display_name.as_str()) != desired.display_name {
            let value = Value::from(desired.display_name.as_str());
            calls.push(Call::SetTopicAttribute {
                arn: arn.clone(),
                attribute: "DisplayName".to_owned(),
                value,
            });
        }
        let key = spec.and_then(|s| s.kms_key_arn.as_ref());
        if key != desired.kms_key_arn.as_ref() {
            let value = Value::from(desired.kms_key_arn.as_deref().unwrap_or_default());
            calls.push(Call::SetTopicAttribute { arn: arn.clone(), attribute: KMS_KEY.to_owned(), value });
        }
        for (subscription, wanted) in &desired.subscriptions {
            let (protocol, endpoint) = subscription.split_once(' ').unwrap_or((subscription, ""));
            let (protocol, endpoint) = (protocol.to_owned(), endpoint.to_owned());
            let Some(there) = spec.and_then(|s| s.subscriptions.get(subscription)) else {
                let attributes = attributes(wanted);
                calls.push(Call::Subscribe { topic_arn: arn.clone(), protocol, endpoint, attributes });
                continue;
            };
            for (attribute, value) in changed(&attributes(wanted), &attributes(there)) {
                calls.push(Call::SetSubscriptionAttribute {
                    topic_arn: arn.clone(),
                    protocol: protocol.clone(),
                    endpoint: endpoint.clone(),
                    attribute,
                    value,
                });
            }
        }
        let removes = wanted(world, name).is_some_and(|topic| topic.remove_unknown);
        for (subscription, there) in spec.map(|s| &s.subscriptions).into_iter().flatten() {
            let subscription_arn = there.as_str().unwrap_or_default();
            // A subscription that is pending has no ARN and cannot be removed; it ends by itself.
            if removes
                && !desired.subscriptions.contains_key(subscription)
                && subscription_arn.starts_with("arn:")
            {
                calls.push(Call::Unsubscribe {
                    subscription_arn: subscription_arn.to_owned(),
                    endpoint: subscription.clone(),
                });
            }
        }
        calls
    }

    fn removal(world: &World, _: &Target, name: &str, observed: &Seen<TopicSpec>) -> Removal {
        let confirmed = observed.notes.iter().all(|note| note.reason != NO_CONFIRMED_SUBSCRIPTION);
        let hold = confirmed.then(|| Hold {
            reason: WAITING_FOR_CONFIRMATION,
            message: format!(
                "topic {name} still has confirmed subscriptions; a topic that is made again has lost them, so it goes \
                 only when these people have unsubscribed, or by `teardown`"
            ),
            waits: false,
        });
        Removal { calls: vec![Call::DeleteTopic { arn: topic_arn(world, name) }], hold }
    }
}

fn topic_arn(world: &World, name: &str) -> String {
    world.arn("sns", &world.central_region, &world.central, name)
}

fn wanted<'a>(world: &'a World, name: &str) -> Option<&'a Wanted> {
    world.every_alert().filter_map(|alert| alert.topic.as_ref()).find(|topic| topic.name == name)
}

fn label((protocol, endpoint): &(String, String)) -> String {
    format!("{protocol} {endpoint}")
}

async fn look(
    cloud: &Cloud,
    session: &Session,
    world: &World,
    target: &Target,
    name: &str,
) -> Result<Seen<TopicSpec>, CloudError> {
    let arn = topic_arn(world, name);
    let attributes = cloud.topic_attributes(session, &arn).await?;
    let tags = cloud.topic_tags(session, &arn).await?;
    let rows = cloud.list_subscriptions(session, &arn).await?;
    let spec = TopicSpec {
        display_name: attributes.get("DisplayName").cloned().unwrap_or_default(),
        policy: attributes.get("Policy").map_or(Value::Null, |text| {
            let policy = document::policy(text);
            alarms::as_far_as_known(world, target, &arn, policy)
        }),
        kms_key_arn: attributes.get(KMS_KEY).filter(|key| !key.is_empty()).cloned(),
        subscriptions: judged(cloud, session, wanted(world, name), &rows).await?,
        tags: world.our_tags(&tags),
    };
    Ok(Seen { spec, mark: Mark::in_tags(world, &tags), notes: notes(name, &rows) })
}

/// Attributes of subscriptions that are ours to set, each with the value that is as good as none.
const ATTRIBUTES: [(&str, &str); 5] = [
    ("FilterPolicy", "{}"),
    ("FilterPolicyScope", "MessageAttributes"),
    ("RawMessageDelivery", "false"),
    ("RedrivePolicy", "{}"),
    ("SubscriptionRoleArn", ""),
];

/// Wanted subscriptions by their attributes, all others by their ARN, which makes them a difference. One that waits for
/// its confirmation has no ARN by which AWS would tell its attributes; it counts as it is wanted.
async fn judged(
    cloud: &Cloud,
    session: &Session,
    wanted: Option<&Wanted>,
    rows: &[SubscriptionRow],
) -> Result<BTreeMap<String, Value>, CloudError> {
    let mut judged = BTreeMap::new();
    for row in rows {
        let key = (row.protocol.clone(), row.endpoint.clone());
        let told = match wanted.and_then(|topic| topic.subscriptions.get(&key)) {
            None => Value::from(row.arn.as_str()),
            Some(wanted) if !row.is_confirmed() => described(wanted),
            Some(_) => match cloud.subscription_attributes(session, &row.arn).await {
                Ok(attributes) => described(&of_ours(&attributes)),
                // Gone between the two calls: it will be absent in the next pass.
                Err(error) if error.class == ErrorClass::NotFound => continue,
                Err(error) => return Err(error),
            },
        };
        judged.insert(label(&key), told);
    }
    Ok(judged)
}

/// Of a subscription's attributes those that we set, without those that are as good as none.
fn of_ours(attributes: &BTreeMap<String, String>) -> BTreeMap<String, Value> {
    let one = |(name, none): &(&str, &str)| {
        let text = attributes.get(*name).filter(|text| !text.is_empty() && *text != none)?;
        let value = match *name {
            "FilterPolicy" => document::pattern(text),
            "RedrivePolicy" => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
            _ => Value::from(text.as_str()),
        };
        Some(((*name).to_owned(), value))
    };
    let mut ours: BTreeMap<String, Value> = ATTRIBUTES.iter().filter_map(one).collect();
    // Without a filter it does not matter what a filter would look at.
    if !ours.contains_key("FilterPolicy") {
        ours.remove("FilterPolicyScope");
    }
    ours
}

/// A subscription of these attributes, as compared.
fn described(attributes: &BTreeMap<String, Value>) -> Value {
    if attributes.is_empty() { Value::from(SUBSCRIBED) } else { attributes.clone().into_iter().collect() }
}

/// The attributes of a subscription as compared.
fn attributes(described: &Value) -> BTreeMap<String, Value> {
    let fields = described.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What has to be set, in the order in which AWS takes it: the scope of a filter before the filter itself, which may
/// make no sense in the other scope. An attribute that is too much is set to null.
fn changed(wanted: &BTreeMap<String, Value>, there: &BTreeMap<String, Value>) -> Vec<(String, Value)> {
    let names =
        ["FilterPolicyScope", "FilterPolicy", "RawMessageDelivery", "RedrivePolicy", "SubscriptionRoleArn"];
    let mut changed = Vec::new();
    for name in names {
        let (wanted, there) = (wanted.get(name), there.get(name));
        if wanted == there || (wanted.is_none() && name == "FilterPolicyScope") {
            continue;
        }
        let value = match (wanted, name) {
            (Some(value), _) => value.clone(),
            (None, "RawMessageDelivery") => Value::from("false"),
            (None, _) => Value::Null,
        };
        changed.push((name.to_owned(), value));
    }
    changed
}

fn notes(name: &str, rows: &[SubscriptionRow]) -> Vec<Note> {
    let pending = |row: &&SubscriptionRow| !row.is_confirmed();
    let mut notes: Vec<Note> = rows
        .iter()
        .filter(pending)
        .map(|row| {
            let label = format!("{} {}", row.protocol, row.endpoint);
            let message = format!(
                "{label} of topic {name} is not confirmed; open the mail or answer the request that AWS sent there"
            );
            Note { about: Some(label), ..Note::new(SUBSCRIPTION_PENDING, message) }
        })
        .collect();
    if !rows.iter().any(SubscriptionRow::is_confirmed) {
        notes.push(Note::new(
            NO_CONFIRMED_SUBSCRIPTION,
            format!(
                "nobody receives what topic {name} gets: none of its {} subscriptions is confirmed",
                rows.len()
            ),
        ));
    }
    notes
}

/// The owner keeps the rights that SNS gives by default, which setting a policy would take away; EventBridge may
/// publish. Without conditions on the latter: SNS does not match them for EventBridge.
fn policy(world: &World, target: &Target, name: &str) -> Value {
    let arn = topic_arn(world, name);
    let mut policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "owner",
                "Effect": "Allow",
                "Principal": { "AWS": format!("arn:{}:iam::{}:root", world.partition, world.central) },
                "Action": [
                    "SNS:AddPermission", "SNS:DeleteTopic", "SNS:GetTopicAttributes", "SNS:ListSubscriptionsByTopic",
                    "SNS:Publish", "SNS:RemovePermission", "SNS:SetTopicAttributes", "SNS:Subscribe",
                ],
                "Resource": arn,
            },
        ],
    });
    let rules = json!({
        "Sid": ALERT_RULES,
        "Effect": "Allow",
        "Principal": { "Service": "events.amazonaws.com" },
        "Action": "sns:Publish",
        "Resource": arn,
    });
    // Of all who deliver here, one without the role is enough: a built-in alert goes to the same people.
    let admits = world.every_alert().any(|alert| alert.topic_arn == arn && !alert.by_role);
    if let Some(statements) = policy["Statement"].as_array_mut() {
        statements.extend(admits.then_some(rules));
        statements.extend(alarms::admitted(world, target, &arn));
    }
    document::normal_policy(policy)
}
