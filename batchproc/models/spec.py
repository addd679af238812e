"""What strangers send, validated once, at the door; and what it becomes with every default filled in."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from batchproc.models.words import Profile, Workspace

UNITS_IN_A_BUDGET = 10
"""A job that sets no `unit_budget_usd` lets one attempt cost this part of its budget."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class JobOptions(_Strict):
    """Options of a job. What is left out takes the default of the settings."""

    model: str | None = Field(None, min_length=1, description='Model alias or id; "rehearsal" is free and not Claude')
    profile: Profile = Field(
        Profile.READ_ONLY, description="answer: no tools; read-only: its own file; edit: may write; full: shell"
    )
    max_concurrency: int | None = Field(None, ge=1, le=256, description="Agents at a time for this job (default 4)")
    max_attempts: int | None = Field(None, ge=1, le=20, description="Charged attempts for each unit (default 4)")
    timeout_s: float | None = Field(None, ge=1, le=86_400, description="Seconds one attempt may take (default 600)")
    stall_s: float | None = Field(
        None, ge=10, le=86_400, description="Seconds of silence after which an attempt is given up (default 420)"
    )
    max_turns: int | None = Field(None, ge=1, le=1000, description="Turns one attempt may take (default: no limit)")
    max_output_tokens: int | None = Field(
        None, ge=256, le=128_000, description="Tokens one answer of the model may have (default 16,000)"
    )
    budget_usd: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        description="Dollars the whole job may cost (default 5); it pauses before it is passed",
    )
    unit_budget_usd: float | None = Field(
        None, gt=0, le=10_000, description="Dollars one attempt may cost (default: a tenth of budget_usd)"
    )
    max_total_tokens: int | None = Field(None, ge=1, description="Tokens after which no further unit is started")
    max_units: int | None = Field(None, ge=1, description="Units that may be started at all")
    max_wall_s: float | None = Field(None, ge=1, description="Seconds of running after which the job pauses")
    breaker: int | None = Field(
        None,
        ge=0,
        le=20,
        description="Pause when so many of the last 20 units ended badly alike (default 10; 0: never)",
    )
    pilot_units: int | None = Field(
        None, ge=1, le=50, description="Units that run before the rest, for a person to look at (default 3)"
    )
    priority: int = Field(0, ge=-100, le=100, description="Jobs of higher priority get free slots first")
    share_identical: bool = Field(
        False, description="Run identical units once (same payload; files: same contents) and share the answer"
    )
    resume: bool = Field(True, description="Whether a lost attempt's conversation may go on in the next attempt")
    working_directory: str | None = Field(
        None, min_length=1, description="Absolute folder that agents may read (and with profile edit, write)"
    )
    workspace: Workspace | None = Field(
        None, description="Where agents work: scratch, a folder of its own for each attempt; shared, working_directory"
    )
    directories: tuple[str, ...] = Field((), max_length=50, description="More absolute folders that agents may read")
    allowed_tools: tuple[str, ...] = Field(
        (), max_length=100, description='More tools, like "WebFetch" or "mcp__name__tool"; needs a person\'s approval'
    )
    disallowed_tools: tuple[str, ...] = Field((), max_length=100, description="Tools that agents may not use")
    mcp_servers: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="MCP servers for agents, as in a client's mcpServers; needs an approval"
    )
    outputs: tuple[str, ...] = Field(
        (),
        max_length=20,
        description='Files that each agent writes, like "{{ relative_path }}.md", and that are put into '
        "output_directory once its answer is accepted; profile edit only",
    )
    output_directory: str | None = Field(
        None, min_length=1, description="Absolute folder for outputs (default: working_directory)"
    )
    overwrite_outputs: bool = Field(False, description="Whether outputs may replace files that are there already")
    system_prompt: str | None = Field(None, description="System prompt for every agent of the job")
    check: tuple[str, ...] = Field(
        (),
        max_length=100,
        description="A command (program, arguments) that is run on each answer, given as JSON on its standard input: "
        "{key, payload, text, output}; exit 0 or the unit is flagged. Needs a person's approval",
    )
    check_timeout_s: float = Field(60, ge=1, le=3600, description="Seconds the check may take")


DEEPEST = 240
"""pydantic writes no JSON that is nested more than 255 deep."""


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


