//! How the guard and its inbox fare, as shown.

use jiff::Timestamp;
use serde::Serialize;

/// The queue that wakes the daemon, as in `/api/v1/status`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InboxView {
    /// `reading`, `waiting` (not looked at yet), `unavailable` or `off`.
    pub state: &'static str,
    /// Why it cannot be read, and what that means; none while it can.
    pub message: Option<String>,
    /// Since when more arrives than an organization's own life explains.
    pub flooded_since: Option<Timestamp>,
    /// When the latest message was received.
    pub last_message_at: Option<Timestamp>,
    /// Messages that woke a target.
    pub woken: u64,
    /// Messages that were dropped: seen before, too old, of no target, or none that we know.
    pub dropped: u64,
}

impl Default for InboxView {
    fn default() -> Self {
        Self {
            state: "waiting",
            message: None,
            flooded_since: None,
            last_message_at: None,
            woken: 0,
            dropped: 0,
        }
    }
}

/// The latest durations, in seconds; none before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LatencyView {
    /// From a tampering call until we knew of it.
    pub tamper_to_noticed_seconds: Option<f64>,
    /// From a tampering call until its undoing was observed.
    pub tamper_to_repaired_seconds: Option<f64>,
    /// From an account's joining until it was covered.
    pub join_to_covered_seconds: Option<f64>,
    /// From sending a canary in a member to its arrival.
    pub canary_seconds: Option<f64>,
}

/// The canaries that all accounts sent in one hour, as in `/api/v1/canaries`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CanaryHour {
    /// When the hour began, in UTC.
    pub began: Timestamp,
    /// How many were sent in it.
    pub sent: u64,
    /// How many of them came back, whenever that was.
    pub returned: u64,
    /// What those took in the mean, in seconds.
    pub mean_seconds: Option<f64>,
    /// What the slowest of them took, in seconds.
    pub max_seconds: Option<f64>,
}
