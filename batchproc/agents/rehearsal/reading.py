"""What the CLI's Read tool has shown of a file so far, and what to read next.

Measured with CLI 2.1.330: a result numbers each line from `offset` as `N<TAB>text`, counts an empty line after the
last newline, and ends lines with `\\n` whatever the file has. A file over 256 KB is refused unless both offset and
limit are given; over 25,000 tokens (as `count_tokens` says) a whole file comes as a first page with a notice, a range
is refused.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from batchproc.agents.rehearsal.calls import REMINDER, Call, ToolResult, ToolUse

MAX_READS = 20
PAGE_LINES = 2000

TOO_LARGE = re.compile(r"exceeds maximum allowed size")
TOO_MANY_TOKENS = re.compile(r"\((\d+) tokens\) exceeds maximum allowed tokens \((\d+)\)")
FIRST_PAGE = re.compile(r"PARTIAL view\b.*: showing lines (\d+)-(\d+) of (\d+)")
FIRST_CHARACTERS = re.compile(r"PARTIAL view\b.*: showing the first (\d+) of (\d+) characters")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One file, as far as it was read. `next_read` is the input of the next Read, None if there is nothing more to do.

    `problem` says why it could not be read, or no further; `limited_to` says what part of it the lines are, if they
    are not all; `note` is what Read remarked; `media` is what came back instead of text.
    """

    path: str
    lines: tuple[str, ...] = ()
    reads: int = 0
    next_read: dict[str, Any] | None = None
    problem: str | None = None
    limited_to: str | None = None
    note: str = ""
    media: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def line_count(self) -> int:
        """As a person counts: no line after the last newline."""
        return len(self.lines) - (self.lines[-1:] == ("",))


def so_far(call: Call, path: str) -> Reading:
    """Follows the conversation's Read calls of `path`."""
    results = {result.tool_use_id: result for result in call.tool_results}
    reading = Reading(path=path, next_read={"file_path": path})
    for use in call.tool_uses:
        if use.name == "Read" and use.input.get("file_path") == path and use.tool_use_id in results:
            reading = _follow(replace(reading, reads=reading.reads + 1, next_read=None), use, results[use.tool_use_id])
    if reading.next_read and reading.reads >= MAX_READS:
        return replace(reading, next_read=None, limited_to=_first_lines(reading))
    return reading


def plain(text: str) -> str:
    """What an error says, in one line, without what the CLI put around it."""
    return " ".join(re.sub(r"</?tool_use_error>", "", REMINDER.sub("", text)).split())


def _follow(reading: Reading, use: ToolUse, result: ToolResult) -> Reading:
    if result.is_error:
        return _refused(reading, use, result.text)
    if result.media:
        return replace(reading, media=result.media, note=_remark(result.text))
    offset, limit = use.input.get("offset", 1), use.input.get("limit")
    lines, rest = _numbered(result.text, offset)
    if not lines and not reading.lines:
        return replace(reading, **_unnumbered(rest))
    read = replace(reading, lines=(*reading.lines, *lines), note=_remark(rest) or reading.note)
    if page := FIRST_PAGE.search(rest):
        return _page(read, int(page[2]) + 1, int(page[2]) - int(page[1]) + 1)
    if shown := FIRST_CHARACTERS.search(rest):
        return replace(read, limited_to=f"the first {int(shown[1]):,} of {int(shown[2]):,} characters")
    return _page(read, offset + limit, limit) if limit and len(lines) == limit else read


def _refused(reading: Reading, use: ToolUse, text: str) -> Reading:
    """Read says no: smaller pages if that helps, else the reason."""
    limit = use.input.get("limit")
    if TOO_LARGE.search(text) and not limit and not use.input.get("allow_large"):
        return _page(reading, 1, PAGE_LINES)
    excess = TOO_MANY_TOKENS.search(text)
    if excess and limit != 1:
        return _page(reading, use.input.get("offset", 1), _smaller(limit or PAGE_LINES, int(excess[1]), int(excess[2])))
    if excess and not reading.lines:  # one line that is too long: an excerpt of it is all there is to have
        return replace(reading, next_read={"file_path": reading.path, "allow_large": True})
    if reading.lines:
        return replace(reading, problem=plain(text), limited_to=_first_lines(reading))
    return replace(reading, problem=plain(text))


def _smaller(limit: int, tokens: int, cap: int) -> int:
    return max(1, min(limit // 2, limit * cap * 9 // (tokens * 10)))


def _page(reading: Reading, offset: int, limit: int) -> Reading:
    return replace(reading, next_read={"file_path": reading.path, "offset": offset, "limit": limit})


def _numbered(text: str, first: int) -> tuple[list[str], str]:
    """The lines without their numbers, and what follows them. Only a line that bears the next number is the file's."""
    lines: list[str] = []
    given = text.split("\n")
    for line in given:
        number = str(first + len(lines))
        if line != number and not line.startswith(number + "\t"):  # the CLI trims the tab of a last, empty line
            break
        lines.append(line[len(number) + 1 :])
    return lines, "\n".join(given[len(lines) :])


def _unnumbered(rest: str) -> dict[str, Any]:
    """A notebook comes without numbers; an empty file, or an offset after the end, is only remarked on."""
    said = REMINDER.sub("", rest).strip()
    return {"lines": tuple(said.split("\n"))} if said else {}


def _remark(rest: str) -> str:
    return " ".join(REMINDER.sub("", rest).split())


def _first_lines(reading: Reading) -> str:
    return f"the first {reading.line_count:,} lines"
