"""What one frame of the CLI's stream says, in our words and in bounds. Pure.

A frame is one JSON object of the CLI's `stream-json` output, or one of ours: {"type": "stderr", "line": …}.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from batchproc.models import Json

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


def say(frame: Frame) -> Iterator[tuple[str, dict[str, Any]]]:
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
    for block in blocks(message):
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


def blocks(message: Frame) -> list[Frame]:
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
