//! The history as its users see it, in memory and in a file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::model::error::ErrorClass;
use crate::model::plan::{Action, Stage};
use crate::model::resource::{FieldChange, Verdict};
use crate::model::target::Side;

const YEAR: SignedDuration = SignedDuration::from_hours(24 * 365);

fn clock() -> Clock {
    Clock::new(|| "2026-11-20T12:00:00Z".parse().unwrap(), || 0.5)
}

fn open(path: &Path) -> History {
    History::open(&Place::File(path.to_owned()), YEAR, clock()).unwrap()
}

fn key() -> TargetKey {
    TargetKey {
        side: Side::Member,
        account: "333333333333".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
    }
}

fn change() -> Change {
    Change {
        resource: ResourceId { kind: "sender_rule", name: "orgwatch-iam-changes".to_owned() },
        action: Action::Update,
        stage: Stage::Switch,
        reason: "state differs".to_owned(),
        fields: [FieldChange {
            path: "state".to_owned(),
            desired: Value::from("ENABLED").into(),
            observed: Value::from("DISABLED").into(),
        }]
        .into(),
        calls: Vec::new(),
        hold: None,
    }
}

fn refusal() -> CloudError {
    CloudError {
        class: ErrorClass::Denied,
        service: "events",
        operation: "PutTargets",
        account: Some(key().account),
        region: Some(key().region),
        code: "AccessDeniedException".to_owned(),
        message: "not authorized".to_owned(),
        request_id: Some("r-2".to_owned()),
        hint: String::new(),
    }
}

async fn all(history: &History) -> Vec<Record> {
    history.page(&Filter::default(), 1000).await.unwrap().records
}

#[tokio::test]
async fn a_write_is_told_before_it_is_made_and_its_end_afterwards() {
    let history = History::open(&Place::Memory, YEAR, clock()).unwrap();
    let intent = history.intend(&key(), &change(), "PutRule").await;
    let told = all(&history).await;
    assert_eq!((told.len(), told[0].outcome, told[0].until), (1, Some(Outcome::Unknown), None));
    assert_eq!(told[0].reason.as_deref(), Some("state differs"));
    assert_eq!(told[0].fields.as_ref().unwrap()[0]["observed"], "DISABLED");
    history.answered(intent, &Ok(Some("r-1".to_owned()))).await;
    let told = all(&history).await;
    assert_eq!(
        (told.len(), told[0].outcome, told[0].request_id.as_deref()),
        (1, Some(Outcome::Done), Some("r-1"))
    );
    let intent = history.intend(&key(), &change(), "PutTargets").await;
    history.answered(intent, &Err(refusal())).await;
    let failed = &all(&history).await[0];
    assert_eq!((failed.outcome, failed.request_id.as_deref()), (Some(Outcome::Failed), Some("r-2")));
    assert!(failed.error.as_ref().unwrap().contains("AccessDeniedException"));
}

#[tokio::test]
async fn a_process_that_is_killed_before_the_answer_leaves_a_write_of_unknown_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep").join("history.db");
    let history = open(&path);
    assert_eq!(history.view().state, "kept");
    let intent = history.intend(&key(), &change(), "PutRule").await;
    // What is on the disk now is what a kill leaves: nothing is closed.
    let read = History::read_file(&path, &Filter::default(), 10).unwrap().unwrap();
    assert_eq!((read.total, read.records[0].outcome), (1, Some(Outcome::Unknown)));
    history.answered(intent, &Ok(None)).await;
    history.close().await;
    let read = History::read_file(&path, &Filter::default(), 10).unwrap().unwrap();
    assert_eq!(read.records[0].outcome, Some(Outcome::Done));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "nobody else's business");
}

#[tokio::test]
async fn what_is_ours_and_what_is_paused_survives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let ours: BTreeSet<ResourceId> = [change().resource].into();
    let pause = Pause {
        scope: "all".to_owned(),
        since: clock().now(),
        until: None,
        reason: "a migration".to_owned(),
        by: "oncall".to_owned(),
    };
    let history = open(&path);
    history.owns(&key(), ours.clone()).await;
    history.paused(pause.clone()).await;
    history.paused(Pause { scope: "333333333333".to_owned(), ..pause.clone() }).await;
    history.resumed("333333333333").await;
    history.close().await;
    let again = open(&path);
    assert_eq!(again.owned_in(&key()), ours);
    assert_eq!(again.pauses(), std::slice::from_ref(&pause));
    let heeding = History::heeding(&Place::File(path.clone()), YEAR, clock()).unwrap();
    assert_eq!((heeding.owned_in(&key()), heeding.pauses()), (ours, [pause].as_slice()));
    again.owns(&key(), BTreeSet::new()).await;
    again.close().await;
    assert!(open(&path).owned_in(&key()).is_empty(), "what was given up is forgotten");
}

