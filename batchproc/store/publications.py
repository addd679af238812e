"""Files that agents make for the user: whose each place is, what was promised, what is there.

A place belongs to one unit of a job: claimed while its attempt runs, and for good once a file was published there.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from batchproc import outputs
from batchproc.models import Fence, Intent, JobStatus, Promise, PromisedFile, Settlement, UnitStatus
from batchproc.store import attempts, engine, events, rows


class Taken(Exception):
    """The place belongs to another unit of the job, or lies below or above one that does. Says so."""


class Claimed(NamedTuple):
    """A place that is a unit's: its path below the base, the hash of what the unit published there before; and places
    of the job that may be the same one, for a file system that does not tell cases or spellings apart."""

    path: str
    replaces: str | None
    twins: list[str]


OWNERS = """
SELECT p.path, p.unit, p.sha256, u.key FROM json_each(:paths) j JOIN publications p ON p.job = :job AND p.path = j.value
JOIN units u ON u.number = p.unit
"""
BELOW = """
SELECT p.path, u.key FROM publications p JOIN units u ON u.number = p.unit
WHERE p.job = :job AND p.path > :path || '/' AND p.path < :path || '0' LIMIT 1
"""
"""What lies in a folder of that name: `0` is the sign after `/`."""
TWINS = "SELECT path FROM publications WHERE job = :job AND folded = :folded AND path <> :path"
CLAIM = """
INSERT INTO publications (job, path, folded, unit) VALUES (:job, :path, :folded, :unit) ON CONFLICT DO NOTHING
"""
STAGE = "INSERT OR IGNORE INTO stagings (job, job_id, base) SELECT number, job_id, :base FROM jobs WHERE number = :job"


def claim(tx: engine.Tx, job: int, unit: int, base: str, paths: Sequence[str]) -> list[Claimed]:
    """Take the places `paths` below `base` for the unit's attempt, and say with it that files will wait there. Raises
    `Taken`."""
    places = {path: f"{base.rstrip('/')}/{path}" for path in paths}
    tx.execute(attempts.FORGET_CLAIMS, {"unit": unit})
    claimed = []
    for path, place in places.items():
        claimed.append(Claimed(path, _own(tx, job, unit, base, path), _twins(tx, job, place)))
        tx.execute(CLAIM, {"job": job, "path": place, "folded": outputs.fold(place), "unit": unit})
    tx.execute(STAGE, {"job": job, "base": base})
    return claimed


def _own(tx: engine.Tx, job: int, unit: int, base: str, path: str) -> str | None:
    root = base.rstrip("/")
    over = [f"{root}/{folder}" for folder in outputs.folders_of(path)]
    place, own = f"{root}/{path}", None
    for row in tx.execute(OWNERS, {"job": job, "paths": rows.dump([place, *over])}).fetchall():
        if row["path"] != place:
            raise Taken(f"{row['path']} is a file of the unit {row['key']!r}, so it is no folder")
        if row["unit"] != unit:
            raise Taken(f"{place} is a file of the unit {row['key']!r} already; give each unit a name of its own")
        own = row["sha256"]
    if (row := tx.execute(BELOW, {"job": job, "path": place}).fetchone()) is not None:
        raise Taken(f"{place} is a folder already: the unit {row['key']!r} has {row['path']} in it")
    return own


def _twins(tx: engine.Tx, job: int, place: str) -> list[str]:
    found = tx.execute(TWINS, {"job": job, "folded": outputs.fold(place), "path": place})
    return [str(row["path"]) for row in found]


PROMISE = """
INSERT OR REPLACE INTO promises (unit, attempt, base, files, settlement, promised_at)
VALUES (:unit, :attempt, :base, :files, :settlement, :now)
"""


def promise(
    tx: engine.Tx, fence: Fence, base: str, files: Sequence[PromisedFile], end: Settlement, *, now: float
) -> bool:
    """Accept an attempt: from here on its files are put to their places and its unit ends so, whoever does it.

    False, and nothing is promised, if the fence is stale, the job is described anew, or somebody wants it cancelled.
    """
    row = tx.execute(attempts.LICENCE, asdict(fence)).fetchone()
    if row is None or (row["pilot"] and row["trial"] != row["trial_in_force"]):
        return False
    if row["intent"] == Intent.CANCEL or row["job_status"] == JobStatus.CANCELLED:
        return False
    said = {"files": rows.dump([asdict(file) for file in files]), "settlement": rows.dump_settlement(end)}
    tx.execute(PROMISE, {"unit": fence.unit, "attempt": fence.attempt, "base": base, **said, "now": now})
    return True


OF_ATTEMPT = """
SELECT p.*, j.job_id, u.job FROM promises p JOIN units u ON u.number = p.unit JOIN jobs j ON j.number = u.job
WHERE p.unit = :unit AND p.attempt = :attempt
"""


def promised(tx: engine.Tx, fence: Fence) -> Promise | None:
    """What was promised of this attempt and is not done yet."""
    row = tx.execute(OF_ATTEMPT, {"unit": fence.unit, "attempt": fence.attempt}).fetchone()
    return None if row is None else rows.promise(row)


PUBLISH = """
INSERT INTO publications (job, path, folded, unit, attempt, sha256, published_at)
VALUES (:job, :path, :folded, :unit, :attempt, :sha256, :now)
ON CONFLICT (job, path) DO UPDATE SET attempt = excluded.attempt, sha256 = excluded.sha256,
    published_at = excluded.published_at WHERE unit = excluded.unit
