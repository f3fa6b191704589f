//! What is not as it should be, as lists: drift, plans, holds, accounts that are not covered, dead letters. Each is
//! filtered and answered in parts.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

use super::HttpState;
use super::params::Params;
use super::parts::{Asked, CURSOR, Key, LIMIT, Part, part};
use super::problem::Problem;
use super::select;
use crate::letters::{Group, Unreadable};
use crate::model::ids::{AccountId, Region};
use crate::model::plan::{Action, Change, Hold};
use crate::model::resource::Verdict;
use crate::model::target::{Side, TargetKey};
use crate::model::view::{Coverage, CoverageCounts, HoldView, TargetView};

/// A part of a list, with the moment that it is of.
#[derive(Serialize)]
struct List<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
    total: usize,
    observed_at: Timestamp,
}

impl<T> List<T> {
    fn of(Part { items, next_cursor, total }: Part<T>, observed_at: Timestamp) -> Self {
        Self { items, next_cursor, total, observed_at }
    }
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

    /// The receiving side first, then by account and Region; within those by kind and name.
    fn key(&self, kind: &'a str, name: &'a str) -> Key<'a> {
        let side = match self.side {
            Side::Central => "0",
            Side::Audit => "1",
            Side::Member => "2",
        };
        [side, self.account.as_str(), self.region.as_str(), kind, name, ""]
    }
}

/// Which targets are asked for.
struct Where {
    account: Option<AccountId>,
    region: Option<Region>,
}

impl Where {
    fn read(params: &Params) -> Result<Self, Problem> {
        Ok(Self { account: params.parsed("account")?, region: params.parsed("region")? })
    }

    fn admits(&self, target: &TargetKey) -> bool {
        self.account.as_ref().is_none_or(|account| *account == target.account)
            && self.region.as_ref().is_none_or(|region| *region == target.region)
    }
}

/// Whether there is no such wish, or this is it.
fn is(wish: Option<&str>, value: &str) -> bool {
    wish.is_none_or(|wish| wish == value)
}

/// Every resource that is not in sync.
pub(super) async fn drift(State(state): State<HttpState>, uri: Uri) -> Result<Response, Problem> {
    const VERDICTS: [Verdict; 5] =
        [Verdict::Pending, Verdict::Orphan, Verdict::Unknown, Verdict::Drifted, Verdict::Foreign];
    let params = Params::parse(&uri, &["account", "region", "kind", "name", "verdict", LIMIT, CURSOR])?;
    let (asked, place) = (Asked::read(&params)?, Where::read(&params)?);
    let verdict = params.one_of("verdict", &VERDICTS, Verdict::label)?;
    let (kind, name) = (params.text("kind"), params.text("name"));
    let snapshot = state.snapshot();
    let drifted = snapshot.targets().filter(|target| place.admits(&target.target)).flat_map(|target| {
        let resources = target.resources.iter().filter(|r| {
            r.verdict != Verdict::InSync
                && verdict.is_none_or(|verdict| verdict == r.verdict)
                && is(kind, r.id.kind)
                && is(name, &r.id.name)
        });
        resources.map(|resource| InTarget::new(target, resource))
    });
    let part = part(drifted, |one| one.key(one.item.id.kind, &one.item.id.name), &asked);
    Ok(Json(List::of(part, snapshot.taken_at)).into_response())
}

#[derive(Serialize)]
struct Changes<'a> {
    changes: Vec<&'a Change>,
}

/// The planned changes of every target that has some.
pub(super) async fn plan(State(state): State<HttpState>, uri: Uri) -> Result<Response, Problem> {
    let params = Params::parse(&uri, &["account", "region", "kind", "action", "held", LIMIT, CURSOR])?;
    let (asked, place) = (Asked::read(&params)?, Where::read(&params)?);
    let action = params.one_of("action", &Action::ALL, Action::label)?;
    let held = params.one_of("held", &[true, false], |held| if held { "true" } else { "false" })?;
    let kind = params.text("kind");
    let snapshot = state.snapshot();
    let admits = |change: &&Change| {
        is(kind, change.resource.kind)
            && action.is_none_or(|action| action == change.action)
            && held.is_none_or(|held| held == change.hold.is_some())
    };
    let planned = snapshot.targets().filter(|target| place.admits(&target.target)).filter_map(|target| {
        let changes: Vec<&Change> = target.plan.changes.iter().filter(admits).collect();
        (!changes.is_empty()).then(|| InTarget::new(target, Changes { changes }))
    });
    let part = part(planned, |one| one.key("", ""), &asked);
    Ok(Json(List::of(part, snapshot.taken_at)).into_response())
}

