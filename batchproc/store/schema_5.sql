-- The store, version 5: what a person looks for among many units. Added to version 4 (schema_4.sql).

-- Pages of all units in the order of the source, and of those that wait: from an index at any depth.
CREATE INDEX units_in_order ON units (job, number);
CREATE INDEX units_pending  ON units (job, number) WHERE status = 'pending';

-- What it is narrowed by stands in it, too: counted and skipped without the units' rows.
DROP INDEX units_by_status;
CREATE INDEX units_by_status ON units (job, status, number, finished_at) WHERE finished_at IS NOT NULL;

-- The status stands in it, too, so that a group that is narrowed to one is found without its units' rows.
DROP INDEX units_failures;
CREATE INDEX units_failures ON units (job, signature, number, status) WHERE signature IS NOT NULL;

-- A list of jobs is narrowed and counted without their rows, which hold instructions.
CREATE INDEX jobs_listed ON jobs (number, status, job_id, name) WHERE deleting = 0;

-- Full text of what agents said and what went wrong: of a unit that ran to its end, under its number. `job` holds one
-- word, so that a search is narrowed to a job within the index. Kept by the triggers below; units that wait, or were
-- never run, are not in it. What is deleted needs no content (contentless_delete, SQLite 3.43).
CREATE VIRTUAL TABLE said USING fts5 (
    job, key, answer, error, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

-- A part of the index is written anew without what was deleted from it once that is half of it. At the usual tenth, to
-- delete a job writes its index ten times over.
INSERT INTO said (said, rank) VALUES ('deletemerge', 50);

-- What the index holds of each unit. Of a structured answer its values, without the signs of JSON, and what was said
-- beside it.
CREATE VIEW sayings AS
SELECT number, 'job' || job AS job, key,
    SUBSTR(IIF(json_valid(output), COALESCE((SELECT GROUP_CONCAT(atom, ' ') FROM json_tree(output)), '') || ' ' ||
        IIF(text IS NULL OR json_valid(text), '', text), COALESCE(output, text)), 1, 100000) AS answer,
    SUBSTR(error, 1, 10000) AS error
FROM units WHERE status IN ('succeeded', 'flagged', 'failed');

CREATE TRIGGER units_said AFTER UPDATE OF status, text, output, error ON units
WHEN NEW.status IN ('succeeded', 'flagged', 'failed') AND (OLD.status NOT IN ('succeeded', 'flagged', 'failed')
    OR OLD.text IS NOT NEW.text OR OLD.output IS NOT NEW.output OR OLD.error IS NOT NEW.error)
BEGIN
    INSERT OR REPLACE INTO said (rowid, job, key, answer, error)
    SELECT number, job, key, answer, error FROM sayings WHERE number = NEW.number;
END;

CREATE TRIGGER units_said_no_more AFTER UPDATE OF status ON units
WHEN OLD.status IN ('succeeded', 'flagged', 'failed') AND NEW.status NOT IN ('succeeded', 'flagged', 'failed')
BEGIN
    DELETE FROM said WHERE rowid = OLD.number;
END;

CREATE TRIGGER units_deleted AFTER DELETE ON units WHEN OLD.status IN ('succeeded', 'flagged', 'failed')
BEGIN
    DELETE FROM said WHERE rowid = OLD.number;
END;

-- Units of an older store are taken into the index later, a few thousand at a time: those up to `upto` are not yet.
CREATE TABLE unsaid (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    upto INTEGER NOT NULL CHECK (upto >= 0)
) STRICT;

INSERT INTO unsaid (one, upto) SELECT 1, COALESCE(MAX(number), 0) FROM units;

-- What ended in each minute, for charts: kept by the trigger below when an attempt ends. `other` did not count. A face of
-- an older batchproc that has the store open still deletes jobs, and knows nothing of it.
CREATE TABLE job_minutes (
    job         INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    minute      INTEGER NOT NULL,           -- since 1970
    succeeded   INTEGER NOT NULL,
    flagged     INTEGER NOT NULL,           -- with what was empty
    failed      INTEGER NOT NULL,
    other       INTEGER NOT NULL,
    cost_usd    REAL NOT NULL,
    tokens      INTEGER NOT NULL,
    cache_read  INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    PRIMARY KEY (job, minute)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_minutes_in_order ON job_minutes (minute);

CREATE VIEW ended_attempts AS
SELECT a.unit, a.n, u.job, CAST(a.finished_at / 60 AS INTEGER) AS minute, a.outcome = 'succeeded' AS succeeded,
    a.outcome IN ('flagged', 'empty') AS flagged, a.outcome = 'failed' AS failed,
    a.outcome NOT IN ('succeeded', 'flagged', 'empty', 'failed') AS other, a.cost_usd,
    a.input_tokens + a.output_tokens + a.cache_read_tokens + a.cache_write_tokens AS tokens,
    a.cache_read_tokens AS cache_read, a.cache_write_tokens AS cache_write
FROM attempts a JOIN units u ON u.number = a.unit WHERE a.outcome IS NOT NULL;

INSERT INTO job_minutes (job, minute, succeeded, flagged, failed, other, cost_usd, tokens, cache_read, cache_write)
SELECT job, minute, SUM(succeeded), SUM(flagged), SUM(failed), SUM(other), SUM(cost_usd), SUM(tokens), SUM(cache_read),
    SUM(cache_write) FROM ended_attempts GROUP BY job, minute;

CREATE TRIGGER attempts_counted AFTER UPDATE OF outcome ON attempts WHEN OLD.outcome IS NULL AND NEW.outcome IS NOT NULL
BEGIN
    INSERT INTO job_minutes (job, minute, succeeded, flagged, failed, other, cost_usd, tokens, cache_read, cache_write)
    SELECT job, minute, succeeded, flagged, failed, other, cost_usd, tokens, cache_read, cache_write
    FROM ended_attempts WHERE unit = NEW.unit AND n = NEW.n
    ON CONFLICT (job, minute) DO UPDATE SET succeeded = succeeded + excluded.succeeded,
        flagged = flagged + excluded.flagged, failed = failed + excluded.failed, other = other + excluded.other,
        cost_usd = cost_usd + excluded.cost_usd, tokens = tokens + excluded.tokens,
        cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write;
END;

-- Log lines, newest first, by what people narrow them by. What agents say of themselves is most of them, and `debug`.
CREATE INDEX logs_plain        ON logs (number) WHERE level <> 'debug';
CREATE INDEX logs_plain_by_job ON logs (job, number) WHERE level <> 'debug' AND job IS NOT NULL;
CREATE INDEX logs_by_unit      ON logs (unit, number) WHERE unit IS NOT NULL;
CREATE INDEX logs_of_house     ON logs (source, number) WHERE source <> 'agent';
CREATE INDEX logs_by_time      ON logs (at);

-- What a person did not allow: it is not shown as waiting until it is asked for again.
CREATE TABLE refusals (
    hash       TEXT PRIMARY KEY,
    refused_at REAL NOT NULL,
    refused_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
