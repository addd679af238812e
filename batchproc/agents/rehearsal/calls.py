"""What a script of the rehearsal model sees and says: a Call in, a Reply out."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from batchproc.models import Json, Tokens

FREE = Tokens()

Point = Literal["accept", "headers", "mid"]
"""Where a fault strikes: before the response's first byte, after its headers, or in the middle of its body."""

REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
"""What the CLI adds to prompts and tool results on its own."""


class ToolUse(NamedTuple):
    """A tool that we asked for earlier in this conversation."""

    tool_use_id: str
    name: str
    input: Mapping[str, Any]


class ToolResult(NamedTuple):
    """What a tool gave back. `media` names what is not text, such as `image/png`."""

    tool_use_id: str
    text: str
    is_error: bool
    media: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, as a script sees it. `headers` have lower-case names. `number` counts from 1 for each server, main
    calls and others apart.

    `is_main` is False for what the CLI asks for itself, such as a title of the session: the server answers those
    without the script.
    """

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    number: int

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def is_main(self) -> bool:
        """The CLI asks its own questions with a schema for the answer; an agent's schema comes as a tool."""
        return not (self.body.get("output_config") or {}).get("format")

    @property
    def session_id(self) -> str | None:
        return self.headers.get("x-claude-code-session-id")

    @cached_property
    def tools(self) -> dict[str, Json]:
        """The input schema of each tool offered, by name."""
        return {tool["name"]: tool.get("input_schema", {}) for tool in self.body.get("tools") or ()}

    @property
    def turn(self) -> int:
        """How many answers this conversation already holds."""
        return sum(message["role"] == "assistant" for message in self.body["messages"])

    @cached_property
    def prompt(self) -> str:
        """The text of the first user message, without what the CLI put around it."""
        first = next((m for m in self.body["messages"] if m["role"] == "user"), {"content": ""})
        texts = [block["text"] for block in _blocks(first) if block["type"] == "text"]
        return "\n".join(text for text in texts if not REMINDER.fullmatch(text.strip()))

    @cached_property
    def tool_uses(self) -> list[ToolUse]:
        return [ToolUse(b["id"], b["name"], b["input"]) for b in self._all_blocks("assistant", "tool_use")]

    @cached_property
    def tool_results(self) -> list[ToolResult]:
        return [_tool_result(block) for block in self._all_blocks("user", "tool_result")]

    @property
    def asked_last(self) -> str:
        """The last thing the user or a tool said, in one line of at most 200 characters."""
        blocks = [b for m in self.body["messages"] if m["role"] == "user" for b in _blocks(m)]
        texts = [_tool_result(b).text if b["type"] == "tool_result" else b.get("text", b["type"]) for b in blocks]
        said = [text for text in (" ".join(REMINDER.sub("", t).split()) for t in texts) if text]
        return said[-1][:200] if said else ""

    def _all_blocks(self, role: str, kind: str) -> list[dict[str, Any]]:
        return [b for m in self.body["messages"] if m["role"] == role for b in _blocks(m) if b["type"] == kind]


def _blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _tool_result(block: Mapping[str, Any]) -> ToolResult:
    parts = _blocks({"content": block.get("content") or ""})
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    media = tuple(str(part.get("source", {}).get("media_type", part["type"])) for part in parts if "source" in part)
    return ToolResult(block["tool_use_id"], text, bool(block.get("is_error")), media)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a script answers: text, thinking and tool calls, or a fault.

    `status` other than 200 is an HTTP error with `error_type` (by default the API's own for that status), `message`
    and `headers`. `stall` goes silent and `cut` closes the connection at that point. `sse_error` and `malformed`
    break a stream after its start. A text comes in `chunks` pieces, `chunk_gap_s` apart. Usage is free by default.
    """

    text: str | None = None
    tools: Sequence[tuple[str, Mapping[str, Any]]] = ()
    thinking: str | None = None
    stop_reason: str | None = None
    usage: Tokens = FREE
    status: int = 200
    error_type: str | None = None
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    stall: Point | None = None
    cut: Point | None = None
    sse_error: str | None = None
    malformed: bool = False
    chunks: int = 1
    chunk_gap_s: float = 0.0


Script = Callable[[Call], Reply | Awaitable[Reply]]
"""Decides each reply. It may be a coroutine function, and may wait for whatever a test wants it to."""
