//! The installation as a whole: status, the receiving side, coverage, drift, plans and holds.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::HttpState;
use super::params::NoParams;
use super::select;
use super::targets::Targets;
use crate::model::ids::{AccountId, OrganizationId, Region};
use crate::model::plan::{Change, Hold};
use crate::model::resource::Verdict;
use crate::model::scope::Pause;
use crate::model::target::{Side, TargetKey};
use crate::model::view::{
    AccountCounts, Condition, Coverage, CoverageCounts, DeliveredView, DiscoveryView, HistoryView, HoldView,
    InboxView, LatencyView, ResyncView, Snapshot, SuppressedView, TargetView,
};

/// The installation in numbers.
#[derive(Serialize)]
pub(super) struct Status<'a> {
    version: &'a str,
    installation: &'a str,
    mode: &'a str,
    generation: u64,
    organization_id: Option<&'a OrganizationId>,
    accounts: AccountCounts,
    coverage: CoverageCounts,
    central: CentralStatus,
    holds: usize,
    dead_letters: Option<usize>,
    wrong_place: Option<&'a Hold>,
    discovery: &'a DiscoveryView,
    inbox: &'a InboxView,
    suppressed: &'a [SuppressedView],
    deliveries: Vec<DeliveredView>,
    latency: LatencyView,
    oldest_observation_age_seconds: Option<f64>,
    last_resync: Option<&'a ResyncView>,
    history: &'a HistoryView,
    pauses: &'a [Pause],
    observed_at: Timestamp,
}

#[derive(Serialize)]
struct CentralStatus {
    verdict: Verdict,
}

impl<'a> Status<'a> {
    /// As `s` tells it; ages are told at `now`.
    pub(super) fn of(s: &'a Snapshot, now: Timestamp) -> Self {
        // A tenth of a second is more than the age of a reading can mean.
        let age = s.oldest_observation_age(now).map(|age| (age * 10.0).round() / 10.0);
        Self {
            version: s.version,
            installation: &s.installation,
            mode: s.mode,
            generation: s.generation,
            organization_id: s.organization_id.as_ref(),
            accounts: s.account_counts(),
            coverage: s.coverage_counts(),
            central: CentralStatus { verdict: s.central.verdict },
            holds: s.holds.len(),
            dead_letters: s.dead_letters.as_ref().map(|letters| letters.summary.letters),
            wrong_place: s.wrong_place.as_ref(),
            discovery: &s.discovery,
            inbox: &s.inbox,
            suppressed: &s.suppressed,
            deliveries: s.deliveries.iter().map(DeliveredView::from).collect(),
            latency: s.latency,
            oldest_observation_age_seconds: age,
            last_resync: s.last_resync.as_ref(),
            history: &s.history,
            pauses: &s.pauses,
            observed_at: s.taken_at,
        }
    }
}

pub(super) async fn status(State(state): State<HttpState>, _: NoParams) -> Response {
    Json(Status::of(&state.snapshot(), Timestamp::now())).into_response()
}

#[derive(Serialize)]
struct Version<'a> {
    version: &'a str,
    started_at: Timestamp,
    observed_at: Timestamp,
}

pub(super) async fn version(State(state): State<HttpState>, _: NoParams) -> Response {
    let s = state.snapshot();
    Json(Version { version: s.version, started_at: s.started_at, observed_at: s.taken_at }).into_response()
}

#[derive(Serialize)]
struct Central<'a> {
    account: &'a AccountId,
    region: &'a Region,
    verdict: Verdict,
    conditions: &'a [Condition],
    #[serde(flatten)]
    targets: Targets<'a>,
    observed_at: Option<Timestamp>,
}

pub(super) async fn central(State(state): State<HttpState>, _: NoParams) -> Response {
    let snapshot = state.snapshot();
    let central = &snapshot.central;
    Json(Central {
        account: &central.account,
        region: &central.region,
        verdict: central.verdict,
        conditions: &central.conditions,
        targets: Targets::of(central.all()),
        observed_at: central.observed_at,
    })
    .into_response()
}

