"""What the CLI's stream says, in our words. Pure: a raw frame in, messages out, and at the end a report.

A frame is one JSON object of the CLI's `stream-json` output, or one of ours: {"type": "stderr", "line": …}.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchproc.models import Json, Message, Report, Tokens

Frame = Mapping[str, Any]

LARGEST = 250_000
"""Bytes of JSON that one message may take."""
_LONGEST = 100_000  # characters of one text in it, at first; halved until the whole fits
_SHORTEST = 200
_QUIET = frozenset({"session_state_changed", "thinking_tokens", "status"})  # system frames that say nothing to a person
_INIT = ("model", "cwd", "tools", "mcp_servers", "permissionMode", "apiKeySource", "claude_code_version")
_BILL = (
    *("subtype", "is_error", "num_turns", "duration_ms", "total_cost_usd", "terminal_reason", "stop_reason"),
    *("api_error_status", "errors", "usage", "permission_denials"),
)
_ENVELOPE = frozenset({"type", "subtype", "uuid", "session_id", "message", "parent_tool_use_id"})
_SYNTHETIC = "<synthetic>"  # the model that the CLI's own error answers name
_REFUSED = frozenset({401, 403})
_ANSWER_TOOL = "StructuredOutput"  # how a schema's answer is given: not a deed


@dataclass(slots=True)
class Tally:
    """Adds up frames until the final bill. `add` returns what they say; `report` what it all came to."""

    bill: Frame | None = None
    calls: dict[str, Frame] = field(default_factory=dict)  # usage of each model answer, by its id
    retries: list[tuple[int | None, str]] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)  # tool by tool_use_id
    unrun: set[str] = field(default_factory=set)  # tool_use_ids that were refused before they ran
    denied: dict[str, str] = field(default_factory=dict)
    api_error: str | None = None
    api_error_status: int | None = None
    session_id: str | None = None

    @property
    def refused(self) -> bool:
        """The API does not take the credential. The CLI would ask again for minutes; nobody should wait for that."""
        return any(status in _REFUSED for status, _ in self.retries)

    def add(self, frame: Frame) -> list[Message]:
        """Every message is at most LARGEST bytes of JSON."""
        self.session_id = frame.get("session_id") or self.session_id
        match frame.get("type"):
            case "assistant":
                self._add_answer(frame)
            case "user":
                self._add_results(frame)
            case "system":
                self._add_system(frame)
            case "result" if (frame.get("origin") or {}).get("kind") != "task-notification":
                self.bill = frame
                for denial in frame.get("permission_denials") or ():
                    self._deny(denial)
        return [Message(kind=kind, data=fit(data)) for kind, data in _say(frame)]

    def report(self, ended: str, *, duration_s: float, detail: str = "", subtype: str = "") -> Report:
        """The bill, and what was counted on the way to it. Without a bill the cost is unknown and says 0."""
        bill = self.bill or {}
        refused = self.refused and self.bill is None
        status = bill.get("api_error_status") or self.api_error_status
        errors = "; ".join(str(error) for error in bill.get("errors") or ())
        return Report(
            ended=ended,
            text=clean(bill.get("result") or ""),
            output=json.loads(clean(json.dumps(bill.get("structured_output"), ensure_ascii=False))),
            subtype=bill.get("subtype") or subtype,
            is_error=refused or bool(bill.get("is_error")),
            api_error_status=self.retries[-1][0] if refused else status,
            api_error=self.retries[-1][1] if refused else self.api_error or bill.get("api_error_type"),
            terminal_reason="api_error" if refused else bill.get("terminal_reason"),
            stop_reason=bill.get("stop_reason"),
            cost_usd=float(bill.get("total_cost_usd") or 0.0),
            tokens=_billed(bill) if bill else _counted(self.calls),
            turns=int(bill.get("num_turns") or 0),
            api_calls=len(self.calls),
            api_retries=tuple(self.retries),
            tools_run=len(self.asked.keys() - self.unrun),
            denied_tools=tuple(dict.fromkeys(self.denied.values())),
            session_id=self.session_id,
            duration_s=duration_s,
            detail=clean("; ".join(part for part in (detail, errors) if part)),
        )

    def _add_answer(self, frame: Frame) -> None:
        message = frame.get("message") or {}
        if message.get("model") != _SYNTHETIC:
            self.calls[str(message.get("id"))] = message.get("usage") or {}
        if frame.get("error"):
            self.api_error = str(frame["error"])
            self.api_error_status = frame.get("api_error_status")
        for block in _blocks(message):
            if block.get("type") == "tool_use" and block.get("name") != _ANSWER_TOOL:
                self.asked[str(block.get("id"))] = str(block.get("name"))

    def _add_results(self, frame: Frame) -> None:
        """A tool that does not exist, or whose input is wrong, did not run: only its result's text says so."""
        for block in _blocks(frame.get("message") or {}):
            if str(block.get("content")).startswith("<tool_use_error>"):
                self.unrun.add(str(block.get("tool_use_id")))

    def _add_system(self, frame: Frame) -> None:
        if frame.get("subtype") == "api_retry":
            self.retries.append((frame.get("error_status"), str(frame.get("error") or "")))
        elif frame.get("subtype") == "permission_denied":
            self._deny(frame)

    def _deny(self, denial: Frame) -> None:
        self.denied[str(denial.get("tool_use_id"))] = str(denial.get("tool_name"))
        self.unrun.add(str(denial.get("tool_use_id")))


