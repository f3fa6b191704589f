//! `demo`: the daemon in a simulated organization in which things go wrong, told as they happen.

mod deeds;
mod narrator;
mod reach;
mod stage;
mod words;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use orgwatch_sim::call::Service;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::deeds::{Deed, Script};
use self::narrator::Narrator;
use self::stage::Stage;
use super::serve::{self, Given};
use super::{Invocation, say, start_logs};
use crate::app::App;
use crate::cli::demo::DemoArgs;
use crate::cli::exit::Outcome;
use crate::clock::Clock;
use crate::config;
use crate::controller::Purpose;
use crate::model::view::Snapshot;
use crate::render::story::{self, Opening, Tally};
use crate::render::style::Style;

/// Where the page is unless that is taken.
const PAGE: u16 = 8080;
/// How long after everything is covered the first thing goes wrong.
const PEACE: Duration = Duration::from_secs(3);
/// How often the narrator looks.
const LOOK: Duration = Duration::from_millis(100);
/// How long after an account was created the stack set has installed its role.
const STACK_SET: Duration = Duration::from_secs(2);

pub(super) async fn run(invocation: &Invocation, arguments: &DemoArgs) -> anyhow::Result<Outcome> {
    let seed = arguments.seed.unwrap_or_else(|| rand::random_range(1..10_000));
    let stage = Stage::build(usize::try_from(arguments.accounts)?, seed)?;
    let aws = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no loopback port is free")?;
    let page = listen(arguments.bind).await?;
    let bind = page.local_addr()?;
    let text = stage.config(bind);
    let loaded = config::parse(&text, []).context("the demo's own configuration is wrong")?;
    let settings = loaded.settings.clone();
    start_logs(settings.log.format, "error")?;
    let reach = reach::only(aws.local_addr()?, &stage.region, stage.credentials()?);
    let app = App::reaching(&reach, settings, Purpose::default())?;

    let accounts = stage.members.len() + 2;
    let opening = Opening { accounts, url: &format!("http://{bind}"), seed };
    say(&story::opening(&opening, invocation.style))?;

    let (stop, snapshots) = (app.stop.clone(), app.snapshots.subscribe());
    // The simulated AWS lives longer than the daemon, which may be in the middle of a call when it is told to stop.
    let end_of_aws = CancellationToken::new();
    // Whoever ends, and be it in a panic, ends the others.
    let ends = || stop.clone().drop_guard();
    let mut tasks: JoinSet<Ended> = JoinSet::new();
    tasks.spawn(simulate(stage.clone(), aws, end_of_aws.clone(), ends()));
    let script = Script::new(seed, &stage.members);
    tasks.spawn(happen(stage.clone(), script, arguments.pace, snapshots.clone(), stop.clone(), ends()));
    let narrator = Narrator::new(stage.simulator.clone(), Clock::system().now());
    tasks.spawn(narrate(narrator, snapshots, invocation.style, stop.clone(), ends()));
    if let Some(lasts) = arguments.lasts {
        tasks.spawn(end_after(lasts, stop.clone(), ends()));
    }
    let read = Box::new(move || config::parse(&text, []));
    let given = Given { loaded, read, on_hangup: false };
    let served = serve::daemon(app, given, page, None).await;
    stop.cancel();
    end_of_aws.cancel();
    let mut tally = None;
    while let Some(ended) = tasks.join_next().await {
        tally = ended??.or(tally);
    }
    served?;
    say(&story::closing(&tally.unwrap_or_default(), invocation.style))?;
    Ok(Outcome::Done)
}

/// The page's socket: where it was asked for, else at the usual place or, if that is taken, anywhere.
async fn listen(asked: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    match asked {
        Some(address) => TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}; leave --bind out, and any free port is taken")
        }),
        None => match TcpListener::bind((Ipv4Addr::LOCALHOST, PAGE)).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no loopback port is free"),
        },
    }
}

type Ended = anyhow::Result<Option<Tally>>;

