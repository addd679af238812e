"""Pure: text and JSON → the same without secrets. Known values go in every usual spelling, others by their shape.

It sees one value at a time: a secret that is split over two strings, or wrapped over lines in base64, is not found.
"""

from collections.abc import Iterable, Mapping, Sequence

from batchproc.models import Json
from batchproc.redaction import known, shapes, spans
from batchproc.redaction.known import SHORTEST

DEEPEST = 100  # levels of nesting; what lies deeper is cut off unread, so that no answer can exhaust our stack
TOO_DEEP = "[redacted: nested too deeply]"

__all__ = ["DEEPEST", "SHORTEST", "TOO_DEEP", "Redactor"]


class Redactor:
    """Takes known secrets, and what has the shape of one, out of whatever leaves this machine's memory.

    Promises: no known value of 8 characters or more survives, as it is, JSON-escaped, URL-encoded or in base64, alone
    or inside a longer text. Nothing else changes, and what held no secret comes back as the very same object. Time is
    linear in the size of what is read.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms = known.forms(secrets)

    @classmethod
    def of_environment(cls, variables: Mapping[str, str]) -> "Redactor":
        """Knows the values of those variables whose names hold secrets, and passwords within URLs."""
        return cls(secret for name, value in variables.items() for secret in known.secrets_in(name, value.strip()))

    def text(self, text: str) -> str:
        """The text with `[redacted]` for each known value and `[redacted: kind]` for what has the shape of a secret."""
        found = [*known.found(text, self._forms), *shapes.found(text)]
        return spans.cut(text, found) if found else text

    def data(self, value: Json) -> Json:
        """The JSON value with each of its strings redacted, keys too; keys that become alike are numbered apart."""
        return self._data(value, DEEPEST)

    def _data(self, value: Json, levels: int) -> Json:
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return self._mapping(value, levels - 1) if levels else TOO_DEEP
            case list() | tuple():
                return self._sequence(value, levels - 1) if levels else TOO_DEEP
        return value

    def _mapping(self, value: Mapping[Json, Json], levels: int) -> Mapping[Json, Json]:
        clean = [(self._key(key), self._data(item, levels)) for key, item in value.items()]
        same = all(new[0] is key and new[1] is item for new, (key, item) in zip(clean, value.items(), strict=True))
        return value if same else _distinct(clean)

    def _sequence(self, value: Sequence[Json], levels: int) -> Sequence[Json]:
        clean = [self._data(item, levels) for item in value]
        if all(new is old for new, old in zip(clean, value, strict=True)):
            return value
        return tuple(clean) if isinstance(value, tuple) else clean

    def _key(self, key: Json) -> Json:
        return self.text(key) if isinstance(key, str) else key


def _distinct(pairs: Iterable[tuple[Json, Json]]) -> dict[Json, Json]:
    result: dict[Json, Json] = {}
    for key, item in pairs:
        result[f"{key} ({len(result) + 1})" if key in result else key] = item
    return result
