//! A tiny AWS in memory: what the calls do to it, what looking at it tells, and what it refuses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rule::DEFAULT_BUS;
use super::topic::{NO_CONFIRMED_SUBSCRIPTION, SUBSCRIPTION_PENDING};
use super::{AnyKind, Mark, Scope, Seen, Sight, Sights};
use crate::compliance::installed;
use crate::model::call::{Call, KMS_KEY, Tags};
use crate::model::ids::{AccountId, Region};
use crate::model::resource::{KindName, Note};
use crate::model::target::Side;
use crate::world::{Target, World};

/// Where a resource is and what it is called.
pub(crate) type Place = (AccountId, Region, KindName, String);

/// A resource: what a look at it tells, and all its tags.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thing {
    pub(crate) spec: Value,
    pub(crate) tags: Tags,
}

/// Everything that there is. A topic's subscriptions are `pending` or have an ARN.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Aws {
    pub(crate) things: BTreeMap<Place, Thing>,
}

/// Why AWS would not do it.
pub(crate) type Refusal = &'static str;

impl Aws {
    /// What a look at one kind tells.
    pub(crate) fn look(
        &self,
        kind: &dyn AnyKind,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> Sights<Value> {
        let mut sights: Sights<Value> =
            scope.names.iter().map(|name| (name.clone(), Sight::Absent)).collect();
        for ((account, region, of, name), thing) in &self.things {
            // Alarms of two kinds may be in one account.
            let others =
                *of == "metric_alarm" && installed::is_ours(world, name) != (kind.side() == Side::Audit);
            if (account, region, *of) == (target.account(), target.region(), kind.name()) && !others {
                sights.insert(name.clone(), Sight::Present(seen(world, of, name, thing)));
            }
        }
        sights
    }

    fn thing(&mut self, target: &Target, kind: KindName, name: &str) -> Result<&mut Thing, Refusal> {
        self.things.get_mut(&place(target, kind, name)).ok_or("it is not there")
    }

    fn make(
        &mut self,
        target: &Target,
        kind: KindName,
        name: &str,
        spec: Value,
        tags: &Tags,
    ) -> Result<(), Refusal> {
        let thing = Thing { spec, tags: tags.clone() };
        self.things.insert(place(target, kind, name), thing).map_or(Ok(()), |_| Err("it is there already"))
    }

    fn take(&mut self, target: &Target, kind: KindName, name: &str) -> Result<(), Refusal> {
        self.things.remove(&place(target, kind, name)).map(drop).ok_or("it is not there")
    }

    /// Does what a call says.
    pub(crate) fn apply(&mut self, world: &World, target: &Target, call: &Call) -> Result<(), Refusal> {
        match call {
            Call::CreateEventBus { name, description, tags } => self.make(
                target,
                "event_bus",
                name,
                json!({ "description": description, "policy": null }),
                tags,
            )?,
            Call::UpdateEventBus { name, description, key } => {
                let spec = &mut self.thing(target, "event_bus", name)?.spec;
                spec["description"] = json!(description);
                encrypt(spec, key.as_deref());
            }
            Call::PutPermission { bus, policy } => {
                self.thing(target, "event_bus", bus)?.spec["policy"] = policy.value();
            }
            Call::DeleteEventBus { name } => {
                if self.things.keys().any(|(_, _, kind, _)| *kind == "alert_rule") {
                    return Err("the bus has rules");
                }
                self.take(target, "event_bus", name)?;
            }
            Call::CreateArchive { name, source, retention_days, description } => self.make(
                target,
                "archive",
                name,
                json!({ "source": source, "retention_days": retention_days, "description": description }),
                &Tags::new(),
            )?,
            Call::UpdateArchive { name, retention_days, description, key } => {
                let spec = &mut self.thing(target, "archive", name)?.spec;
                encrypt(spec, key.as_deref());
                spec["retention_days"] = json!(retention_days);
                spec["description"] = json!(description);
            }
            Call::DeleteArchive { name } => self.take(target, "archive", name)?,
            Call::PutMetricAlarm { name, alarm, tags } => {
                let here = place(target, "metric_alarm", name);
                // Tags of an alarm that is there are ignored.
                let tags = self.things.get(&here).map_or(tags.clone(), |there| there.tags.clone());
                self.things.insert(here, Thing { spec: json!(alarm), tags });
            }
            Call::TagAlarm { arn, tags } => {
                let name = arn.rsplit(':').next().unwrap_or_default();
                self.thing(target, "metric_alarm", name)?.tags = tags.clone();
            }
            Call::DeleteAlarms { name } => self.take(target, "metric_alarm", name)?,
            Call::PutMetricFilter { name, filter, .. } => {
                let thing = Thing { spec: json!(filter), tags: world.owner_tags() };
                self.things.insert(place(target, "metric_filter", name), thing);
            }
            Call::DeleteMetricFilter { name, .. } => self.take(target, "metric_filter", name)?,
            Call::PutRule { bus, name, pattern, state, description, tags } => {
                let here = place(target, rule_kind(target, bus), name);
                // Tags of a rule that is there are ignored, and what is not sent is emptied.
                let (targets, tags) = self
                    .things
                    .get(&here)
                    .map_or((json!({}), Tags::clone(tags)), |t| (t.spec["targets"].clone(), t.tags.clone()));
                let spec = json!({ "pattern": pattern, "state": state, "description": description,
                                   "targets": targets });
                self.things.insert(here, Thing { spec, tags });
            }
            Call::PutTargets { bus, rule, targets } => {
                for put in targets.values().filter(|put| put.arn.contains(":event-bus/")) {
                    let role = put.role_arn.as_deref().ok_or("a bus is reached only with a role")?;
                    if !self.admits(world, role) {
                        return Err("the policy of the bus does not admit this role");
                    }
                    if !self.sends(target.account(), role, &put.arn) {
                        return Err("the role is not there or may not send");
                    }
                }
                let rule = self.thing(target, rule_kind(target, bus), rule)?;
                for (id, put) in targets {
                    rule.spec["targets"][id] = serde_json::to_value(put).unwrap();
                }
                if rule.spec["targets"].as_object().unwrap().len() > 5 {
                    return Err("a rule has at most five targets");
                }
            }
            Call::RemoveTargets { bus, rule, ids } => {
                let rule = self.thing(target, rule_kind(target, bus), rule)?;
                let targets = rule.spec["targets"].as_object_mut().unwrap();
                ids.iter().try_for_each(|id| targets.remove(id).map(drop).ok_or("no such target"))?;
            }
            Call::DeleteRule { bus, name } => {
                if self.thing(target, rule_kind(target, bus), name)?.spec["targets"] != json!({}) {
                    return Err("the rule has targets");
                }
                self.take(target, rule_kind(target, bus), name)?;
            }
            Call::TagEvents { arn, tags } => {
                let (kind, name) = match arn.splitn(6, ':').nth(5).unwrap().split('/').collect::<Vec<_>>()[..]
                {
                    ["event-bus", name] => ("event_bus", name),
                    ["rule", name] => ("sender_rule", name),
                    ["rule", _, name] => ("alert_rule", name),
                    _ => return Err("no such ARN"),
                };
                self.thing(target, kind, name)?.tags.extend(tags.clone());
            }
            Call::CreateTopic { name, tags } => {
                let bare = json!({ "display_name": "", "policy": { "Statement": [] }, "subscriptions": {} });
                self.make(target, "topic", name, bare, tags)?;
            }
            Call::SetTopicAttribute { arn, attribute, value } if attribute == KMS_KEY => {
                let key = value.as_str().filter(|key| !key.is_empty());
                encrypt(&mut self.thing(target, "topic", last(arn))?.spec, key);
            }
            Call::SetTopicAttribute { arn, attribute, value } => {
                let field = if attribute == "Policy" { "policy" } else { "display_name" };
                self.thing(target, "topic", last(arn))?.spec[field] = value.clone();
            }
            Call::TagTopic { arn, tags } => {
                self.thing(target, "topic", last(arn))?.tags.extend(tags.clone());
            }
            Call::DeleteTopic { arn } => self.take(target, "topic", last(arn))?,
            Call::Subscribe { topic_arn, protocol, endpoint, .. } => {
                let topic = self.thing(target, "topic", last(topic_arn))?;
                topic.spec["subscriptions"][format!("{protocol} {endpoint}")] = json!("pending");
            }
            // Attributes of subscriptions are the simulator's matter.
            Call::SetSubscriptionAttribute { .. } => {}
            Call::Unsubscribe { endpoint, subscription_arn } => {
                if !subscription_arn.starts_with("arn:") {
                    return Err("a pending subscription cannot be removed");
                }
                for thing in self.things.values_mut().filter(|t| t.spec["subscriptions"].is_object()) {
                    let subscriptions = thing.spec["subscriptions"].as_object_mut().unwrap();
                    subscriptions.retain(|label, arn| label != endpoint || arn != subscription_arn);
                }
            }
            Call::CreateQueue { name, attributes, tags } => {
                self.make(target, "queue", name, json!({ "attributes": attributes }), tags)?;
            }
            Call::SetQueueAttributes { name, attributes } => {
                let queue = self.thing(target, "queue", name)?;
                let there = queue.spec["attributes"].as_object_mut().unwrap();
                there.extend(attributes.clone());
                // One kind of encryption replaces the other.
                if attributes.get(KMS_KEY).is_some_and(|key| key != "") {
                    there.remove("SqsManagedSseEnabled");
                }
                there.retain(|_, value| value != "");
            }
            Call::TagQueue { name, tags } => {
                self.thing(target, "queue", name)?.tags.extend(tags.clone());
            }
            Call::DeleteQueue { name } => self.take(target, "queue", name)?,
            Call::CreateRole { name, path, trust, description, boundary, tags } => {
                let spec = json!({ "path": path, "trust": trust, "boundary": boundary, "policies": {},
                                   "attached": [], "description": description });
                self.make(target, ROLE, name, spec, tags)?;
            }
            Call::UpdateAssumeRolePolicy { role, trust } => {
                self.thing(target, ROLE, role)?.spec["trust"] = trust.value();
            }
            Call::UpdateRoleDescription { role, description } => {
                self.thing(target, ROLE, role)?.spec["description"] = json!(description);
            }
            Call::PutRolePermissionsBoundary { role, boundary } => {
                self.thing(target, ROLE, role)?.spec["boundary"] = json!(boundary);
            }
            Call::PutRolePolicy { role, policy_name, policy } => {
                self.bounded(target, role)?.spec["policies"][policy_name] = policy.value();
            }
            Call::DeleteRolePolicy { role, policy_name } => {
                let role = self.bounded(target, role)?;
                let policies = role.spec["policies"].as_object_mut().unwrap();
                policies.remove(policy_name).map(drop).ok_or("no such policy")?;
            }
            Call::DetachRolePolicy { role, policy_arn } => {
                let attached = self.bounded(target, role)?.spec["attached"].as_array_mut().unwrap();
                attached.retain(|arn| arn != policy_arn);
            }
            Call::TagRole { role, tags } => {
                self.thing(target, ROLE, role)?.tags.extend(tags.clone());
            }
            Call::DeleteRole { name } => {
                let spec = &self.thing(target, ROLE, name)?.spec;
                if spec["policies"] != json!({}) || spec["attached"] != json!([]) {
                    return Err("the role has policies");
                }
                self.take(target, ROLE, name)?;
            }
        }
        Ok(())
    }

    /// The member role may write a role's policies only while the boundary is on it.
    fn bounded(&mut self, target: &Target, role: &str) -> Result<&mut Thing, Refusal> {
        let thing = self.thing(target, ROLE, role)?;
        let boundary = thing.spec["boundary"].as_str().unwrap_or_default();
        if boundary.ends_with("-boundary") { Ok(thing) } else { Err("the role is not bounded by our policy") }
    }

    fn of_kind<'a>(
        &'a self,
        account: &'a AccountId,
        kind: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.things
            .iter()
            .filter(move |((a, _, k, _), _)| a == account && *k == kind)
            .map(|((_, _, _, name), thing)| (name.as_str(), &thing.spec))
    }