#[tokio::test]
async fn a_file_that_is_damaged_foreign_or_newer_is_left_alone_and_memory_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.db");
    fs::write(&damaged, [7; 8192]).unwrap();
    let newer = folder.path().join("newer.db");
    open(&newer).close().await;
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    for (path, says) in
        [(&damaged, "not a database"), (&newer, "newer version"), (&foreign, "another program")]
    {
        let before = fs::read(path).unwrap();
        let history = open(path);
        let view = history.view();
        assert_eq!(view.state, "degraded", "{path:?}");
        assert!(view.message.as_ref().unwrap().contains(says), "{view:?}");
        let intent = history.intend(&key(), &change(), "PutRule").await;
        history.answered(intent, &Ok(None)).await;
        assert_eq!(all(&history).await.len(), 1, "it is kept in memory");
        history.close().await;
        assert_eq!(fs::read(path).unwrap(), before, "{path:?}");
    }
}

#[test]
fn a_full_disk_loses_nothing_and_what_memory_kept_goes_into_the_file_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let shown = Arc::new(Mutex::new(HistoryView::default()));
    let now = clock().now();
    let mut writer = Writer::open(Some(path.clone()), YEAR, Arc::clone(&shown), now).unwrap();
    let tokens = Tokens::new();
    writer.store().limit_pages(24);
    let many: Vec<Record> =
        (0..600).map(|_| Record::intent(&tokens, &key(), &change(), "PutRule", now)).collect();
    for record in &many {
        writer.put(&[Entry::Record(Box::new(record.clone()))], now);
    }
    let view = locked(&shown).clone();
    assert_eq!(view.state, "degraded");
    assert!(view.message.as_ref().unwrap().contains("full"), "{view:?}");
    let in_file = History::read_file(&path, &Filter::default(), 1000).unwrap().unwrap();
    let in_memory = writer.page(&Filter::default(), 1000).unwrap();
    assert_eq!(in_file.total + in_memory.total, many.len());
    assert!(in_file.total > 0 && in_memory.total > 0);
    // An answer to a write that the file has, while it cannot be written.
    let answered = many[0].clone().answered(&Ok(Some("r-1".to_owned())), now);
    writer.put(&[Entry::Record(Box::new(answered))], now);
    writer.be_due_for_another_try();
    writer.try_again(now);
    assert_eq!(locked(&shown).state, "kept");
    let whole = writer.page(&Filter { order: Order::OldestFirst, ..Filter::default() }, 1000).unwrap();
    assert_eq!(whole.total, many.len());
    assert_eq!(whole.records[0].request_id.as_deref(), Some("r-1"));
}

#[test]
fn what_is_older_than_the_retention_goes_but_not_a_drift_that_goes_on() {
    let mut store = Store::memory().unwrap();
    let tokens = Tokens::new();
    let old = clock().now() - SignedDuration::from_hours(24 * 500);
    let resource = Resource {
        id: change().resource,
        verdict: Verdict::Drifted,
        reason: None,
        changes: [].into(),
        error: None,
        notes: Vec::new(),
    };
    let open_drift = Record::drift(&tokens, &key(), &resource, old);
    let mut ended = Record::drift(&tokens, &key(), &resource, old);
    ended.ended_at = Some(old);
    let still_seen =
        Record { ended_at: Some(clock().now()), ..Record::drift(&tokens, &key(), &resource, old) };
    let write = Record::intent(&tokens, &key(), &change(), "PutRule", old);
    let new = Record::intent(&tokens, &key(), &change(), "PutRule", clock().now());
    let all = [&open_drift, &ended, &still_seen, &write, &new];
    store.put(&all.map(|record| Entry::Record(Box::new(record.clone())))).unwrap();
    assert_eq!(store.prune(clock().now() - YEAR, None).unwrap(), 2);
    let kept = all.map(|record| store.knows(&record.token));
    assert_eq!(kept, [true, false, true, false, true]);
    assert_eq!(store.prune(clock().now() - YEAR, Some(1)).unwrap(), 2);
    assert!(store.knows(&new.token));
}

