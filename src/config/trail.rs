//! `[trail]`: whether an account needs a trail, and how often it is looked at.

use std::time::Duration;

use super::reader::{POSITIVE, Table, read};

/// `[trail]`: whether an account needs a trail, and how often it is looked at.
#[derive(Clone, Debug)]
pub struct TrailSettings {
    /// Whether an account counts as covered only where a trail logs what its watches wait for. If not, nobody looks.
    pub required: bool,
    /// How often each account's trails are looked at.
    pub probe_interval: Duration,
}

pub(super) fn read(mut t: Table<'_>) -> Option<TrailSettings> {
    read!(t, TrailSettings { required, probe_interval = t.duration("probe_interval", &POSITIVE) })
}