async fn simulate(stage: Stage, listener: TcpListener, end: CancellationToken, _ends: DropGuard) -> Ended {
    orgwatch_sim::serve(stage.simulator, listener, end.cancelled_owned())
        .await
        .context("the simulator failed")?;
    Ok(None)
}

async fn end_after(lasts: Duration, stop: CancellationToken, _ends: DropGuard) -> Ended {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(lasts) => {}
    }
    Ok(None)
}

/// Lets things happen, from soon after everything is covered until the stop.
async fn happen(
    stage: Stage,
    script: Script,
    pace: Duration,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    stop: CancellationToken,
    _ends: DropGuard,
) -> Ended {
    tokio::select! {
        () = stop.cancelled() => {}
        () = trouble(stage, script, pace, snapshots) => {}
    }
    Ok(None)
}

async fn trouble(
    stage: Stage,
    mut script: Script,
    pace: Duration,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
) {
    let covered = |snapshot: &Arc<Snapshot>| {
        let counts = snapshot.coverage_counts();
        counts.total > 0 && counts.covered == counts.total
    };
    // The daemon has ended: there is nobody left to trouble.
    if snapshots.wait_for(covered).await.is_err() {
        return;
    }
    sleep(PEACE).await;
    let mut stack_sets = JoinSet::new();
    loop {
        match script.next(&stage) {
            Deed::Calls { who, account, calls } => act(&stage, &account, who, calls),
            Deed::Joins { name } => {
                let email = format!("aws+{}@example.com", name.to_lowercase().replace(' ', "-"));
                let input = json!({ "AccountName": name, "Email": email });
                if let Some(request) = manage(&stage, "CreateAccount", input)
                    && let Some(id) = request["CreateAccountStatus"]["Id"].as_str()
                {
                    stack_sets.spawn(install(stage.clone(), id.to_owned()));
                }
            }
            Deed::Leaves { account } => {
                manage(&stage, "RemoveAccountFromOrganization", json!({ "AccountId": account }));
            }
        }
        while stack_sets.try_join_next().is_some() {}
        sleep(pace).await;
    }
}

/// Makes calls as somebody in an account, up to the first that AWS refuses.
fn act(stage: &Stage, account: &str, who: &str, calls: Vec<deeds::Ask>) {
    let Some(caller) = stage.person(account, who) else { return };
    for (service, operation, input) in calls {
        if stage.ask(&caller, service, operation, input).is_err() {
            return;
        }
    }
}

/// Lets the management account make a call. None: AWS refused it, which the narrator tells from the journal.
fn manage(stage: &Stage, operation: &str, input: Value) -> Option<Value> {
    let owner = stage.administrator(&stage.management);
    stage.ask(&owner, Service::Organizations, operation, input).ok()
}

/// Installs orgwatch's role in an account that is being created, as a stack set does for every account that joins.
async fn install(stage: Stage, request: String) {
    let account = loop {
        {
            let world = stage.simulator.world();
            let Some(creation) = world.organization.creations.get(&request) else { return };
            if creation.failure.is_some() {
                return;
            }
            if let Some(account) = &creation.account {
                break account.clone();
            }
        }
        sleep(LOOK).await;
    };
    sleep(STACK_SET).await;
    act(&stage, &account, "stack-set", stage.stack_set_calls(&account));
}

/// Tells what happens until the stop, or until nobody reads on.
async fn narrate(
    mut narrator: Narrator,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    style: Style,
    stop: CancellationToken,
    _ends: DropGuard,
) -> Ended {
    let mut ticks = tokio::time::interval(LOOK);
    'told: loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let now = Clock::system().now();
        let mut lines = narrator.look(&snapshot, now);
        lines.extend(narrator.status(&snapshot, now));
        for line in lines {
            match std::io::stdout().lock().write_all(story::line(&line, style).as_bytes()) {
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break 'told,
                written => written?,
            }
        }
    }
    Ok(Some(narrator.tally))
}