#[tokio::test]
async fn pages_join_without_gap_and_filters_narrow() {
    let history = History::open(&Place::Memory, YEAR, clock()).unwrap();
    for n in 0..25 {
        let mut key = key();
        key.account = format!("{:012}", n % 5).parse().unwrap();
        let intent = history.intend(&key, &change(), "PutRule").await;
        history.answered(intent, &Ok(None)).await;
    }
    history.operated("oncall", "pause", Some("all"), Some("a migration")).await;
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let mut filter = Filter { order, ..Filter::default() };
        let mut ids = Vec::new();
        loop {
            let page = history.page(&filter, 7).await.unwrap();
            assert_eq!(page.total, 26);
            ids.extend(page.records.iter().map(|record| record.id));
            filter.cursor = page.next_cursor;
            if filter.cursor.is_none() {
                break;
            }
        }
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        if order == Order::NewestFirst {
            sorted.reverse();
        }
        assert_eq!((ids.len(), &ids), (26, &sorted));
    }
    let count = async |filter: Filter| history.page(&filter, 100).await.unwrap().total;
    assert_eq!(count(Filter { account: Some("000000000003".to_owned()), ..Filter::default() }).await, 5);
    assert_eq!(count(Filter { what: vec![What::Operation], ..Filter::default() }).await, 1);
    assert_eq!(count(Filter { outcome: Some(Outcome::Failed), ..Filter::default() }).await, 0);
    assert_eq!(count(Filter { since: Some(clock().now()), ..Filter::default() }).await, 26);
    assert_eq!(count(Filter { until: Some(clock().now()), ..Filter::default() }).await, 0);
    assert_eq!(count(Filter { name: Some("x' OR 1=1 --".to_owned()), ..Filter::default() }).await, 0);
}

#[tokio::test]
async fn canaries_of_an_hour_are_added_up() {
    let history = History::open(&Place::Memory, YEAR, clock()).unwrap();
    let one = |minute: i64, latency| Canaries {
        region: "us-east-1".to_owned(),
        hour: clock().now() + SignedDuration::from_mins(minute),
        sent: 1,
        returned: 1,
        latency_sum_ms: latency,
        latency_max_ms: latency,
    };
    history.canaries(vec![one(5, 300), one(55, 900)]).await;
    history.canaries(vec![one(65, 100)]).await;
    let of = history.canaries_since(clock().now()).await.unwrap();
    let told: Vec<_> = of.iter().map(|c| (c.sent, c.latency_sum_ms, c.latency_max_ms)).collect();
    assert_eq!(told, [(2, 1200, 900), (1, 100, 100)]);
    assert_eq!(of[0].hour, clock().now());
}

#[test]
fn on_another_machines_disk_the_file_is_ours_alone_and_without_shared_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let tokens = Tokens::new();
    let mut store = Store::file_on(&path, |_| true).unwrap();
    assert_eq!(store.journal_mode(), "delete");
    let record = Record::intent(&tokens, &key(), &change(), "PutRule", clock().now());
    store.put(&[Entry::Record(Box::new(record.clone()))]).unwrap();
    assert!(!folder.path().join("history.db-shm").exists() && !folder.path().join("history.db-wal").exists());
    let other = rusqlite::Connection::open(&path).unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    assert!(other.execute("DELETE FROM record", []).is_err(), "it is locked");
    drop((store, other));
    let local = Store::file_on(&path, |_| false).unwrap();
    assert_eq!(local.journal_mode(), "wal");
    assert!(local.knows(&record.token));
}

#[test]
fn a_file_of_the_first_version_is_read_by_every_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let first = rusqlite::Connection::open(&path).unwrap();
    first.execute_batch(include_str!("version-1.sql")).unwrap();
    drop(first);
    let store = Store::file(&path).unwrap();
    let records = store.records(&Filter::default(), 10).unwrap();
    assert_eq!((records.len(), records[0].request_id.as_deref()), (1, Some("r-1")));
}
