"""Whether an answer still says something: what it was given for, said in a fingerprint. Pure but for a file's content.

A unit's *input* is its key, its payload, and for a file what is in it. Its *fingerprint* is that, the prompt it was
sent and the options that an answer hangs on (`models.ANSWERS`): with the same one, the unit is not run again.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from batchproc import prompts
from batchproc.errors import InvalidJob
from batchproc.models import ANSWERS, AgentOptions, Job
from batchproc.prompts import Prompt

_SORTED = orjson.OPT_SORT_KEYS
SHA256 = 64
"""Characters of a content's digest; that of a payload has half as many."""
BYTES = 16
"""Of a digest: two of 10^15 units that differ have the same one by chance in one of 10^8 houses."""


def content(payload: Mapping[str, Any]) -> str:
    """The digest of a file unit's content. Blocks: use a thread. Raises `OSError`."""
    with Path(str(payload["file_path"])).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same_of(payload: Mapping[str, Any], *, is_file: bool) -> str | None:
    """What identical units have in common: their payload, or for files what is in them and the extension. None for a
    file that cannot be read. Blocks."""
    if not is_file:
        return _digest(payload)
    try:
        return f"{content(payload)}{payload.get('file_extension') or ''}"
    except OSError:
        return None


def content_in(same: str) -> str | None:
    """The digest of the file's content in what identical units have in common; None where they are no files."""
    return same[:SHA256] if len(same) >= SHA256 else None


def input_of(key: str, payload: Mapping[str, Any], content: str | None) -> str:
    """The digest of what a unit is. `content` is that of its file, None for a unit that is none."""
    return _digest([key, payload, content])


class Fingerprints:
    """Those of one description of a job: made once, asked for each unit."""

    def __init__(self, job: Job) -> None:
        self._prompt = Prompt.of(job)
        self._described = _described(self._prompt.shared(job.options.system_prompt), job.options)

    def of(self, key: str, payload: Mapping[str, Any], *, input: str, note: str | None = None) -> str | None:
        """The fingerprint of an answer for this unit, with what a person added for it; None where the template cannot
        be filled with it, so that there can be none."""
        try:
            prompt = prompts.noted(self._prompt.render(key, payload), note)
        except InvalidJob:
            return None
        return _digest([self._described, input, prompt])


def _described(shared: str | None, options: AgentOptions) -> str:
    return _digest([shared, {name: getattr(options, name) for name in ANSWERS}])


def _digest(value: Any) -> str:
    return hashlib.blake2b(orjson.dumps(value, option=_SORTED), digest_size=BYTES).hexdigest()
