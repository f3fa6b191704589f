//! What operators tell the daemon: release a hold, pause writing and resume it, log more or less, believe a listing.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::HttpState;
use super::params::{NoParams, Segment};
use super::problem::Problem;
use crate::model::scope::{Pause, Scope};
use crate::model::target::TargetKey;

/// Who sent a request, by the name of the token; stands in the extensions of every request that was let in.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub(super) Arc<str>);

/// The part of the daemon that is told what to do. Each deed is in the history before it answers.
pub trait Operations: Send + Sync + 'static {
    /// Lets go what is held under this id; answers where.
    fn release(&self, id: String, by: Arc<str>) -> BoxFuture<'_, Result<Vec<TargetKey>, OperationRefused>>;
    /// Begins a pause, in place of one of the same scope.
    fn pause(
        &self,
        scope: Scope,
        until: Option<Timestamp>,
        reason: String,
        by: Arc<str>,
    ) -> BoxFuture<'_, Result<Pause, OperationRefused>>;
    /// Ends a pause; none if there was none of this scope.
    fn resume(&self, scope: Scope, by: Arc<str>) -> BoxFuture<'_, Option<Pause>>;
    /// Logs from now on what these directives let through.
    fn log_level(&self, directives: String, by: Arc<str>) -> BoxFuture<'_, Result<(), OperationRefused>>;
    /// Believes the latest listing of the organization, however doubtful.
    fn accept_listing(&self, by: Arc<str>) -> BoxFuture<'_, Result<usize, OperationRefused>>;
    /// Now, by the daemon's clock.
    fn now(&self) -> Timestamp;
}

/// Why something that an operator asked for is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationRefused {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It is there, and that cannot be done with it.
    #[error("{0}")]
    Conflict(String),
    /// It makes no sense.
    #[error("{0}")]
    Bad(String),
}

impl From<OperationRefused> for Problem {
    fn from(refused: OperationRefused) -> Self {
        let status = match refused {
            OperationRefused::NotFound(_) => StatusCode::NOT_FOUND,
            OperationRefused::Conflict(_) => StatusCode::CONFLICT,
            OperationRefused::Bad(_) => StatusCode::BAD_REQUEST,
        };
        Self::new(status, refused.to_string())
    }
}

const LONGEST_BODY: usize = 16 * 1024;
/// Longer than any reason that somebody reads.
const LONGEST_REASON: usize = 300;

/// The body as a `T`. Only JSON that says so: a form of somebody else's page cannot be sent as that.
async fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if said.split(';').next().map(str::trim) != Some("application/json") {
        let detail = "send JSON, with Content-Type: application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let bytes = to_bytes(body, LONGEST_BODY).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the longest is {LONGEST_BODY} bytes"))
    })?;
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    let read = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Problem::bad(format!("the body cannot be understood: {error}")))?;
    json.end().map_err(|_| Problem::bad("the body goes on after its end"))?;
    Ok(read)
}

#[derive(Serialize)]
pub(super) struct Released {
    id: String,
    targets: Vec<TargetKey>,
}

/// Lets go what is held, once.
pub(super) async fn release(
    State(state): State<HttpState>,
    Extension(Caller(by)): Extension<Caller>,
    Segment(id): Segment,
    _: NoParams,
) -> Result<Json<Released>, Problem> {
    let targets = state.operations.release(id.clone(), by).await?;
    Ok(Json(Released { id, targets }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseRequest {
    scope: String,
    reason: String,
    #[serde(default)]
    duration: Option<String>,
}

fn scope(text: &str) -> Result<Scope, Problem> {
    text.parse().map_err(|error| Problem::bad(format!("`scope`: {error}")))
}

/// Stops writing in a part of the organization, for a while or until somebody resumes it.
pub(super) async fn pause(
    State(state): State<HttpState>,
    Extension(Caller(by)): Extension<Caller>,
    headers: HeaderMap,
    _: NoParams,
    body: Body,
) -> Result<Json<Pause>, Problem> {
    let request: PauseRequest = read(&headers, body).await?;
    let scope = scope(&request.scope)?;
    let reason = request.reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(Problem::bad(format!(
            "`reason`: write why, in one line of up to {LONGEST_REASON} characters"
        )));
    }
    let wrong = || Problem::bad("`duration`: write how long, such as 2h, up to 366d, or leave it out");
    let until = match request.duration.as_deref() {
        None => None,
        Some(text) => {
            let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
            let days = duration.as_secs() / (24 * 60 * 60);
            let until = jiff::SignedDuration::try_from(duration).ok();
            let until = until.and_then(|duration| state.operations.now().checked_add(duration).ok());
            Some(until.filter(|_| days < 366 && !duration.is_zero()).ok_or_else(wrong)?)
        }
    };
    Ok(Json(state.operations.pause(scope, until, reason.to_owned(), by).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResumeRequest {
    scope: String,
}

/// Ends a pause.
pub(super) async fn resume(
    State(state): State<HttpState>,
    Extension(Caller(by)): Extension<Caller>,
    headers: HeaderMap,
    _: NoParams,
    body: Body,
) -> Result<Json<Pause>, Problem> {
    let request: ResumeRequest = read(&headers, body).await?;
    let scope = scope(&request.scope)?;
    let none = || Problem::not_found(format!("`{scope}` is not paused; GET /api/v1/status lists what is"));
    state.operations.resume(scope.clone(), by).await.map(Json).ok_or_else(none)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogLevelRequest {
    level: String,
}

/// Logs more or less, until it is said otherwise or the daemon ends.
pub(super) async fn log_level(
    State(state): State<HttpState>,
    Extension(Caller(by)): Extension<Caller>,
    headers: HeaderMap,
    _: NoParams,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let request: LogLevelRequest = read(&headers, body).await?;
    state.operations.log_level(request.level.clone(), by).await?;
    Ok(Json(json!({ "level": request.level })))
}

/// Believes the latest listing.
pub(super) async fn accept_listing(
    State(state): State<HttpState>,
    Extension(Caller(by)): Extension<Caller>,
    _: NoParams,
) -> Result<Json<Value>, Problem> {
    let gone = state.operations.accept_listing(by).await?;
    Ok(Json(json!({ "departed": gone })))
}
