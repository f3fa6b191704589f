//! `serve`: the daemon.

use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Invocation, complain, rows, start_logs};
use crate::app::{App, Keeping, cancel_on_signal};
use crate::cli::exit::Outcome;
use crate::config::Loaded;
use crate::controller::{self, Controller, Operator, Purpose, Requests};
use crate::http::{self, Configuration, Gate, HttpOptions, HttpState};
use crate::panics;
use crate::reload::{self, Reloader};
use crate::render::problems::problems;
use crate::tls::Tls;

pub(super) async fn run(invocation: &Invocation) -> anyhow::Result<Outcome> {
    let loaded = match invocation.settings()? {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    if !loaded.warnings.is_empty() {
        complain(&problems(&rows(&loaded.warnings), invocation.style))?;
    }
    let settings = loaded.settings.clone();
    start_logs(settings.log.format, &settings.log.level)?;
    let bind = settings.http.bind;
    let listener = TcpListener::bind(bind).await.with_context(|| {
        format!("cannot listen on {bind}; choose another address with `http.bind`, or end what listens there")
    })?;
    let tls = settings
        .http
        .tls
        .as_ref()
        .map(|(certificate, key)| Tls::open(certificate, key).map(Arc::new))
        .transpose()?;
    let app = App::open(settings, Purpose::default(), Keeping::Keep).await?;
    let cli = invocation.cli.clone();
    let read = Box::new(move || super::read(&cli));
    daemon(app, Given { loaded, read, on_hangup: true }, listener, tls).await?;
    Ok(Outcome::Done)
}

/// The configuration that a daemon is started with, and how it comes by the next one.
pub(super) struct Given {
    pub(super) loaded: Loaded,
    pub(super) read: Box<reload::Read>,
    /// Whether a hangup asks for it; else it ends the process, as it does by itself.
    pub(super) on_hangup: bool,
}

/// Runs the daemon with its page and API until the app's stop or a signal, and ends all of it.
pub(super) async fn daemon(
    app: App,
    given: Given,
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
) -> anyhow::Result<()> {
    let Given { loaded, read, on_hangup } = given;
    let configuration = watch::Sender::new(Arc::new(Configuration::new(&loaded, app.controller.clock.now())));
    let gate = Arc::new(Gate::new(&HttpOptions::from(&loaded.settings.http)));
    if let Some(tls) = &tls {
        app.metrics.serving_with(Arc::clone(tls));
    }
    let requests =
        Arc::new(Requests::new(app.snapshots.subscribe(), app.stop.clone(), app.controller.clock.clone()));
    let shown = configuration.subscribe();
    let reloader = Arc::new(Reloader::new(
        reload::Parts {
            read,
            controller: Arc::clone(&app.controller),
            requests: Arc::clone(&requests),
            gate: Arc::clone(&gate),
            configuration,
            metrics: Arc::clone(&app.metrics),
        },
        loaded,
    ));
    let state = HttpState {
        snapshot: app.snapshots.subscribe(),
        reconciles: Arc::<Requests>::clone(&requests),
        operations: Arc::new(Operator {
            controller: Arc::clone(&app.controller),
            requests: Arc::clone(&requests),
        }),
        audits: Arc::<Controller>::clone(&app.controller),
        history: Arc::clone(&app.controller.history),
        metrics: Arc::clone(&app.metrics),
        stopping: app.stop.clone(),
        feed: Arc::default(),
        configuration: shown,
        reloads: Arc::<Reloader>::clone(&reloader),
    };
    let router = http::router(state, gate);

    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let stop = app.stop.clone();
    tasks.spawn(async move { Ok(cancel_on_signal(stop).await?) });
    if on_hangup {
        let stop = app.stop.clone();
        tasks.spawn(async move { Ok(reload::on_hangup(reloader, stop).await?) });
    }
    tasks.spawn(http::serve(listener, router, tls, app.stop.clone()));
    tasks.spawn(controller::serve(Arc::clone(&app.controller), requests, app.snapshots, app.stop.clone()));
    let mut failed = None;
    while let Some(ended) = tasks.join_next().await {
        // Whoever ends first ends all; the first error is the cause of the others.
        app.stop.cancel();
        let told = |error| anyhow::anyhow!(panics::of_task(error));
        failed = failed.or(ended.map_err(told).flatten().err());
    }
    app.controller.history.close().await;
    failed.map_or(Ok(()), Err)
}
