//! For supervisors and scrapers: alive, ready, metrics. None of it depends on AWS.

use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use super::HttpState;
use super::params::NoParams;
use crate::telemetry::metrics::Format;

pub(super) async fn healthz(_: NoParams) -> &'static str {
    "ok"
}

/// An unreachable AWS is shown, not answered with a restart that would not help.
pub(super) async fn readyz(State(state): State<HttpState>, _: NoParams) -> (StatusCode, &'static str) {
    if state.stopping.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else {
        (StatusCode::OK, "ready")
    }
}

pub(super) async fn metrics(
    State(state): State<HttpState>,
    headers: HeaderMap,
    _: NoParams,
) -> impl IntoResponse {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = Format::asked_for(accepts);
    ([(CONTENT_TYPE, format.content_type()), (VARY, "accept")], state.metrics.encode_as(format))
}
