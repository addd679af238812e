-- The store, version 2: budgets, limits, control, resumed conversations. Added to version 1 (schema.sql).

ALTER TABLE jobs ADD COLUMN priority      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN resume_at     REAL CHECK (resume_at IS NULL OR (status = 'paused' AND resume_at < 1e11));  -- goes on by itself then
ALTER TABLE jobs ADD COLUMN detail        TEXT CHECK (detail IS NULL OR reason IS NOT NULL);    -- the reason in words
ALTER TABLE jobs ADD COLUMN wasted_usd    REAL NOT NULL DEFAULT 0;     -- of attempts that came to nothing
ALTER TABLE jobs ADD COLUMN saved_usd     REAL NOT NULL DEFAULT 0;     -- of lost attempts whose conversation went on
ALTER TABLE jobs ADD COLUMN begun         INTEGER NOT NULL DEFAULT 0;  -- units that were started at least once
ALTER TABLE jobs ADD COLUMN largest_request INTEGER NOT NULL DEFAULT 0;  -- tokens of the largest one its agents sent
ALTER TABLE jobs ADD COLUMN measured      INTEGER NOT NULL DEFAULT 0;  -- attempts that went into it
ALTER TABLE jobs ADD COLUMN active_s      REAL NOT NULL DEFAULT 0;     -- how long it ran, by a clock that never jumps

-- What the user wrote of the source may be large, and the jobs' rows change with every attempt.
CREATE TABLE sources (
    job        INTEGER PRIMARY KEY REFERENCES jobs (number),
    enumerator TEXT NOT NULL
) STRICT;

INSERT INTO sources (job, enumerator) SELECT number, enumerator FROM jobs;
ALTER TABLE jobs DROP COLUMN enumerator;

ALTER TABLE units ADD COLUMN requests     INTEGER NOT NULL DEFAULT 1;  -- to run it; each has max_attempts of its own
ALTER TABLE units ADD COLUMN intent       TEXT CHECK (intent IS NULL OR (status = 'running' AND intent IN ('cancel', 'release')));
ALTER TABLE units ADD COLUMN note         TEXT;                        -- what a person added for the retry
ALTER TABLE units ADD COLUMN resumes      INTEGER;                     -- the attempt whose conversation goes on

CREATE INDEX units_intended ON units (job, number) WHERE intent IS NOT NULL;

-- Units that were started before, for a job that may start no new ones.
CREATE INDEX units_due_again ON units (job, due_at, number) WHERE status = 'pending' AND attempt > 0;

CREATE TABLE attempts_2 (
    unit               INTEGER NOT NULL REFERENCES units (number),
    n                  INTEGER NOT NULL CHECK (n > 0),
    epoch              INTEGER NOT NULL,
    started_at         REAL NOT NULL,
    finished_at        REAL,
    outcome            TEXT CHECK (outcome IN
                       ('succeeded', 'flagged', 'empty', 'failed', 'unrun', 'lost', 'released', 'cancelled')),
    cause              TEXT,
    error              TEXT,
    charged            INTEGER NOT NULL DEFAULT 0 CHECK (charged IN (0, 1)),
    reserved_usd       REAL NOT NULL DEFAULT 0 CHECK (reserved_usd >= 0),   -- the most it may cost
    cost_usd           REAL NOT NULL DEFAULT 0 CHECK (cost_usd >= 0),
    billed             INTEGER NOT NULL DEFAULT 1 CHECK (billed IN (0, 1)),  -- 0: no bill came, cost_usd is what was reserved
    input_tokens       INTEGER NOT NULL DEFAULT 0,
    output_tokens      INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens  INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    turns              INTEGER NOT NULL DEFAULT 0,
    session_id         TEXT,
    resumed_from       INTEGER CHECK (resumed_from < n),                    -- the attempt whose conversation it goes on with
    PRIMARY KEY (unit, n),
    CHECK ((outcome IS NULL) = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;

INSERT INTO attempts_2 (unit, n, epoch, started_at, finished_at, outcome, error, cost_usd, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, turns, session_id, charged)
SELECT unit, n, epoch, started_at, finished_at, outcome, error, cost_usd, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, turns, session_id,
    outcome IN ('succeeded', 'flagged', 'empty', 'failed', 'lost') IS TRUE FROM attempts;

DROP TABLE attempts;
ALTER TABLE attempts_2 RENAME TO attempts;

-- Attempts of one unit never overlap.
CREATE UNIQUE INDEX attempts_open ON attempts (unit) WHERE finished_at IS NULL;

-- Units that were asked for again and are not all back in the queue yet: many are put there a few thousand at a time.
CREATE TABLE retries (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    job       INTEGER NOT NULL REFERENCES jobs (number),
    status    TEXT,
    signature TEXT,
    keys      TEXT,
    note      TEXT,
    resume    INTEGER NOT NULL CHECK (resume IN (0, 1)),
    asked_by  TEXT NOT NULL,
    why       TEXT,
    after     INTEGER NOT NULL DEFAULT 0,   -- the unit that was last looked at
    CHECK ((status IS NOT NULL) + (signature IS NOT NULL) + (keys IS NOT NULL) = 1)
) STRICT;

CREATE INDEX retries_by_job ON retries (job, number);
DROP INDEX jobs_finished;
CREATE INDEX events_of_jobs ON events (job, seq) WHERE unit IS NULL;
CREATE INDEX jobs_deleting  ON jobs (number) WHERE deleting = 1;

CREATE TRIGGER units_wait_only_in_jobs_that_live BEFORE UPDATE OF status ON units
WHEN NEW.status = 'pending' AND OLD.status <> 'pending' AND (SELECT status FROM jobs WHERE number = NEW.job) IN
    ('completed', 'cancelled', 'failed')
BEGIN
    SELECT RAISE(ABORT, 'a unit of a job that has ended does not wait for anything');
END;

-- A job of version 1 knew no budget: it gets one that it has not spent yet.
UPDATE jobs SET options = json_set(options, '$.budget_usd', MAX(5.0, 2.0 * cost_usd));

-- What is known of a limit of the API, for everybody who pays with one credential for one model.
CREATE TABLE limits (
    credential   TEXT NOT NULL,            -- a fingerprint, not the secret
    model        TEXT NOT NULL,
    ceiling      REAL NOT NULL CHECK (ceiling >= 1),  -- agents at a time that went well
    closed_until REAL,                     -- NULL: open
    reason       TEXT,
    PRIMARY KEY (credential, model),
    CHECK ((closed_until IS NULL) = (reason IS NULL))
) STRICT, WITHOUT ROWID;

-- What a person allowed: a program that a job names, or a shell for its agents, by the hash of its exact description.
CREATE TABLE approvals (
    hash        TEXT PRIMARY KEY,
    text        TEXT NOT NULL,
    approved_at REAL NOT NULL,
    approved_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Jobs that go on by themselves.
CREATE INDEX jobs_resuming ON jobs (resume_at) WHERE resume_at IS NOT NULL;
