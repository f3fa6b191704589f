//! What orgwatch knows, as it is shown: an immutable snapshot that HTTP, metrics and the command line read.

mod deliveries;
mod guard;
mod suppressed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde::Serialize;

use super::error::CloudError;
use super::ids::{AccountId, OrganizationId, Region};
use super::plan::{Hold, Plan};
use super::resource::{Resource, ResourceId, Verdict};
use super::scope::Pause;
use super::target::TargetKey;

pub use deliveries::{DeliveredView, DeliveryCounts, DeliveryView};
pub use guard::{CanaryHour, InboxView, LatencyView};
pub use suppressed::{SuppressedView, SuppressionView};

/// How an account stands in the organization and towards our filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Active and wanted.
    Active,
    /// Active, and left out by configuration.
    Excluded,
    /// Not active: signing up, suspended, closing or closed.
    Inactive,
}

/// Whether an IAM change in an account would reach people. Exactly one for every active account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// An alert was seen to arrive recently.
    Proven,
    /// Everything is in place; not proven.
    Configured,
    /// Being set up, or waiting for a person.
    Pending,
    /// Known not to work.
    Broken,
    /// Could not be seen.
    Unknown,
    /// Nobody watches it: excluded, or no role to look with.
    Uncovered,
}

impl Coverage {
    /// The coverage as in JSON and metric labels.
    pub fn label(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Configured => "configured",
            Self::Pending => "pending",
            Self::Broken => "broken",
            Self::Unknown => "unknown",
            Self::Uncovered => "uncovered",
        }
    }

    /// Whether alerts are expected to arrive.
    pub fn is_covered(self) -> bool {
        matches!(self, Self::Proven | Self::Configured)
    }

    /// Every coverage, best first.
    pub const ALL: [Self; 6] =
        [Self::Proven, Self::Configured, Self::Pending, Self::Broken, Self::Unknown, Self::Uncovered];
}

/// One aspect of an account in the form that Kubernetes made common.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// `Reachable`, `Synced`, `Deliverable`, and `TrailPresent` where trails are looked at.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// CamelCase constant.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// When `status` last changed.
    pub last_transition: Timestamp,
}

/// The outcome of the latest pass over one target.
#[derive(Clone, Debug, Serialize)]
pub struct TargetView {
    /// Where.
    pub target: TargetKey,
    /// The resources as judged.
    pub resources: Vec<Resource>,
    /// What the pass meant to change, and what it held back.
    pub plan: Plan,
    /// Why the pass could not see or could not write, where that concerns the whole target.
    pub error: Option<Box<CloudError>>,
    /// When the resources were read.
    pub observed_at: Timestamp,
    /// When we last wrote here.
    pub last_change_at: Option<Timestamp>,
    /// The `generation` of the desired state that it was judged against.
    pub observed_generation: u64,
}

/// An account as shown.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// Its id.
    pub id: AccountId,
    /// Its name in the organization.
    pub name: String,
    /// Its e-mail address in the organization.
    pub email: String,
    /// Its place: organization, root and organizational units, as AWS writes paths.
    pub path: String,
    /// AWS's state of the account: `ACTIVE`.
    pub state: String,
    /// How it stands towards our filters.
    pub standing: Standing,
    /// Why it is excluded, inactive or without a role.
    pub standing_reason: Option<String>,
    /// The worst verdict of its resources.
    pub verdict: Verdict,
    /// Whether alerts would arrive.
    pub coverage: Coverage,
    /// Why, as a CamelCase constant.
    pub coverage_reason: &'static str,
    /// Why, for people, with what to do.
    pub coverage_message: String,
    /// The hop at which its events are lost or may be, as in [`crate::hops`]; none where none is known to be at fault.
    pub coverage_hop: Option<&'static str>,
    /// The alerts that its events are for, by their names in the settings. Most accounts share one set.
    pub alerts: Arc<BTreeSet<String>>,
    /// Since when.
    pub coverage_since: Timestamp,
    /// The aspects of it.
    pub conditions: Vec<Condition>,
    /// Its member targets, one for each Region.
    pub targets: Vec<Arc<TargetView>>,
    /// The oldest reading among its targets; none before the first.
    pub observed_at: Option<Timestamp>,
    /// When we last wrote in it.
    pub last_change_at: Option<Timestamp>,
}

