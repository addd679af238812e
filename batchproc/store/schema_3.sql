-- The store, version 3: a pilot and its review before the rest, cache counts. Added to version 2 (schema_2.sql).
-- The jobs' closed set of statuses grows, so their table is made anew; foreign keys are off while this runs.

DROP TRIGGER units_wait_only_in_jobs_that_live;

CREATE TABLE jobs_3 (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id          TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    instructions    TEXT NOT NULL,
    source          TEXT NOT NULL,               -- the enumerator's type
    options         TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    digest          TEXT,                        -- of the description as it was given; NULL: an older batchproc kept none
    status          TEXT NOT NULL CHECK (status IN ('enumerating', 'ready', 'pilot', 'review', 'running', 'paused',
                    'completed', 'failed', 'cancelled')),
    reason          TEXT,
    detail          TEXT CHECK (detail IS NULL OR reason IS NOT NULL),    -- the reason in words
    paused_from     TEXT CHECK (paused_from IN ('pilot', 'running')),
    resume_at       REAL CHECK (resume_at IS NULL OR (status = 'paused' AND resume_at < 1e11)),  -- goes on by itself
    credential      TEXT CHECK (credential IN ('environment', 'login', 'rehearsal')),
    published       INTEGER NOT NULL DEFAULT 0 CHECK (published IN (0, 1)),  -- 1: the whole source is in
    reading         INTEGER NOT NULL DEFAULT 0,  -- fencing token of the enumeration; each reading takes the next
    reader          TEXT,                        -- identity of the process that reads; NULL: handed over
    units_read      INTEGER NOT NULL DEFAULT 0,
    total_units     INTEGER NOT NULL DEFAULT 0,
    priority        INTEGER NOT NULL DEFAULT 0,
    cost_usd        REAL NOT NULL DEFAULT 0 CHECK (cost_usd >= 0),
    tokens          INTEGER NOT NULL DEFAULT 0 CHECK (tokens >= 0),
    cache_read      INTEGER NOT NULL DEFAULT 0,  -- of these tokens, read from the API's cache
    cache_write     INTEGER NOT NULL DEFAULT 0,  -- and written to it
    wasted_usd      REAL NOT NULL DEFAULT 0,     -- of attempts that came to nothing
    saved_usd       REAL NOT NULL DEFAULT 0,     -- of lost attempts whose conversation went on
    begun           INTEGER NOT NULL DEFAULT 0,  -- units that were started at least once
    largest_request INTEGER NOT NULL DEFAULT 0,  -- tokens of the largest one its agents sent
    measured        INTEGER NOT NULL DEFAULT 0,  -- attempts that went into it
    active_s        REAL NOT NULL DEFAULT 0,     -- how long it ran, by a clock that never jumps
    created_at      REAL NOT NULL,
    started_at      REAL,                        -- the first time
    resumed_at      REAL,                        -- the last time
    starts          INTEGER NOT NULL DEFAULT 0,  -- how often; a pause for a reason older than the last start is void
    approved_at     REAL,                        -- when somebody let all of it run; before, only the pilot's units do
    round           INTEGER NOT NULL DEFAULT 0,  -- of the pilot; each change that makes its answers stale is the next
    trial           INTEGER NOT NULL DEFAULT 0,  -- what is tried in it: see `trials`
    quote           TEXT,                        -- what the rest was said to cost when it was approved
    finished_at     REAL,
    deleting        INTEGER NOT NULL DEFAULT 0 CHECK (deleting IN (0, 1)),
    CHECK (published = 1 OR (total_units = 0 AND status IN ('enumerating', 'failed', 'cancelled'))),
    CHECK (status NOT IN ('paused', 'failed') OR reason IS NOT NULL),
    CHECK ((status = 'paused') = (paused_from IS NOT NULL)),
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK (status NOT IN ('pilot', 'review', 'running', 'paused', 'completed')
           OR (started_at IS NOT NULL AND credential IS NOT NULL)),
    CHECK ((status IN ('running', 'completed') OR paused_from IS 'running') <= (approved_at IS NOT NULL)),
    CHECK ((status IN ('pilot', 'review') OR paused_from IS 'pilot') <= (approved_at IS NULL AND trial > 0))
) STRICT;

INSERT INTO jobs_3 (number, job_id, name, instructions, source, options, idempotency_key, status, reason, detail,
    paused_from, resume_at, credential, published, reading, reader, units_read, total_units, priority, cost_usd, tokens,
    wasted_usd, saved_usd, begun, largest_request, measured, active_s, created_at, started_at, resumed_at, starts,
    approved_at, finished_at, deleting)
