//! What a status begins with: the counts, whether they were just taken or come from a daemon.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::phrase::{count, counts, duration, elapsed, spoken};
use super::style::{Page, Tone};
use crate::model::resource::Verdict;
use crate::model::view::{AccountCounts, CoverageCounts, DeliveredView, Snapshot};

/// The counts of a status.
#[derive(Deserialize)]
pub(super) struct Head {
    version: String,
    installation: String,
    mode: String,
    organization_id: Option<String>,
    #[serde(with = "AccountCountsShape")]
    accounts: AccountCounts,
    #[serde(with = "CoverageCountsShape")]
    pub(super) coverage: CoverageCounts,
    central: Central,
    holds: usize,
    oldest_observation_age_seconds: Option<f64>,
    last_resync: Option<Resync>,
    deliveries: Vec<DeliveredView>,
    latency: Latency,
    observed_at: Timestamp,
}

#[derive(Deserialize)]
struct Latency {
    canary_seconds: Option<f64>,
}

#[derive(Deserialize)]
struct Central {
    /// Account and Region; a daemon's status does not name them.
    #[serde(skip)]
    place: Option<String>,
    verdict: String,
}

#[derive(Deserialize)]
struct Resync {
    finished_at: Timestamp,
    duration_seconds: f64,
}

#[derive(Deserialize)]
#[serde(remote = "AccountCounts")]
struct AccountCountsShape {
    total: usize,
    in_sync: usize,
    drifted: usize,
    unknown: usize,
    foreign: usize,
    orphan: usize,
    pending: usize,
    excluded: usize,
    inactive: usize,
}

#[derive(Deserialize)]
#[serde(remote = "CoverageCounts")]
struct CoverageCountsShape {
    covered: usize,
    total: usize,
    proven: usize,
    configured: usize,
    pending: usize,
    broken: usize,
    unknown: usize,
    uncovered: usize,
}

impl Head {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let central = &snapshot.central;
        Self {
            version: snapshot.version.to_owned(),
            installation: snapshot.installation.clone(),
            mode: snapshot.mode.to_owned(),
            organization_id: snapshot.organization_id.as_ref().map(ToString::to_string),
            accounts: snapshot.account_counts(),
            coverage: snapshot.coverage_counts(),
            central: Central {
                place: Some(format!("{} in {}: ", central.account, central.region)),
                verdict: central.verdict.label().to_owned(),
            },
            holds: snapshot.holds.len(),
            oldest_observation_age_seconds: age(snapshot),
            last_resync: snapshot
                .last_resync
                .as_ref()
                .map(|r| Resync { finished_at: r.finished_at, duration_seconds: r.duration_seconds }),
            deliveries: snapshot.deliveries.iter().map(DeliveredView::from).collect(),
            latency: Latency { canary_seconds: snapshot.latency.canary_seconds },
            observed_at: snapshot.taken_at,
        }
    }

    pub(super) fn put(&self, page: &mut Page) {
        let organization = self.organization_id.as_deref().unwrap_or("not known yet");
        let (version, installation, mode) = (&self.version, &self.installation, &self.mode);
        page.prose(
            0,
            Tone::Strong,
            format!(
                "orgwatch {version}, installation {installation}, mode {mode}, organization {organization}"
            ),
        );

        let c = &self.coverage;
        let tone = match () {
            () if c.covered == c.total && c.total > 0 => Tone::Good,
            () if c.broken > 0 => Tone::Bad,
            () => Tone::Warn,
        };
        let parts = [
            (c.proven, "proven"),
            (c.configured, "configured"),
            (c.pending, "pending"),
            (c.broken, "broken"),
            (c.unknown, "unknown"),
            (c.uncovered, "uncovered"),
        ];
        let covered = format!("{} of {} covered", c.covered, count(c.total, "account"));
        page.labelled(0, 10, "Coverage", tone, with_parts(covered, &parts));

        let a = &self.accounts;
        let parts = [
            (a.in_sync, "in sync"),
            (a.drifted, "drifted"),
            (a.unknown, "unknown"),
            (a.foreign, "foreign"),
            (a.orphan, "with orphans"),
            (a.pending, "pending"),
            (a.excluded, "excluded"),
            (a.inactive, "inactive"),
        ];
        page.labelled(0, 10, "Accounts", Tone::Plain, with_parts(format!("{} in all", a.total), &parts));

        let Central { place, verdict } = &self.central;
        let tone = if verdict == Verdict::InSync.label() { Tone::Good } else { Tone::Bad };
        page.labelled(
            0,
            10,
            "Central",
            tone,
            format!("{}{}", place.as_deref().unwrap_or_default(), spoken(verdict)),
        );

        let (tone, holds) = match self.holds {
            0 => (Tone::Plain, "none".to_owned()),
            n => (Tone::Warn, n.to_string()),
        };
        page.labelled(0, 10, "Holds", tone, holds);

        self.put_deliveries(page);

        let oldest = match self.oldest_observation_age_seconds {
            Some(seconds) => format!("oldest reading {} ago", duration(seconds_of(seconds))),
            None => "nothing yet".to_owned(),
        };
        let resync = self.last_resync.as_ref().map(|r| {
            let took = elapsed(seconds_of(r.duration_seconds));
            format!("; last full walk ended at {:.0} and took {took}", r.finished_at)
        });
        page.labelled(0, 10, "Observed", Tone::Plain, format!("{oldest}{}", resync.unwrap_or_default()));
    }
}

impl Head {
    /// When each alert last reached somebody, and what canaries take; nothing where nobody knows yet.
    fn put_deliveries(&self, page: &mut Page) {
        let ago = |at: Timestamp| {
            let passed = self.observed_at.duration_since(at);
            format!("{} ago", duration(passed.try_into().unwrap_or_default()))
        };
        for delivered in &self.deliveries {
            let reached = match delivered.last_delivered_at {
                Some(at) => format!("last reached a subscriber {}", ago(at)),
                None => "has not reached a subscriber yet".to_owned(),
            };
            let failures = [
                delivered.last_failed_at.map(|at| format!("; its rule failed {}", ago(at))),
                delivered.last_not_delivered_at.map(|at| format!("; SNS could not deliver {}", ago(at))),
            ];
            let failures: String = failures.into_iter().flatten().collect();
            let tone = if failures.is_empty() { Tone::Plain } else { Tone::Warn };
            page.labelled(0, 10, "Delivery", tone, format!("{} {reached}{failures}", delivered.alert));
        }
        if let Some(seconds) = self.latency.canary_seconds {
            let took = elapsed(seconds_of(seconds));
            page.labelled(0, 10, "Canaries", Tone::Plain, format!("the latest came back after {took}"));
        }
    }
}

/// A number of seconds from outside as a length of time; what cannot be one is none.
fn seconds_of(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn with_parts(text: String, parts: &[(usize, &str)]) -> String {
    match counts(parts.iter().copied(), ", ") {
        parts if parts.is_empty() => text,
        parts => format!("{text}: {parts}"),
    }
}

/// The age of the oldest reading in seconds, to a tenth.
pub(super) fn age(snapshot: &Snapshot) -> Option<f64> {
    snapshot.oldest_observation_age(snapshot.taken_at).map(|seconds| (seconds * 10.0).round() / 10.0)
}
