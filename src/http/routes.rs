//! The table of contents of the interface: what is answered, by whom, and how it is described. The router and the
//! OpenAPI document are both made from it, so that nothing is served that is not described.

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use super::{
    HttpState, accounts, audit, changes, configured, health, lists, openapi, operations, overview,
    reconciles, reload, stream,
};

/// One request that is answered.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// Names the operation in the document.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// The parameters that it takes, by their names among the components.
    pub(super) takes: &'static [&'static str],
    /// The schema of its body, if it takes one.
    pub(super) body: Option<&'static str>,
    pub(super) status: &'static str,
    pub(super) answer: Answer,
    handler: fn() -> MethodRouter<HttpState>,
}

/// What the answer to a good request is.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// JSON after this schema.
    Json(&'static str),
    /// Text of this media type.
    Text(&'static str),
}

const fn read(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    takes: &'static [&'static str],
    schema: &'static str,
    handler: fn() -> MethodRouter<HttpState>,
) -> Route {
    Route {
        method: "get",
        path,
        id,
        summary,
        takes,
        body: None,
        status: "200",
        answer: Answer::Json(schema),
        handler,
    }
}

const fn act(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    takes: &'static [&'static str],
    body: Option<&'static str>,
    (status, schema): (&'static str, &'static str),
    handler: fn() -> MethodRouter<HttpState>,
) -> Route {
    Route { method: "post", path, id, summary, takes, body, status, answer: Answer::Json(schema), handler }
}

const fn text(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    takes: &'static [&'static str],
    media: &'static str,
    handler: fn() -> MethodRouter<HttpState>,
) -> Route {
    Route {
        method: "get",
        path,
        id,
        summary,
        takes,
        body: None,
        status: "200",
        answer: Answer::Text(media),
        handler,
    }
}

const ACCOUNTS: &[&str] =
    &["Verdict", "Coverage", "Reason", "Ou", "Q", "AccountSort", "Limit", "AccountCursor"];
const DRIFT: &[&str] = &["Account", "Region", "Kind", "Name", "DriftVerdict", "Limit", "ListCursor"];
const PLAN: &[&str] = &["Account", "Region", "Kind", "Action", "Held", "Limit", "ListCursor"];
const HOLDS: &[&str] = &["Account", "HoldReason", "Limit", "ListCursor"];
const CHANGES: &[&str] =
    &["What", "Account", "Kind", "Name", "Outcome", "Since", "Until", "ChangeSort", "Limit", "ChangeCursor"];

