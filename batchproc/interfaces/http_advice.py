"""What the house advises in the words of this face: where it names the tools of a chat, requests stand here.

What agents, sources and users said stays as it is. So only fields that are ours are put into these words; texts that
are ours in part keep all but whole phrases of ours.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from batchproc import answers, errors

JOBS = "/api/v1/jobs"
AT = f"{JOBS}/JOB"

TOOLS: tuple[tuple[str, str], ...] = (
    (r"control_job\((?:action=)?resume\)", f"`POST {AT}/resume`"),
    (r"control_job\((?:action=)?pause, drain=false\)", f'`POST {AT}/pause {{"drain": false}}`'),
    (r"control_job\((?:action=)?pause\)", f"`POST {AT}/pause`"),
    (r"control_job\(action=set, (\w+)=…\)", rf'`POST {AT}/set {{"\1": …}}`'),
    (r"control_job\((?:action=)?set\)|control_job", f"`POST {AT}/set`"),
    (r"get_status\(wait_s=45\)", f"`GET {AT}?wait_s=45`"),
    (r"get_status", f"`GET {AT}`"),
    (r"get_spec", f"`GET {AT}/spec`"),
    (r"get_unit", f"`GET {AT}/units/KEY`"),
    (r"get_results", f"`GET {AT}/results`"),
    (r"query_results", f"`POST {AT}/query`"),
    (r"export_results", f"`POST {AT}/export`"),
    (r"overwrite=true", '`"overwrite": true`'),
    (r"start_job\((?:job_id, )?variant=…\)", f"`GET {AT}/plan?variant=…`"),
    (
        r"start_job\((?:job_id, )?variant=\"([^\"]*)\", confirmed=true\)",
        rf'`POST {AT}/start {{"variant": "\1", "confirmed": true}}`',
    ),
    (
        r"start_job\((?:job_id, )?skip_pilot=true, confirmed=true\)",
        f'`POST {AT}/start {{"skip_pilot": true, "confirmed": true}}`',
    ),
    (r"start_job\((?:job_id, )?confirmed=true\)", f'`POST {AT}/start {{"confirmed": true}}`'),
    (r"start_job(?:\(job_id\))?", f"`POST {AT}/start`"),
    (r"retry_units\(status=(\w+)\)", rf'`POST {AT}/retry {{"status": "\1"}}`'),
    (r"retry_units\((\w+)=(\[…\]|…)\)", rf'`POST {AT}/retry {{"\1": \2}}`'),
    (r"retry_units", f"`POST {AT}/retry`"),
    (r"update_job\(job_id, instructions or options\)", f"`PATCH {AT}` with instructions or options"),
    (r"update_job", f"`PATCH {AT}`"),
    (r"update_source\(confirmed=true\)", f'`POST {AT}/source {{"confirmed": true}}`'),
    (r"update_source", f"`POST {AT}/source`"),
    (r"review_units", f"`POST {AT}/review`"),
    (r"record_verdict", f"`POST {AT}/units/KEY/verdict`"),
    (r"cancel_units", f"`POST {AT}/units/cancel`"),
    (r"cancel_job", f"`POST {AT}/cancel`"),
    (r"delete_job", f"`DELETE {AT}`"),
    (r"create_job(?: without preview_only)?", f"`POST {JOBS}`"),
    (r"list_jobs", f"`GET {JOBS}`"),
    (r"list_enumerators", "`GET /api/v1/enumerators`"),
    (r"open_dashboard", "`batchproc dashboard`"),
    (r"when this chat closes", "when nobody is connected"),
    (r"or this client asks", "or in the dashboard"),
    (r"or any tool, starts it", "or starting a job, starts it"),
)
"""What the tools of the MCP face are called here."""

PHRASES: tuple[tuple[str, str], ...] = (
    (
        r"raise unit_budget_usd with control_job, then retry_units",
        f'raise it with `POST {AT}/set {{"unit_budget_usd": …}}`, then `POST {AT}/retry`',
    ),
    (
        r"put it back as it was and call start_job; or have it approved as it is now: name it again with "
        r"update_job\(options\.check\)",
        f"put it back as it was and start it with `POST {AT}/start`; or have it approved as it is now: name it again "
        f'with `PATCH {AT} {{"options": {{"check": […]}}}}`',
    ),
    (r"or here, if this client can ask\.", "or in the dashboard."),
    (r"its pilot tried (.*); get_status compares them\.", rf"its pilot tried \1; `GET {AT}` compares them."),
    (r"more: get_status has them", f"more: `GET {AT}` has them"),
)
"""Of texts that hold words of others as well."""

ADVICE: tuple[str, ...] = (
    r"To let it run: start_job\(job_id, (?:variant=\".*?\", |skip_pilot=true, )?confirmed=true\), once the user has",
    r"To change it: update_job\(job_id, instructions or options\), which tries the same units again\.",
    r"Better: start_job\(job_id\), which tries a few units first",
    r"Say which one is to run: start_job\(job_id, variant=…\) shows its plan\.",
    r"To drop it: cancel_job\.",
    r"To take the change back: start_job\(job_id, variant=\"before\", confirmed=true\)\.",
    r"It goes on when this chat closes\. guard: ",
    r"Watch it with get_status\(wait_s=45\)",
    r"it is paused again at once \(\w+\): get_status says why",
    r"What was final stays; retry_units\(status=cancelled\) takes the rest up again",
    r"the job is paused, and goes on with control_job\(action=resume\)",
    r"asked for again, with all (?:its attempts before it|their attempts before them); start_job lets them run",
    r"changed; start_job tries it on a few units",
    r"the pilot runs on the same units; get_status\(wait_s=45\) shows both",
    r"then it waits in review: get_status\(wait_s=45\) shows old beside new\.",
)
"""Sentences of ours in such texts."""

OURS = frozenset({"next", "message", "warnings", "words", "reasons", "trouble", "found", "way_out", "caveat"})
MIXED: dict[type[BaseModel], tuple[str, ...]] = {
    answers.Failure: ("message",),
    answers.PlanAnswer: ("text",),
    answers.StartedJob: ("message",),  # the plan has a job's instructions in it
    answers.ControlledJob: ("message",),  # and what has to be approved, a whole program
}
MIXED_EVERYWHERE = frozenset({"detail", "error"})


def worded(text: str, job_id: str | None = None) -> str:
    """An advice of ours, in requests that can be made."""
    return _said(text, _TOOLS, job_id)


def partly_worded(text: str, job_id: str | None = None) -> str:
    """A text that is ours in part."""
    return _OURS_WITHIN.sub(lambda found: worded(found[0], job_id), _said(text, _PHRASES, job_id))


class _Table:
    """Read from left to right, once: what stands instead of a call is not looked at again."""

    def __init__(self, rows: Iterable[tuple[str, str]]) -> None:
        self._rows = [(re.compile(f"(?:call )?(?:{said})"), request) for said, request in rows]
        any_of_them = "|".join(f"(?P<r{n}>{said.pattern})" for n, (said, _) in enumerate(self._rows))
        self.pattern = re.compile(rf"(?<![`\w])(?:{any_of_them})(?!\w)")

    def request(self, found: re.Match[str], where: str) -> str:
        n = next(n for n in range(len(self._rows)) if found[f"r{n}"] is not None)
        said, request = self._rows[n]
        alone = said.fullmatch(found[0])
        return alone.expand(request.replace("JOB", where)) if alone else found[0]


_TOOLS, _PHRASES = _Table(TOOLS), _Table(PHRASES)
_OURS_WITHIN = re.compile("|".join(ADVICE))


def _said(text: str, table: _Table, job_id: str | None) -> str:
    where = "JOB" if job_id is None else quote(job_id, safe="")
    return table.pattern.sub(lambda found: table.request(found, where), text)


def of_error(error: Exception, job_id: str | None = None) -> str:
    """What an error of ours says."""
    text = str(error)
    match error:
        case errors.SourceError():
            return text  # a source's own words
        case errors.NeedsApproval() | errors.PlanChanged():
            return partly_worded(text, job_id)  # it has all of a program in it, or instructions
        case errors.InvalidJob() | errors.NotFound() | errors.WrongStatus():
            return text.removesuffix(error.way_out) + way_out(error, job_id)
        case _:
            return worded(text, job_id)


def way_out(error: errors.InvalidJob | errors.NotFound | errors.WrongStatus, job_id: str | None = None) -> str:
    """Of a question in SQL it is the database's own words."""
    is_theirs = isinstance(error, errors.InvalidJob) and error.field == "sql"
    return error.way_out if is_theirs else worded(error.way_out, job_id)


def content(answer: BaseModel) -> Any:
    """An answer as it is sent."""
    made = answer.model_dump(mode="json")
    _put(answer, made, getattr(answer, "job_id", None))
    return made


def _put(answer: BaseModel, made: dict[str, Any], job_id: str | None) -> None:
    mixed = MIXED.get(type(answer), ())
    for name in type(answer).model_fields:
        value = getattr(answer, name)
        if isinstance(value, BaseModel):
            _put(value, made[name], getattr(value, "job_id", job_id))
        elif isinstance(value, list | tuple) and value and isinstance(value[0], BaseModel):
            for one, its in zip(value, made[name], strict=True):
                _put(one, its, getattr(one, "job_id", job_id))
        elif name in MIXED_EVERYWHERE or name in mixed:
            made[name] = _each(value, partly_worded, job_id)
        elif name in OURS:
            made[name] = _each(value, worded, job_id)


def _each(value: Any, say: Any, job_id: str | None) -> Any:
    if isinstance(value, str):
        return say(value, job_id)
    return [say(one, job_id) for one in value] if isinstance(value, list | tuple) else value
