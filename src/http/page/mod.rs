//! The pages for people: written from the same snapshot as the API, by templates that escape all they are given.

mod account;
mod accounts;
mod central;
mod changes;
mod deeds;
mod drift;
mod links;
mod overview;
mod plot;
mod records;
mod tree;
mod words;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};

pub(super) use self::account::account;
pub(super) use self::accounts::accounts;
pub(super) use self::central::central;
pub(super) use self::changes::changes;
pub(super) use self::deeds::release;
pub(super) use self::drift::drift;
pub(super) use self::overview::overview;
use self::words::Clock;
use super::access::Visitor;
use super::problem::Problem;
use crate::model::resource::Verdict;
use crate::model::view::Snapshot;

pub(super) async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", include_str!("../../../templates/style.css"))
}

pub(super) async fn icon() -> impl IntoResponse {
    asset("image/svg+xml", include_str!("../../../templates/icon.svg"))
}

/// The one script: what it does, the pages do without it too, only later and by loading anew.
pub(super) async fn script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", include_str!("../../../templates/live.js"))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "private, max-age=300")], text)
}

/// What the head of every page shows.
struct Head<'a> {
    snapshot: &'a Snapshot,
    clock: Clock,
    here: &'static str,
    visitor: Visitor,
    drifting: usize,
}

/// A page that the head leads to.
struct Tab {
    href: &'static str,
    label: &'static str,
    count: Option<usize>,
    here: bool,
}

impl<'a> Head<'a> {
    fn new(snapshot: &'a Snapshot, here: &'static str, visitor: Visitor) -> Self {
        Self { snapshot, clock: Clock::of(snapshot.taken_at), here, visitor, drifting: drifting(snapshot) }
    }

    fn tabs(&self) -> [Tab; 5] {
        let tab = |href, label, count| Tab { href, label, count, here: self.here == href };
        [
            tab("/", "Overview", None),
            tab("/accounts", "Accounts", Some(self.snapshot.accounts.len())),
            tab("/central", "Central", None),
            tab("/drift", "Drift", Some(self.drifting)),
            tab("/changes", "Changes", None),
        ]
    }
}

/// How many resources are not in sync.
fn drifting(snapshot: &Snapshot) -> usize {
    let resources = snapshot.targets().flat_map(|target| &target.resources);
    resources.filter(|resource| resource.verdict != Verdict::InSync).count()
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
