//! The roles with which EventBridge sends from a member to the central bus: the sender rules' and the guard's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::iam::RoleRow;
use crate::aws::{Cloud, Session};
use crate::document;
use crate::model::call::{Call, Tags};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::json::Json;
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::world::{Target, World};

/// How a role that somebody else keeps is described: it is there, and EventBridge may assume it.
const VERIFIED: &str = "lets events.amazonaws.com assume it";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RoleSpec {
    path: String,
    /// In normal form; for a role that somebody else keeps only whether EventBridge may assume it.
    trust: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boundary: Option<String>,
    /// Inline policies by name, in normal form.
    policies: BTreeMap<String, Value>,
    /// ARNs of attached policies; ours have none.
    attached: Vec<String>,
    description: String,
    tags: Tags,
}

pub(super) struct ForwardingRole;

impl Kind for ForwardingRole {
    type Spec = RoleSpec;
    const NAME: KindName = "forwarding_role";
    const SIDE: Side = Side::Member;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, RoleSpec> {
        if !target.roles_here || !target.watched {
            return BTreeMap::new();
        }
        let specs =
            || if target.writes_role { managed(world, target) } else { verified(Value::from(VERIFIED)) };
        let spec = specs();
        let mut roles = BTreeMap::from([(world.forwarder.role_name.clone(), spec)]);
        if world.guard.is_some() {
            roles.entry(world.guard_role()).or_insert_with(specs);
        }
        roles
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> Sights<RoleSpec> {
        // What somebody else keeps is no business of ours when we leave.
        if !target.roles_here || (target.leaving && !target.writes_role) {
            return Sights::new();
        }
        let mut names = scope.names.clone();
        // Roles cannot be listed by name, only all of them: done once in a while, for forgotten ones.
        if scope.sweep && (target.writes_role || target.leaving) {
            match cloud.list_roles(session).await {
                Ok(all) => {
                    let prefix = format!("{}-forwarder", world.installation);
                    names.extend(all.into_iter().filter(|name| name.starts_with(&prefix)));
                }
                // What is not found this way is at worst not swept; what is desired is asked for by name.
                Err(error) => tracing::debug!(%error, "the search for forgotten roles was not possible"),
            }
        }
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
        target: &Target,
        name: &str,
        desired: &RoleSpec,
        observed: Option<&Seen<RoleSpec>>,
    ) -> Vec<Call> {
        if !target.writes_role {
            return Vec::new();
        }
        let role = name.to_owned();
        let mut calls = Vec::new();
        let Some(Seen { spec, .. }) = observed else {
            calls.push(Call::CreateRole {
                name: role,
                path: desired.path.clone(),
                trust: Json::from(&desired.trust),
                description: desired.description.clone(),
                boundary: desired.boundary.clone(),
                tags: world.shared_tags(),
            });
            calls.extend(put_policies(name, desired, None));
            return calls;
        };
        // The boundary before anything else: without it AWS refuses us most other writes to the role.
        if let Some(boundary) = desired.boundary.as_ref().filter(|b| spec.boundary.as_ref() != Some(*b)) {
            calls.push(Call::PutRolePermissionsBoundary { role: role.clone(), boundary: boundary.clone() });
        }
        if spec.tags != desired.tags {
            calls.push(Call::TagRole { role: role.clone(), tags: world.owner_tags() });
        }
        if spec.description != desired.description {
            calls.push(Call::UpdateRoleDescription {
                role: role.clone(),
                description: desired.description.clone(),
            });
        }
        if spec.trust != desired.trust {
            calls
                .push(Call::UpdateAssumeRolePolicy { role: role.clone(), trust: Json::from(&desired.trust) });
        }
        calls.extend(put_policies(name, desired, Some(spec)));
        for policy_name in spec.policies.keys().filter(|p| !desired.policies.contains_key(*p)) {
            calls.push(Call::DeleteRolePolicy { role: role.clone(), policy_name: policy_name.clone() });
        }
        for policy_arn in &spec.attached {
            calls.push(Call::DetachRolePolicy { role: role.clone(), policy_arn: policy_arn.clone() });
        }
        calls
    }

    fn in_force(seen: &RoleSpec) -> bool {
        // Made a moment ago, and its policy not put yet.
        !seen.policies.is_empty() || !seen.attached.is_empty()
    }

    fn removal(world: &World, target: &Target, name: &str, observed: &Seen<RoleSpec>) -> Removal {
        if !target.writes_role {
            return Removal { calls: Vec::new(), hold: None };
        }
        let role = || name.to_owned();
        let spec = &observed.spec;
        let policies = spec.policies.keys();
        let mut calls: Vec<Call> =
            policies.map(|p| Call::DeleteRolePolicy { role: role(), policy_name: p.clone() }).collect();
        calls.extend(
            spec.attached.iter().map(|a| Call::DetachRolePolicy { role: role(), policy_arn: a.clone() }),
        );
        // As in a repair: without the boundary AWS refuses us to take the policies away.
        let boundary = world.boundary_arn(target.account()).filter(|b| spec.boundary.as_ref() != Some(b));
        if let Some(boundary) = boundary.filter(|_| !calls.is_empty()) {
            calls.insert(0, Call::PutRolePermissionsBoundary { role: role(), boundary });
        }
        calls.push(Call::DeleteRole { name: role() });
        Removal { calls, hold: None }
    }
}

fn put_policies(role: &str, desired: &RoleSpec, observed: Option<&RoleSpec>) -> Vec<Call> {
    let differs =
        |name: &String, policy: &Value| observed.is_none_or(|o| o.policies.get(name) != Some(policy));
    let wanted = desired.policies.iter().filter(|(name, policy)| differs(name, policy));
    wanted
        .map(|(name, policy)| Call::PutRolePolicy {
            role: role.to_owned(),
            policy_name: name.clone(),
            policy: Json::from(policy),
        })
        .collect()
}

async fn look(
    cloud: &Cloud,
    session: &Session,
    world: &World,
    target: &Target,
    name: &str,
) -> Result<Seen<RoleSpec>, CloudError> {
    let RoleRow { path, trust, boundary, description, tags } = cloud.role(session, name).await?;
    let trust = document::policy(&trust);
    if !target.writes_role {
        let verified = verified(if admits_eventbridge(&trust) { Value::from(VERIFIED) } else { trust });
        return Ok(Seen { spec: verified, mark: Mark::Ours, notes: Vec::new() });
    }
    let mark = Mark::in_description(world, &description).unwrap_or_else(|| Mark::in_tags(world, &tags));
    let forward = self::policy_name(world);
    let mut policies = BTreeMap::new();
    for policy_name in cloud.role_policy_names(session, name).await? {
        // A policy that does not belong goes whatever it says.
        let document = if policy_name == forward {
            document::policy(&cloud.role_policy(session, name, &policy_name).await?)
        } else {
            Value::from("does not belong here")
        };
        policies.insert(policy_name, document);
    }
    let spec = RoleSpec {
        path,
        trust,
        // With no boundary configured, one that somebody put is theirs, and harmless.
        boundary: boundary.filter(|_| world.forwarder.boundary.is_some()),
        policies,
        attached: cloud.attached_policies(session, name).await?,
        description,
        tags: world.our_tags(&tags),
    };
    Ok(Seen { spec, mark, notes: Vec::new() })
}

/// The name of the one inline policy.
fn policy_name(world: &World) -> String {
    world.named("forward")
}

/// What we know of a role that somebody else keeps.
fn verified(trust: Value) -> RoleSpec {
    RoleSpec {
        path: String::new(),
        trust,
        boundary: None,
        policies: BTreeMap::new(),
        attached: Vec::new(),
        description: String::new(),
        tags: Tags::new(),
    }
}

/// Whether some statement of a trust policy lets EventBridge assume the role.
fn admits_eventbridge(trust: &Value) -> bool {
    let has = |value: Option<&Value>, wanted: &str| match value {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Array(items)) => items.iter().any(|item| item == wanted),
        _ => false,
    };
    let admits = |s: &Value| {
        s.get("Effect").is_some_and(|e| e == "Allow")
            && has(s.get("Action"), "sts:AssumeRole")
            && has(s.pointer("/Principal/Service"), "events.amazonaws.com")
    };
    trust.get("Statement").and_then(Value::as_array).is_some_and(|statements| statements.iter().any(admits))
}

fn managed(world: &World, target: &Target) -> RoleSpec {
    let account = target.account();
    let rules = format!("arn:{}:events:*:{account}:rule/{}*", world.partition, world.prefix());
    RoleSpec {
        path: "/".to_owned(),
        // Only EventBridge, only for rules of ours in this very account (the confused deputy).
        trust: document::normal_policy(json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "SenderRules",
                "Effect": "Allow",
                "Principal": { "Service": "events.amazonaws.com" },
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": { "aws:SourceAccount": account.as_str() },
                    "ArnLike": { "aws:SourceArn": rules },
                },
            }],
        })),
        boundary: world.boundary_arn(account),
        policies: BTreeMap::from([(
            policy_name(world),
            document::normal_policy(json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Sid": "CentralBus",
                    "Effect": "Allow",
                    "Action": "events:PutEvents",
                    "Resource": world.bus_arn(),
                }],
            })),
        )]),
        attached: Vec::new(),
        description: format!("sends events to {}; {}", world.central, world.mark()),
        tags: world.owner_tags(),
    }
}
