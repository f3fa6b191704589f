//! `serve`: the daemon.

use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Invocation, complain, rows, start_logs};
use crate::app::{App, Keeping, cancel_on_signal};
use crate::cli::exit::Outcome;
use crate::clock::Clock;
use crate::config::{Auth, HttpSettings, TokenRole};
use crate::controller::{self, Controller, Operator, Purpose, Requests};
use crate::http::{self, Configuration, HttpOptions, HttpState, Role};
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
    let configuration = Configuration::new(&loaded, Clock::system().now());
    let settings = loaded.settings;
    start_logs(settings.log.format, &settings.log.level)?;
    let bind = settings.http.bind;
    let listener = TcpListener::bind(bind).await.with_context(|| {
        format!("cannot listen on {bind}; choose another address with `http.bind`, or end what listens there")
    })?;
    let options = http_options(&settings.http);
    let tls = settings
        .http
        .tls
        .as_ref()
        .map(|(certificate, key)| Tls::open(certificate, key).map(Arc::new))
        .transpose()?;
    let app = App::open(settings, Purpose::default(), Keeping::Keep).await?;
    daemon(app, configuration, listener, &options, tls).await?;
    Ok(Outcome::Done)
}

/// Runs the daemon with its page and API until the app's stop or a signal, and ends all of it.
pub(super) async fn daemon(
    app: App,
    configuration: Configuration,
    listener: TcpListener,
    options: &HttpOptions,
    tls: Option<Arc<Tls>>,
) -> anyhow::Result<()> {
    let requests =
        Arc::new(Requests::new(app.snapshots.subscribe(), app.stop.clone(), app.controller.clock.clone()));
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
        configuration: Arc::new(configuration),
    };
    let router = http::router(state, options);

    let mut tasks: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let stop = app.stop.clone();
    tasks.spawn(async move { Ok(cancel_on_signal(stop).await?) });
    tasks.spawn(http::serve(listener, router, tls, app.stop.clone()));
    tasks.spawn(controller::serve(Arc::clone(&app.controller), requests, app.snapshots, app.stop.clone()));
    let mut failed = None;
    while let Some(ended) = tasks.join_next().await {
        // Whoever ends first ends all; the first error is the cause of the others.
        app.stop.cancel();
        failed = failed.or(ended.map_err(anyhow::Error::from).flatten().err());
    }
    app.controller.history.close().await;
    failed.map_or(Ok(()), Err)
}

pub(super) fn http_options(settings: &HttpSettings) -> HttpOptions {
    HttpOptions {
        bind: settings.bind,
        auth: match settings.auth {
            Auth::Token => http::Auth::Token,
            Auth::None => http::Auth::None,
        },
        hosts: settings.hosts.iter().cloned().collect(),
        metrics_open: settings.metrics_open,
        tls: settings.tls.is_some(),
        tokens: settings
            .tokens
            .iter()
            .map(|token| {
                let role = match token.role {
                    TokenRole::Reader => Role::Reader,
                    TokenRole::Operator => Role::Operator,
                };
                (token.name.clone(), role, token.secret.clone())
            })
            .collect(),
    }
}
