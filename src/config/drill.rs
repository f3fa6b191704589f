//! `[drill]`: when people get a drill by itself.

use super::reader::{Table, read, words};

/// `[drill]`: when people get a drill by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrillSettings {
    /// When drills of every alert go out.
    pub schedule: DrillSchedule,
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

pub(super) fn read(mut t: Table<'_>) -> Option<DrillSettings> {
    read!(t, DrillSettings { schedule })
}
