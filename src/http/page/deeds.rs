//! What an operator does on a page: the form of a button, and where it leads.

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};

use super::Refusal;
use crate::http::HttpState;
use crate::http::operations::Caller;
use crate::http::params::{NoParams, Segment};
use crate::http::problem::Problem;

/// Lets go what is held, and shows what is held now.
pub(in crate::http) async fn release(
    State(state): State<HttpState>,
    Extension(Caller(by)): Extension<Caller>,
    id: Result<Segment, Problem>,
    _: NoParams,
) -> Result<Response, Refusal> {
    let Segment(id) = id?;
    state.operations.release(id, by).await.map_err(Problem::from)?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, "/#waiting")]).into_response())
}
