//! The router as a client sees it, over a made-up organization.

mod access;
mod api;
mod audit;
mod changes;
mod describes;
mod lists;
mod login;
mod operations;
mod pages;
mod proxy;
mod reconcile;
mod reload;
mod stream;
mod tls;
mod units;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::fixture::{FakeReconciles, snapshot};
use super::{Audits, Auth, Configuration, Gate, HttpOptions, HttpState, Role, router};
use crate::clock::Clock;
use crate::compliance::{self, Report, Standard};
use crate::history::{History, Place};
use crate::model::ids::AccountId;
use crate::model::view::Snapshot;
use crate::telemetry::metrics::Metrics;

const NOW: &str = "2026-11-20T12:00:00Z";

impl Audits for FakeReconciles {
    fn ask(&self) -> watch::Receiver<Option<Timestamp>> {
        watch::channel(Some(NOW.parse().unwrap())).1
    }

    fn report(&self, standard: &'static Standard, snapshot: &Snapshot) -> Option<Report> {
        // What is judged is asked of the compliance part itself; here it is only handed on.
        let settings = crate::world::fixture::settings("");
        let read: Vec<AccountId> = snapshot.accounts.keys().take(3).cloned().collect();
        let evidence = compliance::fixture::evidence(&read, &settings);
        Some(compliance::audit(standard, &evidence, snapshot, &settings))
    }
}

/// A server with what drives it.
struct Server {
    router: Router,
    gate: Arc<Gate>,
    metrics: Arc<Metrics>,
    reconciles: Arc<FakeReconciles>,
    history: Arc<History>,
    snapshot: watch::Sender<Arc<Snapshot>>,
    configuration: watch::Sender<Arc<Configuration>>,
    stopping: CancellationToken,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Status and detail of a problem, after a look at its form.
    fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert!(problem["type"].is_string() && problem["title"].is_string());
        (self.status.as_u16(), problem["detail"].as_str().unwrap().to_owned())
    }
}

fn loopback() -> HttpOptions {
    HttpOptions {
        bind: "127.0.0.1:8080".parse().unwrap(),
        auth: Auth::Token,
        hosts: Vec::new(),
        metrics_open: false,
        tokens: Vec::new(),
        tls: false,
        trusted_proxies: Vec::new(),
        user_header: "x-forwarded-user".parse().unwrap(),
        operators: std::collections::BTreeSet::new(),
    }
}

fn exposed() -> HttpOptions {
    let token = |name: &str, role, text: &str| (name.to_owned(), role, SecretString::from(text));
    HttpOptions {
        bind: "0.0.0.0:8080".parse().unwrap(),
        hosts: vec!["Orgwatch.example.com".to_owned()],
        tokens: vec![
            token("wallboard", Role::Reader, "reader-secret-0001"),
            token("oncall", Role::Operator, "operator-secret-01"),
        ],
        ..loopback()
    }
}

fn configuration() -> Configuration {
    let text = "[central]\naccount_id = '222222222222'\n[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n\
                [[alert]]\nname = 'iam-changes'\nseverity = 'high'\n\
                subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }, \
                { protocol = 'https', endpoint = 'https://hooks.example.com/planted-secret' }]";
    Configuration::new(&crate::config::parse(text, []).unwrap(), NOW.parse().unwrap())
}

impl Server {
    fn new(options: &HttpOptions) -> Self {
        let (sender, snapshot) = watch::channel(Arc::new(snapshot(NOW.parse::<Timestamp>().unwrap())));
        let reconciles = Arc::new(FakeReconciles::default());
        let stopping = CancellationToken::new();
        let configuration = watch::Sender::new(Arc::new(configuration()));
        let clock = Clock::new(|| NOW.parse().unwrap(), || 0.5);
        let history = History::open(&Place::Memory, jiff::SignedDuration::from_hours(24), clock).unwrap();
        let history = Arc::new(history);
        let metrics = Arc::new(Metrics::new(snapshot.clone()));
        let state = HttpState {
            history: Arc::clone(&history),
            operations: reconciles.clone(),
            audits: reconciles.clone(),
            metrics: Arc::clone(&metrics),
            snapshot,
            reconciles: reconciles.clone(),
            stopping: stopping.clone(),
            feed: Arc::default(),
            configuration: configuration.subscribe(),
            reloads: reconciles.clone(),
        };
        let gate = Arc::new(Gate::new(options));
        let router = router(state, Arc::clone(&gate));
        Self { router, gate, metrics, reconciles, history, snapshot: sender, configuration, stopping }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn request(&self, method: &str, path: &str) -> Answer {
        self.send(request(method, path, &[("host", "localhost:8080")])).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.request("GET", path).await
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.json()
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}
