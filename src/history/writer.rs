//! The one who writes: into the file as long as that goes, else into memory, and never an error to whoever waits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};

use super::query::{Filter, Page};
use super::store::{Entry, Store, StoreError};
use super::{Canaries, HistoryError, Owned};
use crate::clock::Clock;
use crate::model::scope::Pause;
use crate::model::view::HistoryView;

/// So often is a file that could not be used tried again.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// So often is looked for what is too old.
const PRUNE_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// What memory keeps at most; a disk has room for more.
const KEPT_IN_MEMORY: usize = 20_000;
/// Entries that are written and synced together at most.
const TOGETHER: usize = 512;

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Message {
    /// Keep these; tell when they are on the disk, if somebody waits for that.
    Put(Vec<Entry>, Option<oneshot::Sender<()>>),
    /// Read.
    Records(Filter, usize, oneshot::Sender<Result<Page, HistoryError>>),
    /// Read.
    Canaries(Timestamp, oneshot::Sender<Result<Vec<Canaries>, HistoryError>>),
    /// End.
    Close(oneshot::Sender<()>),
}

/// What must be in whatever is written to: it is carried over when that changes.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    owned: Owned,
    pauses: BTreeMap<String, Pause>,
}

impl Mirror {
    fn take(&mut self, entries: &[Entry]) {
        for entry in entries {
            match entry {
                Entry::Owned(key, ids) => drop(self.owned.insert(key.clone(), ids.clone())),
                Entry::Paused(pause) => drop(self.pauses.insert(pause.scope.clone(), pause.clone())),
                Entry::Resumed(scope) => drop(self.pauses.remove(scope)),
                Entry::Record(_) | Entry::Canaries(_) => {}
            }
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let owned = self.owned.iter().map(|(key, ids)| Entry::Owned(key.clone(), ids.clone()));
        owned.chain(self.pauses.values().cloned().map(Entry::Paused)).collect()
    }
}

/// Writes and reads, in one thread at a time.
#[derive(Debug)]
pub(super) struct Writer {
    /// The file that is wanted; none: memory.
    path: Option<PathBuf>,
    store: Store,
    mirror: Mirror,
    retention: SignedDuration,
    shown: Arc<Mutex<HistoryView>>,
    /// Since when the wanted file cannot be used.
    trouble: Option<Timestamp>,
    tried_at: Instant,
    pruned_at: Option<Timestamp>,
}

impl Writer {
    /// Opens the file, or memory where there is none or it cannot be used.
    pub(super) fn open(
        path: Option<PathBuf>,
        retention: SignedDuration,
        shown: Arc<Mutex<HistoryView>>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut writer = Self {
            path,
            store: Store::memory()?,
            mirror: Mirror::default(),
            retention,
            shown,
            trouble: None,
            tried_at: Instant::now(),
            pruned_at: None,
        };
        if let Some(path) = &writer.path {
            let opened = Store::file(path).and_then(|store| {
                let mirror = Mirror {
                    owned: store.owned()?,
                    pauses: store.pauses()?.into_iter().map(|pause| (pause.scope.clone(), pause)).collect(),
                };
                Ok((store, mirror))
            });
            match opened {
                Ok((store, mirror)) => (writer.store, writer.mirror) = (store, mirror),
                Err(error) => {
                    writer.lose_file(&error, now);
                    return Ok(writer);
                }
            }
        }
        writer.show(None);
        Ok(writer)
    }

    /// What there is, to go on from.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    fn is_memory(&self) -> bool {
        self.path.is_none() || self.trouble.is_some()
    }

    /// Keeps these. What cannot be kept in the file is kept in memory.
    pub(super) fn put(&mut self, entries: &[Entry], now: Timestamp) {
        self.try_again(now);
        self.mirror.take(entries);
        if let Err(error) = self.store.put(entries) {
            if self.is_memory() {
                tracing::error!(%error, "The history could not be kept even in memory");
                return;
            }
            self.lose_file(&error, now);
            if let Err(error) = self.store.put(entries) {
                tracing::error!(%error, "The history could not be kept even in memory");
            }
        }
        self.prune(now);
    }

    /// Goes on in memory.
    fn lose_file(&mut self, error: &StoreError, now: Timestamp) {
        let path = self.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        tracing::error!(
            %error, history.path = path,
            "The history file {path} cannot be used ({error}); what happens is kept in memory until it can be again"
        );
        self.trouble = Some(now);
        self.tried_at = Instant::now();
        match Store::memory() {
            Ok(memory) => {
                self.store = memory;
                if let Err(error) = self.store.put(&self.mirror.entries()) {
                    tracing::error!(%error, "The history could not be kept even in memory");
                }
            }
            Err(error) => tracing::error!(%error, "The history could not be kept even in memory"),
        }
        self.show(Some(error.to_string()));
    }

