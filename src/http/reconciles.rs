//! Requests for passes: taken as a key, answered at once, followed by their id.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::HttpState;
use super::params::{InAccount, NoParams, Params, Segment};
use super::problem::Problem;
use crate::model::ids::AccountId;
use crate::model::view::ReconcileView;

const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub(super) async fn everything(State(state): State<HttpState>, _: NoParams) -> Result<Response, Problem> {
    accept(&state, None)
}

pub(super) async fn account(
    State(state): State<HttpState>,
    InAccount(id): InAccount,
    _: NoParams,
) -> Result<Response, Problem> {
    accept(&state, Some(&id))
}

fn accept(state: &HttpState, account: Option<&AccountId>) -> Result<Response, Problem> {
    let view = state.reconciles.request(account)?;
    let location = format!("/api/v1/reconciles/{}", view.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(view)).into_response())
}

/// How a request stands: now, or with `wait` when it is done or the time is over.
pub(super) async fn progress(
    State(state): State<HttpState>,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Json<ReconcileView>, Problem> {
    let wait = Params::parse(&uri, &["wait"])?.parsed::<humantime::Duration>("wait")?;
    let wait = wait.map_or(Duration::ZERO, Into::into);
    if wait > LONGEST_WAIT {
        return Err(Problem::bad("`wait`: the longest wait is 60s; ask again after it"));
    }
    let unknown =
        || Problem::not_found("no such request is remembered; POST /api/v1/reconcile makes a new one");
    let mut view = state.reconciles.progress(&id).ok_or_else(unknown)?;
    tokio::select! {
        biased;
        // An error says that nobody works on it any more: what is known then is the answer.
        _ = view.wait_for(|v| v.state == "done") => {}
        () = state.stopping.cancelled() => {}
        () = tokio::time::sleep(wait) => {}
    }
    let now = view.borrow().clone();
    Ok(Json(now))
}
