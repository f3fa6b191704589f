//! The rules in a member that send to the central bus: one for each watch, and the guard.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::guard_rule::is_central;
use super::rule::{self, DEFAULT_BUS, RuleSpec};
use super::{Kind, Removal, Scope, Seen, Sights};
use crate::aws::{Cloud, Session};
use crate::guard;
use crate::model::call::{Call, RuleTarget};
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::world::{Reach, Target, Watch, World};

/// The id of the one target of a sender rule.
pub(super) const TARGET_ID: &str = "central";

pub(super) struct SenderRule;

impl Kind for SenderRule {
    type Spec = RuleSpec;
    const NAME: KindName = "sender_rule";
    const SIDE: Side = Side::Member;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, RuleSpec> {
        let spec = |pattern: &Value, read_events: bool, role: String| RuleSpec {
            pattern: pattern.clone(),
            state: rule::state(read_events),
            description: format!("forwards to {}; {}", world.central, world.mark()),
            schedule: None,
            role_arn: None,
            targets: BTreeMap::from([(
                TARGET_ID.to_owned(),
                RuleTarget {
                    arn: world.bus_arn(),
                    // A bus that trusts an organization is reached only with a role on the target itself.
                    role_arn: Some(role),
                    retry_attempts: Some(185),
                    retry_seconds: Some(86_400),
                    dead_letter: target.dead_letters.then(|| world.dead_letter_arn(target.region())),
                    transformer: None,
                    foreign_input: None,
                },
            )]),
        };
        let alone = |watch: &&Arc<Watch>| {
            !target.watches.iter().any(|other| watch.contained_in.contains(&other.name))
        };
        let forwarder = || world.forwarder_arn(target.account());
        let sender = |watch: &Arc<Watch>| {
            (world.named(&watch.name), spec(&watch.pattern, watch.read_events, forwarder()))
        };
        let mut rules: BTreeMap<String, RuleSpec> = target.watches.iter().filter(alone).map(sender).collect();
        // Beside each sender rule, with a role of its own: no single call can silence both.
        if world.guard.is_some() && !rules.is_empty() {
            let is_management = matches!(target.reach, Reach::Management(_));
            let pattern = guard::pattern::member(world, target.account(), target.region(), is_management);
            let role = world.guard_role_arn(target.account());
            rules.insert(world.named(guard::MEMBER), spec(&pattern, false, role));
        }
        rules
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        _: &Target,
        scope: &Scope,
    ) -> Sights<RuleSpec> {
        let mut sights =
            rule::observe(cloud, session, world, DEFAULT_BUS, Some(&world.prefix()), scope).await;
        // What guards the central account stands on its default bus too, and is no member's.
        sights.retain(|name, _| !is_central(world, name));
        sights
    }

    fn mend(
        world: &World,
        target: &Target,
        name: &str,
        desired: &RuleSpec,
        observed: Option<&Seen<RuleSpec>>,
    ) -> Vec<Call> {
        let arn = world.arn("events", target.region(), target.account(), &format!("rule/{name}"));
        rule::mend(world, DEFAULT_BUS, name, &arn, desired, observed)
    }

    fn in_force(seen: &RuleSpec) -> bool {
        rule::in_force(seen)
    }

    fn removal(_: &World, _: &Target, name: &str, observed: &Seen<RuleSpec>) -> Removal {
        rule::removal(DEFAULT_BUS, name, observed)
    }
}