class JobSpec(_Strict):
    """What a user asks for, validated once, at the door."""

    name: str = Field(min_length=1, max_length=200)
    instructions: str = Field(min_length=1, max_length=200_000)
    enumerator: dict[str, Any]
    options: JobOptions = JobOptions()
    output_schema: dict[str, Any] | None = None
    idempotency_key: str | None = Field(None, min_length=1, max_length=200)

    @property
    def digest(self) -> str:
        """The same exactly where somebody asked for the same, whatever the defaults were."""
        said = self.model_dump(mode="json", exclude={"idempotency_key"}, exclude_defaults=True)
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @field_validator("instructions")
    @classmethod
    def _say_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("say what to do with each unit")
        return text

    @field_validator("enumerator", "output_schema")
    @classmethod
    def _not_too_deep(cls, said: dict[str, Any] | None) -> dict[str, Any] | None:
        layer: list[Any] = [said]
        for _ in range(DEEPEST):
            layer = [part for one in layer for part in _parts(one)]
            if not layer:
                return said
        raise ValueError(f"it is nested more than {DEEPEST} deep; give it in another form, or read it from a file")

    @field_validator("name")
    @classmethod
    def _in_one_line(cls, text: str) -> str:
        return " ".join(text.split()) or "unnamed"


class Variant(_Strict):
    """What a pilot tries in the place of the job's own description; what is left out stays as it is."""

    name: str | None = Field(None, min_length=1, max_length=60)
    instructions: str | None = Field(None, min_length=1, max_length=200_000)
    output_schema: dict[str, Any] | None = None
    options: JobOptions | None = None


class Item(NamedTuple):
    """What an enumerator yields.

    `key` is stable: the same thing in the same source has the same key at every reading. `payload` is a JSON object.
    `row` is the item's place in its source, counted from 1 in the enumerator's own unit (`Enumerator.place`).
    """

    key: str
    payload: Mapping[str, Any]
    row: int


LIVE = (
    *("max_concurrency", "max_attempts", "timeout_s", "stall_s", "budget_usd", "budget_given", "unit_budget_usd"),
    *("max_total_tokens", "max_units", "max_wall_s", "breaker", "resume", "overwrite_outputs"),
)
"""Options that change no answer: a job has them now, whatever they were when something was tried with it."""

ANSWERS = (
    *("model", "profile", "max_turns", "max_output_tokens", "working_directory", "workspace", "directories"),
    *("system_prompt", "allowed_tools", "disallowed_tools", "mcp_servers", "output_schema", "check", "check_files"),
    *("outputs", "output_directory"),
)
"""Options that an answer may depend on: with another one, what is there is stale."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentOptions:
    """Options of a job with every default filled in. Plain data: it travels to a worker as JSON.

    `budget_given`: somebody set `budget_usd`; otherwise an approval sets it to what the quote says.
    `directories`, `allowed_tools` and `disallowed_tools` are lists, `mcp_servers` maps a name to its configuration.
    `output_schema` is JSON Schema; `check` begins with the absolute path of its program, and is empty if there is none.
    `check_files` has the fingerprint of each file that it names, "" where there was none; None if nobody took any.
    """

    model: str | None
    profile: Profile
    max_concurrency: int
    max_attempts: int
    timeout_s: float
    max_turns: int | None
    working_directory: str | None
    system_prompt: str | None
    stall_s: float = 420.0
    max_output_tokens: int = 16_000
    budget_usd: float = 5.0
    unit_budget_usd: float | None = None
    max_total_tokens: int | None = None
    max_units: int | None = None
    max_wall_s: float | None = None
    breaker: int = 10
    resume: bool = True
    pilot_units: int = 3
    budget_given: bool = True
    share_identical: bool = False
    workspace: Workspace = Workspace.SCRATCH
    directories: list[str] = field(default_factory=list)
    allowed_tools: list[str] = field(default_factory=list)
    disallowed_tools: list[str] = field(default_factory=list)
    mcp_servers: dict[str, Any] = field(default_factory=dict)
    output_schema: dict[str, Any] | None = None
    check: list[str] = field(default_factory=list)
    check_files: dict[str, str] | None = None
    check_timeout_s: float = 60.0
    outputs: list[str] = field(default_factory=list)
    output_directory: str | None = None
    overwrite_outputs: bool = False

    @property
    def output_base(self) -> str | None:
        """The folder that outputs are put into."""
        return self.output_directory or self.working_directory

    @property
    def unit_cap_usd(self) -> float:
        """Dollars after which the CLI stops one attempt."""
        return self.unit_budget_usd or self.budget_usd / UNITS_IN_A_BUDGET

    def live(self, known: "AgentOptions") -> "AgentOptions":
        """These, with what is set now in `known` where that changes no answer."""
        live: dict[str, Any] = {name: getattr(known, name) for name in LIVE}
        return replace(self, **live)
