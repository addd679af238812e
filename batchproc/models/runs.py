"""One agent run: what it is asked, what it says while it runs, how it says it ended, and what we make of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from batchproc.models.spec import AgentOptions
from batchproc.models.words import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """Tokens of one attempt, as the CLI's final bill counts them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptTask:
    """One attempt, ready to run. Plain data: no credentials, no handles.

    `system_prompt` is the whole of it, the same for all units of a job (`options` holds only the user's part).
    `file` is the one file of a file unit, absolute, and `root` the folder that it must truly lie in. `directory` is the
    attempt's own place below the store: its scratch directory lives there, and the unit's configuration and
    conversations beside it. `output_schema` is JSON Schema for a structured answer. `resume` is the session that goes
    on, in a copy; `prompt` is then what is said in it next. `files` are to be written, relative to the scratch
    directory.
    """

    job_id: str
    unit: int
    key: str
    attempt: int
    prompt: str
    options: AgentOptions
    session_id: str
    directory: str
    file: str | None = None
    root: str | None = None
    system_prompt: str | None = None
    output_schema: Mapping[str, Any] | None = None
    resume: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The agent's process is up and the prompt is on its way."""

    pid: int
    guard: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """Something the agent said or did, as it happened. `kind` is one of `text`, `thinking`, `tool_use`, `tool_result`,
    `init`, `api_retry`, `permission_denied`, `rate_limit`, `result`, `stderr`, `system`."""

    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How an agent says its run ended. The judge decides what to believe.

    `ended` is `result` (the CLI gave its final bill), `timeout`, `stalled` or `no_server` (we stopped it),
    `interrupted` (somebody asked us to), or `died` (its process ended without a bill: `detail` says what is known,
    `subtype` is `cli_missing`, `invalid_job` or `no_conversation` if it never began). `api_calls` counts model answers;
    `api_retries` the CLI's own repeats, as (HTTP status or None, text). `cost_usd` is the CLI's client-side estimate;
    where `billed` is False it is unknown, and where the run was `cut_off` it lacks the request that was under way.
    `draft` is the structured answer that it tried to give last and that the CLI did not take, as JSON.
    `largest_request` is in tokens that the model read. `limit_until` is when a limit that refused it ends (seconds
    since 1970), `limited` that one did. `tools_run` began, `tools_done` gave back something but an error.
    """

    ended: str
    text: str = ""
    output: Json = None
    draft: str = ""
    subtype: str = ""
    is_error: bool = False
    api_error_status: int | None = None
    api_error: str | None = None
    terminal_reason: str | None = None
    stop_reason: str | None = None
    cost_usd: float = 0.0
    tokens: Tokens = Tokens()
    turns: int = 0
    api_calls: int = 0
    api_retries: tuple[tuple[int | None, str], ...] = ()
    tools_run: int = 0
    tools_done: int = 0
    billed: bool = True
    cut_off: bool = False
    largest_request: int = 0
    limited: bool = False
    limit_until: float | None = None
    denied_tools: tuple[str, ...] = ()
    session_id: str | None = None
    duration_s: float = 0.0
    detail: str = ""


AgentEvent = Started | Message | Report
"""What running an attempt yields: one Started, any number of Messages, exactly one Report."""


class Verdict(StrEnum):
    """What the judge makes of a report."""

    SUCCEEDED = "succeeded"  # believed
    FLAGGED = "flagged"  # it said it was done and we do not believe it
    EMPTY = "empty"  # nothing there to believe: worth another attempt, then flagged
    FAILED = "failed"  # it did not do it, for `cause`
    UNRUN = "unrun"  # it never got to run, and no tool of it ran: costs no attempt


class Cause(StrEnum):
    """Why an attempt failed: the rows of the retry table."""

    QUOTA = "quota"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    SERVER = "server"
    NETWORK = "network"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    AUTHENTICATION = "authentication"
    MODEL = "model"
    INVALID_REQUEST = "invalid_request"
    CONTEXT_TOO_LONG = "context_too_long"
    REFUSAL = "refusal"
    MAX_TURNS = "max_turns"
    UNIT_BUDGET = "unit_budget"
    OUTPUT_LIMIT = "output_limit"
    CRASHED = "agent_crashed"
    WORKER_LOST = "worker_lost"
    CLI_MISSING = "cli_missing"
    MACHINE = "machine"
    DISK = "disk"
    NO_CONVERSATION = "no_conversation"
    PROMPT = "prompt"
    EMPTY = "empty_answer"
    SCHEMA = "schema"
    CHECK = "check"
    CHECK_CHANGED = "check_changed"
    UNWRITTEN = "unwritten_output"
    PUBLISHING = "publishing"


MENDED = frozenset({Cause.SCHEMA, Cause.UNWRITTEN})
"""Why an answer is not taken that its agent is asked to mend, once, in the same conversation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How an attempt ended, in our words. `signature` is `message` with its variable parts taken out; `until` is when
    a limit that refused it ends, if it said so (seconds since 1970)."""

    verdict: Verdict
    cause: Cause | None = None
    message: str = ""
    signature: str | None = None
    until: float | None = None
