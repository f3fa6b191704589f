//! `[guard]`: who watches the watchman.

use super::reader::{Table, read};

/// The name by which the settings know the built-in alert about tampering.
pub(super) const BUILT_IN: &str = "orgwatch-tamper";

/// `[guard]`: who watches the watchman.
#[derive(Clone, Debug)]
pub struct GuardSettings {
    /// Whether tampering with what is ours is noticed.
    pub enabled: bool,
    /// Who is told: the built-in alert, or one of the settings'.
    pub alert: String,
}

pub(super) fn read(mut t: Table<'_>) -> Option<GuardSettings> {
    read!(t, GuardSettings { enabled, alert })
}
