"""Pure: the files that a job publishes, by their names: a template over each unit's payload, and what a name may be.

The payload is data, so what it makes of a template is held to be hostile: a name stays below its folder, fits in one
line of a prompt, and is one that agents can write.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jinja2 import UndefinedError
from jinja2.exceptions import TemplateError

from batchproc import templates
from batchproc.errors import InvalidJob

FIELD = "options.outputs"
STAGING = ".batchproc-"
"""How the folder of a job begins in which files wait until they are published."""
LONGEST_NAME, LONGEST_PATH = 255, 1024
"""Bytes of one name, as file systems take it, and of a path below its folder."""

_PROTECTED = (
    r"\.git|\.claude|\.vscode|\.idea|\.gitconfig|\.gitmodules|\.bashrc|\.bash_profile|\.bash_login|\.profile|\.zshrc"
    r"|\.zshenv|\.zprofile|\.ripgreprc|\.mcp\.json|\.claude\.json"
)
_UNWRITABLE = re.compile(rf"(?:{_PROTECTED}|.*[.\s]|.*\.(?:CON|PRN|AUX|NUL|COM[1-9]|LPT[1-9])|.*~\d.*)", re.I | re.S)
"""What the CLI (2.1.330) lets no rule open for writing: tried with its Write tool, see tests/unit/test_outputs.py."""
_TRIMMED = "\ufeff"  # what its tools trim from a path besides white space


class Outputs:
    """The names that one job's templates make. Checked once; asked for each unit."""

    def __init__(self, named: Sequence[str]) -> None:
        """Raises `InvalidJob` if a template does not parse, or can make no good name whatever it is filled with."""
        self._named = tuple(named)
        self._templates = [templates.compiled(text, FIELD) for text in self._named]
        found = [templates.fields(text) for text in self._named]
        self.names = frozenset[str]().union(*(names for names, _, _ in found))
        self.required = frozenset[str]().union(*(required for _, required, _ in found))
        for text, (names, _, _) in zip(self._named, found, strict=True):
            if not names and "{" not in text:
                way_out = "every unit would write this one file; name a field, as in {{ relative_path }}.md"
                raise InvalidJob(FIELD, text, way_out)
            if text.startswith("/") or ".." in text.split("/"):
                raise InvalidJob(FIELD, text, "name it by its path below options.output_directory")

    def __bool__(self) -> bool:
        return bool(self._named)

    def missing(self, payload: Mapping[str, Any]) -> str | None:
        """The first field that the templates need and the payload lacks."""
        return None if self.required <= payload.keys() else sorted(self.required - payload.keys())[0]

    def paths(self, key: str, payload: Mapping[str, Any]) -> list[str]:
        """The unit's files, relative. Raises `InvalidJob` if a template does not fit it or makes a name that cannot
        be."""
        made = [self._path(key, template, payload) for template in self._templates]
        for place, path in enumerate(made):
            if (what := problem(path) or _beside(path, made[:place])) is not None:
                raise InvalidJob(FIELD, path, f"for unit {key!r} that {what}")
        return made

    def _path(self, key: str, template: Any, payload: Mapping[str, Any]) -> str:
        try:
            return str(template.render(dict(payload)))
        except UndefinedError as error:
            raise InvalidJob(FIELD, error.message, f"the unit {key!r} has: {', '.join(payload)}") from None
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise InvalidJob(FIELD, str(error), f"the template cannot be filled for unit {key!r}") from None


def problem(path: str) -> str | None:
    """Why a file below a folder cannot have this path, as in "that …"; None if it can."""
    if not path.strip():
        return "is no name: it is empty"
    if path.startswith("/") or not _is_text(path):
        return "leads out of its folder: it is absolute" if path.startswith("/") else "is no valid Unicode"
    if any(unicodedata.category(sign) in {"Cc", "Zl", "Zp"} for sign in path):
        return "has a control character or a line break in it"
    parts = path.split("/")
    if ".." in parts:
        return "leads out of its folder: it has .. in it"
    if "" in parts or "." in parts:
        return "has an empty part: write each folder and the file by its name"
    if len(path.encode()) > LONGEST_PATH or any(len(part.encode()) > LONGEST_NAME for part in parts):
        return f"is too long: a name may have {LONGEST_NAME} bytes, and all of it {LONGEST_PATH}"
    if any(part.lower().startswith(STAGING) for part in parts):
        return f"begins with {STAGING}, where files wait until they are published"
    return _refused_by_the_cli(path, parts)


def _refused_by_the_cli(path: str, parts: Sequence[str]) -> str | None:
    bad = next((part for part in parts if _UNWRITABLE.fullmatch(part)), None)
    if bad is not None:
        return f"cannot be written by agents: their tools refuse {bad!r}; change it with a filter of the template"
    if path != path.strip().strip(_TRIMMED) or path.startswith("~/"):
        return "cannot be written by agents: their tools take white space, or ~/, off it"
    return None


def _is_text(path: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in path)


def _beside(path: str, others: Collection[str]) -> str | None:
    """Why the unit cannot have this file beside its others."""
    if path in others:
        return "is named twice"
    if any(other.startswith(f"{path}/") or path.startswith(f"{other}/") for other in others):
        return "is a folder and a file at once"
    return None


def folders_of(path: str) -> list[str]:
    """The folders that a path leads through, the outermost first: `a/b/c` → `a`, `a/b`."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def fold(path: str) -> str:
    """Alike for paths that a file system which does not tell cases or spellings apart may take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
