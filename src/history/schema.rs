//! The tables, and how a file of an earlier version becomes one of this.

use rusqlite::{Connection, TransactionBehavior};

use super::store::StoreError;

/// Marks the file as ours: `orgw` in ASCII.
const APPLICATION_ID: i32 = 0x6f72_6777;

/// Each brings a file one version further; a file's version is how many it has had. Never change one that was released.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE record (
        id INTEGER PRIMARY KEY,
        token TEXT NOT NULL UNIQUE,
        what TEXT NOT NULL,
        at INTEGER NOT NULL,
        until INTEGER,
        ended_at INTEGER,
        account TEXT,
        region TEXT,
        side TEXT,
        kind TEXT,
        name TEXT,
        action TEXT,
        operation TEXT,
        reason TEXT,
        was TEXT,
        is_now TEXT,
        fields TEXT,
        outcome TEXT,
        request_id TEXT,
        error TEXT,
        by_whom TEXT
    ) STRICT;
    CREATE INDEX record_of_account ON record (account, id);
    CREATE INDEX record_of_what ON record (what, id);
    CREATE INDEX record_at ON record (at);
    CREATE INDEX record_open ON record (what) WHERE what = 'drift' AND ended_at IS NULL;

    CREATE TABLE owned (
        side TEXT NOT NULL,
        account TEXT NOT NULL,
        region TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (side, account, region, kind, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE pause (
        scope TEXT NOT NULL PRIMARY KEY,
        since INTEGER NOT NULL,
        until INTEGER,
        reason TEXT NOT NULL,
        by_whom TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE canary (
        account TEXT NOT NULL,
        region TEXT NOT NULL,
        hour INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        returned INTEGER NOT NULL,
        latency_sum_ms INTEGER NOT NULL,
        latency_max_ms INTEGER NOT NULL,
        PRIMARY KEY (account, region, hour)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- A row for each account would be a row for each canary, and nothing was ever written there.
    DROP TABLE canary;
    CREATE TABLE canary (
        region TEXT NOT NULL,
        hour INTEGER NOT NULL,
        sent INTEGER NOT NULL,
        returned INTEGER NOT NULL,
        latency_sum_ms INTEGER NOT NULL,
        latency_max_ms INTEGER NOT NULL,
        PRIMARY KEY (region, hour)
    ) STRICT, WITHOUT ROWID;
",
];

/// Brings the file to this version. A file of a later version, or of another program, is left as it is.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    check(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again: another process may have been quicker.
    let version = version(&transaction)?;
    for (done, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", done + 1)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

/// Whether the file is one that this version can read, or an empty one.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if tables > 0 && id != APPLICATION_ID {
        return Err(StoreError::NotOurs);
    }
    if version(connection)? > MIGRATIONS.len() {
        return Err(StoreError::Newer);
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    usize::try_from(version).map_err(|_| StoreError::NotOurs)
}
