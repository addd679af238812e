"""The files that a unit's agent is told to write, and those that it has written so far."""

import json
import re
from typing import Any

from batchproc.agents.rehearsal.calls import Call

ASKED = re.compile(r"relative\s+to your working directory; each line is one file's name, in JSON:\n((?:- \".*\"\n?)+)")


def left(call: Call) -> list[str]:
    """Those that the last message about files names, and that were not written since, in their order."""
    named: list[str] = []
    for message in call.body["messages"]:
        for block in _blocks(message):
            if message["role"] == "user" and block["type"] == "text" and (asked := _asked(block["text"])):
                named = asked
            elif block["type"] == "tool_use" and block["name"] == "Write":
                named = [name for name in named if name != block["input"].get("file_path")]
    return named


def _asked(text: str) -> list[str]:
    """After all data of the unit, so that data cannot name any."""
    found = ASKED.findall(text)
    return [json.loads(line[2:]) for line in found[-1].splitlines()] if found else []


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
