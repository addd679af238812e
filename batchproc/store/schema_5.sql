-- The store, version 5: what a person looks for among many units. Added to version 4 (schema_4.sql).

-- Pages of all units in the order of the source, and of those that wait: from an index at any depth.
CREATE INDEX units_in_order ON units (job, number);
CREATE INDEX units_pending  ON units (job, number) WHERE status = 'pending';

-- The status stands in it, too, so that a group that is narrowed to one is found without its units' rows.
DROP INDEX units_failures;
CREATE INDEX units_failures ON units (job, signature, number, status) WHERE signature IS NOT NULL;

-- A list of jobs is narrowed and counted without their rows, which hold instructions.
CREATE INDEX jobs_listed ON jobs (number, status, job_id, name) WHERE deleting = 0;
