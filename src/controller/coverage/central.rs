//! The central half: what all accounts share, and each alert by itself. Pure.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{Facts, Judgement, own_half};
use crate::compile::family;
use crate::config::Alert as AlertSettings;
use crate::deliveries::{Deliveries, Said};
use crate::hops;
use crate::kinds::topic::{NO_CONFIRMED_SUBSCRIPTION, SUBSCRIPTION_PENDING, SUSPENDED_BY_VOLUME};
use crate::model::ids::AccountId;
use crate::model::resource::{Resource, Verdict};
use crate::model::view::Coverage;
use crate::world::{Alert, World};

/// Nobody is told.
const NO_ALERT: &str = "NoAlert";
/// What is in place hands nothing to the topic.
pub const DELIVERY_FAILING: &str = "DeliveryFailing";
/// What is in place brings nothing to its subscribers.
pub const NOTIFICATIONS_FAILING: &str = "NotificationsFailing";

/// What CloudWatch counts of alerts, and by which moment that is judged.
#[derive(Clone, Copy, Debug)]
pub struct Figures<'a> {
    /// What was counted.
    pub deliveries: &'a Deliveries,
    /// Now.
    pub now: Timestamp,
    /// How long a delivery counts.
    pub max_age: SignedDuration,
}

/// Which resources of a target count.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// All.
    Whole,
    /// Of the central ones those that every event passes, whatever alert it is for.
    Shared,
    /// Of the central ones those of one alert.
    Of(&'a Alert),
}

impl Part<'_> {
    pub(super) fn concerns(self, world: Option<&World>, resource: &Resource) -> bool {
        let Some(world) = world else { return true };
        match self {
            Self::Whole => true,
            Self::Shared => !world.alerts.iter().any(|alert| is_of(world, alert, resource)),
            Self::Of(alert) => is_of(world, alert, resource),
        }
    }
}

/// Whether a resource belongs to an alert and to no other.
fn is_of(world: &World, alert: &Alert, resource: &Resource) -> bool {
    match resource.id.kind {
        "alert_rule" => family(&resource.id.name) == world.named(&alert.name),
        "delivery_role" => alert.by_role,
        "topic" => alert.topic.as_ref().is_some_and(|topic| topic.name == resource.id.name),
        // What the bus is encrypted with, every event passes.
        "kms_key" if world.key.as_ref() == Some(&resource.id.name) => false,
        "kms_key" => alert.topic.as_ref().is_some_and(|topic| topic.key.as_ref() == Some(&resource.id.name)),
        _ => false,
    }
}

/// How the central half stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CentralHalf {
    shared: Judgement,
    /// By the alerts' names.
    alerts: Vec<(String, Judgement)>,
}

impl CentralHalf {
    /// What was seen of the central targets, `facts`, for each of the world's alerts. Nobody is told where there is none.
    pub fn of(facts: &Facts<'_>, world: Option<&World>) -> Self {
        let alerts = world.map(|world| world.alerts.as_slice()).unwrap_or_default();
        let mut shared = own_half(&Facts { part: Part::Shared, ..*facts });
        if alerts.is_empty() && shared.coverage.is_covered() {
            let nobody = "no alert is configured: events arrive at the bus and nobody is told";
            shared = Judgement::new(Coverage::Broken, NO_ALERT, nobody).at(hops::ALERT_RULE);
        }
        let judged = alerts.iter().map(|alert| (alert.name.clone(), of_alert(facts, alert)));
        Self { shared, alerts: judged.collect() }
    }

    /// The worst of all of it.
    pub fn whole(&self) -> &Judgement {
        self.worst(|_| true)
    }

    /// What it does to an account whose events are for these alerts.
    pub fn of_account(&self, alerts: &BTreeSet<&str>) -> Judgement {
        if alerts.is_empty() && self.shared.coverage.is_covered() {
            let nobody =
                "no alert is for what this account forwards; name it or its watches in an `[[alert]]`";
            return Judgement::new(Coverage::Uncovered, NO_ALERT, nobody).at(hops::ALERT_RULE);
        }
        self.worst(|name| alerts.contains(name)).clone()
    }