#[derive(Serialize)]
struct CoverageAnswer<'a> {
    #[serde(flatten)]
    counts: CoverageCounts,
    not_covered: Vec<NotCovered<'a>>,
    observed_at: Timestamp,
}

#[derive(Serialize)]
struct NotCovered<'a> {
    id: &'a AccountId,
    name: &'a str,
    path: &'a str,
    coverage: Coverage,
    reason: &'static str,
    message: &'a str,
    hop: Option<&'static str>,
    since: Timestamp,
}

pub(super) async fn coverage(State(state): State<HttpState>, _: NoParams) -> Response {
    let snapshot = state.snapshot();
    let not_covered = snapshot.accounts.values().filter_map(|account| {
        let coverage = select::coverage(account).filter(|c| !c.is_covered())?;
        Some(NotCovered {
            id: &account.id,
            name: &account.name,
            path: &account.path,
            coverage,
            reason: account.coverage_reason,
            message: &account.coverage_message,
            hop: account.coverage_hop,
            since: account.coverage_since,
        })
    });
    Json(CoverageAnswer {
        counts: snapshot.coverage_counts(),
        not_covered: not_covered.collect(),
        observed_at: snapshot.taken_at,
    })
    .into_response()
}

/// A list with the moment that it is of.
#[derive(Serialize)]
struct List<T> {
    items: Vec<T>,
    observed_at: Timestamp,
}

/// Something with the target that it is in.
#[derive(Serialize)]
struct InTarget<'a, T> {
    account: &'a AccountId,
    region: &'a Region,
    side: Side,
    #[serde(flatten)]
    item: T,
    observed_at: Timestamp,
}

impl<'a, T> InTarget<'a, T> {
    fn new(view: &'a TargetView, item: T) -> Self {
        let TargetKey { side, account, region } = &view.target;
        Self { account, region, side: *side, item, observed_at: view.observed_at }
    }
}

pub(super) async fn drift(State(state): State<HttpState>, _: NoParams) -> Response {
    let snapshot = state.snapshot();
    let drifted = snapshot.targets().flat_map(|target| {
        let resources = target.resources.iter().filter(|r| r.verdict != Verdict::InSync);
        resources.map(|resource| InTarget::new(target, resource))
    });
    Json(List { items: drifted.collect(), observed_at: snapshot.taken_at }).into_response()
}

#[derive(Serialize)]
struct Changes<'a> {
    changes: &'a [Change],
}

pub(super) async fn plan(State(state): State<HttpState>, _: NoParams) -> Response {
    let snapshot = state.snapshot();
    let planned = snapshot.targets().filter(|target| !target.plan.changes.is_empty());
    let items = planned.map(|target| InTarget::new(target, Changes { changes: &target.plan.changes }));
    Json(List { items: items.collect(), observed_at: snapshot.taken_at }).into_response()
}

#[derive(Serialize)]
struct Holds<'a> {
    items: &'a [HoldView],
    wrong_place: Option<&'a Hold>,
    observed_at: Timestamp,
}

pub(super) async fn holds(State(state): State<HttpState>, _: NoParams) -> Response {
    let snapshot = state.snapshot();
    let wrong_place = snapshot.wrong_place.as_ref();
    Json(Holds { items: &snapshot.holds, wrong_place, observed_at: snapshot.taken_at }).into_response()
}

/// What became of canaries, hour by hour.
pub(super) async fn canaries(State(state): State<HttpState>, _: NoParams) -> Response {
    let snapshot = state.snapshot();
    Json(List { items: snapshot.canaries.clone(), observed_at: snapshot.taken_at }).into_response()
}

/// `observed_at` is null until the queues were looked through for the first time, some minutes after the start.
pub(super) async fn dead_letters(State(state): State<HttpState>, _: NoParams) -> Response {
    match &state.snapshot().dead_letters {
        Some(overview) => Json(&**overview).into_response(),
        None => {
            let nothing = json!({ "groups": [], "letters": null, "unreadable": [], "observed_at": null });
            Json(nothing).into_response()
        }
    }
}
