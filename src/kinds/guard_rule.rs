//! The rules on the central account's default bus that tell of tampering with the receiving side.
//!
//! They aim straight at inbox and topic and never at our own bus, which may be what is tampered with. What is done with
//! our own role goes to the inbox alone: we know by the request's id whether it was us.

use std::collections::BTreeMap;

use super::rule::{self, DEFAULT_BUS, RuleSpec};
use super::{Kind, Removal, Scope, Seen, Sights, guard_text};
use crate::aws::{Cloud, Session};
use crate::guard;
use crate::model::call::{Call, RuleTarget};
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::world::{Target, World};

/// Whether a rule of the central account's default bus is one of these.
pub(super) fn is_central(world: &World, name: &str) -> bool {
    [guard::CENTRAL, guard::CENTRAL_OWN].iter().any(|own| world.named(own) == name)
}

pub(super) struct GuardRule;

impl Kind for GuardRule {
    type Spec = RuleSpec;
    const NAME: KindName = "guard_rule";
    const SIDE: Side = Side::Central;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, RuleSpec> {
        let Some(guard) = world.guard.as_ref().filter(|_| target.holds_bus(world)) else {
            return BTreeMap::new();
        };
        let aim = |arn: &str, transformer| RuleTarget {
            arn: arn.to_owned(),
            role_arn: None,
            retry_attempts: Some(185),
            retry_seconds: Some(86_400),
            dead_letter: Some(world.dead_letter_arn(&world.central_region)),
            transformer,
            foreign_input: None,
        };
        let spec = |pattern, targets: Vec<(&str, RuleTarget)>| RuleSpec {
            pattern,
            state: rule::state(false),
            description: format!("guards {}; {}", world.bus(), world.mark()),
            schedule: None,
            role_arn: None,
            targets: targets.into_iter().map(|(id, target)| (id.to_owned(), target)).collect(),
        };
        let inbox = || ("inbox", aim(&world.inbox_arn(), None));
        let people = ("topic", aim(&guard.alert.topic_arn, Some(guard_text::tamper())));
        BTreeMap::from([
            (world.named(guard::CENTRAL), spec(guard::pattern::central(world), vec![inbox(), people])),
            (world.named(guard::CENTRAL_OWN), spec(guard::pattern::central_own(world), vec![inbox()])),
        ])
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> Sights<RuleSpec> {
        // Looked for where nothing guards as well: what is left of it is an orphan.
        if !target.holds_bus(world) {
            return Sights::new();
        }
        let prefix = world.named(guard::CENTRAL);
        let mut sights = rule::observe(cloud, session, world, DEFAULT_BUS, Some(&prefix), scope).await;
        sights.retain(|name, _| is_central(world, name));
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
