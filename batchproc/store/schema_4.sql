-- The store, version 4: what an answer was given for, verdicts on it, sources read anew, files that agents publish.
-- Added to version 3 (schema_3.sql).

-- What an answer was given for. A unit whose fingerprint under the job's description is still this one is not run again.
ALTER TABLE units ADD COLUMN input          TEXT;  -- digest of its key, payload and file when its answer was given
ALTER TABLE units ADD COLUMN fingerprint    TEXT;  -- digest of that, its prompt, and the options that an answer hangs on
ALTER TABLE units ADD COLUMN source_version INTEGER NOT NULL DEFAULT 1;  -- the reading that its payload came in with
ALTER TABLE units ADD COLUMN gone           INTEGER;  -- the reading that did not find it any more; its answer stays
ALTER TABLE units ADD COLUMN same           TEXT;  -- digest of what identical units have in common; NULL: not asked for
ALTER TABLE units ADD COLUMN shared_from    INTEGER REFERENCES units (number);  -- the identical unit whose answer it has

CREATE INDEX units_same        ON units (job, same, status) WHERE same IS NOT NULL;
CREATE INDEX units_gone        ON units (job, number) WHERE gone IS NOT NULL;
CREATE INDEX units_shared_from ON units (shared_from) WHERE shared_from IS NOT NULL;

ALTER TABLE trial_results ADD COLUMN input       TEXT;
ALTER TABLE trial_results ADD COLUMN fingerprint TEXT;

ALTER TABLE jobs ADD COLUMN source_version INTEGER NOT NULL DEFAULT 1;  -- how often its source was read in
ALTER TABLE jobs ADD COLUMN approved_trial INTEGER;  -- before it was changed: the description that its answers are from

-- Answers that gave way to a run under another description, or of a payload that changed.
CREATE TABLE earlier_answers (
    number         INTEGER PRIMARY KEY,
    unit           INTEGER NOT NULL REFERENCES units (number),
    attempt        INTEGER NOT NULL,        -- the unit's last start then
    source_version INTEGER NOT NULL,
    payload        TEXT,                    -- NULL: as it is now
    status         TEXT NOT NULL CHECK (status IN ('succeeded', 'flagged', 'failed', 'skipped', 'cancelled')),
    text           TEXT,
    output         TEXT,
    error          TEXT,
    fingerprint    TEXT,
    why            TEXT NOT NULL CHECK (why IN ('description', 'source')),
    replaced_at    REAL NOT NULL
) STRICT;

CREATE INDEX earlier_answers_by_unit ON earlier_answers (unit, number);

-- What a person made of an answer: the newest verdict of each unit. Those before it are events (`unit.judged`).
-- It holds as long as the unit has the very answer that was judged, to the very question; in the gold set it is for ever.
CREATE TABLE verdicts (
    unit       INTEGER PRIMARY KEY REFERENCES units (number),
    job        INTEGER NOT NULL REFERENCES jobs (number),
    verdict    TEXT NOT NULL CHECK (verdict IN ('accept', 'reject', 'correct')),
    correction TEXT,                        -- JSON: an object where there is a schema, else a string
    note       TEXT,
    judged_by  TEXT NOT NULL,
    judged_at  REAL NOT NULL,
    status     TEXT NOT NULL,               -- the answer that was judged
    text       TEXT,
    output     TEXT,
    fingerprint TEXT,                       -- of what it was an answer to
    CHECK ((verdict = 'correct') = (correction IS NOT NULL))
) STRICT;

CREATE INDEX verdicts_by_job ON verdicts (job, unit);

-- The units that were drawn for a person to look at.
CREATE TABLE draws (
    job        INTEGER PRIMARY KEY REFERENCES jobs (number),
    seed       TEXT NOT NULL,               -- with it every answer has its place in a random order
    n          INTEGER NOT NULL CHECK (n > 0),            -- asked for, at most so far
    population INTEGER NOT NULL CHECK (population >= 0),  -- answers that there were to draw from
    trial      INTEGER NOT NULL,            -- the description that they were from
    mark       TEXT NOT NULL,               -- how the job stood: another one says that answers came or went since
    drawn_at   REAL NOT NULL
) STRICT;

