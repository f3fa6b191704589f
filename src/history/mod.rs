//! What happened: every write with its reason and outcome, every drift, every change of verdict and coverage.
//!
//! The controller is right without it. A write is told before it is made, and what was told is on the disk by then, so
//! that whoever is killed in between leaves a write whose outcome is unknown and never one that nobody knows of. A
//! file that cannot be written is said so and never stops a pass.

mod drifts;
mod place;
mod query;
mod record;
mod schema;
mod states;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use self::drifts::Drifts;
pub use self::place::Place;
pub use self::query::{Filter, Order, Page, moment};
use self::record::Tokens;
pub use self::record::{Outcome, Record, What};
use self::states::States;
use self::store::{Entry, Store, StoreError};
use self::writer::{Message, Writer};
use crate::clock::Clock;
use crate::model::error::CloudError;
use crate::model::plan::Change;
use crate::model::resource::{Resource, ResourceId};
use crate::model::scope::Pause;
use crate::model::target::TargetKey;
use crate::model::view::{HistoryView, Snapshot};

/// What was seen as ours, by target.
pub type Owned = BTreeMap<TargetKey, BTreeSet<ResourceId>>;

/// Messages that wait for the writer; whoever comes then waits as well.
const WAITING: usize = 1024;
/// Changes of state that are told at once.
const AT_ONCE: usize = 500;
/// So long is waited for the disk. A disk that hangs must not stop a repair.
const PATIENCE: Duration = Duration::from_secs(5);
/// So long once it is known to hang.
const IMPATIENCE: Duration = Duration::from_millis(100);

/// Why the history cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the history cannot be read: {0}")]
pub struct HistoryError(String);

impl From<StoreError> for HistoryError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

/// The canaries of all accounts that were sent from one Region in one hour. Those of the same hour are added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Canaries {
    /// The Region that they were sent from.
    pub region: String,
    /// Any moment of the hour; when read, its beginning.
    pub hour: Timestamp,
    /// How many were sent.
    pub sent: u64,
    /// How many came back in time.
    pub returned: u64,
    /// What those took in milliseconds, all together.
    pub latency_sum_ms: u64,
    /// What the slowest of those took in milliseconds.
    pub latency_max_ms: u64,
}

impl Canaries {
    /// When the hour began, in UTC.
    pub fn hour_begins(&self) -> Timestamp {
        let seconds = self.hour.as_second();
        Timestamp::from_second(seconds - seconds.rem_euclid(3600)).unwrap_or(self.hour)
    }
}

/// A write that was told and not answered yet.
#[derive(Debug)]
#[must_use = "a write whose end is not told stays unknown for ever"]
pub struct Intent(Box<Record>);

/// Keeps what happened, and tells of it.
#[derive(Debug)]
pub struct History {
    backend: Backend,
    shown: Arc<Mutex<HistoryView>>,
    tokens: Tokens,
    clock: Clock,
    drifts: Mutex<Drifts>,
    states: Mutex<States>,
    /// What is ours, as told; none where nobody will ask after the end of the process.
    owned: Option<Mutex<Owned>>,
    pauses: Vec<Pause>,
}

