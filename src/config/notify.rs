//! `[notify]`: who hears of orgwatch's own health.

use super::reader::{Table, read};

/// The name by which the settings know the built-in alert about orgwatch's own health.
pub(super) const BUILT_IN: &str = "orgwatch-health";

/// `[notify]`: who hears of orgwatch's own health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifySettings {
    /// Who is told: the built-in alert, or one of the settings'; none: nobody, and no heartbeat is sent.
    pub alert: Option<String>,
}

pub(super) fn read(mut t: Table<'_>) -> Option<NotifySettings> {
    read!(t, NotifySettings { alert })
}
