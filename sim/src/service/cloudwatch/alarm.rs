//! What an alarm is, and what PutMetricAlarm may say of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::metric::Metric;
use super::missing;
use crate::call::{Call, Refusal};

/// AWS: an alarm has at most so many actions for each state.
const MOST_ACTIONS: usize = 5;
const STATISTICS: [&str; 5] = ["Average", "Maximum", "Minimum", "SampleCount", "Sum"];
const ACTIONS: [&str; 3] = ["AlarmActions", "OKActions", "InsufficientDataActions"];

/// How an alarm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// The threshold is kept.
    Ok,
    /// It is not.
    Alarm,
    /// There are no figures to tell.
    InsufficientData,
}

impl AlarmState {
    /// As AWS spells it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    pub(super) fn parse(label: &str) -> Option<Self> {
        [Self::Ok, Self::Alarm, Self::InsufficientData].into_iter().find(|state| state.label() == label)
    }
}

/// An alarm on one metric.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// Its ARN.
    pub arn: String,
    /// What was given, by AWS's names, but metric and tags.
    pub settings: BTreeMap<&'static str, Value>,
    /// What it looks at.
    pub metric: Metric,
    /// Which statistic of it.
    pub statistic: String,
    /// Over how many seconds each.
    pub period: i64,
    /// How many of them.
    pub periods: usize,
    /// How many of these make it go off.
    pub enough: usize,
    /// What they are compared with.
    pub threshold: f64,
    /// How.
    pub comparison: Comparison,
    /// What a period without figures counts for.
    pub missing: Missing,
    /// Whether a change of state does anything.
    pub actions_enabled: bool,
    /// What it does, by AWS's name of the list.
    pub actions: BTreeMap<&'static str, Vec<String>>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// How it stands.
    pub state: AlarmState,
    /// Why, in AWS's manner.
    pub reason: String,
    /// Since when.
    pub state_since: Timestamp,
    /// When it was set.
    pub configured_at: Timestamp,
    /// Up to when it was looked at.
    pub(super) looked_at: Timestamp,
}

/// How a figure is compared with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `GreaterThanOrEqualToThreshold`.
    AtLeast,
    /// `GreaterThanThreshold`.
    Above,
    /// `LessThanThreshold`.
    Below,
    /// `LessThanOrEqualToThreshold`.
    AtMost,
}

impl Comparison {
    /// Whether a figure makes the alarm go off.
    pub(super) fn breaches(self, figure: f64, threshold: f64) -> bool {
        match self {
            Self::AtLeast => figure >= threshold,
            Self::Above => figure > threshold,
            Self::Below => figure < threshold,
            Self::AtMost => figure <= threshold,
        }
    }
}

/// What a period without figures counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// `breaching`.
    Breaching,
    /// `notBreaching`.
    NotBreaching,
    /// `ignore`: the state stays.
    Ignore,
    /// `missing`: nothing is known.
    Unknown,
}

