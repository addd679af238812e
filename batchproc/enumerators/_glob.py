"""The only place that knows what a pattern means: `*` and `?` stay within a folder, `**` crosses folders."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Glob:
    """A pattern, ready to be asked about paths relative to the folder it starts from ("/" between the parts)."""

    whole: re.Pattern[str]
    folders: tuple[re.Pattern[str], ...]
    depth: int | None

    def matches(self, relative: str) -> bool:
        return self.whole.match(relative) is not None

    def may_hold(self, name: str, level: int) -> bool:
        """Whether a folder called `name`, `level` folders down, can hold anything that matches."""
        if self.depth is not None and level >= self.depth:
            return False
        return level >= len(self.folders) or self.folders[level].match(name) is not None


def compile(pattern: str) -> Glob:
    """Raises ValueError, in words, for a pattern that can match nothing below its folder."""
    if pattern.startswith(("/", "~")) or ".." in pattern.split("/"):
        raise ValueError("a pattern starts from base_directory and stays below it; write for example **/*.md")
    parts = [part for part in pattern.split("/") if part != "."]
    if not parts or "" in parts:
        raise ValueError("a pattern names files, and ends in one; write for example **/*.md")
    crossing = parts.index("**") if "**" in parts else None
    folders = parts[: len(parts) - 1 if crossing is None else crossing]
    try:
        return Glob(
            whole=re.compile("".join(_regexes(parts)), re.DOTALL),
            folders=tuple(re.compile(_part(part) + r"\Z", re.DOTALL) for part in folders),
            depth=len(parts) - 1 if crossing is None else None,
        )
    except re.error:
        raise ValueError("what stands in [ ] is no set of characters; write for example [a-z]") from None


def _regexes(parts: list[str]) -> list[str]:
    *leading, last = parts
    return [
        *(r"(?:[^/]+/)*" if part == "**" else _part(part) + "/" for part in leading),
        (r".+" if last == "**" else _part(last)) + r"\Z",
    ]


_TOKEN = re.compile(r"\*+|\?|\[(!?)(\][^\]]*|[^\]]+)\]|.", re.DOTALL)


def _part(part: str) -> str:
    return _TOKEN.sub(_token, part)


def _token(found: re.Match[str]) -> str:
    text = found[0]
    if text[0] == "*":
        return "[^/]*"
    if text == "?":
        return "[^/]"
    if len(text) > 1:
        members = re.sub(r"([\\\[\]^&~|])", r"\\\1", found[2])
        return f"(?!/)[{'^' if found[1] else ''}{members}]"
    return re.escape(text)
