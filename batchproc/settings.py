"""One visible table of defaults. Each can be set by the environment as BATCHPROC_<NAME>; nothing is read at import."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from batchproc.errors import InvalidJob

PROGRAMS = ("ask", "off")
BOUNDS: dict[str, tuple[float, float]] = {
    "max_concurrency": (1, 256),
    "max_attempts": (1, 20),
    "timeout_s": (1, 86_400),
    "stall_s": (10, 86_400),
    "max_output_tokens": (256, 128_000),
    "breaker": (0, 20),
    "pilot_units": (1, 50),
    "slots": (1, 1_000),
    "cache_wait_s": (0, 300),
    "log_days": (0, 36_500),
}
"""What a job's own options may be, where a setting fills them in."""
MAY_BE_0 = frozenset({"breaker", "cache_wait_s", "log_days"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Every default, with its unit in its name."""

    home: Path = Path("~/.batchproc")  # the store's directory
    slots: int = 8  # agents at a time for the whole store
    max_concurrency: int = 4  # agents at a time for one job
    max_attempts: int = 4  # charged attempts for one unit
    timeout_s: float = 600.0  # one attempt
    idle_s: float = 300.0  # a supervisor with nothing to do ends after this
    dashboard_idle_s: float = 43_200.0  # a dashboard that nobody asks for anything ends after this
    grace_s: float = 30.0  # how long a drain waits for running agents
    enumerate_s: float = 10.0  # how long create_job reads before it leaves the source to the supervisor
    backoff_s: float = 5.0  # before the second attempt; doubles after each
    backoff_max_s: float = 300.0  # and never grows past this
    stall_s: float = 420.0  # an attempt that says nothing for so long is given up
    cache_wait_s: float = 20.0  # how long units wait for the first to write what they share to the prompt cache; 0: no
    max_output_tokens: int = 16_000  # one answer of the model
    budget_usd: float = 5.0  # a job that sets none
    breaker: int = 10  # a job pauses when so many of its last 20 units ended badly alike
    pilot_units: int = 3  # units that run before the rest of a job, for a person to look at
    memory_reserve_mb: int = 512  # no agent is started that would leave less to the rest of the machine
    disk_reserve_mb: int = 64  # no agent is started while the store's disk has less
    log_days: int = 30  # log lines are kept so long; 0: for ever
    export_roots: tuple[Path, ...] = ()  # folders for exports, beside the home and a job's own working directory
    programs: str = "ask"  # jobs that name a program, or profile "full": ask a person to approve them, or off

    def resolved(self) -> "Settings":
        """The same with `home` absolute, links followed."""
        try:
            return replace(self, home=self.home.expanduser().resolve())
        except (OSError, RuntimeError) as error:
            raise InvalidJob(
                "BATCHPROC_HOME", str(self.home), f"it cannot be followed ({error}); name a folder"
            ) from None


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment. Raises `InvalidJob` naming the variable, its value and the way out."""
    given = {
        f.name: _parse(variable(f.name), f.type, environ[variable(f.name)])
        for f in fields(Settings)
        if environ.get(variable(f.name))
    }
    return Settings(**given).resolved()  # type: ignore[arg-type]


def variable(name: str) -> str:
    """The environment variable that sets one default."""
    return f"BATCHPROC_{name.upper()}"


def variables() -> frozenset[str]:
    """Every environment variable that sets a default."""
    return frozenset(variable(f.name) for f in fields(Settings))


def _parse(name: str, kind: object, text: str) -> object:
    if kind is Path:
        return Path(text)
    if kind == tuple[Path, ...]:
        return tuple(_folder(name, part) for part in text.split(os.pathsep) if part)
    if kind is str:
        if text.lower() not in PROGRAMS:
            raise InvalidJob(name, text, f"write {' or '.join(PROGRAMS)}")
        return text.lower()
    try:
        number = int(text) if kind is int else float(text)
    except ValueError:
        raise InvalidJob(name, text, "write a whole number" if kind is int else "write a number") from None
    field = name.removeprefix("BATCHPROC_").lower()
    least, most = BOUNDS.get(field, (0, 1_000_000 if kind is int else 1e7))
    if not least <= number <= most or (number == 0 and field not in MAY_BE_0):
        lowest = f"from {least}" if least or field in MAY_BE_0 else "above 0"
        raise InvalidJob(name, text, f"write a number {lowest} and at most {most:,}")
    return number


def _folder(name: str, text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise InvalidJob(name, text, f"write absolute paths, with {os.pathsep} between them")
    return path
