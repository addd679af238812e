"""What the tests of the Claude agent share: a task, a run, and looking at processes. No tests."""

import contextlib
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batchproc.agents import guard
from batchproc.agents.claude import ClaudeAgent
from batchproc.agents.rehearsal import Call, Reply
from batchproc.models import REHEARSAL, AgentEvent, AgentOptions, AttemptTask, Message, Profile, Report
from batchproc.platform import processes

DEFAULTS = {
    "model": REHEARSAL,
    "profile": Profile.READ_ONLY,
    "max_concurrency": 4,
    "max_attempts": 4,
    "timeout_s": 30.0,
    "max_turns": None,
    "working_directory": None,
    "system_prompt": None,
}


def task(
    directory: Path, prompt: str = "go", *, file: Path | None = None, schema: Any = None, **options: Any
) -> AttemptTask:
    return AttemptTask(
        job_id="j",
        unit=1,
        key="k",
        attempt=1,
        prompt=prompt,
        system_prompt=options.get("system_prompt"),
        options=AgentOptions(**{**DEFAULTS, **options}),
        session_id=str(uuid.uuid4()),
        directory=str(directory),
        file=str(file) if file else None,
        output_schema=schema,
    )


async def agent(**settings: Any) -> ClaudeAgent:
    """With the best guard of this machine and a tag of its own."""
    cli = guard.find_cli()
    assert cli is not None
    best = settings.pop("guard", None) or await guard.probe(cli)
    return ClaudeAgent(**{"guard": best, "slots": 2, "tag": uuid.uuid4().hex, **settings})


async def collect(claude: ClaudeAgent, what: AttemptTask, environment: Mapping[str, str]) -> list[AgentEvent]:
    return [event async for event in claude.run(what, environment)]


def report(events: list[AgentEvent]) -> Report:
    (last,) = (event for event in events if isinstance(event, Report))
    assert events[-1] is last
    return last


def messages(events: list[AgentEvent], kind: str) -> list[Mapping[str, Any]]:
    return [event.data for event in events if isinstance(event, Message) and event.kind == kind]


def script(*replies: Reply) -> Callable[[Call], Reply]:
    """One reply after the other; the last one again and again."""
    return lambda call: replies[min(call.turn, len(replies) - 1)]


def read(*paths: Path | str) -> Reply:
    return Reply(tools=[("Read", {"file_path": str(path)}) for path in paths])


def tree(tag: str) -> list[int]:
    """Pids of the living processes that carry the tag."""
    mark = f"{guard.TAG}={tag}".encode()
    return [pid for pid, _ in processes.marked(mark, True)]


def commands(tag: str) -> list[list[bytes]]:
    """The command lines of those processes; who has just ended has none."""
    lines = []
    for pid in tree(tag):
        with contextlib.suppress(OSError):
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))
    return lines
