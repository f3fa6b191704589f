//! `[canary]`: whether and how often it is proven that members' events arrive.

use std::time::Duration;

use super::reader::{Durations, Table};

/// `[canary]`: whether and how often it is proven that members' events arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanarySettings {
    /// From one canary of a sender rule to the next; none: none is sent.
    pub interval: Option<Duration>,
    /// After so long a canary that has not come back is missing.
    pub timeout: Duration,
}

/// A canary counts for ten minutes, and the next one must not go out before that.
const INTERVALS: Durations = Durations {
    from: Duration::from_secs(10 * 60),
    to: Duration::from_secs(24 * 60 * 60),
    expected: "a duration from 10m to 24h, or \"off\"",
};
const TIMEOUTS: Durations = Durations {
    from: Duration::from_secs(30),
    to: Duration::from_secs(10 * 60),
    expected: "a duration from 30s to 10m",
};

pub(super) fn read(mut t: Table<'_>) -> Option<CanarySettings> {
    let shown = |interval: &Option<Duration>| {
        interval.map(|interval| humantime::format_duration(interval).to_string()).unwrap_or_default()
    };
    let within = |interval: &Option<Duration>| {
        interval.is_none_or(|interval| (INTERVALS.from..=INTERVALS.to).contains(&interval))
    };
    let interval = t.checked("interval", INTERVALS.expected, "", shown, within);
    let timeout = t.duration("timeout", &TIMEOUTS);
    t.finish();
    Some(CanarySettings { interval: interval?, timeout: timeout? })
}
