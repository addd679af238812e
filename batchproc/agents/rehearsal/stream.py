"""A reply in the wire format of the Messages API: one JSON message, or the events of a stream."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from batchproc.agents.rehearsal.calls import Call, Reply
from batchproc.models import Tokens

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
SIGNATURE = "cmVoZWFyc2Fs"  # "rehearsal" in base64: thinking must be signed, and nobody here checks by whom


def message(reply: Reply, call: Call) -> dict[str, Any]:
    """The whole answer at once."""
    return {**_head(reply, call), "content": _blocks(reply, call), "stop_reason": _stop_reason(reply)}


def error(status: int, kind: str | None, text: str, identity: str | None = None) -> dict[str, Any]:
    """An error in the API's own shape."""
    kind = kind or ERROR_TYPES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": text or f"rehearsed: {kind}"}, "request_id": identity}


def status_of(kind: str) -> int:
    """The HTTP status that goes with an error's type."""
    return next((status for status, known in ERROR_TYPES.items() if known == kind), 500)


def request_id(number: int) -> str:
    return f"req_rehearsal_{number:06d}"


def events(reply: Reply, call: Call) -> Iterator[bytes]:
    """The answer as server-sent events. `sse_error` and `malformed` take effect after the first."""
    head = _head(reply, call)
    yield _event({"type": "message_start", "message": {**head, "content": []}})
    yield _event({"type": "ping"})
    if reply.sse_error:
        fault = {"type": reply.sse_error, "message": reply.message or "rehearsed fault"}
        yield _event({"type": "error", "error": fault})
        return
    if reply.malformed:
        yield b"event: content_block_start\ndata: {this is not JSON\n\n"
    for index, block in enumerate(_blocks(reply, call)):
        yield from _block_events(index, block, max(1, reply.chunks))
    delta = {"stop_reason": _stop_reason(reply), "stop_sequence": None}
    yield _event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": reply.usage.output}})
    yield _event({"type": "message_stop"})


def _head(reply: Reply, call: Call) -> dict[str, Any]:
    return {
        "id": f"msg_rehearsal_{call.number:06d}",
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(reply.usage),
    }


def _usage(tokens: Tokens) -> dict[str, int]:
    return {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cache_read,
    }


def _stop_reason(reply: Reply) -> str:
    return reply.stop_reason or ("tool_use" if reply.tools else "end_turn")


def _blocks(reply: Reply, call: Call) -> list[dict[str, Any]]:
    thinking = [{"type": "thinking", "thinking": reply.thinking, "signature": SIGNATURE}] if reply.thinking else []
    text = [{"type": "text", "text": reply.text}] if reply.text is not None else []
    tools = [
        {"type": "tool_use", "id": f"toolu_rehearsal_{call.number:06d}_{index}", "name": name, "input": dict(given)}
        for index, (name, given) in enumerate(reply.tools)
    ]
    return [*thinking, *text, *tools]


def _block_events(index: int, block: Mapping[str, Any], chunks: int) -> Iterator[bytes]:
    start, deltas = _parts(block, chunks)
    yield _event({"type": "content_block_start", "index": index, "content_block": start})
    for delta in deltas:
        yield _event({"type": "content_block_delta", "index": index, "delta": delta})
    yield _event({"type": "content_block_stop", "index": index})


def _parts(block: Mapping[str, Any], chunks: int) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """A block as it starts, still empty, and the deltas that fill it."""
    match block["type"]:
        case "text":
            pieces = _pieces(block["text"], chunks)
            return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]
        case "thinking":
            thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"], chunks)]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*thoughts, signed]
        case _:
            pieces = _pieces(json.dumps(block["input"]), chunks)
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _pieces(text: str, count: int) -> list[str]:
    size = max(1, -(-len(text) // count))
    return [text[at : at + size] for at in range(0, len(text), size)]


def _event(data: Mapping[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()
