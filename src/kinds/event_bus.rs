//! The central event bus with its policy: who may send.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::{Cloud, Session};
use crate::document;
use crate::model::call::Call;
use crate::model::error::ErrorClass;
use crate::model::json::Json;
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::world::{Target, World};

/// The statement that admits the senders.
pub(crate) const SENDERS_SID: &str = "senders";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct BusSpec {
    description: String,
    /// In normal form; null when there is none.
    policy: Value,
    /// The customer's key; none: AWS's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kms_key_arn: Option<String>,
}

pub(super) struct EventBus;

impl Kind for EventBus {
    type Spec = BusSpec;
    const NAME: KindName = "event_bus";
    const SIDE: Side = Side::Central;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, BusSpec> {
        if !target.holds_bus(world) {
            return BTreeMap::new();
        }
        let spec = BusSpec {
            description: format!("IAM events of the organization; {}", world.mark()),
            policy: policy(world),
            kms_key_arn: world.key.clone(),
        };
        BTreeMap::from([(world.bus().to_owned(), spec)])
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        _: &Scope,
    ) -> Sights<BusSpec> {
        if !target.holds_bus(world) {
            return Sights::new();
        }
        let sight = match look(cloud, session, world).await {
            Ok(seen) => Sight::Present(seen),
            Err(error) if error.class == ErrorClass::NotFound => Sight::Absent,
            Err(error) => Sight::Unknown(error),
        };
        BTreeMap::from([(world.bus().to_owned(), sight)])
    }

    fn mend(
        world: &World,
        _: &Target,
        name: &str,
        desired: &BusSpec,
        observed: Option<&Seen<BusSpec>>,
    ) -> Vec<Call> {
        let mut calls = Vec::new();
        match observed {
            None => calls.push(Call::CreateEventBus {
                name: name.to_owned(),
                description: desired.description.clone(),
                tags: world.owner_tags(),
            }),
            Some(seen) => {
                if seen.mark == Mark::Foreign || Mark::in_description(world, &seen.spec.description).is_none()
                {
                    calls.push(Call::TagEvents { arn: world.bus_arn(), tags: world.owner_tags() });
                }
            }
        }
        // One write of the whole document: there is no moment without a policy, in which every event would be
        // lost without a retry.
        if observed.is_none_or(|seen| seen.spec.policy != desired.policy) {
            calls.push(Call::PutPermission { bus: name.to_owned(), policy: Json::from(&desired.policy) });
        }
        // After what must not wait for a key.
        let of = |spec: &BusSpec| (spec.description.clone(), spec.kms_key_arn.clone());
        if observed.map_or_else(|| (desired.description.clone(), None), |seen| of(&seen.spec)) != of(desired)
        {
            calls.push(Call::UpdateEventBus {
                name: name.to_owned(),
                description: desired.description.clone(),
                key: desired.kms_key_arn.clone(),
            });
        }
        calls
    }

    fn removal(_: &World, _: &Target, name: &str, _: &Seen<BusSpec>) -> Removal {
        Removal { calls: vec![Call::DeleteEventBus { name: name.to_owned() }], hold: None }
    }
}

async fn look(
    cloud: &Cloud,
    session: &Session,
    world: &World,
) -> Result<Seen<BusSpec>, crate::model::error::CloudError> {
    let bus = cloud.describe_bus(session, world.bus()).await?;
    let description = bus.description.unwrap_or_default();
    let mark = match Mark::in_description(world, &description) {
        Some(mark) => mark,
        None => Mark::in_tags(world, &cloud.event_tags(session, &world.bus_arn()).await?),
    };
    let policy = bus.policy.as_deref().map_or(Value::Null, document::policy);
    let spec = BusSpec { description, policy, kms_key_arn: bus.key };
    Ok(Seen { spec, mark, notes: Vec::new() })
}

/// One statement: senders of our organization, and of these only forwarding roles unless everybody may.
fn policy(world: &World) -> Value {
    let mut condition = json!({ "StringEquals": { "aws:PrincipalOrgID": world.organization.as_str() } });
    if world.only_forwarders {
        // Roles of ours may be renamed, and members change over one after the other: all of our names are admitted.
        let ours = world.named("forwarder");
        let role = if world.forwarder.managed { &ours } else { &world.forwarder.role_name };
        condition["ArnLike"] =
            json!({ "aws:PrincipalArn": format!("arn:{}:iam::*:role/{role}*", world.partition) });
    }
    document::normal_policy(json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": SENDERS_SID,
            "Effect": "Allow",
            "Principal": "*",
            "Action": "events:PutEvents",
            "Resource": world.bus_arn(),
            "Condition": condition,
        }],
    }))
}

/// The organization that a bus policy of ours admits, if it says one.
pub(crate) fn admitted_organization(policy: &Value) -> Option<&str> {
    let statements = policy.get("Statement")?.as_array()?;
    let ours = statements.iter().find(|s| s.get("Sid").is_some_and(|sid| sid == SENDERS_SID))?;
    ours.pointer("/Condition/StringEquals/aws:PrincipalOrgID")?.as_str()
}
