//! What changed, as it changes: server-sent events, with resume.
//!
//! There is one row of events for everybody, put down when somebody who listens asks for it. Who comes back with the id
//! of the last event that it had gets those after it, or is told to read everything anew.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::accounts::Summary;
use super::params::NoParams;
use super::problem::Problem;
use super::{HttpState, overview};
use crate::model::ids::AccountId;
use crate::model::view::{AccountView, Snapshot};

/// Who listens takes up a connection for long, so the most leave most connections to everybody else.
const LISTENERS: usize = 128;
/// Events that are kept for who comes back. Half an organization may change at once; beyond that it is read anew anyway.
const KEPT: usize = 2048;
/// So often somebody is asked anew whether it may listen.
const LASTS: Duration = Duration::from_secs(60 * 60);
/// So often a line is sent although nothing happened, for proxies that end what is silent.
const SILENCE: Duration = Duration::from_secs(15);

/// One event, ready to be sent.
#[derive(Debug)]
struct Told {
    kind: &'static str,
    data: String,
}

/// What is compared of an account; readings that found the same are no news.
#[derive(Clone, Debug, PartialEq)]
struct Shown(u64);

/// The row of events of this process.
#[derive(Debug)]
pub struct Feed {
    seats: Arc<Semaphore>,
    row: Mutex<Row>,
}

#[derive(Debug)]
struct Row {
    /// Names the process, so that an id of another one is not taken for ours.
    process: String,
    /// The number of the first event that is kept.
    first: u64,
    events: VecDeque<Arc<Told>>,
    /// What was told last.
    status: Value,
    accounts: BTreeMap<AccountId, Shown>,
    /// The snapshot that was told last, by its moment and place; none before the first, with which news are compared.
    followed: Option<(Timestamp, usize)>,
}

impl Default for Feed {
    fn default() -> Self {
        Self::with(LISTENERS)
    }
}

impl Feed {
    fn with(seats: usize) -> Self {
        let row = Row {
            process: format!("{:08x}", rand::random::<u32>()),
            first: 1,
            events: VecDeque::new(),
            status: Value::Null,
            accounts: BTreeMap::new(),
            followed: None,
        };
        Self { seats: Arc::new(Semaphore::new(seats)), row: Mutex::new(row) }
    }

    fn row(&self) -> MutexGuard<'_, Row> {
        // Each event is put down whole.
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(account: &AccountView) -> Shown {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (&account.name, &account.path, &account.state, account.standing, account.verdict).hash(&mut hasher);
    (account.coverage, account.coverage_reason, account.last_change_at).hash(&mut hasher);
    Shown(hasher.finish())
}

/// The status without what changes with every reading.
fn status(snapshot: &Snapshot) -> Value {
    let mut status = json!(overview::Status::of(snapshot, snapshot.taken_at));
    if let Some(status) = status.as_object_mut() {
        for moving in ["observed_at", "oldest_observation_age_seconds"] {
            status.remove(moving);
        }
        // Listings come and go like readings; what they find shows in the counts.
        if let Some(discovery) = status.get_mut("discovery").and_then(Value::as_object_mut) {
            discovery.remove("last_success_at");
        }
    }
    status
}

impl Row {
    /// Puts down what is new in `snapshot`.
    fn follow(&mut self, snapshot: &Arc<Snapshot>) {
        let this = (snapshot.taken_at, Arc::as_ptr(snapshot) as usize);
        // Another listener was here with the same one, or with a newer one.
        if self.followed.is_some_and(|told| told == this || told.0 > this.0) {
            return;
        }
        let status = status(snapshot);
        if self.followed.replace(this).is_none() {
            self.status = status;
            self.accounts = snapshot.accounts.iter().map(|(id, a)| (id.clone(), shown(a))).collect();
            return;
        }
        for (id, account) in &snapshot.accounts {
            let now = shown(account);
            if self.accounts.get(id) != Some(&now) {
                self.tell("account", &json!(Summary::from(account.as_ref())));
                self.accounts.insert(id.clone(), now);
            }
        }
        if self.accounts.len() > snapshot.accounts.len() {
            let gone: Vec<AccountId> =
                self.accounts.keys().filter(|id| !snapshot.accounts.contains_key(*id)).cloned().collect();
            for id in gone {
                self.accounts.remove(&id);
                self.tell("departed", &json!({ "id": id }));
            }
        }
        if self.status != status {
            self.tell("status", &status);
            self.status = status;
        }
    }

