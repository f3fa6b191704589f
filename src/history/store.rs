//! The SQLite side: what is put in and taken out, in one thread at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OpenFlags, Row, ToSql, params, params_from_iter};

use super::query::{Filter, Order};
use super::record::{Outcome, Record, What, side};
use super::{Canaries, Owned, place, schema};
use crate::kinds::KINDS;
use crate::model::resource::ResourceId;
use crate::model::scope::Pause;
use crate::model::target::{Side, TargetKey};

/// How long another process may hold the file before that counts as an error.
const BUSY: Duration = Duration::from_secs(5);
/// Files below this size are checked as a whole when they are opened.
const CHECKED_UP_TO: u64 = 64 * 1024 * 1024;
/// Deleted at once at most, so that nobody waits long behind it.
const PRUNED_AT_ONCE: usize = 10_000;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// A database of another program.
    #[error("the file is a database of another program; name another file in `history.path`")]
    NotOurs,
    /// A later version of orgwatch made it.
    #[error(
        "the file was written by a newer version of orgwatch and is left as it is; run that version, or name another file"
    )]
    Newer,
    /// The directory or file cannot be made or opened.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// What SQLite says: corrupt, full, locked.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// One thing to be put in.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// A record, or what is new about one that is there.
    Record(Box<Record>),
    /// All that is ours in a target.
    Owned(TargetKey, BTreeSet<ResourceId>),
    /// A pause that begins or changes.
    Paused(Pause),
    /// A pause that ends.
    Resumed(String),
    /// Canaries that came back or did not.
    Canaries(Canaries),
}

/// An open history.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
}

