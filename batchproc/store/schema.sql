-- The store, version 1. Invariants stand here, where every process must obey them.
-- Times are seconds since 1970 UTC. JSON columns hold text.

CREATE TABLE store (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    store_id   TEXT NOT NULL,
    created_at REAL NOT NULL
) STRICT;

-- One row for each takeover. The highest epoch is the only one whose writes to unit state count.
CREATE TABLE supervisors (
    epoch      INTEGER PRIMARY KEY AUTOINCREMENT,
    process    TEXT NOT NULL,              -- identity: pid, start time, boot id
    guard      TEXT NOT NULL,              -- how agents are tied to it
    started_at REAL NOT NULL,
    ended_at   REAL,
    ended_by   TEXT,                       -- idle, signal, stop; NULL with ended_at NULL: killed or still alive
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT;

CREATE TABLE jobs (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id          TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    instructions    TEXT NOT NULL,
    source          TEXT NOT NULL,               -- the enumerator's type
    enumerator      TEXT NOT NULL,               -- may be large: read only where the source is read
    options         TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    status          TEXT NOT NULL CHECK (status IN
                    ('enumerating', 'ready', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    reason          TEXT,
    paused_from     TEXT,
    credential      TEXT CHECK (credential IN ('environment', 'login', 'rehearsal')),
    published       INTEGER NOT NULL DEFAULT 0 CHECK (published IN (0, 1)),  -- 1: the whole source is in
    reading         INTEGER NOT NULL DEFAULT 0,  -- fencing token of the enumeration; each reading takes the next
    reader          TEXT,                        -- identity of the process that reads; NULL: handed over
    units_read      INTEGER NOT NULL DEFAULT 0,
    total_units     INTEGER NOT NULL DEFAULT 0,
    cost_usd        REAL NOT NULL DEFAULT 0 CHECK (cost_usd >= 0),
    tokens          INTEGER NOT NULL DEFAULT 0 CHECK (tokens >= 0),
    created_at      REAL NOT NULL,
    started_at      REAL,                        -- the first time
    resumed_at      REAL,                        -- the last time
    starts          INTEGER NOT NULL DEFAULT 0,  -- how often; a pause for a reason older than the last start is void
    finished_at     REAL,
    deleting        INTEGER NOT NULL DEFAULT 0 CHECK (deleting IN (0, 1)),
    CHECK (published = 1 OR (total_units = 0 AND status IN ('enumerating', 'failed', 'cancelled'))),
    CHECK (status NOT IN ('paused', 'failed') OR reason IS NOT NULL),
    CHECK ((status = 'paused') = (paused_from IS NOT NULL)),
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK (status NOT IN ('running', 'paused', 'completed') OR (started_at IS NOT NULL AND credential IS NOT NULL))
) STRICT;

CREATE INDEX jobs_active ON jobs (status) WHERE status IN ('enumerating', 'running');
CREATE INDEX jobs_by_status ON jobs (status, number);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE units (
    number      INTEGER PRIMARY KEY,
    job         INTEGER NOT NULL REFERENCES jobs (number),
    key         TEXT NOT NULL,
    payload     TEXT NOT NULL,
    row         INTEGER NOT NULL,
    status      TEXT NOT NULL DEFAULT 'pending' CHECK (status IN
                ('pending', 'running', 'succeeded', 'flagged', 'failed', 'skipped', 'cancelled')),
    attempt     INTEGER NOT NULL DEFAULT 0,            -- starts; with number the fencing token, only ever growing
    charged     INTEGER NOT NULL DEFAULT 0,            -- starts that used up an attempt
    epoch       INTEGER,                               -- of the supervisor that runs it
    due_at      REAL NOT NULL DEFAULT 0,
    reason      TEXT,
    text        TEXT,
    output      TEXT,
    error       TEXT,
    signature   TEXT,
    cost_usd    REAL NOT NULL DEFAULT 0,
    tokens      INTEGER NOT NULL DEFAULT 0,
    started_at  REAL,
    finished_at REAL,
    UNIQUE (job, key),
    CHECK ((status = 'running') = (epoch IS NOT NULL)),
    CHECK ((status IN ('pending', 'running')) = (finished_at IS NULL)),
    CHECK (charged BETWEEN 0 AND attempt),
    CHECK ((status IN ('failed', 'flagged')) = (signature IS NOT NULL)),
    CHECK (status <> 'succeeded' OR error IS NULL)
) STRICT;

CREATE INDEX units_due       ON units (job, due_at, number) WHERE status = 'pending';
CREATE INDEX units_running   ON units (job, number) WHERE status = 'running';
CREATE INDEX units_final     ON units (job, number) WHERE finished_at IS NOT NULL;
CREATE INDEX units_by_status ON units (job, status, number) WHERE finished_at IS NOT NULL;
CREATE INDEX units_finished  ON units (job, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX units_failures  ON units (job, signature, number) WHERE signature IS NOT NULL;

CREATE TABLE attempts (
    unit               INTEGER NOT NULL REFERENCES units (number),
    n                  INTEGER NOT NULL CHECK (n > 0),
    epoch              INTEGER NOT NULL,
    started_at         REAL NOT NULL,
    finished_at        REAL,
    outcome            TEXT CHECK (outcome IN ('succeeded', 'flagged', 'empty', 'failed', 'unrun', 'lost', 'released')),
    error              TEXT,
    cost_usd           REAL NOT NULL DEFAULT 0 CHECK (cost_usd >= 0),
    input_tokens       INTEGER NOT NULL DEFAULT 0,
    output_tokens      INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens  INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    turns              INTEGER NOT NULL DEFAULT 0,
    session_id         TEXT,
    PRIMARY KEY (unit, n),
    CHECK ((outcome IS NULL) = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;

-- Attempts of one unit never overlap.
CREATE UNIQUE INDEX attempts_open ON attempts (unit) WHERE finished_at IS NULL;

-- The ledger, read without counting: set when the units are published, kept by the trigger below ever after.
CREATE TABLE counters (
    job    INTEGER NOT NULL REFERENCES jobs (number),
    status TEXT NOT NULL,
    n      INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (job, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE failure_groups (
    job       INTEGER NOT NULL REFERENCES jobs (number),
    signature TEXT NOT NULL,
    n         INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (job, signature)
) STRICT, WITHOUT ROWID;

CREATE INDEX failure_groups_largest ON failure_groups (job, n DESC);

CREATE TRIGGER units_counted AFTER UPDATE OF status ON units WHEN OLD.status <> NEW.status
BEGIN
    UPDATE counters SET n = n - 1 WHERE job = OLD.job AND status = OLD.status;
    UPDATE counters SET n = n + 1 WHERE job = NEW.job AND status = NEW.status;
END;

CREATE TRIGGER units_grouped AFTER UPDATE OF signature ON units WHEN OLD.signature IS NOT NEW.signature
BEGIN
    UPDATE failure_groups SET n = n - 1 WHERE job = OLD.job AND signature = OLD.signature;
    INSERT OR IGNORE INTO failure_groups (job, signature, n) SELECT NEW.job, NEW.signature, 0 WHERE NEW.signature IS NOT NULL;
    UPDATE failure_groups SET n = n + 1 WHERE job = NEW.job AND signature = NEW.signature;
END;

CREATE TRIGGER jobs_complete_when_drained BEFORE UPDATE OF status ON jobs WHEN NEW.status = 'completed' AND EXISTS
    (SELECT 1 FROM counters WHERE job = NEW.number AND status IN ('pending', 'running') AND n > 0)
BEGIN
    SELECT RAISE(ABORT, 'a job is never completed while a unit is not final');
END;

-- Append-only and gap-free: AUTOINCREMENT never gives a number twice, and a rolled-back transaction gives its back.
CREATE TABLE events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    at      REAL NOT NULL,
    kind    TEXT NOT NULL,
    job     INTEGER,
    unit    INTEGER,
    attempt INTEGER,
    data    TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE INDEX events_by_job  ON events (job, seq);
CREATE INDEX events_by_unit ON events (unit, seq) WHERE unit IS NOT NULL;

CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

CREATE TABLE logs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     REAL NOT NULL,
    source TEXT NOT NULL,                  -- supervisor, agent, service
    level  TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warning', 'error')),
    job    INTEGER,
    unit   INTEGER,
    text   TEXT NOT NULL
) STRICT;

CREATE INDEX logs_by_job ON logs (job, number) WHERE job IS NOT NULL;