    /// Whether the bus takes events from this role.
    fn admits(&self, world: &World, role_arn: &str) -> bool {
        self.of_kind(&world.central, "event_bus").any(|(_, bus)| {
            let statements = bus["policy"]["Statement"].as_array().into_iter().flatten();
            statements.into_iter().any(|s| {
                let condition = &s["Condition"];
                let of_us = condition["StringEquals"]["aws:PrincipalOrgID"] == world.organization.as_str();
                let of_role = match &condition["ArnLike"]["aws:PrincipalArn"] {
                    Value::Null => true,
                    Value::String(pattern) => {
                        let name = pattern.rsplit('/').next().unwrap().trim_end_matches('*');
                        role_arn.rsplit('/').next().unwrap().starts_with(name)
                    }
                    _ => false,
                };
                s["Effect"] == "Allow" && of_us && of_role
            })
        })
    }

    /// Whether EventBridge may become this role, and the role may send to the bus.
    fn sends(&self, account: &AccountId, role_arn: &str, bus_arn: &str) -> bool {
        let allows = |document: &Value, action: &str, field: &str, value: &str| {
            document["Statement"].as_array().into_iter().flatten().any(|s| {
                s["Effect"] == "Allow"
                    && s["Action"] == action
                    && s.pointer(field).is_some_and(|v| v == value)
            })
        };
        self.of_kind(account, ROLE).filter(|(name, _)| role_arn.ends_with(&format!("/{name}"))).any(
            |(_, role)| {
                let trusted =
                    allows(&role["trust"], "sts:AssumeRole", "/Principal/Service", "events.amazonaws.com");
                let mut policies = role["policies"].as_object().unwrap().values();
                trusted && policies.any(|p| allows(p, "events:PutEvents", "/Resource", bus_arn))
            },
        )
    }

