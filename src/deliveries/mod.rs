//! What CloudWatch counts of the central half of the path: which figures are asked for, and what they say of each alert.
//! Pure.
//!
//! An event that EventBridge cannot hand to a topic, or SNS not to a subscriber, leaves no other trace than these, where no
//! dead-letter queue keeps it. And one that arrived proves rule, topic and subscription together.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::compile::rule_names;
use crate::model::view::{DeliveryCounts, DeliveryView};
use crate::world::{Alert, World};
use crate::{canary, guard, news};

/// The length of the periods that are looked at again and again.
pub const PERIOD: SignedDuration = SignedDuration::from_mins(5);
/// The length of the periods of a longer past.
pub const LONG_PERIOD: SignedDuration = SignedDuration::from_hours(1);
/// How far back single periods are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    /// A rule called its target, for the last time for an event.
    Invocations,
    /// That failed for good.
    Failed,
    /// The event lies in the dead-letter queue.
    DeadLetters,
    /// The dead-letter queue did not take it either.
    Lost,
    /// SNS brought a message to a subscriber.
    Delivered,
    /// SNS could not.
    NotDelivered,
}

impl Count {
    const ALL: [Self; 6] =
        [Self::Invocations, Self::Failed, Self::DeadLetters, Self::Lost, Self::Delivered, Self::NotDelivered];

    /// The name that AWS gives the metric.
    pub fn metric(self) -> &'static str {
        match self {
            Self::Invocations => "Invocations",
            Self::Failed => "FailedInvocations",
            Self::DeadLetters => "InvocationsSentToDlq",
            Self::Lost => "InvocationsFailedToBeSentToDlq",
            Self::Delivered => "NumberOfNotificationsDelivered",
            Self::NotDelivered => "NumberOfNotificationsFailed",
        }
    }

    fn is_of_topic(self) -> bool {
        matches!(self, Self::Delivered | Self::NotDelivered)
    }
}

/// What a figure is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// An alert, by its name.
    Alert(String),
    /// The rules that feed the inbox, all together.
    Inbox,
}

/// One metric of one rule or topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it is about.
    pub whose: Whose,
    /// What is counted.
    pub count: Count,
    /// `AWS/Events` or `AWS/SNS`.
    pub namespace: &'static str,
    /// All dimensions: AWS makes no sums over them.
    pub dimensions: Vec<(&'static str, String)>,
}

/// What is asked for: of each alert, built-in ones included, the figures of its rules, and those of its topic where that is
/// in the account and Region of the bus; and the figures of the rules that feed the inbox.
pub fn figures(world: &World) -> Vec<Figure> {
    let rule_counts = || Count::ALL.into_iter().filter(|count| !count.is_of_topic());
    // AWS: rules of a bus of one's own have its name as well.
    let of_rule = |rule: &str| vec![("EventBusName", world.bus().to_owned()), ("RuleName", rule.to_owned())];
    let built_in = world.guard.iter().map(|guard| &guard.alert);
    let built_in = built_in.chain(world.health.iter().map(|health| &health.alert));
    let mut figures = Vec::new();
    for alert in world.alerts.iter().chain(built_in) {
        let whose = || Whose::Alert(alert.name.clone());
        for (rule, _) in rule_names(&world.named(&alert.name), &alert.rules.shown) {
            figures.extend(rule_counts().map(|count| Figure {
                whose: whose(),
                count,
                namespace: "AWS/Events",
                dimensions: of_rule(&rule),
            }));
        }
        if let Some(topic) = topic(world, alert) {
            figures.extend(Count::ALL.into_iter().filter(|count| count.is_of_topic()).map(|count| Figure {
                whose: whose(),
                count,
                namespace: "AWS/SNS",
                dimensions: vec![("TopicName", topic.to_owned())],
            }));
        }
    }
    let feeding = [
        world.guard.as_ref().map(|_| guard::WAKE),
        world.health.as_ref().map(|_| news::HEARTBEAT),
        world.canary.then_some(canary::RULE),
    ];
    for rule in feeding.into_iter().flatten() {
        figures.extend(rule_counts().map(|count| Figure {
            whose: Whose::Inbox,
            count,
            namespace: "AWS/Events",
            dimensions: of_rule(&world.named(rule)),
        }));
    }
    figures
}

/// The name of an alert's topic, if its figures are where we look.
fn topic<'a>(world: &World, alert: &'a Alert) -> Option<&'a str> {
    let here = world.arn("sns", &world.central_region, &world.central, "");
    alert.topic_arn.strip_prefix(&here)
}

/// What a period says.
type Counts = BTreeMap<Count, u64>;

fn of(counts: &Counts, count: Count) -> u64 {
    counts.get(&count).copied().unwrap_or_default()
}

/// What is known of one alert.
#[derive(Clone, Debug, Default)]
struct Flow {
    /// The latest short periods, by when they began.
    recent: BTreeMap<Timestamp, Counts>,
    /// When the latest period began in which an event came through rule and topic to a subscriber.
    delivered: Option<Timestamp>,
    /// When the latest began in which the rule could not hand over any event.
    failed: Option<Timestamp>,
    /// When the latest began in which SNS could not bring any message to a subscriber.
    not_delivered: Option<Timestamp>,
}

