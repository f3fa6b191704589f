//! Metric filters of CloudWatch Logs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What makes figures of the events of a log group, by AWS's own names and words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricFilter {
    /// Which events, letter by letter: auditors compare it. In an audit the filters of thousands of log groups share a few.
    pub pattern: Arc<str>,
    /// The namespace of the metric.
    pub namespace: String,
    /// The metric.
    pub metric: String,
    /// What each event counts for: `1`.
    pub value: String,
    /// What counts while no event comes; ours count nothing then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<f64>,
    /// The unit; none where AWS has `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Dimensions by name, with the field that each is taken from; ours have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
    /// What else ours never have, as it was seen: a selection of fields, transformed logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
}
