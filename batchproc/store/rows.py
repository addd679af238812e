"""Rows to nouns and back: the only place where columns meet dataclasses."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from batchproc.models import (
    AgentOptions,
    Attempt,
    Cause,
    Credential,
    EarlierAnswer,
    Event,
    Hold,
    Intent,
    Job,
    JobStatus,
    Pause,
    Profile,
    Promise,
    PromisedFile,
    Report,
    Settlement,
    Tokens,
    Unit,
    UnitStatus,
    Workspace,
)
from batchproc.store import engine


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def certain(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def dump(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # what JSON can spell and orjson cannot: a lone surrogate, an integer over 64 bits
        return orjson.dumps(clean(value)).decode()


def clean(value: Any) -> Any:
    """The value with every lone surrogate in its texts replaced by U+FFFD, and integers over 64 bits as text: what
    agents say may hold such."""
    match value:
        case int() if not -(2**63) <= value < 2**64:
            return str(value)
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case Mapping():
            return {clean(key): clean(one) for key, one in value.items()}
        case list() | tuple():
            return [clean(one) for one in value]
        case _:
            return value


def like(text: str | None) -> str | None:
    """The pattern of what contains the text, whatever signs are in it."""
    if text is None:
        return None
    escaped = "".join(f"\\{sign}" if sign in "\\%_" else sign for sign in clean(text))
    return f"%{escaped}%"


def load(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def dump_options(options: AgentOptions) -> str:
    return dump(asdict(options))


@lru_cache(maxsize=256)
def load_options(text: str) -> AgentOptions:
    """The options of a job; what an older batchproc did not know has its default. Kept: each claim reads them."""
    given = load(text)
    profile = Profile(given["profile"])
    writes = profile in {Profile.EDIT, Profile.FULL} and given["working_directory"]
    workspace = given.get("workspace") or (Workspace.SHARED if writes else Workspace.SCRATCH)  # as it was before
    return AgentOptions(**{**given, "profile": profile, "workspace": Workspace(workspace)})


AS_THEY_STAND = (
    *("number", "job_id", "name", "instructions", "source", "reason", "detail", "priority", "total_units"),
    *("units_read", "cost_usd", "tokens", "wasted_usd", "saved_usd", "begun", "largest_request", "measured"),
    *("active_s", "cache_read", "cache_write", "round", "trial", "approved_trial", "source_version", "starts"),
)
"""The columns of a job that are its fields."""


def job(row: engine.Row) -> Job:
    return Job(
        **{name: row[name] for name in AS_THEY_STAND},
        options=load_options(row["options"]),
        status=JobStatus(row["status"]),
        resume_at=moment(row["resume_at"]),
        credential=Credential(row["credential"]) if row["credential"] else None,
        approved_at=moment(row["approved_at"]),
        quote=load(row["quote"]),
        created_at=certain(row["created_at"]),
        started_at=moment(row["started_at"]),
        resumed_at=moment(row["resumed_at"]),
        finished_at=moment(row["finished_at"]),
    )


def unit(row: engine.Row) -> Unit:
    return Unit(
        number=row["number"],
        key=row["key"],
        payload=load(row["payload"]),
        row=row["row"],
        status=UnitStatus(row["status"]),
        attempt=row["attempt"],
        charged=row["charged"],
        requests=row["requests"],
        note=row["note"],
        intent=Intent(row["intent"]) if row["intent"] else None,
        due_at=moment(row["due_at"]) if row["due_at"] else None,
        reason=row["reason"],
        text=row["text"],
        output=load(row["output"]),
        error=row["error"],
        cost_usd=row["cost_usd"],
        tokens=row["tokens"],
        started_at=moment(row["started_at"]),
        finished_at=moment(row["finished_at"]),
        source_version=row["source_version"],
        gone=row["gone"],
        shared_from=row["shared_from"],
    )


def earlier_answer(row: engine.Row) -> EarlierAnswer:
    return EarlierAnswer(
        at=certain(row["replaced_at"]),
        why=row["why"],
        attempt=row["attempt"],
        source_version=row["source_version"],
        payload=load(row["payload"]),
        status=UnitStatus(row["status"]),
        text=row["text"],
        output=load(row["output"]),
        error=row["error"],
    )


def attempt(row: engine.Row) -> Attempt:
    return Attempt(
        n=row["n"],
        epoch=row["epoch"],
        started_at=certain(row["started_at"]),
        finished_at=moment(row["finished_at"]),
        outcome=row["outcome"],
        cause=row["cause"],
        error=row["error"],
        charged=bool(row["charged"]),
        reserved_usd=row["reserved_usd"],
        cost_usd=row["cost_usd"],
        billed=bool(row["billed"]),
        tokens=Tokens(
            input=row["input_tokens"],
            output=row["output_tokens"],
            cache_read=row["cache_read_tokens"],
            cache_write=row["cache_write_tokens"],
        ).total,
        cache_read=row["cache_read_tokens"],
        cache_write=row["cache_write_tokens"],
        turns=row["turns"],
        session_id=row["session_id"],
        resumed_from=row["resumed_from"],
        trial=row["trial"],
    )


def dump_settlement(end: Settlement) -> str:
    return dump(asdict(end))


def load_settlement(text: str) -> Settlement:
    known = load(text)
    report, hold = known["report"], known["hold"]
    if report is not None:
        report |= {"tokens": Tokens(**report["tokens"]), "denied_tools": tuple(report["denied_tools"])}
        report = Report(**report | {"api_retries": tuple((status, said) for status, said in report["api_retries"])})
    typed = {
        "status": UnitStatus(known["status"]),
        "cause": Cause(known["cause"]) if known["cause"] else None,
        "report": report,
        "hold": Hold(**hold | {"reason": Pause(hold["reason"])}) if hold else None,
    }
    return Settlement(**known | typed)


def promise(row: engine.Row) -> Promise:
    return Promise(
        job=row["job"],
        job_id=row["job_id"],
        unit=row["unit"],
        attempt=row["attempt"],
        base=row["base"],
        files=tuple(PromisedFile(**file) for file in load(row["files"])),
        end=load_settlement(row["settlement"]),
    )


def event(row: engine.Row) -> Event:
    return Event(
        seq=row["seq"],
        at=certain(row["at"]),
        kind=row["kind"],
        job_id=row["job_id"],
        key=row["key"],
        attempt=row["attempt"],
        data=load(row["data"]),
    )