impl Flow {
    fn learn(&mut self, periods: BTreeMap<Timestamp, Counts>, length: SignedDuration, now: Timestamp) {
        let topic_of = |began: &Timestamp, count| periods.get(began).map_or(0, |counts| of(counts, count));
        for (began, counts) in &periods {
            let (called, failed) = (of(counts, Count::Invocations), of(counts, Count::Failed));
            let passed = called > failed;
            // At the end of a period the message may be SNS's in the next one.
            let next = began.saturating_add(length).unwrap_or(Timestamp::MAX);
            let arrived = topic_of(began, Count::Delivered) + topic_of(&next, Count::Delivered) > 0;
            if passed && arrived {
                self.delivered = self.delivered.max(Some(*began));
            }
            if failed > 0 && !passed {
                self.failed = self.failed.max(Some(*began));
            }
            if topic_of(began, Count::NotDelivered) > 0 && topic_of(began, Count::Delivered) == 0 {
                self.not_delivered = self.not_delivered.max(Some(*began));
            }
        }
        if length == PERIOD {
            self.recent.extend(periods);
            let first = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
            self.recent.retain(|began, _| *began >= first);
        }
    }
}

/// What the figures say of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing: no event came, or none for long.
    Nothing,
    /// An event came to a subscriber not long ago, and none has failed since.
    Delivered,
    /// Since the latest delivery EventBridge could not hand over what came, in the period that began then.
    Failing(Timestamp),
    /// Since the latest delivery SNS could not bring to anybody what came, in the period that began then.
    NotDelivered(Timestamp),
}

/// What the figures say of every alert.
#[derive(Clone, Debug, Default)]
pub struct Deliveries {
    flows: BTreeMap<Whose, Flow>,
    observed_at: Option<Timestamp>,
}

impl Deliveries {
    /// Takes in what was read: each figure with the periods in which it was counted, of this length, and how much.
    pub fn learn(
        &mut self,
        read: impl IntoIterator<Item = (Figure, Vec<(Timestamp, f64)>)>,
        length: SignedDuration,
        now: Timestamp,
    ) {
        let mut all: BTreeMap<Whose, BTreeMap<Timestamp, Counts>> = BTreeMap::new();
        for (figure, periods) in read {
            let of_one = all.entry(figure.whose).or_default();
            for (began, counted) in periods {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "counts are whole, and none is negative"
                )]
                let counted = counted.round() as u64;
                // Of several rules together.
                *of_one.entry(began).or_default().entry(figure.count).or_default() += counted;
            }
        }
        self.flows.retain(|whose, _| all.contains_key(whose));
        for (whose, periods) in all {
            self.flows.entry(whose).or_default().learn(periods, length, now);
        }
        self.observed_at = Some(now);
    }

    /// When CloudWatch was last read.
    pub fn observed_at(&self) -> Option<Timestamp> {
        self.observed_at
    }

    /// What is known of an alert. A delivery counts for `max_age`. What failed before `repaired` was, for all we know, put
    /// right by what we wrote then.
    pub fn of(
        &self,
        alert: &str,
        now: Timestamp,
        max_age: SignedDuration,
        repaired: Option<Timestamp>,
    ) -> Said {
        let Some(flow) = self.flows.get(&Whose::Alert(alert.to_owned())) else { return Said::Nothing };
        let still =
            |at: Option<Timestamp>| at.filter(|at| Some(*at) > flow.delivered && Some(*at) >= repaired);
        match (still(flow.failed), still(flow.not_delivered), flow.delivered) {
            (Some(at), _, _) => Said::Failing(at),
            (None, Some(at), _) => Said::NotDelivered(at),
            (None, None, Some(at)) if now.duration_since(at) < max_age => Said::Delivered,
            (None, None, _) => Said::Nothing,
        }
    }

    /// Since when EventBridge puts into the inbox nothing of what it should, as of the latest period that tells; none where
    /// it does, or was put right by what we wrote at `repaired`.
    pub fn inbox_fails(&self, repaired: Option<Timestamp>) -> Option<Timestamp> {
        let flow = self.flows.get(&Whose::Inbox)?;
        let (last, counts) =
            flow.recent.iter().rev().find(|(_, counts)| of(counts, Count::Invocations) > 0)?;
        let failing = of(counts, Count::Failed) >= of(counts, Count::Invocations);
        flow.failed.filter(|at| failing && at >= last && Some(*at) >= repaired)
    }

    /// As it is shown, alert by alert.
    pub fn view(&self) -> Vec<DeliveryView> {
        let Some(observed_at) = self.observed_at else { return Vec::new() };
        let shown = |(whose, flow): (&Whose, &Flow)| {
            let Whose::Alert(alert) = whose else { return None };
            let sum = |count| flow.recent.values().map(|counts| of(counts, count)).sum();
            Some(DeliveryView {
                alert: alert.clone(),
                last_delivered_at: flow.delivered,
                last_failed_at: flow.failed,
                last_not_delivered_at: flow.not_delivered,
                last_hour: DeliveryCounts {
                    invocations: sum(Count::Invocations),
                    failed_invocations: sum(Count::Failed),
                    dead_letters: sum(Count::DeadLetters),
                    lost_dead_letters: sum(Count::Lost),
                    notifications_delivered: sum(Count::Delivered),
                    notifications_failed: sum(Count::NotDelivered),
                },
                observed_at,
            })
        };
        self.flows.iter().filter_map(shown).collect()
    }
}

#[cfg(test)]
mod tests;
