"""How the house itself is: the store, its supervisor, what runs, and what it came to over time."""

from pydantic import Field

from batchproc.answers.base import Answer


class Busy(Answer):
    """A slot that is taken."""

    job_id: str
    job: str
    key: str
    attempt: int
    since: str
    last_event: str | None


class Workers(Answer):
    alive: bool = Field(description="Whether a supervisor holds the store's lock")
    mode: str = Field(description="inline: agents run in the supervisor's own loop")
    pid: int | None
    epoch: int | None
    since: str | None
    uptime_s: float | None
    guard: str | None = Field(description="full: no agent outlives the supervisor, whatever kills it")
    slots: int | None
    agents: int
    jobs: int
    trouble: str | None
    last_event: int
    last_event_at: str | None
    last_event_kind: str | None
    busy: list[Busy]


class Point(Answer):
    """What ended in one span of time."""

    at: str
    succeeded: int
    flagged: int
    failed: int
    other: int = Field(description="Attempts that did not count: lost, released, did not run")
    cost_usd: float
    tokens: int
    cache_read_tokens: int
    cache_write_tokens: int


class Stats(Answer):
    job_id: str | None = Field(description="null: of the whole store")
    jobs: dict[str, int] = Field(description="Jobs by status")
    units: dict[str, int] = Field(description="Units by status")
    cost_usd: float
    wasted_usd: float
    tokens: int
    database_bytes: int
    span_s: int = Field(description="Seconds that each point covers")
    series: list[Point] = Field(description="What ended, oldest first, at most 240 points; empty spans left out")


class Part(Answer):
    """One part of the house."""

    ok: bool
    stops_jobs: bool = Field(description="What is wrong with it stops jobs")
    found: str
    way_out: str | None = None


class Health(Answer):
    status: str = Field(description="ok; degraded: something is wrong that does not stop jobs; down: they are stopped")
    version: str
    parts: dict[str, Part] = Field(description="store, supervisor, guard, disk")
    epoch: int | None = Field(description="Of the newest supervisor; each takeover of the store has the next")
    lock: str = Field(description="held: a supervisor is alive; or free")
    queue: dict[str, int] = Field(description="Units of active jobs: pending, of these `due` now, and running")
    active_jobs: int


class Ready(Answer):
    ready: bool
    reasons: list[str] = Field(description="Why not")


class DoctorCheck(Answer):
    name: str
    ok: bool
    required: bool
    found: str
    way_out: str


class Doctor(Answer):
    version: str
    checks: list[DoctorCheck]


class Approvable(Answer):
    """What waits for a person: a program, or a profile without walls."""

    name: str = Field(description="What `batchproc approve` takes")
    hash: str
    what: str
    text: str = Field(description="All of what an approval would allow")
    job_id: str | None
    asked_at: str | None
    asked_by: str | None


class Approvals(Answer):
    approvals: list[Approvable]


class PlanAnswer(Answer):
    """What would happen, for a person to agree to."""

    text: str | None = Field(description="null: there is nothing to agree to, it may start")
    plan: str | None = Field(description="Its mark. Pass it on to start, which refuses where the plan is another one")
    needs_choice: bool = Field(description="Several variants were tried: name one")
    variants: list[str]
