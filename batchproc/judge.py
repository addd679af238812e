"""Pure: what an agent reported → what we believe. It decides from the report, never from the stream's mere end."""

import re

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
CAUSE_BY_SUBTYPE = {"error_max_turns": Cause.MAX_TURNS}
CAUSE_BY_API_ERROR = {
    "authentication_failed": Cause.AUTHENTICATION,
    "billing_error": Cause.AUTHENTICATION,
    "rate_limit": Cause.RATE_LIMIT,
    "overloaded": Cause.OVERLOADED,
    "invalid_request": Cause.INVALID_REQUEST,
    "server_error": Cause.SERVER,
    "model_not_found": Cause.MODEL,
}
CAUSE_OF_DEATH = {"cli_missing": Cause.CLI_MISSING, "invalid_job": Cause.PROMPT}

UNRUN = frozenset({Cause.RATE_LIMIT, Cause.OVERLOADED, Cause.AUTHENTICATION, Cause.MODEL, Cause.CLI_MISSING})
"""Causes under which the attempt did not really run: it costs none, if no tool of it ran."""

TOO_LONG = re.compile(r"prompt is too long|context (window|length)|exceeds? the maximum", re.I)
UNPAID = re.compile(r"credit balance|billing|payment", re.I)
LIMIT = re.compile(r"^\W*(you've (hit|reached) your [\w\s-]*limit|claude( ai)? usage limit reached)", re.I)
NOTHING = frozenset({"", "(no content)"})
"""Answers that say nothing; the second is what the CLI writes where the model wrote none."""
SHORT = 300  # characters: an honest answer that quotes limit prose is longer than the notice itself

NETWORK = re.compile(r"connection|network|ECONN|socket|fetch failed|timed? ?out|stream (ended|closed|idle)", re.I)


def judge(report: Report) -> Outcome:
    """What became of the attempt. Doubt is `flagged` with its reason, never `succeeded`."""
    cause = cause_of(report)
    if cause is not None:
        return _failed(report, cause)
    if report.denied_tools:
        tools = ", ".join(sorted(set(report.denied_tools)))
        return _doubt(Verdict.FLAGGED, f"tools were denied: {tools}")
    if report.output is None and _is_limit_notice(report):
        return _failed(report, Cause.RATE_LIMIT)
    if report.text.strip() in NOTHING and report.output is None:
        return _doubt(Verdict.EMPTY, "the answer is empty")
    if report.api_calls == 0:
        return _doubt(Verdict.FLAGGED, "the model was never called")
    return Outcome(verdict=Verdict.SUCCEEDED)


def _is_limit_notice(report: Report) -> bool:
    return len(report.text) <= SHORT and LIMIT.search(report.text) is not None


def cause_of(report: Report) -> Cause | None:
    """Why the attempt did not work; None if it says that it did."""
    match report.ended:
        case "timeout":
            return Cause.TIMEOUT
        case "died":
            return CAUSE_OF_DEATH.get(report.subtype, Cause.CRASHED)
    if report.stop_reason == "refusal":
        return Cause.REFUSAL
    if not report.is_error and report.subtype == "success" and report.api_error is None:
        return None
    return _cause_of_error(report)


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
    if report.api_error in CAUSE_BY_API_ERROR:
        return CAUSE_BY_API_ERROR[report.api_error]
    return Cause.NETWORK if NETWORK.search(said) else Cause.SERVER


IN_OUR_WORDS = {
    Cause.TIMEOUT: "no result within the job's timeout_s; create the job with a larger options.timeout_s",
    Cause.MAX_TURNS: "no result within the job's max_turns; create the job with a larger options.max_turns",
}


def _failed(report: Report, cause: Cause) -> Outcome:
    said = IN_OUR_WORDS.get(cause) or (report.detail or report.text or report.subtype or report.ended).strip()
    message = f"{cause.value.replace('_', ' ')}: {said[:2000]}"
    verdict = Verdict.UNRUN if cause in UNRUN and report.tools_run == 0 else Verdict.FAILED
    return Outcome(verdict=verdict, cause=cause, message=message, signature=signature(message))


def _doubt(verdict: Verdict, reason: str) -> Outcome:
    cause = Cause.EMPTY if verdict is Verdict.EMPTY else None
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