#[derive(Serialize)]
struct Holds<'a> {
    #[serde(flatten)]
    list: List<&'a HoldView>,
    wrong_place: Option<&'a Hold>,
}

/// What is planned and not made.
pub(super) async fn holds(State(state): State<HttpState>, uri: Uri) -> Result<Response, Problem> {
    let params = Params::parse(&uri, &["account", "reason", LIMIT, CURSOR])?;
    let asked = Asked::read(&params)?;
    let account: Option<AccountId> = params.parsed("account")?;
    let reason = params.text("reason");
    let snapshot = state.snapshot();
    let held = snapshot.holds.iter().filter(|hold| {
        is(reason, hold.reason) && account.as_ref().is_none_or(|account| hold.accounts.contains(account))
    });
    let part = part(held, |hold| [hold.id.as_str(), "", "", "", "", ""], &asked);
    let wrong_place = snapshot.wrong_place.as_ref();
    Ok(Json(Holds { list: List::of(part, snapshot.taken_at), wrong_place }).into_response())
}

#[derive(Serialize)]
struct CoverageAnswer<'a> {
    #[serde(flatten)]
    counts: CoverageCounts,
    not_covered: Vec<NotCovered<'a>>,
    next_cursor: Option<String>,
    not_covered_total: usize,
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

/// Counts of all accounts, and those that are not covered.
pub(super) async fn coverage(State(state): State<HttpState>, uri: Uri) -> Result<Response, Problem> {
    let params = Params::parse(&uri, &["coverage", "reason", "ou", "q", LIMIT, CURSOR])?;
    let (asked, filter) = (Asked::read(&params)?, select::Filter::read(&params)?);
    let snapshot = state.snapshot();
    let not_covered = snapshot.accounts.values().filter_map(|account| {
        let coverage = select::coverage(account).filter(|c| !c.is_covered())?;
        filter.admits(account).then(|| NotCovered {
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
    let Part { items, next_cursor, total } =
        part(not_covered, |one| [one.id.as_str(), "", "", "", "", ""], &asked);
    Ok(Json(CoverageAnswer {
        counts: snapshot.coverage_counts(),
        not_covered: items,
        next_cursor,
        not_covered_total: total,
        observed_at: snapshot.taken_at,
    })
    .into_response())
}

#[derive(Serialize)]
struct DeadLetters<'a> {
    groups: Vec<&'a Group>,
    next_cursor: Option<String>,
    total: usize,
    letters: Option<usize>,
    unreadable: &'a [Unreadable],
    observed_at: Option<Timestamp>,
}

/// Events that could not be delivered. `letters` and `observed_at` are null until the queues were looked through for the
/// first time, some minutes after the start.
pub(super) async fn dead_letters(State(state): State<HttpState>, uri: Uri) -> Result<Response, Problem> {
    let params = Params::parse(&uri, &["account", "rule", "error", LIMIT, CURSOR])?;
    let asked = Asked::read(&params)?;
    let account: Option<AccountId> = params.parsed("account")?;
    let (rule, error) = (params.text("rule"), params.text("error"));
    let snapshot = state.snapshot();
    let overview = snapshot.dead_letters.as_deref();
    let groups = overview.into_iter().flat_map(|overview| &overview.summary.groups).filter(|group| {
        account.as_ref().is_none_or(|account| group.account.as_ref() == Some(account))
            && is(rule, &group.rule)
            && is(error, &group.error)
    });
    let part = part(groups, |group| group_key(group), &asked);
    Ok(Json(DeadLetters {
        groups: part.items,
        next_cursor: part.next_cursor,
        total: part.total,
        letters: overview.map(|overview| overview.summary.letters),
        unreadable: overview.map(|overview| overview.unreadable.as_slice()).unwrap_or_default(),
        observed_at: overview.map(|overview| overview.observed_at),
    })
    .into_response())
}

/// What no two groups have in common.
fn group_key(group: &Group) -> Key<'_> {
    [
        group.account.as_ref().map_or("", AccountId::as_str),
        group.region.as_ref().map_or("", Region::as_str),
        group.bus.as_deref().unwrap_or_default(),
        &group.rule,
        &group.error,
        if group.own { "1" } else { "0" },
    ]
}
