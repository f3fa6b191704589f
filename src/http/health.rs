//! For supervisors and scrapers: alive, ready, metrics. None of it depends on AWS.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::HttpState;
use super::params::NoParams;
use crate::telemetry::metrics::Metrics;

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

pub(super) async fn metrics(State(state): State<HttpState>, _: NoParams) -> impl IntoResponse {
    ([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], state.metrics.encode())
}
