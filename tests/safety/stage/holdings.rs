//! What all accounts hold, thing by thing, so that two moments and two worlds can be compared.
//!
//! What happens to things by itself is left out: messages come and go, and people confirm their subscriptions.

use std::collections::BTreeMap;

use orgwatch_sim::service::events::DEFAULT_BUS;
use orgwatch_sim::service::iam::Role;
use orgwatch_sim::service::sns::Topic;
use orgwatch_sim::service::sqs::Queue;
use orgwatch_sim::world::{Account, Regional, World};

/// One thing: what it is, and when and as which individual it came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Thing {
    what: String,
    individual: String,
}

/// What one call did to things, by their names.
pub(super) struct Moves<'a> {
    pub(super) new: Vec<&'a str>,
    pub(super) changed: Vec<&'a str>,
    pub(super) gone: Vec<&'a str>,
}

/// Every role, policy, bus, rule, archive, topic, subscription, queue, alarm and metric filter, by where it is and its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holdings(BTreeMap<String, Thing>);

impl Holdings {
    /// What is written in the world now, whether it can be read already or not.
    pub(crate) fn of(world: &World) -> Self {
        let mut found = Self::default();
        for (id, account) in &world.accounts {
            found.iam(id, account);
            for (region, regional) in &account.regions {
                let place = format!("{id} {region}");
                found.events(&place, regional);
                found.sns(&place, regional);
                found.cloudwatch(&place, regional);
                for (name, queue) in &regional.sqs.queues {
                    found.add(format!("{place} queue {name}"), queue_of(queue), times(queue));
                }
            }
        }
        found
    }

