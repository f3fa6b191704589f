//! How soon tampering is noticed and undone, and what the inbox brings.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::added;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// What is measured of the guard.
#[derive(Debug)]
pub struct Guard {
    messages: Family<OutcomeLabels, Counter>,
    noticed: Histogram,
    repaired: Histogram,
    covered: Histogram,
}

/// From a second to the longest that the timer leaves anything alone.
fn latencies() -> Histogram {
    Histogram::new([1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 300.0, 900.0, 1800.0])
}

impl Guard {
    pub(super) fn new(r: &mut Registry) -> Self {
        let seconds = Some(Unit::Seconds);
        Self {
            messages: added(
                r,
                "inbox_messages",
                None,
                "Messages of the inbox by what became of them",
                Family::default(),
            ),
            noticed: added(
                r,
                "tamper_to_noticed",
                seconds.clone(),
                "From a tampering call until the daemon knew of it",
                latencies(),
            ),
            repaired: added(
                r,
                "tamper_to_repaired",
                seconds.clone(),
                "From a tampering call until its undoing was observed",
                latencies(),
            ),
            covered: added(
                r,
                "join_to_covered",
                seconds,
                "From an account's joining until it was covered",
                latencies(),
            ),
        }
    }

    /// A message came to this: `woken`, `duplicate`, `stale`, `failed_call`, `own`, `own_role`, `no_target`,
    /// `hidden`, `foreign`; a canary: `canary`, `canary_unknown`, `canary_elsewhere`; `heartbeat`; or the queue could not be read:
    /// `failed`.
    pub fn inbox(&self, outcome: &'static str) {
        self.messages.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// Tampering was noticed after so many seconds.
    pub fn noticed(&self, seconds: f64) {
        self.noticed.observe(seconds);
    }

    /// Tampering was seen undone after so many seconds.
    pub fn repaired(&self, seconds: f64) {
        self.repaired.observe(seconds);
    }

    /// A new account was covered after so many seconds.
    pub fn covered(&self, seconds: f64) {
        self.covered.observe(seconds);
    }
}
