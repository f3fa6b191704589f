//! The installation as a whole: status, the receiving side, canaries.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::HttpState;
use super::params::NoParams;
use super::targets::Targets;
use crate::model::ids::{AccountId, OrganizationId, Region};
use crate::model::plan::Hold;
use crate::model::resource::Verdict;
use crate::model::scope::Pause;
use crate::model::view::{
    AccountCounts, Condition, CoverageCounts, DeliveredView, DiscoveryView, HistoryView, InboxView,
    LatencyView, ResyncView, Snapshot, SuppressedView,
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

/// A list with the moment that it is of.
#[derive(Serialize)]
struct List<T> {
    items: Vec<T>,
    observed_at: Timestamp,
}

/// What became of canaries, hour by hour.
pub(super) async fn canaries(State(state): State<HttpState>, _: NoParams) -> Response {
    let snapshot = state.snapshot();
    Json(List { items: snapshot.canaries.clone(), observed_at: snapshot.taken_at }).into_response()
}
