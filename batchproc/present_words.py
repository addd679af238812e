"""Words that every answer uses: texts that are cut, the model's name, moments and durations. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from batchproc.models import REHEARSAL, AgentOptions, Job

REHEARSED = "rehearsal (a stand-in that answers from the data itself; not Claude)"


def cut(value: Any, longest: int) -> Any:
    """The value with every text in it cut to `longest` characters, saying so. What agents get is never cut."""
    match value:
        case str() if len(value) > longest:
            return f"{value[:longest]}… [{len(value):,} characters in all; cut here, not for the agent]"
        case Mapping():
            return {key: cut(one, longest) for key, one in value.items()}
        case list() | tuple():
            return [cut(one, longest) for one in value]
        case _:
            return value


def model_name(options: AgentOptions) -> str:
    return REHEARSED if is_free(options) else options.model or "the CLI's default"


def is_free(options: AgentOptions) -> bool:
    return options.model == REHEARSAL


def stamp(moment: datetime) -> str:
    """A moment as every face writes it: ISO 8601, UTC, milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def caps(options: AgentOptions) -> list[str]:
    """What beside money ends the running of a job before all of it is done."""
    given = {name: getattr(options, name) for name in ("max_units", "max_total_tokens", "max_wall_s")}
    said = ", ".join(f"{name} = {value:.15g}" for name, value in given.items() if value is not None)
    return [f"It pauses at a cap of the job: {said}."] if said else []


def duration(seconds: float) -> str:
    """`40 s`, `3 min 20 s`, `2 h 05 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def of_a_change(job: Job) -> list[str]:
    """What to know of results while a change of what ran is tried."""
    if job.approved_trial is None or job.approved_at is not None:
        return []
    return ["a change is tried: units of its pilot have answers that nobody has approved of, all others older ones"]
