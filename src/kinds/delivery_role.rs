//! The role with which EventBridge publishes to topics that do not admit it themselves.
//!
//! `deploy/` installs it: a right to write IAM in the central account would be worth more than everything that it is
//! for. So it is compared and never written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::{Cloud, Session};
use crate::document;
use crate::model::call::Call;
use crate::model::error::{CloudError, ErrorClass};
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::world::{Target, World};

/// The name of its inline policy, without the installation's.
const POLICY: &str = "publish";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DeliveryRoleSpec {
    /// In normal form.
    trust: Value,
    /// Its inline policy in normal form; null where it has none of that name.
    policy: Value,
}

pub(super) struct DeliveryRole;

impl Kind for DeliveryRole {
    type Spec = DeliveryRoleSpec;
    const NAME: KindName = "delivery_role";
    const SIDE: Side = Side::Central;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, DeliveryRoleSpec> {
        if !target.holds_bus(world) || target.leaving || !world.alerts.iter().any(|alert| alert.by_role) {
            return BTreeMap::new();
        }
        BTreeMap::from([(world.delivery_role(), spec(world))])
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        _: &Target,
        scope: &Scope,
    ) -> Sights<DeliveryRoleSpec> {
        let mut sights = Sights::new();
        for name in &scope.names {
            let sight = match look(cloud, session, world, name).await {
                Ok(spec) => Sight::Present(Seen { spec, mark: Mark::Ours, notes: Vec::new() }),
                Err(error) if error.class == ErrorClass::NotFound => Sight::Absent,
                Err(error) => Sight::Unknown(error),
            };
            sights.insert(name.clone(), sight);
        }
        sights
    }

    fn mend(
        _: &World,
        _: &Target,
        _: &str,
        _: &DeliveryRoleSpec,
        _: Option<&Seen<DeliveryRoleSpec>>,
    ) -> Vec<Call> {
        Vec::new()
    }

    fn removal(_: &World, _: &Target, _: &str, _: &Seen<DeliveryRoleSpec>) -> Removal {
        Removal { calls: Vec::new(), hold: None }
    }
}

async fn look(
    cloud: &Cloud,
    session: &Session,
    world: &World,
    role: &str,
) -> Result<DeliveryRoleSpec, CloudError> {
    let trust = document::policy(&cloud.role(session, role).await?.trust);
    let policy = match cloud.role_policy(session, role, &world.named(POLICY)).await {
        Ok(policy) => document::policy(&policy),
        Err(error) if error.class == ErrorClass::NotFound => Value::Null,
        Err(error) => return Err(error),
    };
    Ok(DeliveryRoleSpec { trust, policy })
}

fn spec(world: &World) -> DeliveryRoleSpec {
    let (region, central) = (&world.central_region, &world.central);
    let rules = world.arn("events", region, central, &format!("rule/{}/{}*", world.bus(), world.prefix()));
    DeliveryRoleSpec {
        // Only EventBridge, only for rules of ours on our bus (the confused deputy).
        trust: document::normal_policy(json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "AlertRules",
                "Effect": "Allow",
                "Principal": { "Service": "events.amazonaws.com" },
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": { "aws:SourceAccount": central.as_str() },
                    "ArnLike": { "aws:SourceArn": rules },
                },
            }],
        })),
        policy: document::normal_policy(json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "Topics",
                "Effect": "Allow",
                "Action": "sns:Publish",
                "Resource": world.arn("sns", region, central, &format!("{}*", world.prefix())),
            }],
        })),
    }
}
