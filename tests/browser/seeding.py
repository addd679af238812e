"""Stores as they are after much work, made in seconds: through the store's own verbs, or in their place by statements
that go through its triggers, so that counters, failure groups and indexes are those of real work."""

import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from batchproc.models import Credential, Hold, Job, JobSpec, Order, Pause, Report, Settlement, Tokens, UnitStatus
from batchproc.store import (
    attempts,
    bills,
    claims,
    db,
    engine,
    events,
    jobs,
    logs,
    pilots,
    processes,
    readings,
    rows,
    units,
)
from tests.browser import words as usual
from tests.conftest import OPTIONS

CHUNK = 10_000
EVERY_S = 0.5
"""Seconds between the ends of two units, back from now."""
SCHEMA = {
    "type": "object",
    "properties": {
        "category": {"enum": list(usual.CATEGORIES)},
        "urgency": {"type": "integer", "minimum": 1, "maximum": 5},
        "refund": {"type": "boolean"},
        "summary": {"type": "string"},
    },
    "required": ["category", "urgency", "refund", "summary"],
}
INSTRUCTIONS = """\
Read the ticket of {{ customer }} about “{{ subject }}”. Say which category it belongs to, how urgent it is from 1 to 5,
and whether a refund is due. Summarise it in one sentence that a colleague can act on."""


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A job to be made. `state`: ready, review, running, paused or completed. The first `units - pending - running` of
    its units have ended, as `mix` says of each by its place from 1; the first `told` have a conversation. `words` says
    what stands in them: the module `words`, or something of its shape. `changed`: in review, the instructions of a
    second round."""

    name: str = "Support tickets: triage"
    units: int = 5
    state: str = "completed"
    running: int = 0
    pending: int = 0
    told: int = 50
    model: str = "haiku"
    structured: bool = True
    changed: str = ""
    mix: Callable[[int], str] = usual.usual_end
    words: usual.Words = field(default_factory=lambda: cast("usual.Words", usual))


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One unit as its row is to be."""

    number: int
    place: int
    status: str
    at: float


async def fill(store: db.Database, seed: Seed, *, now: float) -> Job:
    """Make the job of `seed` in `store`; returns it as it is then."""
    job = await _published(store, seed, now)
    if seed.state == "ready":
        return job
    if seed.state == "review":
        return await store.write(_review, job, seed, now)
    return await store.write(_run, job, seed, now)


async def _published(store: db.Database, seed: Seed, now: float) -> Job:
    source = {"type": "csv", "file_path": "/data/tickets.csv", "id_column": "id"}
    spec = JobSpec(name=seed.name, instructions=INSTRUCTIONS, enumerator=source)
    schema = SCHEMA if seed.structured else None
    options = replace(OPTIONS, model=seed.model, output_schema=schema, budget_usd=max(5.0, seed.units * 0.004))
    began = now - seed.units * EVERY_S - 60
    job, _ = await store.write(jobs.create, spec, options, reader="test", now=began)
    for first in range(1, seed.units + 1, CHUNK):
        places = range(first, min(first + CHUNK, seed.units + 1))
        chunk = json.dumps([(seed.words.key(place), seed.words.ticket(place), place) for place in places])
        await store.write(units.add_many, job.number, jobs.FIRST_READING, chunk)
    return await store.write(readings.publish, job.number, jobs.FIRST_READING, now=began + 1)


def _review(tx: engine.Tx, job: Job, seed: Seed, now: float) -> Job:
    """The pilot ran: two went well and one did not."""
    epoch = processes.take_over(tx, process="seed", guard="full", now=now)
    chosen = [one.number for one in pilots.candidates(tx, job.number, most=3)]
    job = _round(tx, job, job.instructions, chosen, epoch, seed, now - 90)
    return _round(tx, job, seed.changed, (), epoch, seed, now - 40) if seed.changed else job


