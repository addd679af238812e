"""The table of what there is at /api/v1: the router is made of it, and so is the published document."""

from typing import Any

from batchproc import answers
from batchproc.interfaces import http_events
from batchproc.interfaces import http_handlers as handlers
from batchproc.interfaces import http_words as words
from batchproc.interfaces.http_rows import LONG_S, STOPPED, Route, get, post
from batchproc.models import JobSpec

PREFIX = "/api/v1"
JOB = "/jobs/{job_id}"
UNIT = "/jobs/{job_id}/units/{key}"
IDEMPOTENT = {
    "Idempotency-Key": {
        "description": "The same key and description give the job that is there",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": words.IDEMPOTENCY_KEY},
    }
}

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
    get(JOB, "How a job stands", "job_detail", answers.JobDetail, query=words.StatusQuery, is_watched=True),
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
    get(
        f"{JOB}/plan",
        "What a person has to agree to before it starts",
        "plan_answer",
        answers.PlanAnswer,
        query=words.PlanQuery,
    ),
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

FOLLOWED = {
    "Last-Event-ID": {
        "description": "The id of the last message: what came after it follows",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    }
}
STREAM: dict[str, Any] = {
    "method": "GET",
    "answer": None,
    "media": ("text/event-stream",),
    "headers": FOLLOWED,
    "also": (404,),
}

EVENTS = (
    Route(
        path="/events",
        about="What becomes true, as it does",
        handler=http_events.stream_events,
        query=words.StreamQuery,
        **STREAM,
    ),
    Route(
        path=f"{JOB}/events",
        about="What becomes true of a job, as it does",
        handler=http_events.stream_job_events,
        query=words.JobStreamQuery,
        **STREAM,
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
    get("/approvals", "What waits for a person, with its full text", "list_approvals", answers.Approvals),
    post("/approvals/{name}", "A person has read it, and allows it", "approve_named", words.Hash, words.Done,
         handler=handlers.approve, people_only=True),
    Route(method="DELETE", path="/approvals/{name}", about="A person says no", verb="decline_approval",
          handler=handlers.decline, body=words.Hash, answer=words.Done),
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
