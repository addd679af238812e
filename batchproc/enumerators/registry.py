"""The table of kinds: the only place that knows which enumerators there are."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from re import DOTALL, sub
from types import ModuleType
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from batchproc.enumerators.base import Config, Enumerator
from batchproc.errors import InvalidJob, UnknownEnumerator

CLASSES = {
    "file": "FileEnumerator",
    "csv": "CsvEnumerator",
    "json": "JsonEnumerator",
    "excel": "ExcelEnumerator",
    "parquet": "ParquetEnumerator",
    "sql": "SqlEnumerator",
    "list": "ListEnumerator",
    "dynamic": "DynamicEnumerator",
}
"""Kind, which is also its module, and class."""

TABLES = {"csv", "json", "excel", "parquet"}
"""Kinds whose `file_path` may be a pattern."""


class Kinds(Mapping[str, type[Enumerator]]):
    """Kind to class, ours and those of plug-ins. A kind is imported when it is first asked for: a server starts without
    any (20 ms), and looks for plug-ins only if something else than ours is asked for."""

    def __getitem__(self, kind: str) -> type[Enumerator]:
        name = CLASSES.get(kind)
        if name is None:
            plugin: type[Enumerator] = _plugins().load(kind)
            return plugin
        found: type[Enumerator] = getattr(import_module(f"{__package__}.{kind}"), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter([*CLASSES, *_plugins().kinds(CLASSES)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, kind: object) -> bool:
        return isinstance(kind, str) and (kind in CLASSES or kind in _plugins().kinds(CLASSES))


def _plugins() -> ModuleType:
    from batchproc.enumerators import _plugins  # it looks through every installed distribution

    return _plugins


KINDS = Kinds()


def build(spec: Mapping[str, Any]) -> Enumerator:
    """The enumerator that `{"type": ..., ...}` describes. Reads nothing yet.

    Raises `UnknownEnumerator`, or `InvalidJob` that names the field, its value and the way out.
    """
    kind = spec.get("type")
    if kind not in KINDS:
        raise UnknownEnumerator(kind, KINDS)
    enumerator = KINDS[str(kind)]
    try:
        config = enumerator.config_model.model_validate({k: v for k, v in spec.items() if k != "type"})
    except ValidationError as error:
        raise _in_words(error, enumerator) from None
    return _one_or_many(enumerator, config) if kind in TABLES else enumerator(config)


def _one_or_many(enumerator: type[Enumerator], config: Any) -> Enumerator:
    from batchproc.enumerators import _many  # needs a kind, and the server starts without any

    many = _many.is_pattern(config.file_path)
    return cast("Enumerator", _many.ManyFiles(enumerator, config)) if many else enumerator(config)


def carry(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec as a job keeps it: what it names that must not change any more (a program's code) is read in.

    Called once, at the door. Raises as `build` does.
    """
    carried = getattr(build(spec), "carried", None)
    return carried() if carried else dict(spec)


def logs(source: Enumerator) -> list[str]:
    """What the source itself said while it was read, line by line; only programs say anything."""
    said = getattr(source, "logs", None)
    return said() if said else []


def catalogue() -> list[dict[str, Any]]:
    """Every kind as {type, about, schema, example}; the schema is JSON Schema, and the example fits it.

    A plug-in that cannot be used is there too: its `about` says why, and the rest is empty.
    """
    return [*map(_entry, KINDS), *(_broken_entry(*each) for each in _plugins().hidden(CLASSES))]


def _entry(kind: str) -> dict[str, Any]:
    try:
        enumerator = KINDS[kind]
        return {
            "type": kind,
            "about": enumerator.about,
            "schema": _schema(kind, enumerator.config_model),
            "example": {"type": kind, **enumerator.example},
        }
    except InvalidJob as broken:
        return _broken_entry(kind, broken.way_out)
    except Exception as error:
        if kind in CLASSES:
            raise
        return _broken_entry(kind, f"the plug-in that offers it cannot be described: {error!r}")


def _broken_entry(kind: str, problem: str) -> dict[str, Any]:
    return {"type": kind, "about": f"cannot be used: {problem}", "schema": {}, "example": {}}


def _schema(kind: str, config: type[Config]) -> dict[str, Any]:
    schema = _terse(config.model_json_schema())
    return {
        "type": "object",
        "properties": {"type": {"const": kind}, **schema["properties"]},
        "required": ["type", *schema.get("required", ())],
        "additionalProperties": False,
    }


def _terse(schema: Any) -> Any:
    """Without titles that repeat the names and "or null" beside optional fields: models pay for each word."""
    match schema:
        case {"anyOf": [one, {"type": "null"}], "default": None, **rest}:
            return _terse({**one, **rest})
        case dict():
            return {k: _terse(v) for k, v in schema.items() if not (k == "title" and isinstance(v, str))}
        case list():
            return [_terse(each) for each in schema]
        case _:
            return schema


def _in_words(error: ValidationError, enumerator: type[Enumerator]) -> InvalidJob:
    """The first fault with its way out, and the names of the other faulty fields."""
    first, *others = error.errors(include_url=False)
    field = str(first["loc"][0])
    also = ", ".join(sorted({str(each["loc"][0]) for each in others} - {field}))
    value = None if first["type"] == "missing" else _harmless(first["input"])
    way_out = _way_out(field, first, enumerator) + (f" (also wrong: {also})" if also else "")
    return InvalidJob(f"enumerator.{field}", value, way_out)


def _way_out(field: str, fault: ErrorDetails, enumerator: type[Enumerator]) -> str:
    fields = enumerator.config_model.model_fields
    match fault["type"]:
        case "extra_forbidden":
            from difflib import get_close_matches  # only for somebody who made a mistake

            near = get_close_matches(field, fields, 1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            return f"no such setting of {enumerator.kind!r}; {meant}it takes {', '.join(fields)}"
        case "missing":
            return f"is missing: {fields[field].description}"
        case _:
            words = fault["msg"].removeprefix("Value error, ").replace("Input should", "it should")
            return words[:1].lower() + words[1:]


def _harmless(value: object) -> object:
    """A connection string may hold a password, in whatever spelling; an error is read by many."""
    if not isinstance(value, str) or "://" not in value:
        return value
    return sub(r"\?.*", "?...", sub(r"://.*@", "://...@", value, flags=DOTALL), flags=DOTALL)