    fn worst(&self, counts: impl Fn(&str) -> bool) -> &Judgement {
        let mut counted = self.alerts.iter().filter(|(name, _)| counts(name)).map(|(_, judgement)| judgement);
        // Where what all share is in place, each alert says more; of equally bad ones the first, as the settings have
        // them.
        let first = if self.shared.coverage.is_covered() { counted.next() } else { None };
        let first = first.unwrap_or(&self.shared);
        counted.fold(first, |worst, next| if next.badness() > worst.badness() { next } else { worst })
    }
}

/// The alerts that events of an account with these watches are for.
pub fn alerts_of<'a>(
    alerts: &'a [AlertSettings],
    account: &AccountId,
    watches: &BTreeSet<&str>,
) -> BTreeSet<&'a str> {
    let is_for = |alert: &&AlertSettings| {
        (alert.accounts.is_empty() || alert.accounts.contains(account))
            && !alert.exclude_accounts.contains(account)
            && alert.watches.iter().any(|watch| watches.contains(watch.as_str()))
    };
    alerts.iter().filter(is_for).map(|alert| alert.name.as_str()).collect()
}

/// An alert with its rules and topic: do they stand, and is there anybody who hears of it?
fn of_alert(facts: &Facts<'_>, alert: &Alert) -> Judgement {
    let of = Facts { part: Part::Of(alert), ..*facts };
    let own = own_half(&of);
    if !own.coverage.is_covered() {
        return own;
    }
    let notes = facts
        .views
        .iter()
        .flat_map(|v| &v.resources)
        .filter(|r| r.verdict != Verdict::Orphan && of.carries(r))
        .flat_map(|r| &r.notes);
    let Some(silent) = notes.clone().find(|note| note.reason == NO_CONFIRMED_SUBSCRIPTION) else {
        return by_figures(facts, alert, own);
    };
    // A mail that nobody opened yet is not the same as nobody at all.
    let told = |reason| notes.clone().find(|note| note.reason == reason);
    let judgement = match (told(SUSPENDED_BY_VOLUME), told(SUBSCRIPTION_PENDING)) {
        // Who was heard of before is not heard of any more.
        (Some(suspended), _) => {
            Judgement::new(Coverage::Broken, SUSPENDED_BY_VOLUME, suspended.message.clone())
        }
        (None, Some(pending)) => {
            Judgement::new(Coverage::Pending, SUBSCRIPTION_PENDING, pending.message.clone())
        }
        (None, None) => Judgement::new(Coverage::Broken, NO_CONFIRMED_SUBSCRIPTION, silent.message.clone()),
    };
    judgement.at(hops::PEOPLE)
}

/// What CloudWatch says of an alert of which everything is in place.
fn by_figures(facts: &Facts<'_>, alert: &Alert, own: Judgement) -> Judgement {
    let Some(Figures { deliveries, now, max_age }) = facts.figures else { return own };
    let repaired = facts.views.iter().filter_map(|view| view.last_change_at).max();
    let name = &alert.name;
    let then = format!("once it is mended, the next event or `orgwatch drill {name}` shows it");
    match deliveries.of(name, now, max_age, repaired) {
        Said::Nothing => own,
        Said::Delivered => Judgement::new(
            Coverage::Proven,
            "Delivered",
            "everything is in place, and each alert came to a subscriber within `drill.max_age`",
        ),
        Said::Failing(at) => Judgement::new(
            Coverage::Broken,
            DELIVERY_FAILING,
            format!(
                "everything is in place, but since {at:.0} EventBridge could not hand events of alert {name} to its topic; \
                 look at what orgwatch does not keep there, such as the topic's key; {then}"
            ),
        )
        .at(hops::TOPIC),
        Said::NotDelivered(at) => Judgement::new(
            Coverage::Broken,
            NOTIFICATIONS_FAILING,
            format!(
                "everything is in place, but since {at:.0} SNS could bring messages of alert {name} to none of its \
                 subscribers; look at what receives them; {then}"
            ),
        )
        .at(hops::PEOPLE),
    }
}