/// An alarm as PutMetricAlarm gives it. It has no state yet, and tags only if it is new.
pub(super) fn read(call: &Call, arn: String, now: Timestamp) -> Result<Alarm, Refusal> {
    if !call.list("Metrics").is_empty() || call.text("EvaluationInterval").is_some() {
        return Err(refused("Alarms on expressions are not simulated."));
    }
    let metric = Metric::read(
        call.text("Namespace").ok_or_else(|| missing("Namespace"))?,
        call.text("MetricName").ok_or_else(|| missing("MetricName"))?,
        call.list("Dimensions"),
    )?;
    let statistic = call.text("Statistic").ok_or_else(|| missing("Statistic"))?;
    if !STATISTICS.contains(&statistic) {
        return Err(refused(format!("{statistic} is no statistic.")));
    }
    let period = call.number("Period").ok_or_else(|| missing("Period"))?;
    if !(matches!(period, 10 | 20 | 30) || (period > 0 && period % 60 == 0)) {
        return Err(refused("The period must be 10, 20, 30 or a multiple of 60."));
    }
    let periods = positive(call, "EvaluationPeriods")?.ok_or_else(|| missing("EvaluationPeriods"))?;
    let enough = positive(call, "DatapointsToAlarm")?.unwrap_or(periods);
    if enough > periods {
        return Err(refused("DatapointsToAlarm must not exceed EvaluationPeriods."));
    }
    let longest = if period >= 3_600 { 7 * 86_400 } else { 86_400 };
    if i64::try_from(periods).is_ok_and(|periods| periods.saturating_mul(period) > longest) {
        return Err(refused(
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), or a \
             week for periods of an hour and more.",
        ));
    }
    let threshold =
        call.input.get("Threshold").and_then(Value::as_f64).ok_or_else(|| missing("Threshold"))?;
    let comparison = match call.text("ComparisonOperator").ok_or_else(|| missing("ComparisonOperator"))? {
        "GreaterThanOrEqualToThreshold" => Comparison::AtLeast,
        "GreaterThanThreshold" => Comparison::Above,
        "LessThanThreshold" => Comparison::Below,
        "LessThanOrEqualToThreshold" => Comparison::AtMost,
        other => return Err(refused(format!("{other} is no comparison of one metric."))),
    };
    let treated = match call.text("TreatMissingData").unwrap_or("missing") {
        "breaching" => Missing::Breaching,
        "notBreaching" => Missing::NotBreaching,
        "ignore" => Missing::Ignore,
        "missing" => Missing::Unknown,
        other => return Err(refused(format!("TreatMissingData cannot be {other}."))),
    };
    let mut actions = BTreeMap::new();
    for name in ACTIONS {
        let arns: Vec<String> =
            call.list(name).iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
        if arns.len() > MOST_ACTIONS {
            return Err(refused(format!("{name} has at most {MOST_ACTIONS} members.")));
        }
        if let Some(other) = arns.iter().find(|arn| !arn.starts_with("arn:")) {
            return Err(refused(format!("Invalid arn syntax: {other}")));
        }
        // AWS: an alarm tells nobody outside its own Region.
        let region = |arn: &String| arn.split(':').nth(3).unwrap_or_default().to_owned();
        if let Some(other) = arns.iter().map(region).find(|other| !other.is_empty() && *other != call.region)
        {
            let message = format!("Invalid region {other} specified. Only {} is supported.", call.region);
            return Err(refused(message));
        }
        actions.insert(name, arns);
    }
    let given = ["AlarmDescription", "DatapointsToAlarm", "TreatMissingData", "Unit", "ComparisonOperator"];
    Ok(Alarm {
        arn,
        settings: given
            .into_iter()
            .filter_map(|name| Some((name, call.input.get(name).filter(|value| !value.is_null())?.clone())))
            .collect(),
        metric,
        statistic: statistic.to_owned(),
        period,
        periods,
        enough,
        threshold,
        comparison,
        missing: treated,
        actions_enabled: call.flag("ActionsEnabled").unwrap_or(true),
        actions,
        tags: super::tags::read(call)?,
        state: AlarmState::InsufficientData,
        reason: "Unchecked: Initial alarm creation".to_owned(),
        state_since: now,
        configured_at: now,
        looked_at: now,
    })
}

fn refused(message: impl Into<String>) -> Refusal {
    Refusal::bad("ValidationError", message)
}

fn positive(call: &Call, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(number) = call.number(name) else { return Ok(None) };
    match usize::try_from(number) {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(refused(format!("{name} must be at least 1."))),
    }
}

/// An alarm as AWS answers it.
pub(super) fn show(name: &str, alarm: &Alarm) -> Value {
    let seconds = |at: Timestamp| at.as_second();
    let mut shown = json!({
        "AlarmName": name,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": seconds(alarm.configured_at),
        "ActionsEnabled": alarm.actions_enabled,
        "StateValue": alarm.state.label(),
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": seconds(alarm.state_since),
        "StateTransitionedTimestamp": seconds(alarm.state_since),
        "MetricName": alarm.metric.name,
        "Namespace": alarm.metric.namespace,
        "Statistic": alarm.statistic,
        "Dimensions": alarm.metric.shown_dimensions(),
        "Period": alarm.period,
        "EvaluationPeriods": alarm.periods,
        "Threshold": alarm.threshold,
    });
    for (name, arns) in &alarm.actions {
        shown[*name] = json!(arns);
    }
    for (name, value) in &alarm.settings {
        shown[*name] = value.clone();
    }
    shown
}