SELECT number, job_id, name, instructions, source, options, idempotency_key, status, reason, detail, paused_from,
    resume_at, credential, published, reading, reader, units_read, total_units, priority, cost_usd, tokens, wasted_usd,
    saved_usd, begun, largest_request, measured, active_s, created_at, started_at, resumed_at, starts, started_at,
    finished_at, deleting FROM jobs;

-- Numbers of jobs that were deleted are not given again.
DELETE FROM sqlite_sequence WHERE name = 'jobs_3';
INSERT INTO sqlite_sequence (name, seq) SELECT 'jobs_3', seq FROM sqlite_sequence WHERE name = 'jobs';

DROP TABLE jobs;
ALTER TABLE jobs_3 RENAME TO jobs;

CREATE INDEX jobs_active    ON jobs (status) WHERE status IN ('enumerating', 'pilot', 'running');
CREATE INDEX jobs_by_status ON jobs (status, number);
CREATE INDEX jobs_deleting  ON jobs (number) WHERE deleting = 1;
CREATE INDEX jobs_resuming  ON jobs (resume_at) WHERE resume_at IS NOT NULL;

CREATE TRIGGER jobs_complete_when_drained BEFORE UPDATE OF status ON jobs WHEN NEW.status = 'completed' AND EXISTS
    (SELECT 1 FROM counters WHERE job = NEW.number AND status IN ('pending', 'running') AND n > 0)
BEGIN
    SELECT RAISE(ABORT, 'a job is never completed while a unit is not final');
END;

CREATE TRIGGER units_wait_only_in_jobs_that_live BEFORE UPDATE OF status ON units
WHEN NEW.status = 'pending' AND OLD.status <> 'pending' AND (SELECT status FROM jobs WHERE number = NEW.job) IN
    ('completed', 'cancelled', 'failed')
BEGIN
    SELECT RAISE(ABORT, 'a unit of a job that has ended does not wait for anything');
END;

-- The units that are tried before the rest may run: the same in each round.
ALTER TABLE units ADD COLUMN pilot INTEGER NOT NULL DEFAULT 0 CHECK (pilot IN (0, 1));
CREATE INDEX units_pilot     ON units (job, number) WHERE pilot = 1;
CREATE INDEX units_due_pilot ON units (job, due_at, number) WHERE pilot = 1 AND status = 'pending';

CREATE TRIGGER units_run_when_allowed BEFORE UPDATE OF status ON units
WHEN NEW.status = 'running' AND NEW.pilot = 0 AND (SELECT approved_at FROM jobs WHERE number = NEW.job) IS NULL
BEGIN
    SELECT RAISE(ABORT, 'before a job is approved only the units of its pilot run');
END;

ALTER TABLE attempts ADD COLUMN trial INTEGER NOT NULL DEFAULT 0;   -- under which description of the job it ran

-- What is tried in the pilot: a description of the job. A round has one, or several variants, one after the other.
CREATE TABLE trials (
    job          INTEGER NOT NULL REFERENCES jobs (number),
    n            INTEGER NOT NULL CHECK (n > 0),
    round        INTEGER NOT NULL CHECK (round BETWEEN 1 AND n),
    variant      TEXT,                     -- its name, where a round has several
    instructions TEXT NOT NULL,
    options      TEXT NOT NULL,
    ended_at     REAL,
    PRIMARY KEY (job, n),
    UNIQUE (job, round, variant)
) STRICT, WITHOUT ROWID;

-- What the units of the pilot came to in each trial.
CREATE TABLE trial_results (
    job      INTEGER NOT NULL,
    trial    INTEGER NOT NULL,
    unit     INTEGER NOT NULL REFERENCES units (number),
    status   TEXT NOT NULL CHECK (status IN ('succeeded', 'flagged', 'failed', 'skipped', 'cancelled')),
    text     TEXT,
    output   TEXT,
    error    TEXT,
    signature TEXT,
    cost_usd REAL NOT NULL,
    tokens   INTEGER NOT NULL,
    seconds  REAL NOT NULL CHECK (seconds >= 0),   -- of all its attempts
    PRIMARY KEY (job, trial, unit),
    FOREIGN KEY (job, trial) REFERENCES trials (job, n)
) STRICT, WITHOUT ROWID;

-- Programs that wait for a person: what a source would run is asked for before there is a job.
CREATE TABLE approval_requests (
    hash     TEXT PRIMARY KEY,
    text     TEXT NOT NULL,
    asked_at REAL NOT NULL,
    asked_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