"""


def settle(tx: engine.Tx, fence: Fence, end: Settlement, *, now: float) -> bool:
    """End an attempt whose files were promised. If it succeeds, they are at their places and the rows say so."""
    licence = tx.execute(attempts.LICENCE, asdict(fence)).fetchone()
    row = tx.execute(OF_ATTEMPT, {"unit": fence.unit, "attempt": fence.attempt}).fetchone()
    if licence is None or row is None:
        return False
    if end.status is UnitStatus.SUCCEEDED:
        _publish(tx, rows.promise(row), now)
    return attempts.settle(tx, fence, end, now=now)


def rescue(tx: engine.Tx, fence: Fence, end: Settlement, *, epoch: int, now: float) -> bool:
    """The same in the name of the current supervisor, after one that died."""
    return settle(tx, attempts.adopt(tx, fence, epoch=epoch), end, now=now)


def _publish(tx: engine.Tx, promise: Promise, now: float) -> None:
    told: list[dict[str, Any]] = []
    for file in promise.files:
        place = f"{promise.base.rstrip('/')}/{file.path}"
        known = {"job": promise.job, "unit": promise.unit, "attempt": promise.attempt, "now": now}
        tx.execute(PUBLISH, {**known, "path": place, "folded": outputs.fold(place), "sha256": file.sha256})
        told.append({"path": place, "sha256": file.sha256})
    where = {"job": promise.job, "unit": promise.unit, "attempt": promise.attempt}
    events.append(tx, "unit.published", at=now, data={"files": told}, **where)


OF_UNITS = """
SELECT p.unit, p.path FROM json_each(:units) j JOIN publications p ON p.unit = j.value
WHERE p.sha256 IS NOT NULL
"""


def of_units(tx: engine.Tx, units: Sequence[int]) -> dict[int, list[str]]:
    """The files that each of these units has published."""
    found: dict[int, list[str]] = {unit: [] for unit in units}
    for row in tx.execute(OF_UNITS, {"units": rows.dump(list(units))}):
        found[row["unit"]].append(row["path"])
    return {unit: sorted(paths) for unit, paths in found.items()}


STAGINGS = "SELECT job, job_id, base FROM stagings WHERE :job IS NULL OR job = :job"
WORKING = "SELECT number, attempt FROM units WHERE job = :job AND status = 'running'"
FORGET_STAGING = """
DELETE FROM stagings WHERE job = :job AND base = :base
    AND NOT EXISTS (SELECT 1 FROM units WHERE job = :job AND status = 'running')
"""


def stagings(tx: engine.Tx, job: int | None = None) -> list[tuple[int, str, str]]:
    """Where files may wait, of one job or of all: its number, its id, the folder."""
    return [(row["job"], row["job_id"], row["base"]) for row in tx.execute(STAGINGS, {"job": job})]


def working(tx: engine.Tx, job: int) -> set[tuple[int, int]]:
    """Unit and attempt of what runs: it may have files that wait."""
    return {(row["number"], row["attempt"]) for row in tx.execute(WORKING, {"job": job})}


def forget_staging(tx: engine.Tx, job: int, base: str) -> None:
    """Nothing waits there any more, unless something of the job runs again."""
    tx.execute(FORGET_STAGING, {"job": job, "base": base})
