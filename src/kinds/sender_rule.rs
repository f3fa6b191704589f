//! The rule in a member that forwards a watch to the central bus.

use std::collections::BTreeMap;

use super::rule::{self, DEFAULT_BUS, RuleSpec};
use super::{Kind, Removal, Scope, Seen, Sights};
use crate::aws::{Cloud, Session};
use crate::model::call::{Call, RuleTarget};
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::world::{Target, World};

/// The id of the one target of a sender rule.
pub(super) const TARGET_ID: &str = "central";

pub(super) struct SenderRule;

impl Kind for SenderRule {
    type Spec = RuleSpec;
    const NAME: KindName = "sender_rule";
    const SIDE: Side = Side::Member;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, RuleSpec> {
        let spec = |watch: &crate::world::Watch| RuleSpec {
            pattern: watch.pattern.clone(),
            state: rule::state(watch.read_events),
            description: format!("forwards to {}; {}", world.central, world.mark()),
            schedule: None,
            role_arn: None,
            targets: BTreeMap::from([(
                TARGET_ID.to_owned(),
                RuleTarget {
                    arn: world.bus_arn(),
                    // A bus that trusts an organization is reached only with a role on the target itself.
                    role_arn: Some(world.forwarder_arn(target.account())),
                    retry_attempts: Some(185),
                    retry_seconds: Some(86_400),
                    dead_letter: Some(world.dead_letter_arn(target.region())),
                    transformer: None,
                    foreign_input: None,
                },
            )]),
        };
        let alone = |watch: &&std::sync::Arc<crate::world::Watch>| {
            !target.watches.iter().any(|other| watch.contained_in.contains(&other.name))
        };
        target
            .watches
            .iter()
            .filter(alone)
            .map(|watch| (world.named(&watch.name), spec(watch.as_ref())))
            .collect()
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        _: &Target,
        scope: &Scope,
    ) -> Sights<RuleSpec> {
        rule::observe(cloud, session, world, DEFAULT_BUS, Some(&world.prefix()), scope).await
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