    /// The patterns whose events get from this account to somebody who is subscribed.
    pub(crate) fn paths(&self, world: &World, account: &AccountId) -> Vec<String> {
        let enabled = |rule: &Value| rule["state"].as_str().is_some_and(|s| s.starts_with("ENABLED"));
        let targets =
            |rule: &Value| rule["targets"].as_object().unwrap().values().cloned().collect::<Vec<_>>();
        let received: Vec<&Value> = self
            .of_kind(&world.central, "alert_rule")
            .filter(|(_, rule)| enabled(rule))
            .filter(|(_, rule)| {
                targets(rule).iter().any(|t| self.reaches_people(world, t["arn"].as_str().unwrap()))
            })
            .map(|(_, rule)| &rule["pattern"])
            .collect();
        let bus = world.bus_arn();
        let forwards = |t: &Value| {
            let role = t["role_arn"].as_str().unwrap_or_default();
            t["arn"] == bus.as_str()
                && t["foreign_input"].is_null()
                && self.admits(world, role)
                && self.sends(account, role, &bus)
        };
        self.of_kind(account, "sender_rule")
            .filter(|(_, rule)| enabled(rule) && targets(rule).iter().any(forwards))
            .map(|(_, rule)| &rule["pattern"])
            .filter(|pattern| !pattern.is_null() && received.contains(pattern))
            .map(ToString::to_string)
            .collect()
    }

