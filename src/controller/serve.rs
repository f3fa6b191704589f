//! The daemon: discovery and passes, for ever.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::pass::PassOutcome;
use super::requests::Requests;
use super::{Controller, audit, canary, deliveries, drill, health, inbox, letters, requeue, units};
use crate::desired;
use crate::model::target::TargetKey;
use crate::model::view::Snapshot;
use crate::panics;

/// How long running passes may take to end their current change when we are told to stop.
const DRAIN: Duration = Duration::from_secs(8);
/// The first delay after a discovery that failed.
const DISCOVERY_BACKOFF: Duration = Duration::from_secs(2);
/// How long news of the organization are gathered before it is listed.
const GATHER: Duration = Duration::from_millis(500);
/// At most so often are the targets derived anew because passes told of other Regions.
const REGIONS_PACE: Duration = Duration::from_secs(2);
/// At most so often is a new snapshot put together.
const SNAPSHOT_PACE: Duration = Duration::from_millis(250);

/// Runs discovery, passes and snapshots until `stop` is cancelled, then lets running passes end.
pub async fn serve(
    controller: Arc<Controller>,
    requests: Arc<Requests>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    tasks.spawn(discovery(Arc::clone(&controller), Arc::clone(&requests), stop.clone()));
    tasks.spawn(passes(Arc::clone(&controller), Arc::clone(&requests), stop.clone()));
    tasks.spawn(inbox::read(Arc::clone(&controller), Arc::clone(&requests), stop.clone()));
    tasks.spawn(canary::send(Arc::clone(&controller), stop.clone()));
    tasks.spawn(drill::send(Arc::clone(&controller), stop.clone()));
    tasks.spawn(health::tell(Arc::clone(&controller), stop.clone()));
    tasks.spawn(deliveries::watch(Arc::clone(&controller), stop.clone()));
    tasks.spawn(audit::read(Arc::clone(&controller), stop.clone()));
    tasks.spawn(letters::watch(Arc::clone(&controller), stop.clone()));
    tasks.spawn(units::read(Arc::clone(&controller), stop.clone()));
    tasks.spawn(publish(Arc::clone(&controller), snapshots, stop.clone()));
    // Each runs until told to stop, so one that ends earlier is a defect.
    let early = tokio::select! {
        // In this order: tasks that end because they were told to are not early.
        biased;
        () = stop.cancelled() => None,
        // A task that heard of the stop before we did is not early.
        ended = tasks.join_next() => ended.filter(|ended| ended.is_err() || !stop.is_cancelled()),
    };
    stop.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| anyhow::anyhow!(panics::of_task(error)))?;
    }
    match early {
        Some(Err(panicked)) => Err(anyhow::anyhow!(panics::of_task(panicked))),
        Some(Ok(task)) => anyhow::bail!("task `{task}` ended early"),
        None => Ok(()),
    }
}

async fn discovery(
    controller: Arc<Controller>,
    requests: Arc<Requests>,
    stop: CancellationToken,
) -> &'static str {
    let mut failures = 0_u32;
    while !stop.is_cancelled() {
        let began = Instant::now();
        let found = tokio::select! {
            () = stop.cancelled() => break,
            found = controller.discover() => found,
        };
        let took = began.elapsed();
        let interval = controller.settings().organization.poll_interval;
        let pause = match found {
            Ok(changed) => {
                failures = 0;
                take_over(&controller, &requests, changed);
                // Listing an organization must not become all that it is busy with.
                interval.max(took * 4)
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::warn!(%error, failures, "The organization could not be looked at");
                DISCOVERY_BACKOFF.saturating_mul(1 << failures.min(10)).min(interval)
            }
        };
        // News of one account are news of several; and listing them must not become all that we do.
        let sooner = async {
            controller.discover_now.notified().await;
            tokio::time::sleep(GATHER.max(took)).await;
        };
        let mut sooner = std::pin::pin!(sooner);
        let next = Instant::now() + pause.min(until_something_ends(&controller));
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(next) => break,
                () = &mut sooner => break,
                () = controller.moved.notified() => {}
            }
            // Many accounts are read at once, and each derivation looks at all of them.
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(REGIONS_PACE) => {}
            }
            let changed = controller.aim_again();
            take_over(&controller, &requests, changed);
        }
    }
    "discovery"
}

/// How long what must hold stays as it is, unless somebody changes it: then a suppression ends.
fn until_something_ends(controller: &Controller) -> Duration {
    let now = controller.clock.now();
    let end = desired::next_end(&controller.settings(), now);
    end.and_then(|end| Duration::try_from(end.duration_since(now)).ok())
        .unwrap_or(Duration::from_secs(86_400 * 366))
}

/// Lets passes be made over the targets that there are now, at once over those that are new or changed.
pub(super) fn take_over(controller: &Controller, requests: &Requests, changed: Vec<TargetKey>) {
    controller.tell_of_ends();
    controller.tell_of_floods();
    // Discovery and a reload do this; whoever comes last must see the targets as they are last.
    let _alone = controller.taking_over.lock().unwrap_or_else(PoisonError::into_inner);
    let all: BTreeSet<TargetKey> = controller.keys().into_iter().collect();
    controller.chronicle.lock().unwrap_or_else(PoisonError::into_inner).retarget(&all);
    if !changed.is_empty() {
        tracing::info!(
            targets = all.len(),
            changed = changed.len(),
            "Found {} new or changed targets",
            changed.len()
        );
    }
    controller.heard().repairs.retain(|key| all.contains(key));
    requests.retarget(all, changed);
}

