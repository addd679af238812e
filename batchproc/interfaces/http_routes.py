"""The table of what there is at /api/v1: the router is made of it, and so is the published document."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from batchproc import answers
from batchproc.interfaces import http_events, http_html
from batchproc.interfaces import http_handlers as handlers
from batchproc.interfaces import http_words as words
from batchproc.interfaces.http_calls import LARGEST_BODY, LARGEST_OPEN_BODY, Call, Handler
from batchproc.models import JobSpec

PREFIX = "/api/v1"
LONGEST_S = 20.0  # for any request, beside a wait that was asked for
LONG_S = 600.0
ORDERED = "What was ordered goes on in the background; look before you send it again"
STOPPED = "It was stopped and left nothing"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One row. Without a handler it is the service's `verb`, called by name with all that path, query and body say, and
    with `fixed`."""

    method: str
    path: str
    about: str
    answer: type[BaseModel] | None
    verb: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    handler: Handler | None = None
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    status: int = 200
    also: tuple[int, ...] = ()
    answers_too: tuple[int, ...] = ()
    is_question: bool = False
    media: tuple[str, ...] = ("application/json",)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = False
    people_only: bool = False
    is_watched: bool = False
    has_html: bool = False
    limit_s: float | None = LONGEST_S
    late: str = ORDERED

    @property
    def largest(self) -> int:
        return LARGEST_OPEN_BODY if self.is_open else LARGEST_BODY

    def most_s(self, query: Any, body: Any) -> float | None:
        """How long it may take: the limit, beside the time that the caller gives it himself."""
        more = getattr(query, "wait_s", None) or getattr(body, "timeout_s", None) or 0
        return None if self.limit_s is None else self.limit_s + float(more)

    async def handle(self, call: Call) -> Any:
        """Call the handler, or the verb."""
        if self.handler is not None:
            return await self.handler(call)
        said = {**call.path, **_fields(call.query), **_fields(call.body), **self.fixed}
        answer = await getattr(call.service, self.verb)(**said)
        return await asyncio.to_thread(http_html.shown, answer) if self.has_html else answer


def _fields(model: BaseModel | None) -> dict[str, Any]:
    return {} if model is None else {name: getattr(model, name) for name in type(model).model_fields}


def get(path: str, about: str, verb: str, answer: type[BaseModel], **more: Any) -> Route:
    return Route(method="GET", path=path, about=about, verb=verb, answer=answer, late=STOPPED, **more)


def post(path: str, about: str, verb: str, body: type[BaseModel], answer: type[BaseModel], **more: Any) -> Route:
    return Route(method="POST", path=path, about=about, verb=verb, body=body, answer=answer, **more)


JOB = "/jobs/{job_id}"
UNIT = "/jobs/{job_id}/units/{key}"
IDEMPOTENT = {"Idempotency-Key": "The same key and description give the job that is there; 1 to 200 characters"}

JOBS = (
    get("/jobs", "Jobs, newest first", "browse_jobs", answers.JobCards, query=words.JobsQuery),
    post(
        "/jobs",
        "Define a job and read its source; nothing runs",
        "create_job",
        JobSpec,
        answers.CreatedJob,
        handler=handlers.create_job,
        status=201,
        headers=IDEMPOTENT,
        limit_s=60,
    ),
    post(
        "/jobs/preview",
        "What creating a job would answer; nothing is kept",
        "preview_job",
        JobSpec,
        answers.CreatedJob,
        handler=handlers.preview_job,
        limit_s=60,
    ),
    get(JOB, "How a job stands", "get_status", answers.JobStatusAnswer, query=words.StatusQuery, is_watched=True),
    Route(
        method="PATCH",
        path=JOB,
        about="Change what a job says",
        verb="update_job",
        body=words.Update,
        answer=answers.ControlledJob,
    ),
    Route(
        method="DELETE",
        path=JOB,
        about="Delete a job and everything of it",
        verb="delete_job",
        body=words.Reason,
        answer=answers.DeletedJob,
        limit_s=60,
    ),
    get(f"{JOB}/spec", "A job's description, as creating one takes it", "get_spec", JobSpec),
    post(f"{JOB}/start", "Let a job's agents run", "start_job", words.Start, answers.StartedJob, limit_s=60),
    post(
        f"{JOB}/pause",
        "Start nothing more of it",
        "control_job",
        words.Pause,
        answers.ControlledJob,
        fixed={"action": "pause"},
    ),
    post(
        f"{JOB}/resume",
        "Let it go on",
        "control_job",
        words.Reason,
        answers.ControlledJob,
        fixed={"action": "resume"},
        limit_s=60,
    ),
    post(
        f"{JOB}/set",
        "Set its caps, its concurrency, its priority",
        "control_job",
        words.Settable,
        answers.ControlledJob,
        fixed={"action": "set"},
    ),
    post(f"{JOB}/cancel", "End it; what is final stays", "cancel_job", words.Reason, answers.ControlledJob),
    post(
        f"{JOB}/retry",
        "Run final units again: by status, by failure, or by keys",
        "retry_units",
        words.Retry,
        answers.ControlledJob,
        limit_s=60,
    ),
    post(
        f"{JOB}/source",
        "Read its source again, and show, then apply, what that changes",
        "update_source",
        words.Source,
        answers.SourceUpdate,
        limit_s=60,
    ),
)

