//! Alarms of CloudWatch on one metric.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An alarm on one metric, by AWS's own names and words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricAlarm {
    /// For people; carries the mark.
    pub description: String,
    /// `AWS/Events`.
    pub namespace: String,
    /// `Invocations`.
    pub metric: String,
    /// All of them: AWS makes no sums over dimensions.
    pub dimensions: BTreeMap<String, String>,
    /// `Sum`.
    pub statistic: String,
    /// The length of a period in seconds.
    pub period_seconds: i32,
    /// How many periods are looked at.
    pub periods: i32,
    /// How many of them make it go off.
    pub datapoints: i32,
    /// What each is compared with.
    pub threshold: f64,
    /// `LessThanThreshold`.
    pub comparison: String,
    /// What a period without figures counts for: `breaching`.
    pub missing: String,
    /// Whether it tells anybody.
    pub actions_enabled: bool,
    /// ARNs of whom it tells that it went off.
    pub alarm_actions: Vec<String>,
    /// That all is well again.
    pub ok_actions: Vec<String>,
    /// That nothing is known; ours tell nobody.
    pub no_data_actions: Vec<String>,
    /// Expressions, percentiles and whatever else ours never have, as it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
}
