//! The HTTP edge: reads answer from the snapshot, POSTs hand on a key. Nothing here asks AWS, and only who
//! asks for the first audit waits for what others ask.

mod access;
mod accounts;
mod audit;
mod changes;
mod configured;
mod health;
mod lists;
mod login;
mod openapi;
mod operations;
mod overview;
mod page;
mod params;
mod parts;
mod problem;
mod proxy;
mod reconciles;
mod reload;
mod routes;
mod select;
mod server;
mod stream;
mod targets;
mod validator;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

pub use self::access::{Auth, Gate, HttpOptions, Role};
pub use self::accounts::{account_json, accounts_json};
pub use self::audit::Audits;
pub use self::configured::{Configuration, Refused};
pub use self::operations::{OperationRefused, Operations};
use self::problem::Problem;
pub use self::reload::{ReloadRefused, Reloaded, Reloads};
pub use self::select::VERDICTS;
pub use self::server::serve;
pub use self::stream::Feed;
use crate::history::History;
use crate::model::ids::AccountId;
use crate::model::view::{ReconcileView, Snapshot};
use crate::telemetry::metrics::Metrics;

/// The part of the controller that takes requests for passes.
pub trait Reconciles: Send + Sync + 'static {
    /// Makes the targets of `account` (all when none) due now.
    fn request(&self, account: Option<&AccountId>) -> Result<ReconcileView, ReconcileRefused>;

    /// Follows an earlier request; none when it is not known, or too old to be remembered.
    fn progress(&self, id: &str) -> Option<watch::Receiver<ReconcileView>>;
}

/// Why a request for a pass leads to none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReconcileRefused {
    /// The organization has no such account, as far as we know.
    #[error("account {0} is not known in this organization")]
    NoSuchAccount(AccountId),
    /// The account is there and gets no calls.
    #[error("account {account} gets no passes: {why}")]
    NotReconciled {
        /// Which.
        account: AccountId,
        /// Because it is excluded, inactive or the like.
        why: String,
    },
    /// The daemon is about to end.
    #[error("orgwatch is stopping; ask again when it is back")]
    ShuttingDown,
}

/// What the handlers read from.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "a bundle of handles")]
pub struct HttpState {
    /// What is known.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// Where requests for passes go.
    pub reconciles: Arc<dyn Reconciles>,
    /// Where operators' words go.
    pub operations: Arc<dyn Operations>,
    /// Who reads the configuration anew.
    pub reloads: Arc<dyn Reloads>,
    /// Who reads what audits are judged by.
    pub audits: Arc<dyn Audits>,
    /// What happened.
    pub history: Arc<History>,
    /// What `/metrics` shows.
    pub metrics: Arc<Metrics>,
    /// Cancelled when the daemon begins to stop.
    pub stopping: CancellationToken,
    /// What is configured.
    pub configuration: watch::Receiver<Arc<Configuration>>,
    /// What those who listen are told.
    pub feed: Arc<Feed>,
}

impl HttpState {
    /// The latest snapshot. Nothing is locked while it is used.
    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone()
    }

    /// The configuration that is in force.
    fn configuration(&self) -> Arc<Configuration> {
        self.configuration.borrow().clone()
    }
}

/// The table of contents: every path that is answered, and what stands before all of them.
pub fn router(state: HttpState, gate: Arc<Gate>) -> Router {
    // Outside of compression: a compressed answer is another one, and has a validator of its own.
    let api = routes::validated().layer(CompressionLayer::new()).layer(from_fn(validator::validated));
    let pages = Router::new()
        .route("/", get(page::overview))
        .route("/accounts", get(page::accounts))
        .route("/accounts/{id}", get(page::account))
        .route("/central", get(page::central))
        .route("/drift", get(page::drift))
        .route("/changes", get(page::changes))
        .route("/live.js", get(page::script))
        .layer(CompressionLayer::new())
        .layer(from_fn(validator::validated));
    Router::new()
        .merge(api)
        .merge(routes::plain())
        .merge(pages)
        .route("/holds/{id}/release", post(page::release))
        .route("/login", get(login::ask).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/style.css", get(page::style))
        .route("/icon.svg", get(page::icon))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .with_state(state)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn(bounded))
        .layer(Extension(Arc::clone(&gate)))
        .layer(from_fn_with_state(gate, access::guard))
        .layer(middleware::map_response(with_safe_headers))
}

/// Longer than the longest wait that a client may ask for.
const ANSWER_WITHIN: Duration = Duration::from_secs(75);
const LONGEST_BODY: u64 = 64 * 1024;
const LONGEST_QUERY: usize = 4 * 1024;

/// Refuses what is larger, and ends what takes longer, than any request of ours needs.
async fn bounded(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > LONGEST_QUERY {
        return Problem::new(StatusCode::URI_TOO_LONG, format!("the longest is {LONGEST_QUERY} bytes"))
            .into_response();
    }
    // No handler reads a body, so one that hides its length is never taken in.
    if request.body().size_hint().lower() > LONGEST_BODY {
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the longest is {LONGEST_BODY} bytes"))
            .into_response();
    }
    tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await.unwrap_or_else(|_| {
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "the answer took too long").into_response()
    })
}

/// Our pages load a style sheet, a picture and a script of ours and nothing else, ask nobody but us, and are framed by
/// nobody. Without a referrer browsers would not say either from which page a form comes.
async fn with_safe_headers(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