def _round(tx: engine.Tx, job: Job, said: str, units: Sequence[int], epoch: int, seed: Seed, began: float) -> Job:
    tried = pilots.Description(instructions=said, options=job.options)
    order = Order(by="cli")
    assert pilots.begin(tx, job, [tried], units=units, credential=Credential.REHEARSAL, order=order, now=began)
    for n, one in enumerate(claims.claim(tx, job.number, epoch=epoch, limit=3, now=began + 10).units):
        _converse(tx, job.number, one.fence.unit, n + 1, seed, began + 11)
        end = "flagged" if n == 2 else "succeeded"
        assert attempts.settle(tx, one.fence, _settlement(one.fence.unit, end, seed), now=began + 20 + n)
    bills.add_time(tx, job.number, 20.0)
    return jobs.by_number(tx, job.number)


def _settlement(place: int, end: str, seed: Seed) -> Settlement:
    row = _end(place, end, seed)
    report = Report(ended="result", cost_usd=row["cost_usd"], tokens=Tokens(input=900, output=60), turns=2, api_calls=2)
    told = {name: row[name] for name in ("text", "error", "signature")}
    output = seed.words.answer(place) if seed.structured and end in {"succeeded", "flagged"} else None
    return Settlement(status=UnitStatus(end), outcome=end, report=report, output=output, **told)


END = """
UPDATE units SET status = :status, attempt = :attempt, charged = :attempt, epoch = :epoch, text = :text,
    output = :output, error = :error, signature = :signature, cost_usd = :cost_usd, tokens = :tokens,
    started_at = :started_at, finished_at = :finished_at
WHERE number = :number
"""
ATTEMPT = """
INSERT INTO attempts (unit, n, epoch, started_at, finished_at, outcome, cause, error, charged, cost_usd, input_tokens,
    output_tokens, cache_read_tokens, cache_write_tokens, turns, session_id, trial)
VALUES (:number, :n, :epoch, :started_at, :finished_at, :outcome, NULL, :error, 1, :cost_usd, :input, 60, :cache_read,
    :cache_write, 2, :session_id, 0)
"""
MINUTES = """
INSERT INTO job_minutes (job, minute, succeeded, flagged, failed, other, cost_usd, tokens, cache_read, cache_write)
SELECT job, minute, SUM(succeeded), SUM(flagged), SUM(failed), SUM(other), SUM(cost_usd), SUM(tokens), SUM(cache_read),
    SUM(cache_write) FROM ended_attempts WHERE job = :job GROUP BY minute
"""
EVENT = "INSERT INTO events (at, kind, job, unit, attempt, data) VALUES (?, ?, ?, ?, ?, ?)"
NUMBERS = "SELECT number FROM units WHERE job = :job ORDER BY number"
BEGAN = "UPDATE jobs SET begun = :begun, active_s = :active_s WHERE number = :job"


def _run(tx: engine.Tx, job: Job, seed: Seed, now: float) -> Job:
    """Everything that happened to it so far, at once."""
    epoch = processes.take_over(tx, process="seed", guard="full", now=now - seed.units * EVERY_S)
    began = now - seed.units * EVERY_S
    assert jobs.start(tx, job.number, credential=Credential.REHEARSAL, now=began)
    numbers = [row["number"] for row in tx.execute(NUMBERS, {"job": job.number})]
    begun = len(numbers) - seed.pending
    placed = [_unit(number, place, begun, seed, now) for place, number in enumerate(numbers[:begun], 1)]
    done = [_end(one.place, one.status, seed) | _times(one, epoch) for one in placed]
    tx.executemany(END, done)
    tx.executemany(ATTEMPT, [part for row in done for part in _attempts(row)])
    tx.execute(MINUTES, {"job": job.number})
    _tell(tx, job.number, placed, seed)
    spent = {"cost_usd": sum(row["cost_usd"] for row in done), "tokens": sum(row["tokens"] for row in done)}
    bills.add(tx, job.number, **spent, cache_read=700 * begun, cache_write=90 * begun, largest_request=1_400)
    tx.execute(BEGAN, {"job": job.number, "begun": begun, "active_s": seed.units * EVERY_S})
    _log(tx, job.number, placed, seed, now)
    if seed.state == "paused":
        detail = "the account's limit is reached; it goes on by itself"
        assert jobs.pause(tx, job.number, Hold(reason=Pause.QUOTA, detail=detail, resume_at=now + 3600), now=now)
    jobs.complete_if_drained(tx, job.number, now=now)
    found = jobs.by_number(tx, job.number)
    assert found.status == seed.state, f"asked for {seed.state}, it is {found.status}"
    return found


