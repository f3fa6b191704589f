//! Whether the configuration that is in force is the one that was given last.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::added;

/// What is measured of the configuration.
#[derive(Debug)]
pub struct Configuration {
    successful: Gauge,
    loaded: Gauge<f64, AtomicU64>,
}

impl Configuration {
    pub(super) fn new(r: &mut Registry) -> Self {
        let successful = "Whether the latest reload of the configuration was taken over; 1 before the first";
        let loaded = "When the configuration in force was read";
        let metrics = Self {
            successful: added(r, "config_last_reload_successful", None, successful, Gauge::default()),
            loaded: added(r, "config_loaded_timestamp", Some(Unit::Seconds), loaded, Gauge::default()),
        };
        metrics.successful.set(1);
        metrics
    }

    /// A configuration was taken over.
    pub fn taken_over(&self, at: Timestamp) {
        self.successful.set(1);
        self.loaded.set(at.as_duration().as_secs_f64());
    }

    /// A reload was refused.
    pub fn refused(&self) {
        self.successful.set(0);
    }
}
