//! The rule on the central bus that delivers an alert to its topic.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rule::{self, RuleSpec};
use super::{Kind, Removal, Scope, Seen, Sights, guard_text, news_text};
use crate::aws::{Cloud, Session};
use crate::canary;
use crate::compile::{Rule, hidden_name, rule_names};
use crate::format::{self, Heading};
use crate::guard;
use crate::inbox::hidden;
use crate::model::call::{Call, RuleTarget, Transformer};
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::news;
use crate::world::{Alert, Guard, Health, Target, World};

/// The id of the one target of an alert rule.
pub(super) const TARGET_ID: &str = "topic";

/// The id of the one target of a rule of which only the daemon hears.
const INBOX_TARGET_ID: &str = "inbox";

pub(super) struct AlertRule;

impl Kind for AlertRule {
    type Spec = RuleSpec;
    const NAME: KindName = "alert_rule";
    const SIDE: Side = Side::Central;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, RuleSpec> {
        if !target.holds_bus(world) {
            return BTreeMap::new();
        }
        let mut rules = BTreeMap::new();
        for alert in &world.alerts {
            let name = world.named(&alert.name);
            let text = || message(world, alert);
            rules.extend(
                rule_names(&name, &alert.rules.shown)
                    .map(|(name, rule)| (name, spec(world, alert, rule, text()))),
            );
            rules.extend(
                rule_names(&hidden_name(&name), &alert.rules.hidden)
                    .map(|(name, rule)| (name, counting(world, alert, rule))),
            );
        }
        if let Some(Guard { alert }) = &world.guard {
            let name = world.named(&alert.name);
            rules.extend(
                rule_names(&name, &alert.rules.shown)
                    .map(|(name, rule)| (name, spec(world, alert, rule, Some(guard_text::tamper())))),
            );
            rules.insert(world.named(guard::WAKE), to_inbox(world, guard::pattern::wake(world)));
        }
        if let Some(Health { alert }) = &world.health {
            let name = world.named(&alert.name);
            rules.extend(
                rule_names(&name, &alert.rules.shown)
                    .map(|(name, rule)| (name, spec(world, alert, rule, Some(news_text::news())))),
            );
            // By way of the inbox the daemon hears its own heart.
            rules.insert(world.named(news::HEARTBEAT), to_inbox(world, news::heartbeat(&world.central)));
        }
        if world.canary {
            rules.insert(world.named(canary::RULE), to_inbox(world, json!({ "source": [canary::SOURCE] })));
        }
        rules
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> Sights<RuleSpec> {
        if !target.holds_bus(world) {
            return Sights::new();
        }
        // Without a prefix: on our own bus every rule is worth knowing, a stranger's most of all.
        rule::observe(cloud, session, world, world.bus(), None, scope).await
    }

    fn mend(
        world: &World,
        target: &Target,
        name: &str,
        desired: &RuleSpec,
        observed: Option<&Seen<RuleSpec>>,
    ) -> Vec<Call> {
        let arn =
            world.arn("events", target.region(), target.account(), &format!("rule/{}/{name}", world.bus()));
        rule::mend(world, world.bus(), name, &arn, desired, observed)
    }

    fn in_force(seen: &RuleSpec) -> bool {
        rule::in_force(seen)
    }

    fn removal(world: &World, _: &Target, name: &str, observed: &Seen<RuleSpec>) -> Removal {
        rule::removal(world.bus(), name, observed)
    }
}

/// A rule that tells the daemon of each event which an alert does not deliver: not the event itself, which would be
/// taken for what it is about.
fn counting(world: &World, alert: &Alert, rule: &Rule) -> RuleSpec {
    let mut spec = to_inbox(world, rule.pattern.clone());
    spec.state = state(alert, rule);
    spec.description = format!("counts what alert {} does not deliver; {}", alert.name, world.mark());
    spec.targets.values_mut().for_each(|target| target.transformer = Some(hidden::transformer(&alert.name)));
    spec
}

fn state(alert: &Alert, rule: &Rule) -> String {
    if rule.enabled { rule::state(alert.read_events) } else { rule::DISABLED.to_owned() }
}

/// A rule of which only the daemon hears.
pub(super) fn to_inbox(world: &World, pattern: Value) -> RuleSpec {
    RuleSpec {
        pattern,
        state: rule::state(false),
        description: format!("tells the daemon; {}", world.mark()),
        schedule: None,
        role_arn: None,
        targets: BTreeMap::from([(
            INBOX_TARGET_ID.to_owned(),
            RuleTarget {
                arn: world.inbox_arn(),
                role_arn: None,
                retry_attempts: Some(185),
                retry_seconds: Some(86_400),
                dead_letter: Some(world.dead_letter_arn(&world.central_region)),
                transformer: None,
                foreign_input: None,
            },
        )]),
    }
}

/// What the topic of an alert gets instead of the event; none: the event itself.
pub(crate) fn message(world: &World, alert: &Alert) -> Option<Transformer> {
    let heading = Heading {
        alert: &alert.name,
        severity: alert.severity.as_deref(),
        partition: world.partition,
        drills: world.drills,
    };
    format::transformer(alert.format, &heading)
}

fn spec(world: &World, alert: &Alert, rule: &Rule, transformer: Option<Transformer>) -> RuleSpec {
    RuleSpec {
        pattern: rule.pattern.clone(),
        state: state(alert, rule),
        description: format!("delivers alert {}; {}", alert.name, world.mark()),
        schedule: None,
        role_arn: None,
        targets: BTreeMap::from([(
            TARGET_ID.to_owned(),
            RuleTarget {
                arn: alert.topic_arn.clone(),
                role_arn: alert.by_role.then(|| world.delivery_role_arn()),
                retry_attempts: Some(185),
                retry_seconds: Some(86_400),
                dead_letter: Some(world.dead_letter_arn(&world.central_region)),
                transformer,
                foreign_input: None,
            },
        )]),
    }
}
