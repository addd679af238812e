"""What an agent said and did, in words that fit into a page. Pure."""

from collections.abc import Mapping
from typing import Any

from batchproc.export.base import Said, as_json
from batchproc.models import Event

LONGEST = 2_000
"""Characters of one thing."""
MOST_EVENTS = 100
MOST_UNITS = 1_000


def said(event: Event) -> Said:
    kind = event.kind.removeprefix("agent.")
    text = _words(kind, event.data)
    cut = len(text) - LONGEST
    shown = text if cut <= 0 else f"{text[:LONGEST]}… [{cut:,} more characters]"
    return Said(at=event.at.isoformat(timespec="seconds"), attempt=event.attempt, kind=kind, text=shown)


def _words(kind: str, data: Mapping[str, Any]) -> str:
    match kind, data:
        case "text" | "thinking" | "system", {"text": str(text)}:
            return text
        case "tool_use", {"name": str(name)}:
            return f"{name} {as_json(data.get('input'))}"
        case "tool_result", {"content": str(text)}:
            return text
        case "tool_result", {"content": list(blocks)}:
            return "\n".join(
                str(one["text"]) if isinstance(one, dict) and "text" in one else as_json(one) for one in blocks
            )
        case "stderr", {"line": str(line)}:
            return line
        case _:
            return as_json(dict(data)) if data else ""