def _unit(number: int, place: int, begun: int, seed: Seed, now: float) -> Unit:
    is_running = place > begun - seed.running
    status = "running" if is_running else seed.mix(place)
    return Unit(number=number, place=place, status=status, at=now - (begun - place) * EVERY_S - 1)


def _end(place: int, status: str, seed: Seed) -> dict[str, Any]:
    """What a unit came to, by its place alone."""
    error, signature = seed.words.failure(place) if status == "failed" else (None, None)
    if status == "flagged":
        error, signature = seed.words.flag(place)
    said = status in {"succeeded", "flagged"}
    output = seed.words.answer(place) if seed.structured and said else None
    is_charged = status != "cancelled"
    is_billed = is_charged and status != "running"
    return {
        "place": place,
        "status": status,
        "attempt": (3 if status == "failed" else 1 + (place % 29 == 0)) if is_charged else 0,
        "text": (json.dumps(output) if output else seed.words.prose(place)) if said else None,
        "output": None if output is None else rows.dump(output),
        "error": error,
        "signature": signature,
        "cost_usd": round(0.0008 + random.Random(place).random() * 0.0016, 6) if is_billed else 0.0,
        "tokens": 1_750 if is_billed else 0,
    }


def _times(one: Unit, epoch: int) -> dict[str, Any]:
    is_running = one.status == "running"
    return {
        "number": one.number,
        "epoch": epoch if is_running else None,
        "ran_as": epoch,
        "started_at": one.at - 4 - one.place % 7,
        "finished_at": None if is_running else one.at,
    }


def _attempts(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The last one as the unit's row says, and those before it that failed."""
    for n in range(1, row["attempt"] + 1):
        is_last = n == row["attempt"]
        is_open = is_last and row["status"] == "running"
        before = 30 * (row["attempt"] - n)
        yield {
            "number": row["number"],
            "n": n,
            "epoch": row["ran_as"],
            "started_at": row["started_at"] - before,
            "finished_at": None if is_open else (row["finished_at"] or row["started_at"]) - before,
            "outcome": None if is_open else row["status"] if is_last else "failed",
            "error": row["error"] if is_last else "API Error: 529 overloaded_error: Overloaded",
            "cost_usd": 0.0 if is_open else row["cost_usd"] / row["attempt"],
            "input": 900,
            "cache_read": 700,
            "cache_write": 90,
            "session_id": str(uuid.UUID(int=row["number"] << 8 | n)),
        }


def _tell(tx: engine.Tx, job: int, placed: list[Unit], seed: Seed) -> None:
    """What happened to each, in the order of time; of a few also what their agents said."""
    for one in placed:
        if one.place <= seed.told or one.status == "running":
            _converse(tx, job, one.number, one.place, seed, one.at - 3)
        elif one.status != "running":
            kind = f"unit.{one.status}"
            tx.execute(EVENT, (one.at, kind, job, one.number, 1, rows.dump({"outcome": one.status})))


def _converse(tx: engine.Tx, job: int, unit: int, place: int, seed: Seed, at: float) -> None:
    for step, (kind, data) in enumerate(seed.words.conversation(place)):
        events.append(tx, kind, at=at + step / 10, job=job, unit=unit, attempt=1, data=data)


def _log(tx: engine.Tx, job: int, placed: list[Unit], seed: Seed, now: float) -> None:
    logs.append(tx, "supervisor of epoch 1 began; 8 slots, guard full", at=now - 3600, source="supervisor")
    for n, (level, text) in enumerate(seed.words.log_lines()):
        unit = placed[n % len(placed)].number if placed and level != "info" else None
        source = "agent" if unit else "supervisor"
        logs.append(tx, text, at=now - 600 + n, source=source, level=level, job=job, unit=unit)


async def home_with(home: Path, *seeds: Seed, now: float) -> list[Job]:
    """A store of its own with these jobs."""
    async with db.Database(home) as store:
        return [await fill(store, seed, now=now) for seed in seeds]
