"""The only place that parses JSON from a stream: exact, in constant memory, many elements at once where that is safe.

Exact is why this is not a ready-made streaming parser: the fast one reads half a surrogate pair as "?" and cannot hold
whole numbers between 2^63 and 2^64. What `_jsonfast` leaves is parsed by the standard library's C scanner.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import IO, Any

from batchproc.enumerators import _jsonfast
from batchproc.enumerators._common import MAX_VALUE

CHUNK = 1 << 15
NEAR = 32
"""Characters: an error further from the end of what was read than this is no matter of reading more."""

_WHITE = re.compile(r"[ \t\n\r]*")
_SEAM = re.compile(r'\}[ \t\n\r]*,[ \t\n\r]*\{[ \t\n\r]*"[^"\\]{0,80}"')
"""Where one object ends and the next begins, up to its first field's name."""


class Malformed(ValueError):
    """What is wrong, in words, and the line of the file it is on."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.line = line


class TooFar(Exception):
    """There is more to read than the reader was allowed to."""


class _Refused(ValueError):
    """What the standard library would take: NaN, Infinity and -Infinity, and a field twice."""


def _refuse(constant: str) -> None:
    raise _Refused(f"{constant} is not JSON; write null or a text in its place")


def _unique(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(fields)
    if len(found) < len(fields):
        (twice, _), *_ = Counter(name for name, _ in fields).most_common(1)
        raise _Refused(f"the field {twice!r} is there twice")
    return found


_decoder = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_unique)
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined] # not in the stubs


def parse(text: str) -> Any:
    """The one value that `text` holds. Raises `Malformed`."""
    try:
        value, end = _scan(text, 0 if text[0] == "{" else _end_of_white(text, 0))
    except StopIteration as error:
        raise Malformed(f"no JSON value at column {error.value + 1}", 1) from None
    except json.JSONDecodeError as error:
        raise Malformed(f"{_in_words(error)} at column {error.colno}", 1) from None
    except ValueError as error:
        raise Malformed(_refusal(error), 1) from None
    if text[end:].strip(" \t\r\n"):
        raise Malformed(f"something follows the value, at column {end + 1}", 1)
    return value


def _end_of_white(text: str, at: int) -> int:
    found = _WHITE.match(text, at)
    return found.end() if found else at


def _refusal(error: ValueError) -> str:
    """Ours, or that of the standard library to make a number of thousands of digits."""
    return str(error) if isinstance(error, _Refused) else "a number has too many digits; write it as text, in quotes"


def _in_words(error: json.JSONDecodeError) -> str:
    return error.msg[:1].lower() + error.msg[1:].removesuffix(" at")


class Reader:
    """A position in a JSON text. Every method reads on from there."""

    def __init__(self, file: IO[str], reach: float = math.inf) -> None:
        """Raises `TooFar` instead of reading more than about `reach` characters."""
        self._file = file
        self._reach = reach
        self._text = ""
        self._seam = ""
        self._in_vain = False
        self._at = 0
        self._dropped_lines = 0
        self._ended = False
        self.elements_read = 0

    def peek(self) -> str:
        """The next character that is not white; "" at the end of the file."""
        while True:
            here = self._text[self._at : self._at + 1]
            if here > " ":
                return here
            self._at = _end_of_white(self._text, self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def value(self) -> Any:
        """The next value, whatever it is. Raises `Malformed`."""
        opening = self.peek()
        while True:
            try:
                value, end = _scan(self._text, self._at)
            except StopIteration as error:
                self._read_on("no JSON value here", error.value)
            except json.JSONDecodeError as error:
                self._read_on(_in_words(error), error.pos)
            except ValueError as error:
                raise self.malformed(_refusal(error)) from None
            else:
                # A number may go on in what was not read yet.
                length = end - self._at
                if opening in '"{[' or end + NEAR < len(self._text) or not self._more():
                    self._at += length  # from where reading on has moved it
                    return value

    def elements(self) -> Iterator[Any]:
        """The values of the array that begins here."""
        for values, _ in self.batches():
            yield from values

    def batches(self) -> Iterator[tuple[list[Any], bool]]:
        """The same, several at a time, and whether it is known already that JSON can carry them."""
        self._expect("[", "an array")
        for _ in self._members("]"):
            several = self._several()
            values = several or [self.value()]
            if not several:
                seam = _SEAM.match(self._text, self._at - 1)
                self._seam = seam[0] if seam else ""
            self.elements_read += len(values)
            yield values, bool(several)

    def _several(self) -> list[Any]:
        """The elements up to the last place that looks like the seam between the last two: if all of that can be read
        as elements, one does end there. None of them if it cannot; then it is not tried again before more was read."""
        if not self._seam or self._in_vain:
            return []
        end = self._text.rfind(self._seam, self._at) + 1
        found = _jsonfast.elements(self._text[self._at : end]) if end else None
        if not found:
            self._in_vain = True
            return []
        self._at = end
        return found

    def fields(self) -> Iterator[str]:
        """The field names of the object that begins here; who asks for the next one has read the value."""
        self._expect("{", "an object")
        for _ in self._members("}"):
            if self.peek() != '"':
                raise self.malformed("expected a field name in double quotes")
            name = self.value()
            self._expect(":", "a colon after the field name")
            yield name

    def skip(self) -> None:
        """Reads over the next value, however large."""
        opening = self.peek()
        if opening not in ("[", "{"):
            self.value()
        elif not self._scans_at_once():
            for _ in self.fields() if opening == "{" else self._array():
                self.skip()

    def end(self) -> None:
        """Raises `Malformed` if anything follows."""
        if self.peek():
            raise self.malformed("something follows the end of the JSON value")

    @property
    def line(self) -> int:
        """The line of the file, from 1."""
        return self._line(self._at)

    def malformed(self, problem: str, at: int | None = None) -> Malformed:
        return Malformed(problem, self._line(self._at if at is None else at))

    def _line(self, at: int) -> int:
        return 1 + self._dropped_lines + self._text.count("\n", 0, at)

    def _array(self) -> Iterator[None]:
        self._expect("[", "an array")
        return self._members("]")

    def _members(self, closing: str) -> Iterator[None]:
        """Stops at every member of the array or object that was just opened."""
        if self.peek() == closing:
            self._at += 1
            return
        while True:
            yield
            found = self.peek()
            if found not in (closing, ","):
                raise self.malformed(f"expected ',' or {closing!r}" if found else "the file ends here, in the middle")
            self._at += 1
            if found == closing:
                return

    def _expect(self, character: str, what: str) -> None:
        if self.peek() != character:
            raise self.malformed(f"expected {what}")
        self._at += 1

    def _scans_at_once(self) -> bool:
        try:
            _, self._at = _scan(self._text, self._at)
        except (StopIteration, ValueError):
            return False
        return True

    def _read_on(self, problem: str, at: int) -> None:
        """After a fault at `at`: reads more if that may mend it, else raises `Malformed`."""
        offset, near = at - self._at, at + NEAR >= len(self._text) or problem.startswith("unterminated")
        if near and self._more():
            return
        at = self._at + offset
        cut = self._ended and (at >= len(self._text) or problem.startswith("unterminated"))
        raise self.malformed("the file ends here, in the middle of a value" if cut else problem, at)

    def _more(self) -> bool:
        """Drops what was read and reads as much again as is left, so that a large value costs linear time."""
        if self._ended:
            return False
        self._dropped_lines += self._text.count("\n", 0, self._at)
        rest = self._text[self._at :]
        if len(rest) > MAX_VALUE:
            raise self.malformed(f"this value is larger than {MAX_VALUE >> 20} MiB; is a quote or a bracket missing?")
        self._reach -= self._at
        if self._reach < 0:
            raise TooFar
        chunk = self._file.read(min(max(CHUNK, len(rest)), MAX_VALUE + CHUNK - len(rest)))
        self._text, self._at, self._ended, self._in_vain = rest + chunk, 0, not chunk, False
        return not self._ended
