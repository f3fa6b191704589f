//! `[drill]`: when people get a drill by itself.

use std::time::Duration;

use super::reader::{Durations, Table, read, words};

/// `[drill]`: when people get a drill by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrillSettings {
    /// When drills of every alert go out.
    pub schedule: DrillSchedule,
    /// For how long a drill or a real delivery proves an alert.
    pub max_age: Duration,
}

words! {
    /// When drills of every alert go out; by themselves at 09:00 UTC.
    DrillSchedule {
        /// Never, nor on request: nothing takes drills.
        Off = "off",
        /// Only when somebody asks for one.
        OnRequest = "on-request",
        /// Every day.
        Daily = "daily",
        /// Each Monday.
        Weekly = "weekly",
        /// On the first of each month.
        Monthly = "monthly",
    }
}

/// What is younger than a day would leave an alert unproven between two drills; CloudWatch keeps figures for 455 days.
const AGES: Durations = Durations {
    from: Duration::from_secs(24 * 60 * 60),
    to: Duration::from_secs(366 * 24 * 60 * 60),
    expected: "a duration from 1d to 366d",
};

pub(super) fn read(mut t: Table<'_>) -> Option<DrillSettings> {
    read!(t, DrillSettings { schedule, max_age = t.duration("max_age", &AGES) })
}