impl Store {
    /// One that is gone with the process.
    pub(super) fn memory() -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection)?;
        Ok(Self { connection })
    }

    /// The file at `path`, made if it is not there.
    pub(super) fn file(path: &Path) -> Result<Self, StoreError> {
        Self::file_on(path, place::is_on_network)
    }

    /// The same on a disk of which `is_on_network` says where it is, once the file is there.
    pub(super) fn file_on(path: &Path, is_on_network: impl Fn(&Path) -> bool) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        // SQLite would make it readable for everybody; account ids and names are nobody else's business.
        OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let mut connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(BUSY)?;
        schema::check(&connection)?;
        if is_on_network(path) {
            // The shared memory of WAL does not work between machines, and locks there are not to be relied on; so
            // the file is ours alone for as long as we run.
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            connection.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        } else {
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        }
        // A quarter of what SQLite would keep: what is written is hardly ever read again.
        connection.pragma_update(None, "cache_size", -512)?;
        // With less, a write that was told to be kept could be lost with the power.
        connection.pragma_update(None, "synchronous", "FULL")?;
        schema::migrate(&mut connection)?;
        // A large file is not read through before the daemon begins; what is damaged in it is found when it is met.
        let small = std::fs::metadata(path)?.len() < CHECKED_UP_TO;
        let check = || connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        let sound: String = if small { check()? } else { "ok".to_owned() };
        if sound != "ok" {
            return Err(
                io::Error::new(io::ErrorKind::InvalidData, format!("the file is damaged: {sound}")).into()
            );
        }
        Ok(Self { connection })
    }

    /// The file at `path`, to be read only; none where there is none.
    pub(super) fn existing(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.try_exists()? {
            return Ok(None);
        }
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(BUSY)?;
        schema::check(&connection)?;
        // A file into which nobody has written yet has no tables.
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((tables > 0).then_some(Self { connection }))
    }

    /// Puts all in or nothing, and answers only when it is on the disk.
    pub(super) fn put(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for entry in entries {
            match entry {
                Entry::Record(record) => put_record(&transaction, record)?,
                Entry::Owned(target, ids) => put_owned(&transaction, target, ids)?,
                Entry::Paused(pause) => put_pause(&transaction, pause)?,
                Entry::Resumed(scope) => {
                    transaction.prepare_cached("DELETE FROM pause WHERE scope = ?1")?.execute([scope])?;
                }
                Entry::Canaries(canaries) => put_canaries(&transaction, canaries)?,
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Takes out what ended before `cutoff`, and the oldest of what is more than `most`.
    pub(super) fn prune(&mut self, cutoff: Timestamp, most: Option<usize>) -> Result<usize, StoreError> {
        let mut gone = self.connection.execute(
            "DELETE FROM record WHERE id IN (
                 SELECT id FROM record
                 WHERE at < ?1 AND coalesce(ended_at, until, at) < ?1 AND NOT (what = 'drift' AND ended_at IS NULL)
                 ORDER BY at LIMIT ?2)",
            params![cutoff.as_microsecond(), PRUNED_AT_ONCE],
        )?;
        self.connection.execute("DELETE FROM canary WHERE hour < ?1", [cutoff.as_microsecond()])?;
        if let Some(most) = most {
            gone += self.connection.execute(
                "DELETE FROM record WHERE id <= (SELECT id FROM record ORDER BY id DESC LIMIT 1 OFFSET ?1)",
                [most],
            )?;
        }
        Ok(gone)
    }

    /// At most `limit` records that `filter` lets through, from after the cursor on.
    pub(super) fn records(&self, filter: &Filter, limit: usize) -> Result<Vec<Record>, StoreError> {
        let (condition, mut values) = filter.as_sql();
        let order = match filter.order {
            Order::NewestFirst => "DESC",
            Order::OldestFirst => "ASC",
        };
        let sql = format!("SELECT {COLUMNS} FROM record {condition} ORDER BY id {order} LIMIT ?");
        values.push(Sql::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let records = statement.query_map(params_from_iter(values), read_record)?;
        Ok(records.collect::<Result<_, _>>()?)
    }

    /// How many records `filter` lets through, whatever its cursor.
    pub(super) fn count(&self, filter: &Filter) -> Result<usize, StoreError> {
        let (condition, values) = Filter { cursor: None, ..filter.clone() }.as_sql();
        let sql = format!("SELECT count(*) FROM record {condition}");
        let count: i64 =
            self.connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Drifts that were not seen to end.
    pub(super) fn open_drifts(&self) -> Result<Vec<Record>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM record WHERE what = 'drift' AND ended_at IS NULL ORDER BY id");
        let mut statement = self.connection.prepare(&sql)?;
        let records = statement.query_map([], read_record)?;
        Ok(records.collect::<Result<_, _>>()?)
    }

    /// The newest verdict or coverage of everybody: account, side, what, state and reason.
    pub(super) fn states(&self) -> Result<Vec<Record>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM record WHERE id IN
                 (SELECT max(id) FROM record WHERE what IN ('verdict', 'coverage') GROUP BY what, side, account)"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let records = statement.query_map([], read_record)?;
        Ok(records.collect::<Result<_, _>>()?)
    }

    /// What was seen as ours, by target. Kinds that this version does not know are left out.
    pub(super) fn owned(&self) -> Result<Owned, StoreError> {
        let mut owned: Owned = BTreeMap::new();
        let mut statement = self.connection.prepare("SELECT side, account, region, kind, name FROM owned")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text = |column| row.get::<_, String>(column);
            let (side, kind) = (text(0)?, text(3)?);
            let side = match side.as_str() {
                "central" => Side::Central,
                "audit" => Side::Audit,
                _ => Side::Member,
            };
            let (Ok(account), Ok(region)) = (text(1)?.parse(), text(2)?.parse()) else { continue };
            let Some(kind) = KINDS.iter().map(|known| known.name()).find(|name| *name == kind) else {
                continue;
            };
            let key = TargetKey { side, account, region };
            owned.entry(key).or_default().insert(ResourceId { kind, name: text(4)? });
        }
        Ok(owned)
    }

    /// The pauses that were not ended, whatever their time.
    pub(super) fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        let mut statement =
            self.connection.prepare("SELECT scope, since, until, reason, by_whom FROM pause")?;
        let pauses = statement.query_map([], |row| {
            Ok(Pause {
                scope: row.get(0)?,
                since: timestamp(row.get(1)?),
                until: row.get::<_, Option<i64>>(2)?.map(timestamp),
                reason: row.get(3)?,
                by: row.get(4)?,
            })
        })?;
        Ok(pauses.collect::<Result<_, _>>()?)
    }

    /// Canaries since then, hour by hour and Region by Region.
    pub(super) fn canaries(&self, since: Timestamp) -> Result<Vec<Canaries>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT region, hour, sent, returned, latency_sum_ms, latency_max_ms FROM canary
             WHERE hour >= ?1 ORDER BY hour, region",
        )?;
        let canaries = statement.query_map([since.as_microsecond()], |row| {
            Ok(Canaries {
                region: row.get(0)?,
                hour: timestamp(row.get(1)?),
                sent: row.get(2)?,
                returned: row.get(3)?,
                latency_sum_ms: row.get(4)?,
                latency_max_ms: row.get(5)?,
            })
        })?;
        Ok(canaries.collect::<Result<_, _>>()?)
    }

    /// Whether a record of this token is kept.
    #[cfg(test)]
    pub(super) fn knows(&self, token: &str) -> bool {
        self.connection.query_row("SELECT 1 FROM record WHERE token = ?1", [token], |_| Ok(())).is_ok()
    }

    /// How SQLite makes the file safe against an interruption.
    #[cfg(test)]
    pub(super) fn journal_mode(&self) -> String {
        self.connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap()
    }

    /// Lets the file grow to so many pages only, as a full disk does.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) {
        self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    }
}

