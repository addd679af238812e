"""Pure: what an agent reported → what we believe. It decides from the report, never from the stream's mere end."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from batchproc import notices, placeholders, schemas, structured
from batchproc.models import Cause, Outcome, Report, Verdict

CAUSE_BY_STATUS = {
    400: Cause.INVALID_REQUEST,
    401: Cause.AUTHENTICATION,
    403: Cause.AUTHENTICATION,
    404: Cause.MODEL,
    408: Cause.NETWORK,
    413: Cause.CONTEXT_TOO_LONG,
    429: Cause.RATE_LIMIT,
    529: Cause.OVERLOADED,
}
CAUSE_BY_SUBTYPE = {
    "error_max_turns": Cause.MAX_TURNS,
    "error_max_budget_usd": Cause.UNIT_BUDGET,
    "error_max_structured_output_retries": Cause.SCHEMA,
}
CAUSE_BY_API_ERROR = {
    "authentication_failed": Cause.AUTHENTICATION,
    "billing_error": Cause.AUTHENTICATION,
    "rate_limit": Cause.RATE_LIMIT,
    "overloaded": Cause.OVERLOADED,
    "invalid_request": Cause.INVALID_REQUEST,
    "server_error": Cause.SERVER,
    "model_not_found": Cause.MODEL,
    "max_output_tokens": Cause.OUTPUT_LIMIT,
}
CAUSE_OF_DEATH = {
    "cli_missing": Cause.CLI_MISSING,
    "invalid_job": Cause.PROMPT,
    "no_conversation": Cause.NO_CONVERSATION,
}
CAUSE_OF_END = {"timeout": Cause.TIMEOUT, "stalled": Cause.STALLED, "no_server": Cause.CRASHED}

UNRUN = frozenset(
    {
        *(Cause.QUOTA, Cause.RATE_LIMIT, Cause.OVERLOADED, Cause.AUTHENTICATION, Cause.MODEL),
        *(Cause.CLI_MISSING, Cause.NO_CONVERSATION),
    }
)
"""Causes under which the attempt did not really run: it costs none, if no tool of it ran."""

TOO_LONG = re.compile(r"prompt is too long|context (window|length)|exceeds? the maximum", re.I)
UNPAID = re.compile(r"credit balance|billing|payment", re.I)
NETWORK = re.compile(r"connection|network|ECONN|socket|fetch failed|timed? ?out|stream (ended|closed|idle)", re.I)


def judge(
    report: Report,
    *,
    instructions: str = "",
    reads_file: bool = False,
    now: datetime | None = None,
    schema: Mapping[str, Any] | None = None,
    mended: bool = False,
) -> Outcome:
    """What became of the attempt. Doubt is `flagged` with its reason, never `succeeded`.

    A placeholder that the `instructions` themselves name is an answer: somebody asked for it. `reads_file`: the agent
    was told to read a file of its own before it answers. `now` is the time by which a notice such as
    "resets 3am" is read. An answer that does not fit the job's `schema` may be `mended` once.
    """
    cause = cause_of(report)
    if cause is not None and cause is not Cause.SCHEMA:
        return _failed(report, cause, _until(report, cause, now))
    if report.denied_tools:
        tools = ", ".join(sorted(set(report.denied_tools)))
        return _doubt(Verdict.FLAGGED, f"tools were denied: {tools}")
    if report.output is None and not report.draft and (nothing := _nothing_in(report.text.strip())):
        return _doubt(Verdict.EMPTY, nothing)
    if schema is None and report.output is None and (blank := _placeholder(report.text.strip(), instructions)):
        return _doubt(Verdict.EMPTY, blank)
    if report.api_calls == 0:
        return _doubt(Verdict.FLAGGED, "the model was never called")
    if reads_file and report.tools_done == 0:
        return _doubt(Verdict.FLAGGED, "it answered without having read its file")
    if schema is not None:
        return _judge_structured(report, schema, instructions, mended=mended)
    return Outcome(verdict=Verdict.SUCCEEDED)


def _judge_structured(report: Report, schema: Mapping[str, Any], instructions: str, *, mended: bool) -> Outcome:
    if misfit := _misfit(report, schema):
        return _doubt(Verdict.FLAGGED if mended else Verdict.EMPTY, misfit, Cause.SCHEMA)
    if nothing := structured.nothing_in(schema, report.output, instructions):
        return _doubt(Verdict.FLAGGED, nothing)
    return Outcome(verdict=Verdict.SUCCEEDED)


def _misfit(report: Report, schema: Mapping[str, Any]) -> str | None:
    """Why the report brings no answer that fits; None if it does."""
    tried = json.loads(report.draft) if report.output is None and report.draft else report.output
    if tried is None:
        return "no structured answer was given: the tool StructuredOutput was not called"
    if problems := schemas.problems(schema, tried):
        return f"the answer does not fit output_schema: {'; '.join(problems)}"
    return f"the structured answer was not taken: {report.detail}" if report.output is None else None


def _nothing_in(text: str) -> str | None:
    """Why there is nothing in an answer; None if there is something."""
    if not text:
        return "the answer is empty"
    if notices.limit_notice(text) or notices.unpaid_notice(text):
        return f"the answer is only a notice: {text[:100]}"
    return None


def _placeholder(text: str, instructions: str) -> str | None:
    if placeholders.is_placeholder(text) and text.strip("\"'`.!* ").lower() not in instructions.lower():
        return f"the answer is only a placeholder: {text[:100]}"
    return None


def _until(report: Report, cause: Cause, now: datetime | None) -> float | None:
    """When the limit that refused it is over; None if it did not say so."""
    if cause is not Cause.QUOTA or report.limit_until is not None:
        return report.limit_until
    return notices.resets_at(report.text, now) if now else None


def cause_of(report: Report) -> Cause | None:
    """Why the attempt did not work; None if it says that it did."""
    if report.limited or (_is_the_clis_own(report) and _names_a_quota(report)):
        return Cause.QUOTA
    if _is_the_clis_own(report) and notices.unpaid_notice(report.text):
        return Cause.AUTHENTICATION
    if report.ended in CAUSE_OF_END:
        return CAUSE_OF_END[report.ended]
    if report.ended == "died":
        return CAUSE_OF_DEATH.get(report.subtype, Cause.CRASHED)
    if report.stop_reason == "refusal":
        return Cause.REFUSAL
    if not report.is_error and report.subtype == "success" and report.api_error is None:
        return None
    return _cause_of_error(report)


def _is_the_clis_own(report: Report) -> bool:
    """Whether the text is the CLI's. What a model says may come from a unit's data, and must not stop other jobs."""
    return report.output is None and (report.is_error or report.api_calls == 0)


def _names_a_quota(report: Report) -> bool:
    """A plain 429 is a rate limit, whatever words the API has for it; for a quota the CLI has words of its own."""
    return notices.limit_notice(report.text) and not report.text.startswith("API Error")


def _cause_of_error(report: Report) -> Cause:
    said = f"{report.text} {report.detail}"
    if report.subtype in CAUSE_BY_SUBTYPE:
        return CAUSE_BY_SUBTYPE[report.subtype]
    if TOO_LONG.search(said):
        return Cause.CONTEXT_TOO_LONG
    status = report.api_error_status
    if status == 400 and UNPAID.search(said):
        return Cause.AUTHENTICATION
    if status is not None:
        return CAUSE_BY_STATUS.get(status) or (Cause.SERVER if status >= 500 else Cause.INVALID_REQUEST)
    if report.api_error == "server_error" and NETWORK.search(said):  # so the CLI calls a line that is dead, too
        return Cause.NETWORK
    if report.api_error in CAUSE_BY_API_ERROR:
        return CAUSE_BY_API_ERROR[report.api_error]
    return Cause.NETWORK if NETWORK.search(said) else Cause.SERVER


IN_OUR_WORDS = {
    Cause.TIMEOUT: "no result within the job's timeout_s; create the job with a larger options.timeout_s",
    Cause.STALLED: "it said nothing for the job's stall_s; the API or the network hung",
    Cause.MAX_TURNS: "no result within the job's max_turns; create the job with a larger options.max_turns",
    Cause.UNIT_BUDGET: "it reached the cap of one attempt; raise unit_budget_usd with control_job, then retry_units",
    Cause.OUTPUT_LIMIT: "its answer did not fit into max_output_tokens; create the job with a larger one",
}


def _failed(report: Report, cause: Cause, until: float | None = None) -> Outcome:
    said = (
        IN_OUR_WORDS.get(cause)
        or (report.detail or report.text or report.api_error or report.subtype or report.ended).strip()
    )
    message = f"{cause.value.replace('_', ' ')}: {said[:2000]}"
    verdict = Verdict.UNRUN if cause in UNRUN and report.tools_run == 0 else Verdict.FAILED
    return Outcome(verdict=verdict, cause=cause, message=message, signature=signature(message), until=until)


def _doubt(verdict: Verdict, reason: str, cause: Cause | None = None) -> Outcome:
    cause = Cause.EMPTY if cause is None and verdict is Verdict.EMPTY else cause
    return Outcome(verdict=verdict, cause=cause, message=reason, signature=signature(reason))


_VARIABLE = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", re.I), "<id>"),
    (re.compile(r"\b(req|msg|toolu|sess|job)_?-?[0-9A-Za-z]{6,}\b"), "<id>"),
    (re.compile(r"(?<![\w<])(~|\.{1,2})?(/[^\s/:'\"`,)]+)+/?"), "<path>"),
    (re.compile(r"'[^']{1,200}'|\"[^\"]{1,200}\"|`[^`]{1,200}`"), "<text>"),
    (re.compile(r"\b0x[0-9a-f]+\b|\b[0-9a-f]{12,}\b", re.I), "<id>"),
    (re.compile(r"\d+([.,:]\d+)*"), "<n>"),
)


def signature(message: str) -> str:
    """The message with its variable parts taken out, so that failures that are alike group together."""
    for pattern, placeholder in _VARIABLE:
        message = pattern.sub(placeholder, message)
    return " ".join(message.split())[:300]