def _billed(bill: Frame) -> Tokens:
    """All models of the run, as the cost counts them; `usage` alone would leave out the CLI's side calls."""
    models = [usage for usage in (bill.get("modelUsage") or {}).values() if isinstance(usage, dict)]
    if not models:
        return _counted({"": bill.get("usage") or {}})
    return Tokens(
        input=sum(int(m.get("inputTokens") or 0) for m in models),
        output=sum(int(m.get("outputTokens") or 0) for m in models),
        cache_read=sum(int(m.get("cacheReadInputTokens") or 0) for m in models),
        cache_write=sum(int(m.get("cacheCreationInputTokens") or 0) for m in models),
    )


def _counted(calls: Mapping[str, Frame]) -> Tokens:
    """What the answers said of themselves. The output is a lower bound: a frame holds only its first count."""
    return Tokens(
        input=sum(int(u.get("input_tokens") or 0) for u in calls.values()),
        output=sum(int(u.get("output_tokens") or 0) for u in calls.values()),
        cache_read=sum(int(u.get("cache_read_input_tokens") or 0) for u in calls.values()),
        cache_write=sum(int(u.get("cache_creation_input_tokens") or 0) for u in calls.values()),
    )


def _say(frame: Frame) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, data) of each thing a frame says."""
    match frame.get("type"):
        case "assistant" | "user":
            yield from _said(frame)
        case "system" if frame.get("subtype") not in _QUIET:
            yield _of_system(frame)
        case "rate_limit_event":
            yield "rate_limit", dict(frame.get("rate_limit_info") or {})
        case "result":
            yield "result", {name: frame[name] for name in _BILL if frame.get(name) not in (None, [], {})}
        case "stderr":
            yield "stderr", {"line": frame.get("line")}


def _said(frame: Frame) -> Iterator[tuple[str, dict[str, Any]]]:
    message = frame.get("message") or {}
    common = {"parent": frame["parent_tool_use_id"]} if frame.get("parent_tool_use_id") else {}
    if frame.get("error"):
        common["api_error"] = frame["error"]
    for block in _blocks(message):
        match block.get("type"):
            case "text":
                kind = "text" if frame["type"] == "assistant" else "system"
                yield kind, {"text": block.get("text"), **common}
            case "thinking" if block.get("thinking"):
                yield "thinking", {"text": block["thinking"], **common}
            case "tool_use":
                yield (
                    "tool_use",
                    {"id": block.get("id"), "name": block.get("name"), "input": block.get("input"), **common},
                )
            case "tool_result":
                error = {"is_error": True} if block.get("is_error") else {}
                yield (
                    "tool_result",
                    {"id": block.get("tool_use_id"), "content": block.get("content"), **error, **common},
                )


def _of_system(frame: Frame) -> tuple[str, dict[str, Any]]:
    rest = {key: value for key, value in frame.items() if key not in _ENVELOPE}
    match frame.get("subtype"):
        case "init":
            return "init", {"session_id": frame.get("session_id"), **{n: frame[n] for n in _INIT if n in frame}}
        case "api_retry" | "permission_denied" as kind:
            return str(kind), rest | ({"message": frame["message"]} if "message" in frame else {})
        case subtype:
            return "system", {"subtype": subtype, **rest}


def _blocks(message: Frame) -> list[Frame]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or () if isinstance(block, dict)]


def fit(data: dict[str, Any]) -> dict[str, Any]:
    """The same data in at most LARGEST bytes of JSON: files become a note, long texts end in an honest mark."""
    whole: dict[str, Any] = _shorten(data, _LONGEST)
    if _fits(whole):
        return whole
    shortest = _shorten(data, _SHORTEST)
    if not _fits(shortest):
        start = json.dumps(shortest, ensure_ascii=False)[: LARGEST // 8]
        return {"cut": "too many parts to keep", "start": start}
    longest = _LONGEST
    while not _fits(whole):
        longest //= 2
        whole = _shorten(data, max(longest, _SHORTEST))
    return whole


def _fits(data: Json) -> bool:
    return len(json.dumps(data, ensure_ascii=False).encode()) <= LARGEST


def _shorten(value: Json, longest: int) -> Json:
    match value:
        case str():
            text = clean(value)
            cut = len(text) - longest
            return text if cut <= 0 else f"{text[:longest]}… [{cut} of {len(text)} characters cut]"
        case {"type": "base64", "data": str(data)} | {"base64": str(data)}:
            kind = value.get("media_type") or value.get("type") or "file"
            return f"[{kind}, {len(data) * 3 // 4} bytes, not kept]"
        case dict():
            return {clean(str(key))[:_SHORTEST]: _shorten(item, longest) for key, item in value.items()}
        case list():
            return [_shorten(item, longest) for item in value]
        case _:
            return value


def clean(text: str) -> str:
    """Text that every encoder takes: JSON lets half a character through, UTF-8 does not."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
