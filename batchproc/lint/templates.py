"""Templates against the fields that the units have."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from batchproc.prompts import Prompt

MOST_NAMES = 8
"""Fields that a warning names before it only counts them."""
_TASKS = "command instruction instructions job prompt query question request task todo"
TASKS = frozenset(_TASKS.split())
"""Fields that say what to do, rather than what to do it with."""

_FIELD = re.compile(r"\{\{-?\s*(\w*).*?\}\}", re.S)
_CODE = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.S)
DATA, TASK = "\N{LEFT CEILING}data\N{RIGHT CEILING}", "\N{LEFT CEILING}task\N{RIGHT CEILING}"


def without(instructions: str) -> str:
    """The text as a reader takes it: `DATA` or `TASK` where a field is filled in, no template code."""
    if "{{" not in instructions:
        return instructions
    return _FIELD.sub(lambda field: TASK if field[1].lower() in TASKS else DATA, _CODE.sub(" ", instructions))


def warnings(prompt: Prompt, sample: Sequence[tuple[str, Mapping[str, Any]]], source: str) -> list[str]:
    """What a template leaves out; nothing of plain instructions, whose units are seen whole."""
    if not prompt.is_template:
        return []
    if not prompt.names:
        return ["the template names no field of the units, so every agent is asked the same; write {{ field }}"]
    if source == "file":
        return _pathless(prompt)
    unused = [name for name in _fields(sample) if name not in prompt.names and not _is_key(name, sample)]
    if not unused:
        return []
    more = f" and {len(unused) - MOST_NAMES} more" if len(unused) > MOST_NAMES else ""
    return [f"the template never uses {', '.join(unused[:MOST_NAMES])}{more}: agents see only the fields that it names"]


def _pathless(prompt: Prompt) -> list[str]:
    if prompt.names & {"file_path", "relative_path"}:
        return []
    return ["the template never uses file_path, so an agent does not know where its file is; write {{ file_path }}"]


def _fields(sample: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    return list(dict.fromkeys(name for _, payload in sample for name in payload))


def _is_key(name: str, sample: Sequence[tuple[str, Mapping[str, Any]]]) -> bool:
    """Whether the field only says which unit it is."""
    return all(str(payload.get(name)) == key for key, payload in sample)