    fn reaches_people(&self, world: &World, topic_arn: &str) -> bool {
        self.of_kind(&world.central, "topic").filter(|(name, _)| *name == last(topic_arn)).any(
            |(_, topic)| {
                let publishes = topic["policy"]["Statement"].as_array().into_iter().flatten().any(|s| {
                    s["Effect"] == "Allow"
                        && s["Principal"]["Service"] == "events.amazonaws.com"
                        && s["Action"] == "sns:Publish"
                });
                let mut subscriptions = topic["subscriptions"].as_object().unwrap().values();
                publishes && subscriptions.any(|s| is_wanted(s.as_str().unwrap()))
            },
        )
    }

    /// Everybody who was asked opens the mail.
    pub(crate) fn confirm_all(&mut self) {
        for ((.., kind, name), thing) in &mut self.things {
            if *kind == "topic" {
                for (label, arn) in thing.spec["subscriptions"].as_object_mut().unwrap() {
                    *arn = json!(format!("arn:{name}:{label}"));
                }
            }
        }
    }
}

const ROLE: KindName = "forwarding_role";

fn place(target: &Target, kind: KindName, name: &str) -> Place {
    (target.account().clone(), target.region().clone(), kind, name.to_owned())
}

fn rule_kind(target: &Target, bus: &str) -> KindName {
    match (bus == DEFAULT_BUS, target.key.side) {
        (false, _) => "alert_rule",
        (true, Side::Central) => "guard_rule",
        (true, Side::Member) => "sender_rule",
        (true, Side::Audit) => unreachable!("there are no rules on this side"),
    }
}

/// Whether this is the ARN of a subscription that was asked for and confirmed.
fn is_wanted(arn: &str) -> bool {
    arn.starts_with("arn:") && !arn.starts_with("arn:stranger")
}

fn last(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap()
}

/// Gives something a key, or takes it away.
fn encrypt(spec: &mut Value, key: Option<&str>) {
    let fields = spec.as_object_mut().unwrap();
    match key {
        Some(key) => fields.insert("kms_key_arn".to_owned(), json!(key)),
        None => fields.remove("kms_key_arn"),
    };
}

/// A thing in the terms in which its kind compares it.
fn seen(world: &World, kind: &str, name: &str, thing: &Thing) -> Seen<Value> {
    let mut spec = thing.spec.clone();
    let mut notes = Vec::new();
    if ["topic", "queue", ROLE].contains(&kind) {
        spec["tags"] = json!(world.our_tags(&thing.tags));
    }
    if kind == "topic" {
        let wanted = world.alerts.iter().filter_map(|a| a.topic.as_ref()).find(|t| t.name == name);
        let subscriptions = spec["subscriptions"].as_object_mut().unwrap();
        let mut note = |reason| notes.push(Note::new(reason, name));
        if subscriptions.values().any(|arn| arn == "pending") {
            note(SUBSCRIPTION_PENDING);
        }
        if !subscriptions.values().any(|arn| arn != "pending") {
            note(NO_CONFIRMED_SUBSCRIPTION);
        }
        for (label, arn) in subscriptions {
            let (protocol, endpoint) = label.split_once(' ').unwrap();
            if wanted
                .is_some_and(|t| t.subscriptions.contains_key(&(protocol.to_owned(), endpoint.to_owned())))
            {
                *arn = json!("subscribed");
            }
        }
    }
    let in_tags = Mark::in_tags(world, &thing.tags);
    let description = thing.spec["description"].as_str().unwrap_or_default();
    let mark = Mark::in_description(world, description).unwrap_or(in_tags);
    Seen { spec, mark, notes }
}
