//! Takes the configuration over anew while the daemon runs: read as at the start, taken over as a whole or not at all.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{self, ConfigError, Difference, Loaded, Problem};
use crate::controller::{Controller, Requests};
use crate::http::{Configuration, Gate, HttpOptions, Refused, ReloadRefused, Reloaded, Reloads};
use crate::telemetry::logs;
use crate::telemetry::metrics::Metrics;

/// So many differences stand in the record of a reload; the log has all of them.
const RECORDED: usize = 20;
/// Who a hangup is told of as.
const SIGHUP: &str = "SIGHUP";

/// Reads the configuration as the start does.
pub type Read = dyn Fn() -> Result<Loaded, ConfigError> + Send + Sync;

/// What a configuration is taken over by.
pub struct Parts {
    /// Reads it.
    pub read: Box<Read>,
    /// What goes by it, with its queue.
    pub controller: Arc<Controller>,
    /// Where keys are posted.
    pub requests: Arc<Requests>,
    /// Who may ask by it.
    pub gate: Arc<Gate>,
    /// Where it is shown.
    pub configuration: watch::Sender<Arc<Configuration>>,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
}

/// Takes the configuration over anew, one reload after the other.
pub struct Reloader {
    read: Arc<Read>,
    controller: Arc<Controller>,
    requests: Arc<Requests>,
    gate: Arc<Gate>,
    configuration: watch::Sender<Arc<Configuration>>,
    metrics: Arc<Metrics>,
    /// What was taken over last. Its lock is held for the whole of a reload.
    in_force: Mutex<Loaded>,
    clock: Clock,
}

impl Reloader {
    /// A reloader of a daemon that goes by `in_force`.
    pub fn new(parts: Parts, in_force: Loaded) -> Self {
        let Parts { read, controller, requests, gate, configuration, metrics } = parts;
        metrics.configuration.taken_over(configuration.borrow().loaded_at);
        let clock = controller.clock.clone();
        Self {
            read: read.into(),
            controller,
            requests,
            gate,
            configuration,
            metrics,
            in_force: Mutex::new(in_force),
            clock,
        }
    }

    async fn run(&self, by: &str) -> Result<Reloaded, ReloadRefused> {
        let mut in_force = self.in_force.lock().await;
        let read = Arc::clone(&self.read);
        // Files are read and patterns compiled, which takes its time.
        let read = tokio::task::spawn_blocking(move || read());
        let read = read.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let now = self.clock.now();
        let taken = read.map_err(|error| error.problems).and_then(|loaded| {
            let (differences, generation) = self.take_over(&in_force, &loaded)?;
            Ok((loaded, differences, generation))
        });
        let (loaded, changes, generation) = match taken {
            Ok(taken) => taken,
            Err(problems) => return Err(self.refuse(by, problems, now).await),
        };
        self.configuration.send_replace(Arc::new(Configuration::new(&loaded, now)));
        self.metrics.configuration.taken_over(now);
        let warnings = loaded.warnings.clone();
        *in_force = loaded;
        tell(by, &changes, &warnings, generation);
        let told = recorded(&changes);
        self.controller.history.operated(by, "reload", None, Some(&told)).await;
        Ok(Reloaded { changes, warnings, generation, loaded_at: now })
    }

    /// Goes by `loaded` where that is possible while the daemon runs; else says what is in the way, and changes nothing.
    fn take_over(&self, before: &Loaded, loaded: &Loaded) -> Result<(Vec<Difference>, u64), Vec<Problem>> {
        let differences = config::between(before, loaded);
        let needs = differences.iter().filter(|difference| difference.needs_restart());
        // All or nothing: what is in force is always what some file said.
        let needs: Vec<Problem> = needs.map(Difference::as_problem).collect();
        if !needs.is_empty() {
            return Err(needs);
        }
        let generation = self
            .controller
            .reload(loaded.settings.clone(), &self.requests)
            .map_err(|error| vec![error.into_problem()])?;
        self.gate.go_by(&HttpOptions::from(&loaded.settings.http));
        let level = &loaded.settings.log.level;
        if *level != before.settings.log.level
            && let Err(error) = logs::change(level)
        {
            // The level was parsed when the configuration was read.
            tracing::error!(%error, "The log level stays as it was");
        }
        Ok((differences, generation))
    }

    async fn refuse(&self, by: &str, problems: Vec<Problem>, at: Timestamp) -> ReloadRefused {
        for problem in &problems {
            tracing::error!(
                operator = by,
                code = problem.code,
                path = problem.path,
                "The configuration is not taken over: {} {}: found {}, expected {}; {}",
                problem.code,
                problem.path,
                problem.found,
                problem.expected,
                problem.hint
            );
        }
        let refused = Refused { at, by: by.to_owned(), problems: problems.clone() };
        self.configuration.send_modify(|configuration| {
            let former = configuration.as_ref().clone();
            *configuration = Arc::new(Configuration { refused: Some(refused), ..former });
        });
        self.metrics.configuration.refused();
        let in_force_since = self.configuration.borrow().loaded_at;
        let refused = ReloadRefused { problems, in_force_since };
        self.controller.history.operated(by, "reload-refused", None, Some(&refused.why())).await;
        refused
    }
}

impl Reloads for Reloader {
    fn reload(&self, by: Arc<str>) -> BoxFuture<'_, Result<Reloaded, ReloadRefused>> {
        Box::pin(async move { self.run(&by).await })
    }
}

/// Reloads whenever the process is sent a hangup, until `stop`.
pub async fn on_hangup(reloader: Arc<Reloader>, stop: CancellationToken) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            received = hangup.recv() => if received.is_none() {
                return Ok(());
            },
        }
        // How it went is in the log, in the history and in the configuration that is shown.
        drop(reloader.run(SIGHUP).await);
    }
}

fn tell(by: &str, changes: &[Difference], warnings: &[Problem], generation: u64) {
    tracing::warn!(
        operator = by,
        config.changes = changes.len(),
        generation,
        "{by} reloaded the configuration: {} keys have another value",
        changes.len()
    );
    for change in changes {
        tracing::info!(config.path = change.path, "{}", line(change));
    }
    for problem in warnings {
        tracing::warn!(code = problem.code, path = problem.path, "{}: {}", problem.found, problem.hint);
    }
}

/// One difference in one line.
fn line(change: &Difference) -> String {
    let source = |shown: &Option<config::Shown>| match shown {
        Some(shown) => format!(" ({})", shown.source),
        None => String::new(),
    };
    format!(
        "{}: {}{} -> {}{}",
        change.path,
        config::shown_text(change.before.as_ref(), false),
        source(&change.before),
        config::shown_text(change.after.as_ref(), change.secret),
        source(&change.after)
    )
}

/// What the history says of a reload.
fn recorded(changes: &[Difference]) -> String {
    if changes.is_empty() {
        return "no key has another value".to_owned();
    }
    let first: Vec<String> = changes.iter().take(RECORDED).map(line).collect();
    let told = first.join("; ");
    match changes.len() - first.len() {
        0 => told,
        more => format!("{told}; and {more} more"),
    }
}
