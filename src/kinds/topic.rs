//! The SNS topic of an alert with its policy and its subscriptions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::sns::SubscriptionRow;
use crate::aws::{Cloud, Session};
use crate::document;
use crate::model::call::{Call, Tags};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::plan::Hold;
use crate::model::resource::{KindName, Note};
use crate::model::target::Side;
use crate::world::{Target, Topic as Wanted, World};

/// Somebody must open a mail or answer a request before alerts arrive there.
pub(crate) const SUBSCRIPTION_PENDING: &str = "SubscriptionPending";
/// Nobody at all receives what this topic gets.
pub(crate) const NO_CONFIRMED_SUBSCRIPTION: &str = "NoConfirmedSubscription";
/// A removal waits until somebody confirmed the new subscription.
pub(crate) const WAITING_FOR_CONFIRMATION: &str = "WaitingForConfirmation";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TopicSpec {
    display_name: String,
    /// In normal form.
    policy: Value,
    /// What each subscription is: `subscribed`, or its ARN where nobody asked for it.
    subscriptions: BTreeMap<String, String>,
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
            policy: policy(world, &topic.name),
            subscriptions: topic.subscriptions.iter().map(|s| (label(s), SUBSCRIBED.to_owned())).collect(),
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
            let sight = match look(cloud, session, world, &name).await {
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
        for subscription in desired.subscriptions.keys() {
            if spec.is_none_or(|s| !s.subscriptions.contains_key(subscription)) {
                let (protocol, endpoint) = subscription.split_once(' ').unwrap_or((subscription, ""));
                calls.push(Call::Subscribe {
                    topic_arn: arn.clone(),
                    protocol: protocol.to_owned(),
                    endpoint: endpoint.to_owned(),
                });
            }
        }
        let removes = wanted(world, name).is_some_and(|topic| topic.remove_unknown);
        for (subscription, subscription_arn) in spec.map(|s| &s.subscriptions).into_iter().flatten() {
            // A subscription that is pending has no ARN and cannot be removed; it ends by itself.
            if removes
                && !desired.subscriptions.contains_key(subscription)
                && subscription_arn.starts_with("arn:")
            {
                calls.push(Call::Unsubscribe {
                    subscription_arn: subscription_arn.clone(),
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
    name: &str,
) -> Result<Seen<TopicSpec>, CloudError> {
    let arn = topic_arn(world, name);
    let attributes = cloud.topic_attributes(session, &arn).await?;
    let tags = cloud.topic_tags(session, &arn).await?;
    let rows = cloud.list_subscriptions(session, &arn).await?;
    let spec = TopicSpec {
        display_name: attributes.get("DisplayName").cloned().unwrap_or_default(),
        policy: attributes.get("Policy").map_or(Value::Null, |text| document::policy(text)),
        subscriptions: judged(wanted(world, name), &rows),
        tags: world.our_tags(&tags),
    };
    Ok(Seen { spec, mark: Mark::in_tags(world, &tags), notes: notes(name, &rows) })
}

/// Wanted subscriptions as `subscribed`, confirmed or not; all others with their ARN, which makes them a difference.
fn judged(wanted: Option<&Wanted>, rows: &[SubscriptionRow]) -> BTreeMap<String, String> {
    let known = |row: &SubscriptionRow| {
        wanted.is_some_and(|t| t.subscriptions.contains(&(row.protocol.clone(), row.endpoint.clone())))
    };
    rows.iter()
        .map(|row| {
            let shown = label(&(row.protocol.clone(), row.endpoint.clone()));
            (shown, if known(row) { SUBSCRIBED.to_owned() } else { row.arn.clone() })
        })
        .collect()
}

fn notes(name: &str, rows: &[SubscriptionRow]) -> Vec<Note> {
    let pending = |row: &&SubscriptionRow| !row.is_confirmed();
    let mut notes: Vec<Note> = rows
        .iter()
        .filter(pending)
        .map(|row| Note {
            reason: SUBSCRIPTION_PENDING,
            message: format!(
                "{} {} of topic {name} is not confirmed; open the mail or answer the request that AWS sent there",
                row.protocol, row.endpoint
            ),
        })
        .collect();
    if !rows.iter().any(SubscriptionRow::is_confirmed) {
        notes.push(Note {
            reason: NO_CONFIRMED_SUBSCRIPTION,
            message: format!(
                "nobody receives what topic {name} gets: none of its {} subscriptions is confirmed",
                rows.len()
            ),
        });
    }
    notes
}

/// The owner keeps the rights that SNS gives by default, which setting a policy would take away; EventBridge may
/// publish. Without conditions on the latter: SNS does not match them for EventBridge.
fn policy(world: &World, name: &str) -> Value {
    let arn = topic_arn(world, name);
    document::normal_policy(json!({
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
            {
                "Sid": "alert-rules",
                "Effect": "Allow",
                "Principal": { "Service": "events.amazonaws.com" },
                "Action": "sns:Publish",
                "Resource": arn,
            },
        ],
    }))
}
