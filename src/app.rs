//! The only wiring: from settings to a controller that can be run.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::aws::Cloud;
use crate::clock::Clock;
use crate::config::{self, Settings};
use crate::controller::{Controller, Purpose};
use crate::history::{History, Place};
use crate::model::view::Snapshot;
use crate::telemetry::metrics::Metrics;

/// What is done with the history file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// What happens is kept in it.
    Keep,
    /// What it says of former times is heeded, and nothing is changed in it; so do commands that change nothing.
    Heed,
}

/// A controller with what belongs to it.
pub struct App {
    /// Does the work.
    pub controller: Arc<Controller>,
    /// Counts it.
    pub metrics: Arc<Metrics>,
    /// Where snapshots are put.
    pub snapshots: watch::Sender<Arc<Snapshot>>,
    /// Cancelled when it is time to stop.
    pub stop: CancellationToken,
}

impl App {
    /// Puts the parts together, with AWS as the environment says. Sends nothing to AWS yet.
    pub async fn open(settings: Settings, purpose: Purpose, keeping: Keeping) -> anyhow::Result<Self> {
        let ca_bundle = config::environment()
            .into_iter()
            .find(|(name, value)| name == "AWS_CA_BUNDLE" && !value.is_empty())
            .map(|(_, path)| PathBuf::from(path));
        let aws = crate::aws::load::load(&settings.central_region(), ca_bundle).await?;
        let place = settings.history.place(std::io::stderr().is_terminal());
        Self::put_together(&aws, settings, purpose, &place, keeping)
    }

    /// Puts the parts together, with AWS where and as `aws` says and nothing of it from the environment, and a history
    /// in memory.
    pub fn reaching(
        aws: &aws_types::SdkConfig,
        settings: Settings,
        purpose: Purpose,
    ) -> anyhow::Result<Self> {
        Self::put_together(aws, settings, purpose, &Place::Memory, Keeping::Keep)
    }

    fn put_together(
        aws: &aws_types::SdkConfig,
        settings: Settings,
        purpose: Purpose,
        place: &Place,
        keeping: Keeping,
    ) -> anyhow::Result<Self> {
        let clock = Clock::system();
        let retention = settings.history.retention.try_into()?;
        let history = Arc::new(match keeping {
            Keeping::Keep => History::open(place, retention, clock.clone())?,
            Keeping::Heed => History::heeding(place, retention, clock.clone())?,
        });
        let settings = Arc::new(settings);
        let snapshots = watch::Sender::new(Arc::new(Snapshot::before_anything(&settings, clock.now())));
        let metrics = Arc::new(Metrics::new(snapshots.subscribe()));
        let counted = Arc::clone(&metrics);
        let cloud = Cloud::new(
            aws,
            Arc::new(move |service, operation, error| counted.aws_call(service, operation, error)),
        );
        let controller =
            Arc::new(Controller::new(settings, cloud, Arc::clone(&metrics), history, clock, purpose));
        Ok(Self { controller, metrics, snapshots, stop: CancellationToken::new() })
    }
}

/// Cancels `stop` when the system or a person asks us to end.
pub async fn cancel_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        () = stop.cancelled() => return Ok(()),
    };
    tracing::info!(signal = name, "Stopping: no further change is begun");
    stop.cancel();
    Ok(())
}
