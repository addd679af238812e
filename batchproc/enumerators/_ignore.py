"""The only place that knows .gitignore: which rules hold in a folder, and what they say about a name."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec  # 50 ms of import, spent only if patterns are used

NAME = ".gitignore"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """The rules of one file, and where it lies: `before` leads from there to the base folder, `cut` back from it."""

    spec: "GitIgnoreSpec"
    before: str = ""
    cut: int = 0

    def verdict(self, relative: str) -> bool | None:
        """True: ignored; False: kept, whatever the folders above say; None: no word about it."""
        return self.spec.check_file(self.before + relative[self.cut :]).include


def ignored(rules: tuple[Rules, ...], relative: str) -> bool:
    """The nearest word counts. `relative` is a path from the base folder; a folder's ends in "/"."""
    verdicts = (each.verdict(relative) for each in reversed(rules))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def compile(lines: Iterable[str]) -> "GitIgnoreSpec":
    """Raises ValueError, in words, for a pattern that git would not take."""
    from pathspec import GitIgnoreSpec

    patterns: list[Any] = []
    for line in lines:
        try:
            patterns += GitIgnoreSpec.from_lines([line]).patterns
        except Exception:  # pathspec's own ValueError, or an error of the regular expressions below it
            raise ValueError(f"{line!r} is no pattern in the style of .gitignore; mend or remove it") from None
    return GitIgnoreSpec(patterns)


def read(path: str) -> "GitIgnoreSpec":
    """The rules of one .gitignore. Like git, it passes over lines that make no sense. Raises OSError."""
    text = Path(path).read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    return compile(line for line in text.split("\n") if _makes_sense(line))


def _makes_sense(line: str) -> bool:
    try:
        compile([line])
    except ValueError:
        return False
    return True


def above(base: str) -> tuple[Rules, ...]:
    """The rules of the folders above `base`, as far up as the repository goes. Raises OSError."""
    found: list[Rules] = []
    folder, before = Path(base), ""
    while not (folder / ".git").exists():
        if folder == folder.parent:
            return ()  # in no repository
        before = f"{folder.name}/{before}"
        folder = folder.parent
        if (folder / NAME).is_file():
            found.insert(0, Rules(spec=read(str(folder / NAME)), before=before))
    rules = tuple(found)
    # Whoever names an ignored folder wants what is in it.
    return () if any(rule.verdict("") for rule in rules) else rules
