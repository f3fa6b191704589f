//! The product's own parts, put together as `serve` and the commands do it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use orgwatch::app::{App, Keeping};
use orgwatch::clock::Clock;
use orgwatch::config;
use orgwatch::controller::{self, Purpose, Requests};
use orgwatch::http::Reconciles as _;
use orgwatch::model::resource::Verdict;
use orgwatch::model::view::{AccountView, Snapshot};
use orgwatch::telemetry::logs;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Report, Simulator, Watch};

/// What the product does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) config: PathBuf,
    pub(crate) simulator: Simulator,
    pub(crate) work: Work,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// A daemon, from its start until everything was seen in sync, whatever that takes.
    Converge,
    /// A daemon: as before, then every target once more.
    Daemon,
    /// What commands do: every target twice, without a queue and without snapshots.
    Walk,
}

/// Longer than this nothing takes that is not stuck.
const PATIENCE: Duration = Duration::from_secs(1800);
/// How often it is asked whether something has happened that tells nobody.
const PACE: Duration = Duration::from_millis(2);

pub(crate) async fn run(ask: Ask) -> anyhow::Result<Report> {
    let text = std::fs::read_to_string(&ask.config)?;
    let settings = config::parse(&text, [])?.settings;
    logs::start(logs::Format::Json, &settings.log.level)?;
    let app = App::open(settings, Purpose::default(), Keeping::Keep).await?;
    let snapshots = app.snapshots.subscribe();
    let mut watch = Watch::new(ask.simulator);
    let done = async {
        match ask.work {
            Work::Walk => walk(&app, &mut watch).await,
            Work::Converge | Work::Daemon => daemon(app, &mut watch, ask.work == Work::Daemon).await,
        }
    };
    // Dropping the daemon would drop what it knows, so the last snapshot tells what it was stuck at.
    let stuck = || anyhow::anyhow!("it is stuck: {:?}", all_in_sync(&snapshots.borrow()));
    tokio::time::timeout(PATIENCE, done).await.map_err(|_| stuck())??;
    watch.report()
}

async fn walk(app: &App, watch: &mut Watch) -> anyhow::Result<()> {
    watch.lap("discovery", async { Ok(app.controller.discover().await?) }).await?;
    for name in ["cold", "warm"] {
        let look = async {
            app.controller.look_at_all(&app.stop, &mut |_| ()).await;
            Ok(())
        };
        watch.lap(name, look).await?;
    }
    all_in_sync(&app.controller.snapshot())
}

async fn daemon(app: App, watch: &mut Watch, again: bool) -> anyhow::Result<()> {
    let requests = Arc::new(Requests::new(app.snapshots.subscribe(), app.stop.clone(), Clock::system()));
    let mut snapshots = app.snapshots.subscribe();
    let mut tasks = JoinSet::new();
    tasks.spawn(controller::serve(
        Arc::clone(&app.controller),
        Arc::clone(&requests),
        app.snapshots,
        app.stop.clone(),
    ));
    watch
        .lap("discovery", async {
            // The daemon tells nobody when it knows the targets, but then there are keys.
            while app.controller.keys().is_empty() {
                tokio::time::sleep(PACE).await;
            }
            Ok(())
        })
        .await?;
    watch.lap(if again { "cold" } else { "all in sync" }, in_sync(&mut snapshots)).await?;
    if again {
        watch.lap("warm", resync(&requests)).await?;
        all_in_sync(&app.controller.snapshot())?;
    }
    app.stop.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

/// Waits until everything was seen in sync.
async fn in_sync(snapshots: &mut watch::Receiver<Arc<Snapshot>>) -> anyhow::Result<()> {
    while all_in_sync(&snapshots.borrow_and_update()).is_err() {
        snapshots.changed().await?;
    }
    Ok(())
}

/// Every target once more, and the end of the last pass.
async fn resync(requests: &Requests) -> anyhow::Result<()> {
    let asked = requests.request(None).map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    let mut progress = requests.progress(&asked.id).context("a request that was just made")?;
    progress.wait_for(|view| view.state == "done").await?;
    Ok(())
}

fn all_in_sync(snapshot: &Snapshot) -> anyhow::Result<()> {
    let seen =
        |account: &&Arc<AccountView>| account.verdict == Verdict::InSync && account.observed_at.is_some();
    let open = snapshot.accounts.values().find(|account| !seen(account));
    anyhow::ensure!(!snapshot.accounts.is_empty(), "nothing was looked at");
    open.map_or(Ok(()), |account| {
        Err(anyhow::anyhow!("{} is {:?}: {}", account.id, account.verdict, account.coverage_message))
    })
}
