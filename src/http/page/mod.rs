//! The pages for people: written from the same snapshot as the API, by templates that escape all they are given.

mod fleet;
mod links;
mod words;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;

pub(super) use self::fleet::fleet;
use self::words::Clock;
use super::params::{InAccount, NoParams};
use super::problem::Problem;
use super::targets::Targets;
use super::{HttpState, accounts, select};
use crate::model::view::{AccountView, HoldView, Snapshot};

pub(super) async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", include_str!("../../../templates/style.css"))
}

pub(super) async fn icon() -> impl IntoResponse {
    asset("image/svg+xml", include_str!("../../../templates/icon.svg"))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "private, max-age=300")], text)
}

/// What the head of every page shows.
struct Head<'a> {
    snapshot: &'a Snapshot,
    clock: Clock,
}

impl<'a> Head<'a> {
    fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, clock: Clock(Timestamp::now()) }
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    head: Head<'a>,
    account: &'a AccountView,
    targets: Targets<'a>,
    holds: Vec<&'a HoldView>,
}

pub(super) async fn account(
    State(state): State<HttpState>,
    id: Result<InAccount, Problem>,
    _: NoParams,
) -> Result<Html<String>, Refusal> {
    let snapshot = state.snapshot();
    let InAccount(id) = id?;
    let account = snapshot.accounts.get(&id).ok_or_else(|| accounts::unknown(&id))?;
    rendered(&AccountPage {
        head: Head::new(&snapshot),
        account,
        targets: Targets::of(&account.targets),
        holds: snapshot.holds.iter().filter(|hold| hold.accounts.contains(&id)).collect(),
    })
}

/// A problem as a page.
#[derive(Debug, Template)]
#[template(path = "refusal.html")]
pub(super) struct Refusal {
    problem: Problem,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self.render() {
            Ok(page) => (self.problem.status, Html(page)).into_response(),
            Err(_) => self.problem.into_response(),
        }
    }
}

fn rendered(page: &impl Template) -> Result<Html<String>, Refusal> {
    page.render().map(Html).map_err(|error| {
        tracing::error!(%error, "A page could not be written");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "this is a defect; the log has its details").into()
    })
}