/// The central account as shown.
#[derive(Clone, Debug)]
pub struct CentralView {
    /// Its id.
    pub account: AccountId,
    /// The Region of the bus.
    pub region: Region,
    /// The worst verdict of its central resources.
    pub verdict: Verdict,
    /// The aspects of it.
    pub conditions: Vec<Condition>,
    /// Its central targets, one for each Region.
    pub targets: Vec<Arc<TargetView>>,
    /// What stands beside the path, in whatever account: metric filters and alarms for auditors. How they stand says nothing
    /// of the central side.
    pub beside: Vec<Arc<TargetView>>,
    /// The oldest reading among its targets; none before the first.
    pub observed_at: Option<Timestamp>,
}

impl CentralView {
    /// Its targets, and those beside the path.
    pub fn all(&self) -> impl Iterator<Item = &Arc<TargetView>> {
        self.targets.iter().chain(&self.beside)
    }
}

/// One held change, or several of the same kind and reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HoldView {
    /// Stable as long as the hold lasts: reason and resource, as a short text.
    pub id: String,
    /// CamelCase constant.
    pub reason: &'static str,
    /// Whether an operator may let it go.
    pub releasable: bool,
    /// What is held, and what releases it.
    pub message: String,
    /// The accounts concerned.
    pub accounts: Vec<AccountId>,
    /// How many changes wait.
    pub changes: usize,
    /// Since when.
    pub since: Timestamp,
}

/// How the latest look at the organization went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DiscoveryView {
    /// When a complete listing last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// The error of the latest try, if it failed.
    pub error: Option<String>,
    /// Why the latest listing is doubted, if it is.
    pub doubtful: Option<String>,
    /// Accounts in the latest listing.
    pub accounts: usize,
}

/// A full walk over all targets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResyncView {
    /// When it began.
    pub started_at: Timestamp,
    /// When the last target of it was observed.
    pub finished_at: Timestamp,
    /// How long it took.
    pub duration_seconds: f64,
}

/// How the history is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HistoryView {
    /// `kept` in its file; in `memory`, as configured; `degraded`: in memory, because the file cannot be used.
    pub state: &'static str,
    /// The file.
    pub path: Option<String>,
    /// Why the file cannot be used.
    pub message: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// Everything that is shown, at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The program's version.
    pub version: &'static str,
    /// The installation's name.
    pub installation: String,
    /// `observe` or `enforce`.
    pub mode: &'static str,
    /// Counts changes of the desired state since the start.
    pub generation: u64,
    /// The organization, once known.
    pub organization_id: Option<OrganizationId>,
    /// Why every write is held, where it is: `WrongOrganization`.
    pub wrong_place: Option<Hold>,
    /// How discovery goes.
    pub discovery: DiscoveryView,
    /// Every account of the organization that we know of, departed ones excepted.
    pub accounts: BTreeMap<AccountId, Arc<AccountView>>,
    /// What roots and organizational units are called, as far as it was read.
    pub units: Arc<crate::units::Names>,
    /// The receiving side.
    pub central: CentralView,
    /// What is planned and not made.
    pub holds: Vec<HoldView>,
    /// The queue that wakes the daemon.
    pub inbox: InboxView,
    /// What alerts do not deliver on purpose.
    pub suppressed: Vec<SuppressedView>,
    /// What CloudWatch counts of each alert; empty until it was read.
    pub deliveries: Vec<DeliveryView>,
    /// The latest durations of what people wait for.
    pub latency: LatencyView,
    /// What became of the canaries of the latest hours, oldest first; empty where none are sent.
    pub canaries: Vec<CanaryHour>,
    /// How many sender rules are proven by their canaries, not proven, and lose them; none where none are sent.
    pub canary_rules: Option<[usize; 3]>,
    /// The latest full walk.
    pub last_resync: Option<ResyncView>,
    /// Where people have paused writing.
    pub pauses: Vec<Pause>,
    /// How the history is kept.
    pub history: HistoryView,
    /// Dead letters; none until they were looked through.
    pub dead_letters: Option<Arc<crate::letters::Overview>>,
    /// What is counted of it, once somebody asks.
    pub totals: Totals,
    /// When this snapshot was put together.
    pub taken_at: Timestamp,
    /// When the daemon started.
    pub started_at: Timestamp,
}

/// Counts by standing and verdict, as in `/api/v1/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each is the count of accounts of that verdict or standing")]
pub struct AccountCounts {
    pub total: usize,
    pub in_sync: usize,
    pub drifted: usize,
    pub unknown: usize,
    pub foreign: usize,
    pub orphan: usize,
    pub pending: usize,
    pub excluded: usize,
    pub inactive: usize,
}

