//! What an audit found, as the interface and the command tell it: equal findings of many accounts stand once.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::standards::Demand;
use crate::model::ids::AccountId;

/// Whether an account meets a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does not, as far as everything was seen.
    Unmet,
    /// What it depends on could not be seen.
    Unknown,
    /// It does.
    Met,
}

impl Status {
    /// The status as in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Unmet => "unmet",
            Self::Unknown => "unknown",
        }
    }

    /// Every status, best first.
    pub const ALL: [Self; 3] = [Self::Met, Self::Unmet, Self::Unknown];
}

/// By what a control is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A sender rule and an alert rule that reach people.
    EventRule,
    /// A metric filter and an alarm that reach people.
    MetricAlarm,
    /// Both.
    Both,
}

impl By {
    /// As in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::EventRule => "event_rule",
            Self::MetricAlarm => "metric_alarm",
            Self::Both => "both",
        }
    }
}

/// The standard of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its id.
    pub id: String,
    /// Its own name.
    pub title: String,
    /// What it asks for.
    pub demands: Demand,
}

/// How many controls of accounts stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the count of that status")]
pub struct Counts {
    pub met: usize,
    pub unmet: usize,
    pub unknown: usize,
}

impl Counts {
    pub(super) fn add(&mut self, status: Status, accounts: usize) {
        *match status {
            Status::Met => &mut self.met,
            Status::Unmet => &mut self.unmet,
            Status::Unknown => &mut self.unknown,
        } += accounts;
    }
}

/// A trail, as evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailFacts {
    /// Its ARN.
    pub arn: String,
    /// Whether it logs in every Region.
    pub multi_region: bool,
    /// Whether it logs in every account of the organization.
    pub organization: bool,
    /// Whether it logs; null where that could not be read, or was not needed.
    pub logging: Option<bool>,
    /// Whether it logs all management events of the control, reading ones too; null where that could not be told.
    pub management_events: Option<bool>,
}

/// A metric filter, as evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterFacts {
    /// Its name.
    pub name: String,
    /// Its pattern, letter by letter.
    pub pattern: Arc<str>,
    /// The metric that it counts, with its namespace.
    pub metric: String,
}

/// An alarm, as evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmFacts {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `Sum`.
    pub statistic: String,
    /// `GreaterThanOrEqualToThreshold`.
    pub comparison: String,
    /// What the metric is compared with.
    pub threshold: f64,
    /// The length of a period in seconds.
    pub period_seconds: i32,
    /// How many periods make it go off.
    pub datapoints: i32,
    /// Whether it tells anybody.
    pub actions_enabled: bool,
    /// ARNs of whom it tells that it went off.
    pub actions: Vec<String>,
}

/// A topic, as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicFacts {
    /// Its ARN.
    pub arn: String,
    /// Confirmed subscriptions.
    pub confirmed: usize,
    /// Subscriptions that nobody confirmed yet.
    pub pending: usize,
}

/// What was seen of a metric filter with its alarm: as much of the way from the trail to people as there is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricAlarmFacts {
    /// The trail.
    pub trail: Option<TrailFacts>,
    /// The ARN of its log group.
    pub log_group: Option<String>,
    /// When its filters and their alarms were read.
    pub observed_at: Option<Timestamp>,
    /// The filter.
    pub filter: Option<FilterFacts>,
    /// The alarm.
    pub alarm: Option<AlarmFacts>,
    /// The topic.
    pub topic: Option<TopicFacts>,
}

/// What was seen of an event rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRuleFacts {
    /// The watches whose sender rules forward it.
    pub watches: Vec<String>,
    /// The alerts that deliver it.
    pub alerts: Vec<String>,
    /// The Regions that have a sender rule.
    pub regions: Vec<String>,
    /// The account's coverage.
    pub coverage: String,
}

/// What a finding stands on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// What was seen of an event rule; null where nothing watches for it.
    pub event_rule: Option<Arc<EventRuleFacts>>,
    /// What was seen of a metric filter and alarm; null where not even a trail was seen.
    pub metric_alarm: Option<Arc<MetricAlarmFacts>>,
}

/// How one control stands in some accounts, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether they meet it.
    pub status: Status,
    /// By what; null unless it is met.
    pub by: Option<By>,
    /// Why, as a CamelCase constant.
    pub reason: String,
    /// Why, for people.
    pub message: String,
    /// What to do; null where nothing is.
    pub advice: Option<String>,
    /// What an auditor should know besides.
    pub remarks: Vec<String>,
    /// What it stands on.
    pub evidence: Facts,
    /// The accounts.
    pub accounts: Vec<AccountId>,
}

/// One control of the standard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// Its number in the standard.
    pub control: String,
    /// Its theme, which is the name of the preset that watches for it.
    pub theme: String,
    /// What is to be watched.
    pub title: String,
    /// How many accounts stand how.
    pub counts: Counts,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
}

/// An account that is not audited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The standard.
    pub standard: Head,
    /// The organization, once known.
    pub organization_id: Option<String>,
    /// The installation's name.
    pub installation: String,
    /// The program's version.
    pub version: String,
    /// When log groups, filters, alarms and topics were read.
    pub observed_at: Timestamp,
    /// The oldest reading of an account that it stands on.
    pub oldest_observation_at: Option<Timestamp>,
    /// How many controls of accounts stand how.
    pub counts: Counts,
    /// Its controls, in the standard's order.
    pub controls: Vec<Control>,
    /// The names of the accounts that were audited.
    pub accounts: BTreeMap<AccountId, String>,
    /// The accounts that were not.
    pub left_out: Vec<LeftOut>,
}
