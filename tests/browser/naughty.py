"""Units in which everything that a stranger may write tries to run a script or to call home."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SIGNATURE = 100  # characters


class Naughty:
    """`Words` that are the tries, one after the other."""

    def __init__(self, tries: Sequence[str]) -> None:
        self._tries = [one.replace("\0", "").encode("utf-8", "replace").decode() for one in tries]

    def __len__(self) -> int:
        return len(self._tries)

    def said(self, place: int) -> str:
        return self._tries[(place - 1) % len(self)]

    def key(self, place: int) -> str:
        return f"{place} {self.said(place)[:120]}".strip()

    def ticket(self, place: int) -> Mapping[str, Any]:
        said = self.said(place)
        return {
            "file_path": f"/data/{said}",
            "file_name": said,
            said[:80] or "?": said,
            "customer": said,
            "subject": said,
        }

    def answer(self, place: int) -> Mapping[str, Any]:
        said = self.said(place)
        return {
            "category": said,
            "urgency": said,
            "refund": said,
            "summary": said,
            said[:80] or "?": [said, {said: said}],
        }

    def prose(self, place: int) -> str:
        return self.said(place)

    def failure(self, place: int) -> tuple[str, str]:
        return self.said(place), f"{place} {self.said(place)[:SIGNATURE]}"

    def flag(self, place: int) -> tuple[str, str]:
        return self.failure(place)

    def end(self, place: int) -> str:
        return ("succeeded", "failed", "flagged")[place % 3]

    def log_lines(self) -> Sequence[tuple[str, str]]:
        return [(("info", "warning", "error")[n % 3], one or "?") for n, one in enumerate(self._tries)]

    def conversation(self, place: int) -> Iterator[tuple[str, dict[str, Any]]]:
        said = self.said(place)
        yield "unit.claimed", {}
        yield "agent.started", {"pid": 1, "guard": said}
        yield "agent.init", {"model": said, "tools": [said], "cwd": said, "session_id": said}
        yield "agent.thinking", {"text": said}
        yield "agent.text", {"text": said}
        yield "agent.tool_use", {"id": "a", "name": said, "input": {said: said}}
        yield "agent.tool_result", {"id": "a", "content": said, "is_error": True}
        yield "agent.tool_use", {"id": "b", "name": "Read", "input": {"file_path": said}}
        image = {"type": "image", "source": {"type": "base64", "media_type": said, "data": said}}
        yield "agent.tool_result", {"id": "b", "content": [{"type": "text", "text": said}, image]}
        yield "agent.permission_denied", {"tool_name": said, "message": said}
        yield "agent.api_retry", {"error": said, "attempt": 1}
        yield "agent.system", {"subtype": said, "text": said}
        yield "agent.result", {"subtype": said, "errors": [said], "terminal_reason": said}
