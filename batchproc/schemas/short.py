"""Pure: the short form of a structured answer → strict JSON Schema.

An object of field names, each with one of:

- a type: `"string"`, `"number"`, `"integer"`, `"boolean"`, or `"quote"` (text that stands in the unit's own data, word
  for word). `?` after it means that it may be null, `[]` that it is a list: `"number?"`, `"string[]"`, `"quote[]?"`.
  What follows a colon is told to the agent: `"integer: days from signature to expiry"`.
- a list of two or more values, one of which it is: `["low", "high"]`; with `null` among them it may be null.
- an object: fields within the field, in the same form.
- a list of exactly one object: a list of such objects.

A `?` at the end of a field's *name* means the same as after its type, and works for every kind: `{"risk?": [...]}`.
Every field is required and no other is allowed: what is not known is null, not left out.
"""

import re
from collections.abc import Mapping
from typing import Any

from batchproc.errors import InvalidJob

Schema = dict[str, Any]

TYPES: Mapping[str, Schema] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "quote": {"type": "string", "x-evidence": "quote"},
}
MAX_DEPTH = 12
KNOWN = f'{", ".join(TYPES)}, each with "[]" for a list and "?" if it may be null'
_SPELLING = re.compile(r"\s*(\w+)((?:\[\]|\?)*)\s*(?::(.*))?", re.S)
_OF_JSON_SCHEMA = frozenset(
    {"enum", "const", "items", "properties", "required", "anyOf", "oneOf", "allOf", "format", "pattern", "$ref"}
)
_JSON_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
WHOLE = 'the short form has no JSON Schema in it; write "string" and the like, or the whole as {"type": "object", …}'


def expand(fields: Mapping[str, Any], field: str) -> Schema:
    """The JSON Schema of an answer with these fields. Raises `InvalidJob` naming the path below `field`."""
    return _object(fields, field, 1)


def _object(fields: Mapping[str, Any], path: str, depth: int) -> Schema:
    if depth > MAX_DEPTH:
        raise InvalidJob(path, "…", f"fields within fields, more than {MAX_DEPTH} deep; make it flatter")
    if not fields:
        raise InvalidJob(path, dict(fields), 'name at least one field, as in {"party": "string"}')
    if _is_json_schema(fields):
        raise InvalidJob(path, dict(fields), WHOLE)
    properties: dict[str, Schema] = {}
    for written, value in fields.items():
        name = written.removesuffix("?")
        if not name.strip() or name in properties:
            raise InvalidJob(path, written, "give each field a name of its own")
        found = _value(value, f"{path}.{name}", depth)
        properties[name] = _nullable(found) if written.endswith("?") else found
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _is_json_schema(fields: Mapping[str, Any]) -> bool:
    kind = fields.get("type")
    return isinstance(kind, str) and kind in _JSON_TYPES and (len(fields) == 1 or bool(_OF_JSON_SCHEMA & fields.keys()))


def _value(value: Any, path: str, depth: int) -> Schema:
    match value:
        case str():
            return _typed(value, path)
        case Mapping():
            return _object(value, path, depth + 1)
        case [Mapping() as only]:
            return {"type": "array", "items": _object(only, f"{path}[]", depth + 1)}
        case list():
            return _enum(value, path)
        case _:
            raise InvalidJob(path, value, f"write a type ({KNOWN}), a list of values, or an object of fields")


def _typed(spelled: str, path: str) -> Schema:
    match = _SPELLING.fullmatch(spelled)
    if match is None or match[1] not in TYPES:
        raise InvalidJob(path, spelled, f"unknown type; known are {KNOWN}. {WHOLE[0].upper()}{WHOLE[1:]}")
    if "??" in match[2]:
        raise InvalidJob(path, spelled, "one ? is enough")
    schema: Schema = dict(TYPES[match[1]])
    for mark in re.findall(r"\[\]|\?", match[2]):
        schema = _nullable(schema) if mark == "?" else {"type": "array", "items": schema}
    about = " ".join((match[3] or "").split())
    return {**schema, "description": about} if about else schema


def _enum(values: list[Any], path: str) -> Schema:
    if not all(value is None or isinstance(value, str | int | float) for value in values):
        raise InvalidJob(path, values, "a list holds the values to choose from, or exactly one object of fields")
    if values and all(isinstance(value, str) and _is_type(value) for value in values):
        way_out = 'a list of types means nothing; write "string[]" for a list of texts, "string?" if it may be null'
        raise InvalidJob(path, values, way_out)
    if len(values) < 2 or len({(type(value), value) for value in values}) < len(values):
        raise InvalidJob(path, values, "name at least two values to choose from, each once")
    if all(isinstance(value, str) for value in values):
        return {"type": "string", "enum": values}
    return {"enum": values}


def _is_type(spelled: str) -> bool:
    match = _SPELLING.fullmatch(spelled)
    return match is not None and match[3] is None and match[1] in {*TYPES, *_JSON_TYPES}


def _nullable(schema: Schema) -> Schema:
    about = {"description": schema["description"]} if "description" in schema else {}
    match schema:
        case {"enum": list(values)}:
            if None in values:
                return schema
            return {**{name: part for name, part in schema.items() if name != "type"}, "enum": [*values, None]}
        case {"type": "object" | "array"}:
            inner = {name: part for name, part in schema.items() if name != "description"}
            return {"anyOf": [inner, {"type": "null"}], **about}
        case {"type": str(kind)}:
            return {**schema, "type": [kind, "null"]}
        case _:  # it may be null already
            return schema
