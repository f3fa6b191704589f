//! The product, built from its own parts as `serve` and the commands build it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use orgwatch::aws::{Cloud, load};
use orgwatch::clock::Clock;
use orgwatch::config::{self, Settings};
use orgwatch::controller::{self, Controller, PassOutcome, Purpose, Requests, WalkOptions};
use orgwatch::history::{History, Place};
use orgwatch::judge::UNKNOWN_SUBSCRIPTION;
use orgwatch::model::resource::{Resource, Verdict};

use jiff::SignedDuration;
use orgwatch::model::view::Snapshot;
use orgwatch::telemetry::metrics::Metrics;
use orgwatch_sim::Simulator;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::connector::{self, Fuse};

/// The SDK's clock is the stage's.
#[derive(Debug)]
struct VirtualTime(Clock);

impl TimeSource for VirtualTime {
    fn now(&self) -> SystemTime {
        SystemTime::from(self.0.now())
    }
}

/// One process of the product.
pub(crate) struct Daemon {
    pub(crate) controller: Arc<Controller>,
    pub(crate) stop: CancellationToken,
    fuse: Arc<Fuse>,
    clock: Clock,
    snapshots: watch::Sender<Arc<Snapshot>>,
}

/// The settings of a configuration file's text.
pub(crate) fn settings(text: &str) -> Settings {
    config::parse(text, []).unwrap_or_else(|error| panic!("{text}\n{error}")).settings
}

impl Daemon {
    /// A process that asks `simulator` with `credentials`, and ends in the middle when `fuse` blows.
    pub(crate) fn new(
        simulator: &Simulator,
        clock: Clock,
        credentials: Credentials,
        settings: Settings,
        purpose: Purpose,
        fuse: Arc<Fuse>,
    ) -> Self {
        let sdk = aws_types::SdkConfig::builder()
            .behavior_version(load::behavior())
            // Without chance of their own, so that a seed gives the same run again.
            .retry_config(load::retries().with_use_static_exponential_base(true))
            .time_source(SharedTimeSource::new(VirtualTime(clock.clone())))
            .timeout_config(load::timeouts())
            // It watches how a body is read, and without a socket nobody reads one: whoever waits long for an answer would
            // be taken for stalled.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .endpoint_url("http://simulator.invalid")
            .region(aws_types::region::Region::new(settings.central_region().to_string()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .http_client(connector::client(simulator, &fuse))
            .build();
        let snapshots = watch::Sender::new(Arc::new(Snapshot::before_anything(&settings, clock.now())));
        let metrics = Arc::new(Metrics::new(snapshots.subscribe()));
        let cloud = Cloud::new(&sdk, Arc::new(|_, _, _| ()));
        let history = History::open(&Place::Memory, SignedDuration::from_hours(24 * 400), clock.clone());
        let history = Arc::new(history.expect("memory can be opened"));
        let controller = Controller::new(Arc::new(settings), cloud, metrics, history, clock.clone(), purpose);
        Self { controller: Arc::new(controller), stop: CancellationToken::new(), fuse, clock, snapshots }
    }

    /// Serves for `time`, then stops as at SIGTERM. Ends at once, in the middle of whatever it does, when the fuse
    /// blows; answers whether it did.
    pub(crate) async fn serve_for(&self, time: Duration) -> bool {
        let requests =
            Arc::new(Requests::new(self.snapshots.subscribe(), self.stop.clone(), self.clock.clone()));
        let serving = controller::serve(
            Arc::clone(&self.controller),
            requests,
            self.snapshots.clone(),
            self.stop.clone(),
        );
        let mut serving = std::pin::pin!(serving);
        tokio::select! {
            ended = &mut serving => panic!("it ended by itself: {ended:?}"),
            () = self.fuse.blown() => return true,
            () = tokio::time::sleep(time) => {}
        }
        self.stop.cancel();
        serving.await.expect("a stop in good order");
        false
    }

    /// Serves until somebody cancels `stop`.
    pub(crate) async fn serve_until_stopped(&self) {
        let requests =
            Arc::new(Requests::new(self.snapshots.subscribe(), self.stop.clone(), self.clock.clone()));
        let controller = Arc::clone(&self.controller);
        let serving = controller::serve(controller, requests, self.snapshots.clone(), self.stop.clone());
        serving.await.expect("a stop in good order");
    }

    /// What `apply --yes` does, or `teardown --yes`. Answers its passes.
    pub(crate) async fn apply(&self) -> Vec<PassOutcome> {
        self.controller.discover().await.unwrap_or_else(|error| panic!("{error}"));
        self.controller.look_at_all(&self.stop, &mut |_| ()).await;
        let max_failures = if self.controller.is_teardown() { usize::MAX } else { 10 };
        let options = WalkOptions { max_failures, ..WalkOptions::default() };
        let mut passes = Vec::new();
        let mut keep = |pass: &PassOutcome| passes.push(pass.clone());
        self.controller.carry_out(self.controller.keys(), &options, &self.stop, &mut keep).await;
        passes
    }

    /// The same, but it ends at once when the fuse blows; answers whether it did.
    pub(crate) async fn apply_until_the_fuse_blows(&self) -> bool {
        tokio::select! {
            biased;
            () = self.fuse.blown() => true,
            _ = self.apply() => false,
        }
    }

    /// How everything stands.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.controller.snapshot()
    }

    /// What is not as desired, in words; empty: all is in sync.
    pub(crate) fn out_of_sync(&self) -> Vec<String> {
        let mut found = Vec::new();
        for view in self.controller.views(&self.controller.keys()) {
            found.extend(view.error.iter().map(|error| format!("{}: {error}", view.target)));
            // A stranger's subscription is reported, and a topic that people still subscribe to stays: both are left
            // to people.
            let left_to_people = |resource: &&Resource| {
                resource.reason == Some(UNKNOWN_SUBSCRIPTION)
                    || (resource.verdict == Verdict::Orphan && resource.id.kind == "topic")
            };
            let wrong = view.resources.iter().filter(|resource| resource.verdict != Verdict::InSync);
            let wrong = wrong.filter(|resource| !left_to_people(resource));
            found.extend(wrong.map(|resource| format!("{}: {resource:?}", view.target)));
            let held = view.plan.changes.iter().filter(|change| change.resource.kind != "topic");
            let held = held.filter_map(|change| change.hold.as_ref());
            found.extend(held.map(|hold| format!("{}: held: {}", view.target, hold.message)));
        }
        found
    }
}
