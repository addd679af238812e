"""How the house itself is → answers. Pure; worded once, for every face."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from batchproc import answers, present
from batchproc import present_words as words
from batchproc.store import totals

Hello = Mapping[str, Any] | None
"""What the supervisor says of itself; None if none answers."""
NEARLY = 4
"""A disk is nearly full with so many times of what makes jobs pause."""
SILENT = "it holds the store's lock but does not answer; supervisor.log in {home} says what it does"


def workers(
    hello: Hello, pulse: totals.Pulse, busy: Sequence[totals.Busy], *, alive: bool, home: object, now: float
) -> answers.Workers:
    known: Mapping[str, Any] = hello or {}
    since = datetime.fromisoformat(known["since"]) if known else None
    return answers.Workers(
        alive=alive,
        mode=known.get("mode", "inline"),
        pid=known.get("pid"),
        epoch=known.get("epoch"),
        since=words.stamp(since) if since else None,
        uptime_s=round(max(0.0, now - since.timestamp()), 1) if since else None,
        guard=known.get("guard"),
        slots=known.get("slots"),
        agents=known.get("agents", 0),
        jobs=known.get("jobs", 0),
        trouble=known.get("trouble") or (SILENT.format(home=home) if alive and hello is None else None),
        last_event=pulse.last.seq if pulse.last else 0,
        last_event_at=words.stamp(pulse.last.at) if pulse.last else None,
        last_event_kind=pulse.last.kind if pulse.last else None,
        busy=[_busy(one) for one in busy],
    )


def _busy(one: totals.Busy) -> answers.Busy:
    return answers.Busy(
        job_id=one.job_id,
        job=one.job,
        key=one.key,
        attempt=one.attempt,
        since=words.stamp(one.since),
        last_event=present.newest(one.last_event),
    )


def stats(job_id: str | None, found: totals.Totals, *, span_s: int, bytes_beside: int) -> answers.Stats:
    """`bytes_beside`: of what is not in the database's own file yet."""
    return answers.Stats(
        job_id=job_id,
        jobs=dict(found.jobs),
        units=dict(found.units),
        cost_usd=round(found.cost_usd, 6),
        wasted_usd=round(found.wasted_usd, 6),
        tokens=found.tokens,
        database_bytes=found.database_bytes + bytes_beside,
        span_s=span_s,
        series=[_point(one) for one in found.series],
    )


def _point(one: totals.Span) -> answers.Point:
    return answers.Point(
        at=words.stamp(one.at),
        succeeded=one.succeeded,
        flagged=one.flagged,
        failed=one.failed,
        other=one.other,
        cost_usd=round(one.cost_usd, 6),
        tokens=one.tokens,
        cache_read_tokens=one.cache_read,
        cache_write_tokens=one.cache_write,
    )


# Health.


def store(home: object, error: str | None, pulse: totals.Pulse | None) -> answers.Part:
    """`error`: why it cannot be read."""
    if error is not None or pulse is None:
        way_out = f"see that {home} is there, is yours, and is on a disk that works; then `batchproc doctor`"
        return answers.Part(ok=False, stops_jobs=True, found=error or "it was not read", way_out=way_out)
    return answers.Part(ok=True, stops_jobs=False, found=f"{home}, up to event {pulse.last.seq if pulse.last else 0}")


def supervisor(hello: Hello, *, alive: bool, needed: bool, home: object) -> answers.Part:
    """`needed`: there is something for it to do."""
    if alive and hello is None:
        way_out = "end it with `batchproc supervisor stop --now`; units that run go back to the queue"
        return answers.Part(ok=False, stops_jobs=True, found=SILENT.format(home=home), way_out=way_out)
    if hello is not None and hello.get("trouble"):
        way_out = "mend that; it looks again every second"
        return answers.Part(ok=False, stops_jobs=True, found=str(hello["trouble"]), way_out=way_out)
    if hello is not None:
        agents = f"{hello['agents']} agent{'' if hello['agents'] == 1 else 's'}"
        return answers.Part(ok=True, stops_jobs=False, found=f"pid {hello['pid']}, epoch {hello['epoch']}, {agents}")
    if needed:
        found, way_out = "none is alive, and there is work", "`batchproc list`, or any tool, starts it"
        return answers.Part(ok=False, stops_jobs=True, found=found, way_out=way_out)
    return answers.Part(ok=True, stops_jobs=False, found="asleep: there is nothing to do")


def guard(level: str | None) -> answers.Part:
    if level == "partial":
        found = "partial: an agent's children may outlive a killed supervisor until the next one starts"
        way_out = "on Linux allow user namespaces and install util-linux or bubblewrap; see `batchproc doctor`"
        return answers.Part(ok=False, stops_jobs=False, found=found, way_out=way_out)
    return answers.Part(ok=True, stops_jobs=False, found=level or "not known before the first supervisor")


def disk(free_mb: float | None, reserve_mb: float, home: object) -> answers.Part:
    """`reserve_mb`: with less, jobs pause."""
    if free_mb is None:
        return answers.Part(
            ok=False, stops_jobs=True, found=f"{home} cannot be looked at", way_out="see that it exists"
        )
    found = f"{free_mb:,.0f} MB are left on the disk of {home}"
    if free_mb >= NEARLY * reserve_mb:
        return answers.Part(ok=True, stops_jobs=False, found=found)
    stops = free_mb < reserve_mb
    found += "; jobs pause" if stops else f"; jobs pause under {reserve_mb:,.0f} MB"
    return answers.Part(ok=False, stops_jobs=stops, found=found, way_out="free some space: jobs go on by themselves")


def health(
    version: str, parts: Mapping[str, answers.Part], pulse: totals.Pulse | None, *, alive: bool
) -> answers.Health:
    wrong = [part for part in parts.values() if not part.ok]
    return answers.Health(
        status="down" if any(part.stops_jobs for part in wrong) else "degraded" if wrong else "ok",
        version=version,
        parts=dict(parts),
        epoch=pulse.epoch if pulse else None,
        lock="held" if alive else "free",
        queue={} if pulse is None else {"pending": pulse.pending, "due": pulse.due, "running": pulse.running},
        active_jobs=pulse.active_jobs if pulse else 0,
    )


def ready(known: answers.Health) -> answers.Ready:
    """Whether jobs that are started now would run. A supervisor that sleeps is woken for them."""
    reasons = [f"{name}: {part.found}" for name, part in known.parts.items() if not part.ok and part.stops_jobs]
    return answers.Ready(ready=not reasons, reasons=reasons)
