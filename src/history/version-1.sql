-- What the first version of orgwatch wrote. Never change it: files of that version are out there.
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

INSERT INTO record (id, token, what, at, until, account, region, side, kind, name, action, operation, reason, outcome,
    request_id)
VALUES (1, 'a-1', 'write', 1763640000000000, 1763640000100000, '333333333333', 'us-east-1', 'member', 'sender_rule',
    'orgwatch-iam-changes', 'update', 'PutRule', 'state differs', 'done', 'r-1');
PRAGMA application_id = 0x6f726777;
PRAGMA user_version = 1;