/// Counts by coverage, as in `/api/v1/status`. `total` leaves out inactive accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each is the count of accounts of that coverage")]
pub struct CoverageCounts {
    pub covered: usize,
    pub total: usize,
    pub proven: usize,
    pub configured: usize,
    pub pending: usize,
    pub broken: usize,
    pub unknown: usize,
    pub uncovered: usize,
}

/// What takes a walk through all accounts and is asked for again and again. A copy, which may be changed, begins anew.
#[derive(Debug, Default)]
pub struct Totals {
    accounts: OnceLock<AccountCounts>,
    coverage: OnceLock<CoverageCounts>,
    oldest: OnceLock<Option<Timestamp>>,
}

impl Clone for Totals {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Snapshot {
    /// The same, to be changed in place by a test: nothing is counted yet.
    #[cfg(test)]
    pub(crate) fn edited(this: &mut Arc<Self>) -> &mut Self {
        let snapshot = Arc::make_mut(this);
        snapshot.totals = Totals::default();
        snapshot
    }

    /// Accounts by standing and verdict.
    pub fn account_counts(&self) -> AccountCounts {
        *self.totals.accounts.get_or_init(|| self.count_accounts())
    }

    fn count_accounts(&self) -> AccountCounts {
        let mut counts = AccountCounts { total: self.accounts.len(), ..AccountCounts::default() };
        for account in self.accounts.values() {
            let count = match (account.standing, account.verdict) {
                (Standing::Excluded, _) => &mut counts.excluded,
                (Standing::Inactive, _) => &mut counts.inactive,
                (Standing::Active, Verdict::InSync) => &mut counts.in_sync,
                (Standing::Active, Verdict::Drifted) => &mut counts.drifted,
                (Standing::Active, Verdict::Unknown) => &mut counts.unknown,
                (Standing::Active, Verdict::Foreign) => &mut counts.foreign,
                (Standing::Active, Verdict::Orphan) => &mut counts.orphan,
                (Standing::Active, Verdict::Pending) => &mut counts.pending,
            };
            *count += 1;
        }
        counts
    }

    /// Accounts by coverage; inactive ones have none.
    pub fn coverage_counts(&self) -> CoverageCounts {
        *self.totals.coverage.get_or_init(|| self.count_coverage())
    }

    fn count_coverage(&self) -> CoverageCounts {
        let mut counts = CoverageCounts::default();
        for account in self.accounts.values().filter(|a| a.standing != Standing::Inactive) {
            counts.total += 1;
            counts.covered += usize::from(account.coverage.is_covered());
            *match account.coverage {
                Coverage::Proven => &mut counts.proven,
                Coverage::Configured => &mut counts.configured,
                Coverage::Pending => &mut counts.pending,
                Coverage::Broken => &mut counts.broken,
                Coverage::Unknown => &mut counts.unknown,
                Coverage::Uncovered => &mut counts.uncovered,
            } += 1;
        }
        counts
    }

    /// Every target's latest outcome: central first, then what stands beside the path, then members by account.
    pub fn targets(&self) -> impl Iterator<Item = &Arc<TargetView>> {
        self.central.all().chain(self.accounts.values().flat_map(|a| &a.targets))
    }

    /// Every resource that is not in sync, with where it is.
    pub fn drift(&self) -> impl Iterator<Item = (&TargetKey, &Resource)> {
        self.targets()
            .flat_map(|t| t.resources.iter().map(move |r| (&t.target, r)))
            .filter(|(_, r)| r.verdict != Verdict::InSync)
    }

    /// The age in seconds of the oldest reading of any target.
    pub fn oldest_observation_age(&self, now: Timestamp) -> Option<f64> {
        let oldest = || self.targets().map(|t| t.observed_at).min();
        self.totals.oldest.get_or_init(oldest).map(|at| (now - at).total(jiff::Unit::Second).unwrap_or(0.0))
    }
}

/// How a request to reconcile stands, as in `/api/v1/reconciles/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReconcileView {
    /// Its id.
    pub id: String,
    /// `running` or `done`.
    pub state: &'static str,
    /// Targets finished.
    pub done: usize,
    /// Targets asked for.
    pub total: usize,
    /// Changes made by these passes.
    pub changes: usize,
    /// What could not be seen or written, one line each.
    pub errors: Vec<String>,
    /// When the last of them was observed.
    pub observed_at: Option<Timestamp>,
}

/// The identity of a resource anywhere: target and name.
pub type Place = (TargetKey, ResourceId);
