//! Accounts: a list that is filtered, ordered and paged, and one in full.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::HttpState;
use super::params::{InAccount, NoParams, Params};
use super::parts;
use super::problem::Problem;
use super::select::{self, Filter, Page, Sort};
use super::targets::Targets;
use crate::hops::{self, Diagnosis, Hop};
use crate::model::ids::AccountId;
use crate::model::view::{AccountView, Condition, Coverage, HoldView, Snapshot, Standing};

#[derive(Serialize)]
struct List<'a> {
    items: Vec<Summary<'a>>,
    next_cursor: Option<String>,
    total: usize,
    observed_at: Timestamp,
}

/// What a list says of an account; its message and since stand in `/coverage` and in the account itself.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    id: &'a AccountId,
    name: &'a str,
    email: &'a str,
    path: &'a str,
    state: &'a str,
    standing: Standing,
    verdict: &'static str,
    coverage: Option<Coverage>,
    coverage_reason: Option<&'static str>,
    observed_at: Option<Timestamp>,
    last_change_at: Option<Timestamp>,
}

impl<'a> From<&'a AccountView> for Summary<'a> {
    fn from(account: &'a AccountView) -> Self {
        let coverage = select::coverage(account);
        Self {
            id: &account.id,
            name: &account.name,
            email: &account.email,
            path: &account.path,
            state: &account.state,
            standing: account.standing,
            verdict: select::verdict(account),
            coverage,
            coverage_reason: coverage.map(|_| account.coverage_reason),
            observed_at: account.observed_at,
            last_change_at: account.last_change_at,
        }
    }
}

#[derive(Serialize)]
struct Detail<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    standing_reason: Option<&'a str>,
    coverage_message: Option<&'a str>,
    coverage_hop: Option<&'static str>,
    coverage_since: Option<Timestamp>,
    conditions: &'a [Condition],
    /// The path of its alerts, from CloudTrail to people.
    hops: Vec<Hop>,
    /// Where it ends, if it does.
    diagnosis: Diagnosis,
    #[serde(flatten)]
    targets: Targets<'a>,
    holds: Vec<&'a HoldView>,
}

impl<'a> List<'a> {
    fn read(snapshot: &'a Snapshot, params: &Params, limit: usize) -> Result<Self, Problem> {
        let filter = Filter::read(params)?;
        let sort = params.parsed::<Sort>("sort")?.unwrap_or_default();
        let Page { items, total, next_cursor, .. } =
            select::page(snapshot, &filter, sort, params.text("cursor"), limit)?;
        let items = items.into_iter().map(|account| account.as_ref().into()).collect();
        Ok(Self { items, next_cursor, total, observed_at: snapshot.taken_at })
    }
}

impl<'a> Detail<'a> {
    fn of(snapshot: &'a Snapshot, account: &'a AccountView) -> Self {
        let covered = select::coverage(account).map(|_| account);
        let hops = hops::of_account(snapshot, account);
        Self {
            summary: account.into(),
            standing_reason: account.standing_reason.as_deref(),
            coverage_message: covered.map(|a| a.coverage_message.as_str()),
            coverage_hop: covered.and_then(|a| a.coverage_hop),
            coverage_since: covered.map(|a| a.coverage_since),
            conditions: &account.conditions,
            diagnosis: hops::diagnose(snapshot, account, &hops),
            hops,
            targets: Targets::of(&account.targets),
            holds: snapshot.holds.iter().filter(|hold| hold.accounts.contains(&account.id)).collect(),
        }
    }
}

pub(super) async fn list(State(state): State<HttpState>, uri: Uri) -> Result<Response, Problem> {
    let params =
        Params::parse(&uri, &["verdict", "coverage", "reason", "ou", "q", "sort", "limit", "cursor"])?;
    let limit = parts::limit(&params)?;
    Ok(Json(List::read(&state.snapshot(), &params, limit)?).into_response())
}

pub(super) async fn one(
    State(state): State<HttpState>,
    InAccount(id): InAccount,
    _: NoParams,
) -> Result<Response, Problem> {
    let snapshot = state.snapshot();
    let account = snapshot.accounts.get(&id).ok_or_else(|| unknown(&id))?;
    Ok(Json(Detail::of(&snapshot, account)).into_response())
}

/// The answer to `GET /api/v1/accounts` with these parameters, all accounts in one part.
///
/// # Errors
/// A parameter makes no sense; with what would.
pub fn accounts_json(snapshot: &Snapshot, query: &[(&'static str, String)]) -> Result<Value, String> {
    let list =
        List::read(snapshot, &Params::of_pairs(query), usize::MAX).map_err(|problem| problem.detail)?;
    Ok(json!(list))
}

/// The answer to `GET /api/v1/accounts/{id}`; none where there is no such account.
pub fn account_json(snapshot: &Snapshot, id: &AccountId) -> Option<Value> {
    snapshot.accounts.get(id).map(|account| json!(Detail::of(snapshot, account)))
}

pub(super) fn unknown(id: &AccountId) -> Problem {
    Problem::not_found(format!("account {id} is not known in this organization"))
}
