"""What went wrong, as problem+json (RFC 9457): the only place that says which error is which status."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import Response

from batchproc import errors
from batchproc.interfaces import http_advice as advice

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:batchproc:problem/"
LONGEST_SHOWN = 120


class FieldProblem(BaseModel):
    """One field that cannot be so."""

    field: str
    value: str = Field(description="What was sent, as text; cut after 120 characters")
    way_out: str


class ProblemAnswer(BaseModel):
    """Why a request was not done, and what to do about it."""

    type: str = Field(description=f"{TYPE}… and a word that programs may rely on")
    title: str
    status: int
    detail: str = Field(description="In words, with the way out")
    errors: list[FieldProblem] | None = Field(None, description="Field by field, if it is about some")
    name: str | None = Field(None, description="approval-needed: what `batchproc approve` takes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A refusal."""

    status: int
    kind: str
    title: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    name: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        content: dict[str, Any] = {
            "type": TYPE + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            content["errors"] = [one.model_dump() for one in self.errors]
        if self.name is not None:
            content["name"] = self.name
        return Response(as_json(content), self.status, headers=dict(self.headers), media_type=MEDIA_TYPE)


class Refused(Exception):
    """Carries a problem to where it is answered."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


KINDS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (errors.InvalidJob, 422, "invalid", "This cannot work"),
    (errors.SourceError, 422, "source", "The source cannot be read"),
    (errors.NotFound, 404, "not-found", "There is no such thing"),
    (errors.WrongStatus, 409, "wrong-status", "It does not fit the status"),
    (errors.PlanChanged, 409, "plan-changed", "The plan is another one"),
    (errors.NeedsApproval, 409, "approval-needed", "A person has to allow this first"),
    (errors.CredentialMissing, 409, "credential-missing", "Nothing to pay with"),
    (errors.TakenOver, 409, "taken-over", "Somebody else was faster"),
    (errors.StoreError, 503, "store", "The store cannot be used"),
    (errors.SupervisorError, 503, "supervisor", "The supervisor does not answer"),
    (errors.WorkerLost, 503, "worker-lost", "A worker was lost"),
    (errors.BatchprocError, 422, "refused", "This was refused"),
)
"""The first that fits."""


def of(error: Exception, job_id: str | None = None) -> Problem:
    """Any error, of a request about this job, as what is answered. What is nobody's fault but ours says nothing of
    itself: the log has it."""
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, ValidationError):
        return invalid(_of_fields(error))
    if isinstance(error, UnicodeEncodeError):
        return unreadable(f"it holds half a character ({error.reason}); send whole text")
    if isinstance(error, RecursionError):
        return invalid((FieldProblem(field="body", value="…", way_out="it is nested too deeply; make it flatter"),))
    for kind, status, word, title in KINDS:
        if isinstance(error, kind):
            return _of_ours(error, status, word, title, job_id)
    return Problem(
        status=500,
        kind="fault",
        title="A fault of batchproc",
        detail=f"{type(error).__name__}; the dashboard's log says more (dashboard.log in the store's home)",
    )


def _of_ours(error: Exception, status: int, word: str, title: str, job_id: str | None) -> Problem:
    about: tuple[FieldProblem, ...] = ()
    if isinstance(error, errors.InvalidJob):
        way_out = advice.way_out(error, job_id)
        about = (FieldProblem(field=error.field, value=error.shown, way_out=way_out),)
    name = error.name if isinstance(error, errors.NeedsApproval) else None
    detail = advice.of_error(error, job_id)
    return Problem(status=status, kind=word, title=title, detail=detail, errors=about, name=name)


def invalid(found: tuple[FieldProblem, ...]) -> Problem:
    words = "; ".join(f"{one.field}{f' = {one.value}' if one.value else ''}: {one.way_out}" for one in found)
    return Problem(status=422, kind="invalid", title="This cannot work", detail=words, errors=found)


def unreadable(why: str) -> Problem:
    return Problem(status=400, kind="unreadable", title="This cannot be read", detail=why)


def late(limit_s: float, then: str) -> Problem:
    detail = f"no answer within {limit_s:g} s: the machine or its disk is busy. {then}"
    return Problem(status=504, kind="late", title="It takes too long", detail=detail)


def _of_fields(error: ValidationError) -> tuple[FieldProblem, ...]:
    return tuple(_of_field(one) for one in error.errors(include_url=False)[:50])


def _of_field(one: Any) -> FieldProblem:
    place = ".".join(str(part) for part in one["loc"]) or "body"
    match one["type"]:
        case "missing":
            return FieldProblem(field=place, value="", way_out="it is missing; it has to be there")
        case "extra_forbidden":
            return FieldProblem(field=place, value=shown(one["input"]), way_out="there is no such field; leave it out")
        case _:
            return FieldProblem(
                field=place, value=shown(one["input"]), way_out=one["msg"].removeprefix("Value error, ")
            )


def shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."


def as_json(content: Any) -> bytes:
    """Compact JSON. What UTF-8 cannot say (half a character, in the name of a file) or orjson cannot (a number of more
    than 64 bits) is spelled out."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(content, separators=(",", ":")).encode()
