//! Queues in the central account: for dead letters one in each Region that has sender rules, and one for the alert
//! rules; and the inbox, for what concerns the daemon itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::{Cloud, Session};
use crate::document;
use crate::guard;
use crate::model::call::{Call, KMS_KEY, Tags};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::plan::Hold;
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::world::{Target, World};

/// The longest that SQS keeps a message: 14 days, in seconds.
const RETENTION: &str = "1209600";
/// Whether SQS encrypts a queue with a key of its own.
const SQS_OWN: &str = "SqsManagedSseEnabled";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct QueueSpec {
    /// The attributes that we set, by AWS's names; the policy in normal form.
    attributes: BTreeMap<String, Value>,
    tags: Tags,
    /// Messages waiting; shown, never compared.
    #[serde(skip)]
    messages: u64,
}

pub(super) struct Queue;

impl Kind for Queue {
    type Spec = QueueSpec;
    const NAME: KindName = "queue";
    const SIDE: Side = Side::Central;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, QueueSpec> {
        if !target.watched {
            return BTreeMap::new();
        }
        // A key serves its own Region alone.
        let key = world.key.as_deref().filter(|_| target.holds_bus(world));
        let spec = |policy: Value| {
            let attributes = BTreeMap::from([
                ("MessageRetentionPeriod".to_owned(), Value::from(RETENTION)),
                ("Policy".to_owned(), policy),
                key.map_or((SQS_OWN.to_owned(), Value::from("true")), |key| {
                    (KMS_KEY.to_owned(), Value::from(key))
                }),
            ]);
            QueueSpec { attributes, tags: world.owner_tags(), messages: 0 }
        };
        let mut queues = BTreeMap::from([(world.dead_letter_queue(), spec(dead_letters(world, target)))]);
        if world.inbox && target.holds_bus(world) {
            queues.insert(world.inbox_queue(), spec(inbox(world)));
        }
        queues
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        _: &Target,
        scope: &Scope,
    ) -> Sights<QueueSpec> {
        let names = match cloud.list_queues(session, &world.prefix()).await {
            Ok(names) => names,
            Err(error) => return super::all_unknown(scope, &error),
        };
        let mut sights = Sights::new();
        // A listing may be a minute behind, so what is desired is asked for by name all the same.
        for name in names.into_iter().chain(scope.names.iter().cloned()) {
            if sights.contains_key(&name) {
                continue;
            }
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
        desired: &QueueSpec,
        observed: Option<&Seen<QueueSpec>>,
    ) -> Vec<Call> {
        let name = name.to_owned();
        let key = desired.attributes.get(KMS_KEY);
        let encrypt = |value: &Value| Call::SetQueueAttributes {
            name: name.clone(),
            attributes: BTreeMap::from([(KMS_KEY.to_owned(), value.clone())]),
        };
        let Some(seen) = observed else {
            let mut attributes = desired.attributes.clone();
            if attributes.remove(KMS_KEY).is_some() {
                attributes.insert(SQS_OWN.to_owned(), Value::from("true"));
            }
            let create = Call::CreateQueue { name: name.clone(), attributes, tags: world.owner_tags() };
            return [create].into_iter().chain(key.map(encrypt)).collect();
        };
        let there = |name: &String| seen.spec.attributes.get(name);
        let mut differing: BTreeMap<_, _> = desired
            .attributes
            .iter()
            .filter(|(name, value)| there(name) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        // By itself, and after what must not wait for a key.
        let encrypts = differing.remove(KMS_KEY);
        if key.is_none() && seen.spec.attributes.contains_key(KMS_KEY) {
            differing.insert(KMS_KEY.to_owned(), Value::from(""));
        }
        let mut calls = Vec::new();
        if seen.spec.tags != desired.tags {
            calls.push(Call::TagQueue { name: name.clone(), tags: world.owner_tags() });
        }
        if !differing.is_empty() {
            calls.push(Call::SetQueueAttributes { name: name.clone(), attributes: differing });
        }
        calls.extend(encrypts.as_ref().map(encrypt));
        calls
    }

    fn removal(_: &World, _: &Target, name: &str, observed: &Seen<QueueSpec>) -> Removal {
        let waiting = observed.notes.iter().find(|note| note.reason == DEAD_LETTERS);
        let hold = waiting.map(|note| Hold {
            reason: DEAD_LETTERS,
            message: format!("{}; a queue that holds events is kept until they are read, or until `teardown --delete-data`", note.message),
            waits: false,
        });
        Removal { calls: vec![Call::DeleteQueue { name: name.to_owned() }], hold }
    }
}

/// Events lie in the queue that could not be delivered.
pub(crate) const DEAD_LETTERS: &str = "DeadLetters";

async fn look(
    cloud: &Cloud,
    session: &Session,
    world: &World,
    name: &str,
) -> Result<Seen<QueueSpec>, CloudError> {
    let queue = cloud.queue(session, name).await?;
    let tags = cloud.queue_tags(session, name).await?;
    let attribute = |key: &str| queue.get(key).cloned();
    let mut attributes = BTreeMap::new();
    for key in ["MessageRetentionPeriod", KMS_KEY, SQS_OWN] {
        if let Some(value) = attribute(key).filter(|value| !value.is_empty()) {
            attributes.insert(key.to_owned(), Value::from(value));
        }
    }
    // A queue has one kind of encryption.
    if attributes.contains_key(KMS_KEY) {
        attributes.remove(SQS_OWN);
    }
    if let Some(policy) = attribute("Policy").filter(|text| !text.is_empty()) {
        attributes.insert("Policy".to_owned(), document::policy(&policy));
    }
    // Those that somebody is just looking at are hidden, and lie there all the same.
    let messages = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        .into_iter()
        .filter_map(|name| attribute(name)?.parse::<u64>().ok())
        .sum::<u64>();
    let mut notes = Vec::new();
    // What lies in the inbox waits for us.
    if messages > 0 && name != world.inbox_queue() {
        let message = format!("{messages} events lie in {name} that could not be delivered");
        notes.push(crate::model::resource::Note::new(DEAD_LETTERS, message));
    }
    let mark = Mark::in_tags(world, &tags);
    Ok(Seen { spec: QueueSpec { attributes, tags: world.our_tags(&tags), messages }, mark, notes })
}

/// Rules of ours may leave dead letters: in members, and on the central bus.
fn dead_letters(world: &World, target: &Target) -> Value {
    let region = target.region();
    let prefix = world.prefix();
    let senders = format!("arn:{}:events:{region}:*:rule/{prefix}*", world.partition);
    let receivers = world.arn("events", region, &world.central, &format!("rule/{}/{prefix}*", world.bus()));
    policy(world, "dead-letters", &world.dead_letter_arn(region), &[senders, receivers])
}

/// Rules of ours in the central account may send: on its bus, and the guard on its default bus.
fn inbox(world: &World) -> Value {
    let rule = |path: String| world.arn("events", &world.central_region, &world.central, &path);
    let receivers = rule(format!("rule/{}/{}*", world.bus(), world.prefix()));
    let guards = rule(format!("rule/{}*", world.named(guard::CENTRAL)));
    policy(world, "inbox", &world.inbox_arn(), &[receivers, guards])
}

/// These rules may send, over TLS; where AWS says which organization a rule belongs to, it must be ours.
fn policy(world: &World, sid: &str, queue: &str, rules: &[String]) -> Value {
    document::normal_policy(json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": sid,
                "Effect": "Allow",
                "Principal": { "Service": "events.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": {
                    "ArnLike": { "aws:SourceArn": rules },
                    "StringEqualsIfExists": { "aws:SourceOrgID": world.organization.as_str() },
                },
            },
            {
                "Sid": "only-tls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": queue,
                "Condition": { "Bool": { "aws:SecureTransport": "false" } },
            },
        ],
    }))
}