    /// The names of all things.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What there is to say of a thing, if it is there.
    pub(crate) fn what(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|thing| thing.what.as_str())
    }

    /// Without the things whose name satisfies `apart`.
    pub(crate) fn without(mut self, apart: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|name, _| !apart(name));
        self
    }

    /// In what `later` differs, with individuals: a thing that was deleted and made again alike differs.
    pub(crate) fn changes(&self, later: &Self) -> Vec<String> {
        self.differences(later, |thing| format!("{}\n{}", thing.what, thing.individual))
    }

    /// In what `other` differs, whenever and under whatever made-up ids its things came to be.
    pub(crate) fn unlike(&self, other: &Self) -> Vec<String> {
        self.differences(other, |thing| thing.what.clone())
    }

    /// The names of the things that are new in `later`, that changed and that are gone.
    pub(super) fn moves<'a>(&'a self, later: &'a Self) -> Moves<'a> {
        let names = |of: &'a Self, keep: &dyn Fn(&str) -> bool| -> Vec<&'a str> {
            of.names().filter(|name| keep(name)).collect()
        };
        Moves {
            new: names(later, &|name| !self.0.contains_key(name)),
            changed: names(self, &|name| {
                later.0.get(name).is_some_and(|thing| self.0.get(name) != Some(thing))
            }),
            gone: names(self, &|name| !later.0.contains_key(name)),
        }
    }

    fn differences(&self, other: &Self, told: impl Fn(&Thing) -> String) -> Vec<String> {
        let gone =
            self.0.keys().filter(|name| !other.0.contains_key(*name)).map(|name| format!("gone: {name}"));
        let rest = other.0.iter().filter_map(|(name, thing)| match self.0.get(name) {
            None => Some(format!("new: {name}: {}", told(thing))),
            Some(before) if told(before) == told(thing) => None,
            Some(before) => Some(format!("changed: {name}: {}\nto\n{}", told(before), told(thing))),
        });
        gone.chain(rest).collect()
    }

    fn add(&mut self, name: String, what: String, individual: String) {
        self.0.insert(name, Thing { what, individual });
    }

    fn iam(&mut self, id: &str, account: &Account) {
        let iam = account.iam.current();
        for (name, role) in &iam.roles {
            self.add(format!("{id} role {name}"), role_of(role), format!("{} {}", role.id, role.created_at));
        }
        for (arn, policy) in &iam.policies {
            let what = format!("{} {:?}", policy.document.text, policy.versions.keys());
            self.add(format!("{id} policy {arn}"), what, policy.id.clone());
        }
        for (name, user) in &iam.users {
            self.add(format!("{id} user {name}"), format!("{user:?}"), String::new());
        }
        for (name, group) in &iam.groups {
            self.add(format!("{id} group {name}"), format!("{group:?}"), String::new());
        }
    }

    fn events(&mut self, place: &str, regional: &Regional) {
        let events = regional.events.current();
        for (name, bus) in &events.buses {
            let policy = bus.policy.as_ref().map(|policy| &policy.text);
            let what = format!(
                "{:?}",
                (policy, &bus.description, &bus.key, &bus.dead_letter, &bus.logging, &bus.tags)
            );
            // The default bus is there whether anybody wrote to it or not.
            if name != DEFAULT_BUS || policy.is_some() || !bus.tags.is_empty() {
                let times = format!("{:?} {:?}", bus.created_at, bus.modified_at);
                self.add(format!("{place} bus {name}"), what, times);
            }
            for (rule_name, rule) in &bus.rules {
                let pattern = rule.pattern.as_ref().map(|pattern| &pattern.text);
                let targets: BTreeMap<_, _> =
                    rule.targets.iter().map(|(id, target)| (id, &target.given)).collect();
                let what = format!(
                    "{:?}",
                    (pattern, &rule.schedule, rule.state, &rule.description, &rule.role, &rule.tags, targets)
                );
                self.add(format!("{place} rule {name}/{rule_name}"), what, rule.created_by.clone());
            }
        }
        for (name, archive) in &events.archives {
            self.add(format!("{place} archive {name}"), format!("{archive:?}"), String::new());
        }
    }

    /// Alarms without their state, which changes by itself, and metric filters.
    fn cloudwatch(&mut self, place: &str, regional: &Regional) {
        for (name, alarm) in &regional.cloudwatch.alarms {
            let what = format!(
                "{:?}",
                (
                    &alarm.settings,
                    &alarm.metric,
                    &alarm.statistic,
                    alarm.period,
                    alarm.periods,
                    alarm.threshold
                )
            );
            let told = format!("{:?}", (alarm.actions_enabled, &alarm.actions, &alarm.tags));
            self.add(format!("{place} alarm {name}"), what + &told, String::new());
        }
        for (group, of_group) in &regional.logs.groups {
            for (name, filter) in &of_group.filters {
                let what = format!("{} {}", filter.pattern, filter.transformation);
                self.add(format!("{place} metric filter {group}/{name}"), what, String::new());
            }
        }
    }

    fn sns(&mut self, place: &str, regional: &Regional) {
        for (name, topic) in &regional.sns.current().topics {
            let Topic { policy, attributes, tags, .. } = &**topic;
            let what = format!("{:?}", (&policy.text, attributes, tags));
            self.add(format!("{place} topic {name}"), what, topic.arn.clone());
            for subscription in topic.subscriptions.values() {
                let what = format!("{:?}", subscription.attributes);
                let key = format!(
                    "{place} subscription {name} {} {}",
                    subscription.protocol, subscription.endpoint
                );
                self.add(key, what, format!("{} {}", subscription.arn, subscription.principal));
            }
        }
    }
}

fn role_of(role: &Role) -> String {
    let inline: BTreeMap<_, _> = role.inline.iter().map(|(name, policy)| (name, &policy.text)).collect();
    let (trust, attached, boundary) = (&role.trust.text, &role.attached, &role.boundary);
    let Role { path, description, tags, max_session_duration, .. } = role;
    format!("{:?}", (path, description, trust, inline, attached, boundary, tags, max_session_duration))
}

fn queue_of(queue: &Queue) -> String {
    let policy = queue.policy.as_ref().map(|policy| &policy.text);
    format!("{:?}", (policy, &queue.attributes, &queue.tags))
}

fn times(queue: &Queue) -> String {
    format!("{} {}", queue.created_at, queue.modified_at)
}