/// What is answered compressed, and with a validator.
const VALIDATED: &[Route] = &[
    read("/api/v1/status", "status", "The installation in numbers.", &[], "Status", || get(overview::status)),
    read(
        "/api/v1/accounts",
        "accounts",
        "Accounts, filtered, ordered and in parts.",
        ACCOUNTS,
        "AccountList",
        || get(accounts::list),
    ),
    read("/api/v1/accounts/{id}", "account", "One account in full.", &["AccountId"], "Account", || {
        get(accounts::one)
    }),
    read("/api/v1/central", "central", "The receiving side.", &[], "Central", || get(overview::central)),
    read(
        "/api/v1/coverage",
        "coverage",
        "Counts, and everybody who is not covered.",
        &["Coverage", "Reason", "Ou", "Q", "Limit", "ListCursor"],
        "CoverageAnswer",
        || get(lists::coverage),
    ),
    read(
        "/api/v1/audit",
        "audit",
        "Which account meets which control of a standard, and what is missing.",
        &["Standard", "Account", "AuditStatus"],
        "AuditReport",
        || get(audit::report),
    ),
    read("/api/v1/drift", "drift", "Every resource that is not in sync.", DRIFT, "DriftList", || {
        get(lists::drift)
    }),
    read("/api/v1/plan", "plan", "What is planned, with its calls.", PLAN, "PlanList", || get(lists::plan)),
    read("/api/v1/alerts", "alerts", "What the central account delivers.", &[], "AlertList", || {
        get(configured::alerts)
    }),
    read("/api/v1/alerts/{name}", "alert", "One alert.", &["AlertName"], "OneAlert", || {
        get(configured::one_alert)
    }),
    read("/api/v1/watches", "watches", "What members forward.", &[], "WatchList", || {
        get(configured::watches)
    }),
    read(
        "/api/v1/changes",
        "changes",
        "What was written, and what else happened.",
        CHANGES,
        "ChangeList",
        || get(changes::list),
    ),
    read("/api/v1/holds", "holds", "What is planned and not made.", HOLDS, "HoldList", || get(lists::holds)),
    read(
        "/api/v1/dead-letters",
        "deadLetters",
        "Events that could not be delivered.",
        &["Account", "LetterRule", "LetterError", "Limit", "ListCursor"],
        "DeadLetters",
        || get(lists::dead_letters),
    ),
    read("/api/v1/canaries", "canaries", "What became of canaries, hour by hour.", &[], "CanaryList", || {
        get(overview::canaries)
    }),
    read("/api/v1/config", "config", "The effective configuration, without secrets.", &[], "Config", || {
        get(configured::configuration)
    }),
    read("/api/v1/version", "version", "The program.", &[], "Version", || get(overview::version)),
    read(
        "/api/v1/reconciles/{id}",
        "reconcileProgress",
        "How a request for passes stands.",
        &["ReconcileId", "Wait"],
        "Reconcile",
        || get(reconciles::progress),
    ),
    act(
        "/api/v1/reconcile",
        "reconcileAll",
        "Makes every target due now.",
        &[],
        None,
        ("202", "Reconcile"),
        || post(reconciles::everything),
    ),
    act(
        "/api/v1/accounts/{id}/reconcile",
        "reconcileAccount",
        "Makes the targets of one account due now.",
        &["AccountId"],
        None,
        ("202", "Reconcile"),
        || post(reconciles::account),
    ),
    act(
        "/api/v1/holds/{id}/release",
        "release",
        "Lets go what is held, once.",
        &["HoldId"],
        None,
        ("200", "Released"),
        || post(operations::release),
    ),
    act(
        "/api/v1/pause",
        "pause",
        "Stops writing in a part of the organization.",
        &[],
        Some("PauseRequest"),
        ("200", "Pause"),
        || post(operations::pause),
    ),
    act("/api/v1/resume", "resume", "Ends a pause.", &[], Some("ResumeRequest"), ("200", "Pause"), || {
        post(operations::resume)
    }),
    act(
        "/api/v1/reload",
        "reload",
        "Reads the configuration anew and goes by it.",
        &[],
        None,
        ("200", "Reloaded"),
        || post(reload::reload),
    ),
    act(
        "/api/v1/log-level",
        "logLevel",
        "Logs more or less.",
        &[],
        Some("LogLevel"),
        ("200", "LogLevel"),
        || post(operations::log_level),
    ),
    act(
        "/api/v1/discovery/accept",
        "acceptListing",
        "Believes the latest listing of the organization.",
        &[],
        None,
        ("200", "Accepted"),
        || post(operations::accept_listing),
    ),
    read("/openapi.json", "openapi", "This document.", &[], "Document", || get(openapi::document)),
];

/// What is answered as it is: of what does not end, nobody can tell the length, the validator or the compressed form.
const PLAIN: &[Route] = &[
    text(
        "/api/v1/stream",
        "stream",
        "What changes, as it changes: server-sent events.",
        &["LastEventId"],
        "text/event-stream",
        || get(stream::stream),
    ),
    text("/healthz", "healthz", "Whether the process serves.", &[], "text/plain", || get(health::healthz)),
    text("/readyz", "readyz", "Whether it is ready, or about to stop.", &[], "text/plain", || {
        get(health::readyz)
    }),
    text("/metrics", "metrics", "Metrics for Prometheus.", &[], "text/plain", || get(health::metrics)),
];

/// Every route, in the order of the document.
pub(super) fn all() -> impl Iterator<Item = &'static Route> {
    VALIDATED.iter().chain(PLAIN)
}

fn router(routes: &[Route]) -> Router<HttpState> {
    routes.iter().fold(Router::new(), |router, route| router.route(route.path, (route.handler)()))
}

/// Those that go through compression and get a validator.
pub(super) fn validated() -> Router<HttpState> {
    router(VALIDATED)
}

/// The others.
pub(super) fn plain() -> Router<HttpState> {
    router(PLAIN)
}
