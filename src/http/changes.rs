//! What orgwatch wrote, when and why; and everything else that the history keeps.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use jiff::Timestamp;
use serde::Serialize;

use super::HttpState;
use super::params::Params;
use super::parts;
use super::problem::Problem;
use crate::history::{Filter, Order, Outcome, Page, Record, What};
use crate::model::ids::AccountId;
use crate::model::view::HistoryView;

#[derive(Serialize)]
pub(super) struct List {
    items: Vec<Record>,
    next_cursor: Option<String>,
    total: usize,
    history: HistoryView,
    observed_at: Timestamp,
}

/// `what=all` is everything; without it, what was written.
fn what(params: &Params) -> Result<Vec<What>, Problem> {
    let read = |label: &str| {
        What::of_label(label.trim()).ok_or_else(|| {
            let labels: Vec<&str> = What::ALL.iter().map(|what| what.label()).collect();
            Problem::bad(format!(
                "`what`: write all, or some of {} with commas between them",
                labels.join(", ")
            ))
        })
    };
    match params.text("what") {
        None => Ok(vec![What::Write]),
        Some("all") => Ok(Vec::new()),
        Some(labels) => labels.split(',').map(read).collect(),
    }
}

/// Which records a request asks for.
pub(super) fn filter(params: &Params, now: Timestamp) -> Result<Filter, Problem> {
    let moment = |name: &str| {
        let read = |text: &str| {
            crate::history::moment(text, now).map_err(|error| Problem::bad(format!("`{name}`: {error}")))
        };
        params.text(name).map(read).transpose()
    };
    let order = match params.text("sort") {
        None | Some("-at") => Order::NewestFirst,
        Some("at") => Order::OldestFirst,
        Some(_) => return Err(Problem::bad("`sort`: write at for the oldest first, or -at for the newest")),
    };
    let cursor = params.text("cursor").map(str::parse::<i64>).transpose();
    Ok(Filter {
        what: what(params)?,
        account: params.parsed::<AccountId>("account")?.map(|id| id.to_string()),
        kind: params.text("kind").map(str::to_owned),
        name: params.text("name").map(str::to_owned),
        outcome: params.one_of("outcome", &Outcome::ALL, Outcome::label)?,
        since: moment("since")?,
        until: moment("until")?,
        order,
        cursor: cursor.map_err(|_| Problem::bad("`cursor`: write the `next_cursor` of an earlier answer"))?,
    })
}

pub(super) async fn list(State(state): State<HttpState>, uri: Uri) -> Result<Json<List>, Problem> {
    const KNOWN: [&str; 10] =
        ["what", "account", "kind", "name", "outcome", "since", "until", "sort", "limit", "cursor"];
    let params = Params::parse(&uri, &KNOWN)?;
    let limit = parts::limit(&params)?;
    let observed_at = state.snapshot().taken_at;
    let filter = filter(&params, observed_at)?;
    let Page { records, next_cursor, total } = state.history.page(&filter, limit).await.map_err(|error| {
        tracing::warn!(%error, "The history could not be read for a request");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    })?;
    Ok(Json(List {
        items: records,
        next_cursor: next_cursor.map(|id| id.to_string()),
        total,
        history: state.history.view(),
        observed_at,
    }))
}