UNITS = (
    get(
        f"{JOB}/units", "Units of any status, in the order of the source", "browse_units", answers.UnitPage,
        query=words.UnitsQuery,
    ),
    post(f"{JOB}/units/cancel", "Cancel some units", "cancel_units", words.CancelUnits, answers.ControlledJob),
    get(UNIT, "A unit: payload, prompt, answer, attempts", "unit_detail", answers.UnitDetail, has_html=True),
    get(f"{UNIT}/events", "What its agents said and did", "unit_events", answers.EventPage, query=words.EventsQuery,
        has_html=True),
    post(
        f"{UNIT}/retry",
        "Run it again",
        "retry_units",
        words.RetryUnit,
        answers.ControlledJob,
        handler=handlers.retry_unit,
        limit_s=60,
    ),
    post(
        f"{UNIT}/cancel",
        "Cancel it",
        "cancel_units",
        words.Reason,
        answers.ControlledJob,
        handler=handlers.cancel_unit,
    ),
    post(f"{UNIT}/verdict", "Keep a person's verdict on its answer", "record_verdict", words.Verdict,
        answers.JudgedUnit),
)  # fmt: skip

FOLLOWED = {"Last-Event-ID": "The id of the last message: what came after it follows"}


def stream(path: str, about: str, handler: Handler, query: type[BaseModel]) -> Route:
    return Route(method="GET", path=path, about=about, answer=None, handler=handler, query=query,
                 media=("text/event-stream",), headers=FOLLOWED, also=(503,))  # fmt: skip


EVENTS = (
    stream("/events", "What becomes true, as it does", http_events.stream_events, words.StreamQuery),
    stream(
        f"{JOB}/events", "What becomes true of a job, as it does", http_events.stream_job_events, words.JobStreamQuery
    ),
)

RESULTS = (
    get(
        f"{JOB}/results",
        "Answers of final units, in the order of the source",
        "get_results",
        answers.Results,
        query=words.ResultsQuery,
    ),
    post(
        f"{JOB}/export",
        "Write all results to a file on the server's machine",
        "export_results",
        words.Export,
        answers.ExportAnswer,
        limit_s=LONG_S,
        late=STOPPED,
        is_watched=True,
    ),
    Route(
        method="GET",
        path=f"{JOB}/download",
        about="All results as a file",
        verb="export_results",
        handler=handlers.download,
        query=words.DownloadQuery,
        answer=None,
        media=tuple(kind.partition(";")[0] for kind in handlers.TYPES.values()),
        limit_s=LONG_S,
        late=STOPPED,
        is_watched=True,
    ),
    post(
        f"{JOB}/query",
        "Ask all results in SQL",
        "query_results",
        words.Question,
        answers.QueryResults,
        late=STOPPED,
        is_question=True,
        is_watched=True,
    ),
    post(f"{JOB}/review", "Draw answers for a person to judge", "review_units", words.Draw, answers.ReviewUnits),
)

HOUSE = (
    get("/logs", "What the house and its agents logged, newest first", "list_logs", answers.LogPage,
        query=words.LogsQuery, also=(404,)),
    get("/workers", "Who works: the supervisor, its slots, its agents", "workers", answers.Workers),
    get("/stats", "Counts, costs, and what ended over time", "stats", answers.Stats, query=words.StatsQuery,
        also=(404,)),
    get("/health", "How each part of the house is; always 200", "health", answers.Health),
    get("/ready", "Whether a job that is started now would run; 503 if not", "ready", answers.Ready,
        handler=handlers.ready, answers_too=(503,)),
    get("/doctor", "What batchproc needs on this machine, and whether it is there", "", answers.Doctor,
        handler=handlers.examine, limit_s=90),
    get("/enumerators", "The kinds of sources", "list_enumerators", answers.EnumeratorList),
)  # fmt: skip

SESSIONS = (
    post("/session", "A one-time link becomes a session", "", words.Link, words.SignedIn,
         handler=handlers.open_session, is_open=True, also=(401,)),
    Route(method="GET", path="/openapi.json", about="This document", handler=handlers.openapi, answer=None),
    Route(method="DELETE", path="/session", about="Sign out", handler=handlers.close_session, body=words.Nothing,
          answer=words.Done, also=(403,)),
)  # fmt: skip

TABLE: tuple[Route, ...] = (*JOBS, *UNITS, *EVENTS, *RESULTS, *HOUSE, *SESSIONS)