    fn tell(&mut self, kind: &'static str, data: &Value) {
        if self.events.len() == KEPT {
            self.events.pop_front();
            self.first += 1;
        }
        self.events.push_back(Arc::new(Told { kind, data: data.to_string() }));
    }

    fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.process)
    }

    /// The number of the event that `id` names, if all after it are still here.
    fn number(&self, id: &str) -> Option<u64> {
        let (process, number) = id.split_once('-')?;
        let number: u64 = number.parse().ok()?;
        (process == self.process && number + 1 >= self.first && number < self.next()).then_some(number)
    }
}

/// Somebody who listens.
struct Listener {
    feed: Arc<Feed>,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    stopping: CancellationToken,
    ends: Instant,
    /// The number of the next event that it gets.
    next: u64,
    /// What it gets before that.
    first: Option<Event>,
    done: bool,
    _seat: OwnedSemaphorePermit,
}

impl Listener {
    /// The next event, as soon as there is one; none at the end.
    async fn next(&mut self) -> Option<Event> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            if self.done {
                return None;
            }
            if let Some(event) = self.kept() {
                return Some(event);
            }
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => {
                    self.done = true;
                    return Some(Event::default().event("stopping").data("{}"));
                }
                () = tokio::time::sleep_until(self.ends) => return None,
                changed = self.snapshot.changed() => {
                    // Nobody will put together another one.
                    changed.ok()?;
                    let snapshot = self.snapshot.borrow_and_update().clone();
                    self.feed.row().follow(&snapshot);
                }
            }
        }
    }

    /// The next event of those that are there already.
    fn kept(&mut self) -> Option<Event> {
        let row = self.feed.row();
        if self.next < row.first {
            // Too slow: what it did not get is not here any more.
            self.next = row.next();
            return Some(reset(&row));
        }
        let index = usize::try_from(self.next - row.first).ok()?;
        let told = Arc::clone(row.events.get(index)?);
        let id = row.id(self.next);
        self.next += 1;
        Some(Event::default().id(id).event(told.kind).data(&told.data))
    }
}

/// Says that everything has to be read anew, and from which event on this goes on.
fn reset(row: &Row) -> Event {
    Event::default().id(row.id(row.next() - 1)).event("reset").data("{}")
}

pub(super) async fn stream(
    State(state): State<HttpState>,
    headers: HeaderMap,
    _: NoParams,
) -> Result<Response, Problem> {
    let full = |_| {
        let detail =
            format!("{LISTENERS} clients listen already; ask /api/v1/status from time to time instead");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    };
    let seat = Arc::clone(&state.feed.seats).try_acquire_owned().map_err(full)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let mut snapshot = state.snapshot.clone();
    let (next, first) = {
        let now = snapshot.borrow_and_update().clone();
        let mut row = state.feed.row();
        row.follow(&now);
        match last.filter(|id| !id.is_empty()) {
            // Its first event says where it stands, so that it can come back even if nothing happens.
            None => (row.next(), Some(Event::default().id(row.id(row.next() - 1)).event("hello").data("{}"))),
            Some(id) => match row.number(id) {
                Some(number) => (number + 1, None),
                None => (row.next(), Some(reset(&row))),
            },
        }
    };
    let listener = Listener {
        feed: Arc::clone(&state.feed),
        snapshot,
        stopping: state.stopping.clone(),
        ends: Instant::now() + LASTS,
        next,
        first,
        done: false,
        _seat: seat,
    };
    let events = stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    let answer = Sse::new(events).keep_alive(KeepAlive::new().interval(SILENCE));
    // Proxies that gather answers before they pass them on would pass on none of this.
    let headers = [(CACHE_CONTROL, "no-store"), (HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, answer).into_response())
}