#[derive(Debug)]
enum Backend {
    /// In memory, by whoever calls: no thread, so that time that is not real does not run away from it.
    Here(Box<Mutex<Writer>>),
    /// Into a file, by a thread of its own.
    Thread { messages: mpsc::Sender<Message>, stalled: AtomicBool },
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each statement leaves what is behind the lock in order.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl History {
    /// Opens the history. A file that cannot be used is said so, and memory takes its place until it can be.
    ///
    /// Errors: SQLite itself cannot be started, or no thread.
    pub fn open(place: &Place, retention: SignedDuration, clock: Clock) -> Result<Self, HistoryError> {
        let shown = Arc::new(Mutex::new(HistoryView::default()));
        let path = match place {
            Place::Memory => None,
            Place::File(path) => Some(path.clone()),
        };
        let writer = Writer::open(path.clone(), retention, Arc::clone(&shown), clock.now())?;
        let store = writer.store();
        let drifts = Mutex::new(Drifts::of(store.open_drifts()?));
        let states = Mutex::new(States::of(store.states()?));
        let owned = path.is_some().then(|| store.owned().map(Mutex::new)).transpose()?;
        let pauses = store.pauses()?;
        let backend = if path.is_some() {
            let (messages, received) = mpsc::channel(WAITING);
            let thread_clock = clock.clone();
            std::thread::Builder::new()
                .name("history".to_owned())
                .spawn(move || writer::work(writer, received, &thread_clock))
                .map_err(|error| HistoryError(error.to_string()))?;
            Backend::Thread { messages, stalled: AtomicBool::new(false) }
        } else {
            Backend::Here(Box::new(Mutex::new(writer)))
        };
        Ok(Self { backend, shown, tokens: Tokens::new(), clock, drifts, states, owned, pauses })
    }

    /// A history in memory that goes on from what the file says, and leaves the file as it is. Where it cannot be read,
    /// nothing is known of former times, and a warning says so.
    pub fn heeding(place: &Place, retention: SignedDuration, clock: Clock) -> Result<Self, HistoryError> {
        let mut history = Self::open(&Place::Memory, retention, clock)?;
        let Place::File(path) = place else { return Ok(history) };
        let read = Store::existing(path)
            .and_then(|store| store.map(|store| Ok((store.owned()?, store.pauses()?))).transpose());
        match read {
            Ok(None) => {}
            Ok(Some((owned, pauses))) => {
                history.owned = Some(Mutex::new(owned));
                history.pauses = pauses;
            }
            Err(error) => {
                let path = path.display();
                tracing::warn!(%error, "The history file {path} cannot be read; what was ours in former times is not known");
            }
        }
        Ok(history)
    }

    /// Reads the file at `path` without being the one who writes it; none where there is none.
    pub fn read_file(path: &Path, filter: &Filter, limit: usize) -> Result<Option<Page>, HistoryError> {
        let Some(store) = Store::existing(path)? else { return Ok(None) };
        let mut records = store.records(filter, limit + 1)?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next_cursor = records.last().filter(|_| more).map(|record| record.id);
        Ok(Some(Page { next_cursor, total: store.count(filter)?, records }))
    }

    /// How the history is kept.
    pub fn view(&self) -> HistoryView {
        let mut view = locked(&self.shown).clone();
        if let Backend::Thread { stalled, .. } = &self.backend
            && stalled.load(Ordering::Relaxed)
        {
            view.state = "degraded";
            view.message =
                Some(format!("the disk has not answered within {PATIENCE:?}; nobody waits for it"));
        }
        view
    }

    /// The pauses that were there when the history was opened.
    pub fn pauses(&self) -> &[Pause] {
        &self.pauses
    }

    /// What was seen as ours in a target, by this or a former process.
    pub fn owned_in(&self, key: &TargetKey) -> BTreeSet<ResourceId> {
        self.owned.as_ref().and_then(|owned| locked(owned).get(key).cloned()).unwrap_or_default()
    }

    /// Keeps what is ours in a target now.
    pub async fn owns(&self, key: &TargetKey, ids: BTreeSet<ResourceId>) {
        let Some(owned) = &self.owned else { return };
        let known = locked(owned).get(key).map_or_else(|| ids.is_empty(), |before| *before == ids);
        if !known {
            locked(owned).insert(key.clone(), ids.clone());
            self.put(vec![Entry::Owned(key.clone(), ids)], false).await;
        }
    }

    /// Tells of a call that is about to be made; returns when that is on the disk.
    pub async fn intend(&self, key: &TargetKey, change: &Change, operation: &str) -> Intent {
        let record = Box::new(Record::intent(&self.tokens, key, change, operation, self.clock.now()));
        self.put(vec![Entry::Record(record.clone())], true).await;
        Intent(record)
    }

    /// Tells how that call ended.
    pub async fn answered(&self, intent: Intent, outcome: &Result<Option<String>, CloudError>) {
        let record = Box::new(intent.0.answered(outcome, self.clock.now()));
        self.put(vec![Entry::Record(record)], false).await;
    }

    /// Tells what a look at a target found, in full.
    pub async fn observed(&self, key: &TargetKey, resources: &[Resource], at: Timestamp) {
        let news = locked(&self.drifts).observed(&self.tokens, key, resources, at);
        self.put(records(news), false).await;
    }

    /// Tells what changed since the snapshot before.
    pub async fn published(&self, snapshot: &Snapshot) {
        // After the first look at an organization everybody's state is news.
        loop {
            let news = locked(&self.states).changes(&self.tokens, snapshot, AT_ONCE);
            if news.is_empty() {
                return;
            }
            // So many would pile up in memory while the disk takes them.
            let many = news.len() >= AT_ONCE;
            self.put(records(news), many).await;
        }
    }

    /// Tells what a person told the daemon to do; returns when that is on the disk.
    pub async fn operated(&self, by: &str, operation: &str, about: Option<&str>, reason: Option<&str>) {
        let record = Record {
            operation: Some(operation.to_owned()),
            name: about.map(str::to_owned),
            reason: reason.map(str::to_owned),
            by: Some(by.to_owned()),
            ..Record::new(&self.tokens, What::Operation, self.clock.now())
        };
        self.put(records(vec![record]), true).await;
    }

    /// Keeps a pause; returns when it is on the disk.
    pub async fn paused(&self, pause: Pause) {
        self.put(vec![Entry::Paused(pause)], true).await;
    }

    /// Forgets a pause; returns when that is on the disk.
    pub async fn resumed(&self, scope: &str) {
        self.put(vec![Entry::Resumed(scope.to_owned())], true).await;
    }

    /// Adds canaries to those of their hour.
    pub async fn canaries(&self, canaries: Vec<Canaries>) {
        self.put(canaries.into_iter().map(Entry::Canaries).collect(), false).await;
    }

    /// The canaries of all accounts since then, hour by hour and Region by Region.
    pub async fn canaries_since(&self, since: Timestamp) -> Result<Vec<Canaries>, HistoryError> {
        match &self.backend {
            Backend::Here(writer) => Ok(locked(writer).store().canaries(since)?),
            Backend::Thread { messages, .. } => {
                ask(messages, |answer| Message::Canaries(since, answer)).await
            }
        }
    }

    /// At most `limit` records that `filter` lets through.
    pub async fn page(&self, filter: &Filter, limit: usize) -> Result<Page, HistoryError> {
        match &self.backend {
            Backend::Here(writer) => locked(writer).page(filter, limit),
            Backend::Thread { messages, .. } => {
                ask(messages, |answer| Message::Records(filter.clone(), limit, answer)).await
            }
        }
    }

    /// Ends the history: what was told before is on the disk afterwards, if that answers within a few seconds.
    pub async fn close(&self) {
        let Backend::Thread { messages, .. } = &self.backend else { return };
        let (closed, done) = oneshot::channel();
        let close = async { messages.send(Message::Close(closed)).await.is_ok() && done.await.is_ok() };
        if !tokio::time::timeout(PATIENCE, close).await.unwrap_or(false) {
            tracing::warn!("The history was not closed in time; what was told last may be missing in it");
        }
    }

    async fn put(&self, entries: Vec<Entry>, synced: bool) {
        if entries.is_empty() {
            return;
        }
        let (messages, stalled) = match &self.backend {
            Backend::Here(writer) => return locked(writer).put(&entries, self.clock.now()),
            Backend::Thread { messages, stalled } => (messages, stalled),
        };
        let (told, kept) = oneshot::channel();
        let put = async {
            messages.send(Message::Put(entries, synced.then_some(told))).await.is_ok()
                && (!synced || kept.await.is_ok())
        };
        let patience = if stalled.load(Ordering::Relaxed) { IMPATIENCE } else { PATIENCE };
        match tokio::time::timeout(patience, put).await {
            Ok(true) => stalled.store(false, Ordering::Relaxed),
            // The thread has ended: we are stopping, or it failed and said so.
            Ok(false) => stalled.store(true, Ordering::Relaxed),
            Err(_) => {
                if !stalled.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        "The disk of the history does not answer; nobody waits for it any longer"
                    );
                }
            }
        }
    }
}

async fn ask<T>(
    messages: &mpsc::Sender<Message>,
    question: impl FnOnce(oneshot::Sender<Result<T, HistoryError>>) -> Message,
) -> Result<T, HistoryError> {
    let (answer, told) = oneshot::channel();
    let asked = async {
        messages.send(question(answer)).await.map_err(|_| HistoryError("it is closed".to_owned()))?;
        told.await.map_err(|_| HistoryError("it is closed".to_owned()))?
    };
    let late = |_| HistoryError(format!("the disk has not answered within {PATIENCE:?}"));
    tokio::time::timeout(PATIENCE, asked).await.map_err(late)?
}

fn records(records: Vec<Record>) -> Vec<Entry> {
    records.into_iter().map(|record| Entry::Record(Box::new(record))).collect()
}