type Ended = (TargetKey, Timestamp, Option<PassOutcome>);

async fn passes(
    controller: Arc<Controller>,
    requests: Arc<Requests>,
    stop: CancellationToken,
) -> &'static str {
    let mut running: JoinSet<Ended> = JoinSet::new();
    // By task, so that a pass that panics gives its key back.
    let mut keys: std::collections::HashMap<tokio::task::Id, TargetKey> = std::collections::HashMap::new();
    loop {
        let mut next = None;
        end_pauses(&controller, &requests).await;
        if !stop.is_cancelled() {
            let mut queue = requests.queue.lock().unwrap_or_else(PoisonError::into_inner);
            while running.len() < controller.settings().reconcile.concurrency {
                let Some(key) = queue.pop(Instant::now()) else { break };
                let (controller, stop, of_task) = (Arc::clone(&controller), stop.clone(), key.clone());
                let handle = running.spawn(async move {
                    let began = controller.clock.now();
                    let outcome = controller.pass(&of_task, true, &stop).await;
                    (of_task, began, outcome)
                });
                keys.insert(handle.id(), key);
            }
            if running.len() < controller.settings().reconcile.concurrency {
                next = queue.next_due();
            }
            let (due, waiting, working) = queue.depth(Instant::now());
            controller.metrics.queue_depth(due, waiting, working);
        }
        tokio::select! {
            // In this order, so that the same things that happen at once are taken in the same turn.
            biased;
            () = stop.cancelled() => break,
            Some(ended) = running.join_next_with_id() => end(&controller, &requests, &mut keys, ended),
            () = requests.posted.notified() => {}
            () = tokio::time::sleep_until(next.unwrap_or_else(|| Instant::now() + Duration::from_secs(60))) => {}
        }
    }
    let drained = tokio::time::timeout(DRAIN, async {
        while let Some(ended) = running.join_next_with_id().await {
            end(&controller, &requests, &mut keys, ended);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(
            passes = running.len(),
            "Passes that did not end in time are dropped; the next start goes on from what AWS has"
        );
    }
    "passes"
}

/// Ends the pauses whose time is over, and goes on where they were.
async fn end_pauses(controller: &Controller, requests: &Requests) {
    let expired = controller.fleet().expire_pauses(controller.clock.now());
    for scope in expired {
        let name = scope.to_string();
        tracing::info!(scope = %name, "The pause of {name} is over");
        controller.history.resumed(&name).await;
        controller.history.operated("orgwatch", "resume", Some(&name), Some("its time was over")).await;
        let keys = controller.fleet().in_scope(&scope);
        keys.into_iter().for_each(|key| requests.push(key, Instant::now()));
    }
}

fn end(
    controller: &Controller,
    requests: &Requests,
    keys: &mut std::collections::HashMap<tokio::task::Id, TargetKey>,
    ended: Result<(tokio::task::Id, Ended), tokio::task::JoinError>,
) {
    let (key, began, outcome) = match ended {
        Ok((id, ended)) => {
            keys.remove(&id);
            ended
        }
        Err(error) => {
            let Some(key) = keys.remove(&error.id()) else { return };
            tracing::error!(
                target = %key, error = panics::of_task(error), "A pass ended in a panic; it is tried again"
            );
            (key, controller.clock.now(), None)
        }
    };
    requests.queue.lock().unwrap_or_else(PoisonError::into_inner).finish(&key);
    let resync = controller.settings().reconcile.resync_interval;
    let (failures, in_grace, wanted, gone) = {
        let fleet = controller.fleet();
        let failures = fleet.states.get(&key).map_or(0, |state| state.failures);
        let leaving = fleet.targets.get(&key).is_some_and(|target| target.leaving);
        (failures, fleet.in_grace(&key, controller.clock.now()), fleet.targets.contains_key(&key), leaving)
    };
    let news = outcome.as_ref().is_some_and(|o| o.news);
    let delay = match &outcome {
        Some(outcome) => requeue::delay(outcome, failures, in_grace, resync, controller.clock.jitter()),
        None => resync,
    };
    // An excluded account in which nothing of ours is left gets no further call.
    let done = gone && outcome.as_ref().is_some_and(|o| o.error.is_none() && o.resources.is_empty());
    if wanted && !done {
        requests.push(key.clone(), Instant::now() + delay);
    }
    {
        // Always the fleet before the chronicle, as a snapshot takes them.
        let fleet = controller.fleet();
        let all = || fleet.targets.keys().cloned().collect();
        controller.chronicle.lock().unwrap_or_else(PoisonError::into_inner).observed(
            &key,
            began,
            controller.clock.now(),
            all,
        );
    }
    requests.passed(&key, began, outcome.as_ref());
    if news {
        for waiting in controller.fleet().take_waiting() {
            requests.push(waiting, Instant::now());
        }
    }
}

async fn publish(
    controller: Arc<Controller>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    stop: CancellationToken,
) -> &'static str {
    while !stop.is_cancelled() {
        let snapshot = Arc::new(controller.snapshot());
        controller.compare(&snapshots.borrow().clone(), &snapshot);
        controller.history.published(&snapshot).await;
        snapshots.send_replace(snapshot);
        tokio::select! {
            () = stop.cancelled() => {}
            () = controller.changed.notified() => {}
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(SNAPSHOT_PACE) => {}
        }
    }
    "snapshots"
}