    /// Tries the file again if its time has come, and takes over into it what memory has kept meanwhile.
    pub(super) fn try_again(&mut self, now: Timestamp) {
        if self.trouble.is_none() || self.tried_at.elapsed() < TRY_AGAIN {
            return;
        }
        self.tried_at = Instant::now();
        let Some(path) = &self.path else { return };
        let filter = Filter { order: super::Order::OldestFirst, ..Filter::default() };
        let moved = Store::file(path).and_then(|mut file| {
            let records = self.store.records(&filter, KEPT_IN_MEMORY)?;
            let mut entries = self.mirror.entries();
            entries.extend(records.into_iter().map(|record| Entry::Record(Box::new(record))));
            file.put(&entries)?;
            Ok((file, entries.len()))
        });
        match moved {
            Ok((file, entries)) => {
                self.store = file;
                self.trouble = None;
                self.show(None);
                tracing::info!(entries, at = %now, "The history file can be used again, and has what happened meanwhile");
            }
            Err(error) => self.show(Some(error.to_string())),
        }
    }

    fn prune(&mut self, now: Timestamp) {
        if self.pruned_at.is_some_and(|at| now.duration_since(at) < PRUNE_EVERY) && !self.is_memory() {
            return;
        }
        // Counting what memory holds costs little, and must not wait for an hour of a storm.
        let most = self.is_memory().then_some(KEPT_IN_MEMORY);
        if most.is_some()
            && self.pruned_at.is_some_and(|at| now.duration_since(at) < SignedDuration::from_secs(10))
        {
            return;
        }
        self.pruned_at = Some(now);
        let cutoff = now.checked_sub(self.retention).unwrap_or(Timestamp::MIN);
        match self.store.prune(cutoff, most) {
            Ok(0) => {}
            Ok(gone) => tracing::debug!(gone, "What is older than `history.retention` is no longer kept"),
            Err(error) => tracing::warn!(%error, "Old history could not be taken away"),
        }
    }

    fn show(&self, error: Option<String>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = HistoryView {
            state: match (&self.path, &self.trouble) {
                (None, _) => "memory",
                (Some(_), None) => "kept",
                (Some(_), Some(_)) => "degraded",
            },
            path: self.path.as_ref().map(|path| path.display().to_string()),
            message: error,
            since: self.trouble,
        };
    }

    /// A page of what is kept.
    pub(super) fn page(&self, filter: &Filter, limit: usize) -> Result<Page, HistoryError> {
        let mut records = self.store.records(filter, limit + 1)?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next_cursor = records.last().filter(|_| more).map(|record| record.id);
        Ok(Page { next_cursor, total: self.store.count(filter)?, records })
    }
}

/// The thread's work: everything that is waiting is written together, until it is told to end.
pub(super) fn work(mut writer: Writer, mut messages: mpsc::Receiver<Message>, clock: &Clock) {
    // Of its own, so that waiting with a time limit needs no thread of the daemon.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "The history is not kept: its thread cannot wait"),
    };
    loop {
        let first = runtime.block_on(async { tokio::time::timeout(TRY_AGAIN, messages.recv()).await });
        let first = match first {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(_) => {
                writer.try_again(clock.now());
                continue;
            }
        };
        let (mut entries, mut waiting, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Put(more, told) => {
                    entries.extend(more);
                    waiting.extend(told);
                }
                other => others.push(other),
            }
            next =
                if entries.len() < TOGETHER && others.is_empty() { messages.try_recv().ok() } else { None };
        }
        if !entries.is_empty() {
            writer.put(&entries, clock.now());
        }
        for told in waiting {
            // Whoever no longer waits needs no answer.
            let _gone = told.send(());
        }
        for message in others {
            match message {
                Message::Put(..) => {}
                Message::Records(filter, limit, answer) => drop(answer.send(writer.page(&filter, limit))),
                Message::Canaries(since, answer) => {
                    drop(answer.send(writer.store().canaries(since).map_err(HistoryError::from)));
                }
                Message::Close(closed) => {
                    drop(writer);
                    let _gone = closed.send(());
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
impl Writer {
    /// As if the time had passed.
    pub(super) fn be_due_for_another_try(&mut self) {
        self.tried_at = self.tried_at.checked_sub(TRY_AGAIN).expect("a minute ago there was time");
    }
}
