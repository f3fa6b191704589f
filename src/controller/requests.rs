//! Requests to reconcile from outside: they post keys, and are told how far these have come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::pass::PassOutcome;
use super::queue::Queue;
use crate::clock::Clock;
use crate::http::{ReconcileRefused, Reconciles};
use crate::model::ids::AccountId;
use crate::model::target::{Side, TargetKey};
use crate::model::view::{ReconcileView, Snapshot, Standing};

/// Finished requests that are kept for those who ask later.
const KEPT: usize = 1000;

struct Open {
    asked_at: Timestamp,
    left: BTreeSet<TargetKey>,
    view: watch::Sender<ReconcileView>,
}

/// The queue, shared between those who post keys and the one who works on them.
pub struct Requests {
    pub(super) queue: Mutex<Queue<TargetKey>>,
    pub(super) posted: Notify,
    open: Mutex<BTreeMap<u64, Open>>,
    keys: Mutex<BTreeSet<TargetKey>>,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    stopping: tokio_util::sync::CancellationToken,
    clock: Clock,
}

impl Open {
    /// One target less to wait for.
    fn strike(&mut self, key: &TargetKey, began: Option<Timestamp>, outcome: Option<&PassOutcome>) {
        if !self.left.remove(key) {
            return;
        }
        let done = self.left.is_empty();
        self.view.send_modify(|view| {
            view.done += 1;
            view.observed_at = began.or(view.observed_at);
            if let Some(outcome) = outcome {
                view.changes += outcome.written.iter().filter(|w| w.outcome.is_ok()).count();
                let unwritten = outcome.written.iter().filter_map(|w| w.outcome.as_ref().err());
                view.errors.extend(outcome.error.iter().chain(unwritten).map(ToString::to_string));
            }
            if done {
                view.state = "done";
            }
        });
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Requests {
    /// No requests, no keys.
    pub fn new(
        snapshot: watch::Receiver<Arc<Snapshot>>,
        stopping: tokio_util::sync::CancellationToken,
        clock: Clock,
    ) -> Self {
        Self {
            queue: Mutex::default(),
            posted: Notify::new(),
            open: Mutex::default(),
            keys: Mutex::default(),
            snapshot,
            stopping,
            clock,
        }
    }

    /// Takes over the keys that exist, and makes `due` ones due now.
    pub(super) fn retarget(&self, all: BTreeSet<TargetKey>, due: Vec<TargetKey>) {
        let mut queue = locked(&self.queue);
        queue.retain(|key| all.contains(key));
        let now = Instant::now();
        for key in due {
            queue.push(key, now);
        }
        drop(queue);
        // A request does not wait for a target that is no longer there.
        for request in locked(&self.open).values_mut() {
            let gone: Vec<TargetKey> =
                request.left.iter().filter(|key| !all.contains(*key)).cloned().collect();
            for key in gone {
                request.strike(&key, None, None);
            }
        }
        *locked(&self.keys) = all;
        self.posted.notify_one();
    }

    /// Makes a key due at `at`, or earlier if it was.
    pub(super) fn push(&self, key: TargetKey, at: Instant) {
        locked(&self.queue).push(key, at);
        self.posted.notify_one();
    }

    /// The targets of an account.
    pub(super) fn targets_of(&self, account: &AccountId) -> Vec<TargetKey> {
        let keys = locked(&self.keys);
        let all = [Side::Central, Side::Member, Side::Audit].map(|side| TargetKey::all_of(side, account));
        all.into_iter().flat_map(|range| keys.range(range).cloned().collect::<Vec<_>>()).collect()
    }

    /// Tells those who wait for it that a pass has ended.
    pub(super) fn passed(&self, key: &TargetKey, began: Timestamp, outcome: Option<&PassOutcome>) {
        let mut open = locked(&self.open);
        for request in open.values_mut() {
            // A pass that began before the request does not answer it.
            if began >= request.asked_at {
                request.strike(key, Some(began), outcome);
            }
        }
        while open.len() > KEPT && open.first_key_value().is_some_and(|(_, request)| request.left.is_empty())
        {
            open.pop_first();
        }
    }
}

impl Reconciles for Requests {
    fn request(&self, account: Option<&AccountId>) -> Result<ReconcileView, ReconcileRefused> {
        if self.stopping.is_cancelled() {
            return Err(ReconcileRefused::ShuttingDown);
        }
        let wanted: BTreeSet<TargetKey> = {
            let keys = locked(&self.keys);
            keys.iter().filter(|key| account.is_none_or(|account| *account == key.account)).cloned().collect()
        };
        if let Some(account) = account.filter(|_| wanted.is_empty()) {
            let snapshot = self.snapshot.borrow();
            return Err(match snapshot.accounts.get(account) {
                None => ReconcileRefused::NoSuchAccount(account.clone()),
                Some(view) if view.standing != Standing::Active => ReconcileRefused::NotReconciled {
                    account: account.clone(),
                    why: view.standing_reason.clone().unwrap_or_default(),
                },
                Some(view) => ReconcileRefused::NotReconciled {
                    account: account.clone(),
                    why: view.coverage_message.clone(),
                },
            });
        }
        let mut open = locked(&self.open);
        let id = open.last_key_value().map_or(1, |(last, _)| last + 1);
        let view = ReconcileView {
            id: id.to_string(),
            state: if wanted.is_empty() { "done" } else { "running" },
            done: 0,
            total: wanted.len(),
            changes: 0,
            errors: Vec::new(),
            observed_at: None,
        };
        open.insert(
            id,
            Open { asked_at: self.clock.now(), left: wanted.clone(), view: watch::Sender::new(view.clone()) },
        );
        drop(open);
        let now = Instant::now();
        let mut queue = locked(&self.queue);
        // The central side first: members may be waiting for it.
        for key in wanted
            .iter()
            .filter(|k| k.side == Side::Central)
            .chain(wanted.iter().filter(|k| k.side != Side::Central))
        {
            queue.push(key.clone(), now);
        }
        drop(queue);
        self.posted.notify_one();
        Ok(view)
    }

    fn progress(&self, id: &str) -> Option<watch::Receiver<ReconcileView>> {
        let id: u64 = id.parse().ok()?;
        locked(&self.open).get(&id).map(|request| request.view.subscribe())
    }
}
