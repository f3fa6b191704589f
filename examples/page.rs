//! Serves the pages and the API over an organization that is made up, to look at them: `cargo run --example page`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the organization is the one that the tests use")]

#[path = "../src/http/fixture/mod.rs"]
mod fixture;

use std::sync::Arc;

use jiff::Timestamp;
use orgwatch::clock::Clock;
use orgwatch::compliance::{Report, Standard};
use orgwatch::history::{History, Place};
use orgwatch::http::{Audits, Configuration, Gate, HttpOptions, HttpState, router, serve};
use orgwatch::model::view::Snapshot;
use orgwatch::telemetry::logs;
use orgwatch::telemetry::metrics::Metrics;
use orgwatch::{config, http, inbox, letters, model};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const CONFIGURATION: &str = "[central]\naccount_id = '222222222222'\n[[alert]]\nname = 'iam-changes'\n\
                             subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]";

/// Nothing is audited here.
struct NoAudits;

impl Audits for NoAudits {
    fn ask(&self) -> watch::Receiver<Option<Timestamp>> {
        watch::channel(Some(Timestamp::now())).1
    }

    fn report(&self, _: &'static Standard, _: &Snapshot) -> Option<Report> {
        None
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    logs::start(logs::Format::Auto, "info")?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    let (_sender, snapshot) = watch::channel(Arc::new(fixture::snapshot(Timestamp::now())));
    let stop = CancellationToken::new();
    let loaded = config::parse(CONFIGURATION, [])?;
    let (_configuration, shown) = watch::channel(Arc::new(Configuration::new(&loaded, Timestamp::now())));
    let history = History::open(&Place::Memory, jiff::SignedDuration::from_hours(24), Clock::system())?;
    let state = HttpState {
        audits: Arc::new(NoAudits),
        history: Arc::new(history),
        operations: Arc::new(fixture::FakeReconciles::default()),
        metrics: Arc::new(Metrics::new(snapshot.clone())),
        snapshot,
        reconciles: Arc::new(fixture::FakeReconciles::default()),
        stopping: stop.clone(),
        feed: Arc::default(),
        configuration: shown,
        reloads: Arc::new(fixture::FakeReconciles::default()),
    };
    let gate = Gate::new(&HttpOptions::from(&loaded.settings.http));
    serve(listener, router(state, Arc::new(gate)), None, stop).await
}
