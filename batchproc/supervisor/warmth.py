"""The API's prompt cache, as the attempts of a job share it: one writes their common prefix, the others read it.

A prefix can be read as soon as the first answer to it begins, and is kept for five minutes from the start of the last
request that wrote or read it. Whoever asks for one that nobody holds writes it; the others wait until an answer begins,
the writer has ended, or `hold_s` is over. Reading costs a tenth of the price or less, writing a quarter more.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass, field

import orjson

from batchproc.agents import profiles
from batchproc.models import REHEARSAL, AttemptTask, Message

HOLD_S = 20.0
KEPT_S = 280.0
"""Five minutes, less what passes between our look and the request."""
ANSWERS = frozenset({"text", "thinking", "tool_use"})
MOST_PREFIXES = 200

BYTES_PER_TOKEN = 4.0
"""More than in any text that was looked at, so that no prefix is taken for cacheable that is not."""
OWN = 135
"""Bytes that the CLI says of itself before the system prompt."""
TOOLS = {"Bash": 4_226, "Edit": 1_006, "Glob": 754, "Grep": 3_331, "Read": 1_975, "Write": 663}
"""Bytes of each tool's description in a request of CLI 2.1.330, for the models to which it describes them shortest."""
ANSWER_TOOL = 230
"""The same for the tool that takes a structured answer, beside its schema."""

LEAST = 4_096
LEAST_TOKENS = {
    **dict.fromkeys(("opus", "sonnet", "haiku"), 512),
    **dict.fromkeys(("claude-opus-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5"), 512),
    **dict.fromkeys(("claude-opus-4", "claude-opus-4-8", "claude-sonnet-4", "claude-sonnet-5"), 1_024),
    **dict.fromkeys(("claude-opus-4-7", "claude-sonnet-4-6", "claude-3-5-haiku"), 2_048),
    **dict.fromkeys(("claude-opus-4-5", "claude-opus-4-6", "claude-haiku-4-5"), LEAST),
}
"""The shortest prefix that the API caches, in tokens (platform.claude.com, prompt caching); a longer name wins."""


def least_tokens(model: str | None) -> int:
    """The shortest prefix that is cached for this model; None is the CLI's default. Of unknown ones the most."""
    if model is None:
        return LEAST_TOKENS["opus"]
    families = [name for name in LEAST_TOKENS if model == name or model.startswith(f"{name}-")]
    return LEAST_TOKENS[max(families, key=len)] if families else LEAST


def prefix_of(task: AttemptTask, payer: Hashable) -> Hashable | None:
    """What two attempts have in common exactly where the API may give one what the other wrote; None if it is too short
    to be cached, or nobody caches it. Raises `InvalidJob` as `profiles.access` does."""
    if task.options.model == REHEARSAL:
        return None
    tools = profiles.access(task).tools
    schema = b"" if task.output_schema is None else orjson.dumps(task.output_schema)
    size = OWN + len((task.system_prompt or "").encode()) + sum(TOOLS.get(tool, 0) for tool in tools)
    size += ANSWER_TOOL + len(schema) if schema else 0
    if size / BYTES_PER_TOKEN < least_tokens(task.options.model):
        return None
    return payer, task.job_id, hash((task.system_prompt, tools, schema, _servers(task)))


def _servers(task: AttemptTask) -> bytes:
    """What the tools depend on that MCP servers bring: they stand before the system prompt, like our own."""
    return orjson.dumps([task.options.mcp_servers, task.options.disallowed_tools])


@dataclass(kw_only=True, slots=True)
class Prefix:
    """One prefix at the API. Pure: the time is a parameter, and monotonic.

    Until `opens_at` the others wait for the `writer`. Nobody writes before `next_at`: whatever came of the last one
    who did, units of a job that fails are not held up again and again.
    """

    warm_until: float = -math.inf
    next_at: float = -math.inf
    opens_at: float = -math.inf
    writer: object | None = None

    def waits_s(self, who: object, now: float, hold_s: float) -> float:
        """How long `who` waits at most before it asks. Not at all where it is warm, and where it becomes the writer."""
        if now < self.warm_until:
            self.asked(now)
        elif self.writer is not None and now < self.opens_at:
            return min(hold_s, self.opens_at - now)  # the sum is rounded: it may be a hair more
        elif now >= self.next_at:
            self.writer, self.opens_at, self.next_at = who, now + hold_s, now + KEPT_S
        return 0.0

    def asked(self, at: float) -> None:
        """A request that began then wrote or read it."""
        self.warm_until = max(self.warm_until, at + KEPT_S)

    def answered(self, asked_at: float) -> None:
        """The answer to a request that began then has begun."""
        self.asked(asked_at)
        self.writer = None

    def left(self, who: object) -> None:
        """This attempt has ended."""
        if self.writer is who:
            self.writer = None

    def is_over(self, now: float) -> bool:
        """Whether there is nothing left to know of it."""
        return self.writer is None and now >= max(self.warm_until, self.next_at)


@dataclass(kw_only=True, slots=True)
class _Shared:
    """A prefix, and the door at which those wait who want to read it."""

    prefix: Prefix = field(default_factory=Prefix)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def look(self) -> None:
        """Let them in, if nobody has to be waited for."""
        if self.prefix.writer is None:
            self.opened.set()


class Turn:
    """One attempt's part in it: what it hears tells the others."""

    def __init__(self, shared: _Shared | None, clock: Callable[[], float]) -> None:
        self._shared, self._clock = shared, clock
        self._asked_at = clock()

    def heard(self, message: Message) -> None:
        """Its agent has said something."""
        if self._shared is None:
            return
        if message.kind == "tool_result":  # and asks again with it
            self._asked_at = self._clock()
        elif message.kind in ANSWERS:
            self._shared.prefix.answered(self._asked_at)
            self._shared.look()


class Warmth:
    """All prefixes of the store's jobs. `hold_s` 0: nobody ever waits."""

    def __init__(self, *, hold_s: float = HOLD_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._hold_s, self._clock = hold_s, clock
        self._known: dict[Hashable, _Shared] = {}

    @contextlib.asynccontextmanager
    async def turn(self, prefix: Hashable | None) -> AsyncIterator[Turn]:
        """Enters when it is this attempt's turn to ask; leaving says that it has ended."""
        if prefix is None or not self._hold_s:
            yield Turn(None, self._clock)
            return
        self._forget()
        shared, who = self._known.setdefault(prefix, _Shared()), object()
        try:
            await self._wait(shared, who)
            yield Turn(shared, self._clock)
        finally:
            shared.prefix.left(who)
            shared.look()

    async def _wait(self, shared: _Shared, who: object) -> None:
        waits_s = shared.prefix.waits_s(who, self._clock(), self._hold_s)
        if not waits_s:
            if shared.prefix.writer is who:
                shared.opened.clear()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(waits_s):
                await shared.opened.wait()

    def _forget(self) -> None:
        """What is cold and waited for by nobody, once there is much of it."""
        if len(self._known) > MOST_PREFIXES:
            now = self._clock()
            self._known = {key: one for key, one in self._known.items() if not one.prefix.is_over(now)}