CREATE TABLE drawn_units (
    job     INTEGER NOT NULL REFERENCES draws (job),
    kind    TEXT NOT NULL CHECK (kind IN ('random', 'risk')),
    place   INTEGER NOT NULL CHECK (place > 0),
    unit    INTEGER NOT NULL REFERENCES units (number),
    attempt INTEGER NOT NULL,               -- whose answer it is; a unit that was run again since is not the one drawn
    why     TEXT,                           -- what made it risky
    PRIMARY KEY (job, kind, place),
    UNIQUE (job, kind, unit),
    CHECK ((kind = 'risk') = (why IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- A source that is read once more, beside the units that there are: the newest reading of each job, and what it found.
-- The job itself is as it was until that is applied.
CREATE TABLE source_updates (
    job        INTEGER PRIMARY KEY REFERENCES jobs (number),
    reading    INTEGER NOT NULL DEFAULT 1,  -- fencing token; each reading takes the next
    reader     TEXT,                        -- identity of the process that reads; NULL: handed over
    state      TEXT NOT NULL CHECK (state IN ('reading', 'ready', 'failed', 'applied')),
    reason     TEXT,
    units_read INTEGER NOT NULL DEFAULT 0,
    seen       INTEGER NOT NULL,            -- the job's last event when the reading began; what came later makes it void
    plan       TEXT,                        -- JSON: the counts, examples of keys, warnings
    shown      INTEGER NOT NULL DEFAULT 0 CHECK (shown IN (0, 1)),  -- only what somebody was shown is applied
    asked_by   TEXT NOT NULL,
    asked_at   REAL NOT NULL,
    ended_at   REAL,
    CHECK ((state = 'failed') = (reason IS NOT NULL)),
    CHECK ((state IN ('ready', 'applied')) = (plan IS NOT NULL)),
    CHECK ((state = 'reading') = (ended_at IS NULL)),
    CHECK (state = 'reading' OR reader IS NULL)
) STRICT;

CREATE INDEX source_updates_reading ON source_updates (job) WHERE state = 'reading';

CREATE TABLE update_items (
    job     INTEGER NOT NULL REFERENCES jobs (number),
    key     TEXT NOT NULL,
    row     INTEGER NOT NULL,
    unit    INTEGER,                        -- the one that has this key
    kind    TEXT,                           -- what it is beside that: see `update_items`; NULL: the same, with its answer
    touched INTEGER NOT NULL,               -- 1: the unit's row is to be written
    payload TEXT,                           -- NULL: the unit has it
    same    TEXT,                           -- as in `units`
    PRIMARY KEY (job, key),
    CHECK ((unit IS NULL) = (kind IS 'new')),
    CHECK (touched OR kind IS NULL OR kind IN ('waiting', 'unanswered'))
) STRICT, WITHOUT ROWID;

CREATE INDEX update_items_by_kind ON update_items (job, kind, touched, row) WHERE kind IS NOT NULL;

-- Files that agents make for the user. Whose each place is: claimed for an attempt that runs, or published by it.
CREATE TABLE publications (
    job          INTEGER NOT NULL REFERENCES jobs (number),
    path         TEXT NOT NULL,             -- its place, absolute
    folded       TEXT NOT NULL,             -- alike for places that some file systems take for one
    unit         INTEGER NOT NULL REFERENCES units (number),
    attempt      INTEGER,                   -- whose file is there
    sha256       TEXT,                      -- of what was put there; NULL: claimed, nothing is there yet
    published_at REAL,
    PRIMARY KEY (job, path),
    CHECK ((sha256 IS NULL) = (attempt IS NULL)),
    CHECK ((sha256 IS NULL) = (published_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX publications_by_unit ON publications (unit);
CREATE INDEX publications_folded  ON publications (job, folded);

-- An accepted attempt whose files are being moved to their places: everything that its unit still needs to end, without
-- the agent. Written before the first file is moved, gone with the end of the unit. It is kept, whoever dies meanwhile.
CREATE TABLE promises (
    unit        INTEGER PRIMARY KEY REFERENCES units (number),
    attempt     INTEGER NOT NULL,
    base        TEXT NOT NULL,              -- the folder that the files are put into
    files       TEXT NOT NULL,              -- JSON: for each its path, where it waits, its hash, what it may replace
    settlement  TEXT NOT NULL,              -- JSON: what becomes of the unit
    promised_at REAL NOT NULL
) STRICT;

-- Folders in which a job keeps files that wait. No job's: what a job that was deleted left there is removed all the same.
CREATE TABLE stagings (
    job    INTEGER NOT NULL,
    job_id TEXT NOT NULL,
    base   TEXT NOT NULL,
    PRIMARY KEY (job, base)
) STRICT, WITHOUT ROWID;

-- Units may also be asked for again because the job's description is another one than their answers are from.
CREATE TABLE retries_4 (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    job       INTEGER NOT NULL REFERENCES jobs (number),
    status    TEXT,
    signature TEXT,
    keys      TEXT,
    stale     INTEGER NOT NULL DEFAULT 0 CHECK (stale IN (0, 1)),
    note      TEXT,
    resume    INTEGER NOT NULL CHECK (resume IN (0, 1)),
    asked_by  TEXT NOT NULL,
    why       TEXT,
    after     INTEGER NOT NULL DEFAULT 0,   -- the unit that was last looked at
    CHECK ((status IS NOT NULL) + (signature IS NOT NULL) + (keys IS NOT NULL) + stale = 1)
) STRICT;

INSERT INTO retries_4 (number, job, status, signature, keys, note, resume, asked_by, why, after)
SELECT number, job, status, signature, keys, note, resume, asked_by, why, after FROM retries;

DROP TABLE retries;
ALTER TABLE retries_4 RENAME TO retries;
CREATE INDEX retries_by_job ON retries (job, number);