const COLUMNS: &str = "id, token, what, at, until, ended_at, account, region, side, kind, name, action, operation, \
                       reason, was, is_now, fields, outcome, request_id, error, by_whom";

fn put_record(connection: &Connection, record: &Record) -> Result<(), StoreError> {
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
    let values: [&dyn ToSql; 20] = [
        &record.token,
        &record.what.label(),
        &record.at.as_microsecond(),
        &micros(record.until),
        &micros(record.ended_at),
        &record.account,
        &record.region,
        &record.side,
        &record.kind,
        &record.name,
        &record.action,
        &record.operation,
        &record.reason,
        &record.from,
        &record.to,
        &record.fields.as_ref().map(ToString::to_string),
        &record.outcome.map(Outcome::label),
        &record.request_id,
        &record.error,
        &record.by,
    ];
    connection
        .prepare_cached(
            "INSERT INTO record (token, what, at, until, ended_at, account, region, side, kind, name, action, operation,
                 reason, was, is_now, fields, outcome, request_id, error, by_whom)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (token) DO UPDATE SET until = excluded.until, ended_at = excluded.ended_at,
                 outcome = excluded.outcome, request_id = excluded.request_id, error = excluded.error",
        )?
        .execute(values)?;
    Ok(())
}

fn put_owned(connection: &Connection, key: &TargetKey, ids: &BTreeSet<ResourceId>) -> Result<(), StoreError> {
    let (side, account, region) = (side(key.side), key.account.as_str(), key.region.as_str());
    connection
        .prepare_cached("DELETE FROM owned WHERE side = ?1 AND account = ?2 AND region = ?3")?
        .execute([side, account, region])?;
    let mut insert = connection.prepare_cached("INSERT INTO owned VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for id in ids {
        insert.execute([side, account, region, id.kind, &id.name])?;
    }
    Ok(())
}

fn put_pause(connection: &Connection, pause: &Pause) -> Result<(), StoreError> {
    connection.prepare_cached("INSERT OR REPLACE INTO pause VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(
        params![
            pause.scope,
            pause.since.as_microsecond(),
            pause.until.map(Timestamp::as_microsecond),
            pause.reason,
            pause.by,
        ],
    )?;
    Ok(())
}

fn put_canaries(connection: &Connection, canaries: &Canaries) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO canary VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET sent = sent + excluded.sent, returned = returned + excluded.returned,
                 latency_sum_ms = latency_sum_ms + excluded.latency_sum_ms,
                 latency_max_ms = max(latency_max_ms, excluded.latency_max_ms)",
        )?
        .execute(params![
            canaries.region,
            canaries.hour_begins().as_microsecond(),
            canaries.sent,
            canaries.returned,
            canaries.latency_sum_ms,
            canaries.latency_max_ms,
        ])?;
    Ok(())
}

fn read_record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let what: String = row.get(2)?;
    let fields: Option<String> = row.get(16)?;
    let outcome: Option<String> = row.get(17)?;
    let unreadable = |column, text: &str| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, text.into())
    };
    Ok(Record {
        id: row.get(0)?,
        token: row.get(1)?,
        what: What::of_label(&what).ok_or_else(|| unreadable(2, &what))?,
        at: timestamp(row.get(3)?),
        until: row.get::<_, Option<i64>>(4)?.map(timestamp),
        ended_at: row.get::<_, Option<i64>>(5)?.map(timestamp),
        account: row.get(6)?,
        region: row.get(7)?,
        side: row.get(8)?,
        kind: row.get(9)?,
        name: row.get(10)?,
        action: row.get(11)?,
        operation: row.get(12)?,
        reason: row.get(13)?,
        from: row.get(14)?,
        to: row.get(15)?,
        fields: fields.and_then(|text| serde_json::from_str(&text).ok()),
        outcome: outcome.and_then(|text| Outcome::of_label(&text)),
        request_id: row.get(18)?,
        error: row.get(19)?,
        by: row.get(20)?,
    })
}

/// Only we write these; a number beyond all times can only come from a damaged file.
fn timestamp(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
