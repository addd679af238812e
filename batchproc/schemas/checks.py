"""Whether a schema that somebody wrote can be worked with; if not, what to write instead."""

import json
import re
from collections.abc import Mapping
from typing import Any

from batchproc.errors import InvalidJob
from batchproc.schemas import short
from batchproc.schemas.cli import for_cli
from batchproc.schemas.parts import (
    EVIDENCE,
    IN_PLACE,
    LISTED,
    NAMED,
    ONE,
    UNSEEN,
    Part,
    Schema,
    below,
    kinds,
    parts,
    place_of,
    resolved,
    target,
)

FIELD = "output_schema"
MAX_BYTES = 50_000
MAX_DEPTH = 40
MAX_PATHS = 2_000
"""Subschemas that one value may have to be held against: references that fan out would take for ever."""
PLAIN = frozenset(
    {"type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"}
    | {"maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains"}
    | {"maxProperties", "minProperties", "required", "dependentRequired", "format", "title", "description"}
    | {"default", "deprecated", "readOnly", "writeOnly", "examples", "example", "contentEncoding"}
    | {"contentMediaType", "$comment", "$schema", "$ref"}
)
KNOWN = ONE | NAMED | LISTED | PLAIN
DIALECTS = ("https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def expand(given: Mapping[str, Any]) -> Schema:
    """The JSON Schema that is meant, checked. Raises `InvalidJob` naming the path."""
    _check_depth(given)
    schema = dict(given) if _is_json_schema(given) else short.expand(given, FIELD)
    schema.pop("$id", None)  # of no use: nothing beyond the schema itself is referred to
    _check_root(schema)
    _check_by_its_own_rules(schema)
    for path, part in parts(schema, FIELD):
        _check_part(part, path, schema)
    _check_references(schema)
    _check_marks_are_seen(schema)
    _check_for_cli(for_cli(schema))
    return schema


def _is_json_schema(given: Mapping[str, Any]) -> bool:
    """Anything else is the short form: it knows no type "object", and no field whose name begins with `$`."""
    declared = isinstance(given.get("properties"), Mapping) and "type" not in given
    return given.get("type") == "object" or declared or any(str(name).startswith("$") for name in given)


def _check_depth(given: Any) -> None:
    level = [given]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise InvalidJob(FIELD, "…", f"it is nested more than {MAX_DEPTH} deep; make it flatter, or use $defs")


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []


def _check_root(schema: Schema) -> None:
    size = len(json.dumps(schema, ensure_ascii=False, default=str).encode())
    if size > MAX_BYTES:
        raise InvalidJob(FIELD, f"{size:,} bytes", f"at most {MAX_BYTES:,}: every agent is sent all of it")
    named = schema.get("$schema")
    if named is not None and str(named).rstrip("#") not in DIALECTS:
        raise InvalidJob(f"{FIELD}.$schema", named, f"write Draft 2020-12 ({DIALECTS[0]}), or leave it out")
    if schema.get("type") != "object":
        way_out = 'an answer is an object: {"type": "object", "properties": {…}}; put a list or a value into a property'
        raise InvalidJob(f"{FIELD}.type", schema.get("type"), way_out)


def _check_by_its_own_rules(schema: Schema) -> None:
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema({name: part for name, part in schema.items() if name != "$schema"})
    except SchemaError as error:
        path = f"{FIELD}.{place_of(error.absolute_path)}".removesuffix(".")
        raise InvalidJob(path, error.instance, f"not JSON Schema 2020-12: {error.message[:300]}") from None


def _check_part(part: Part, path: str, root: Schema) -> None:
    for keyword in part:
        if keyword not in KNOWN and not keyword.startswith("x-"):
            raise InvalidJob(f"{path}.{keyword}", part[keyword], _way_out(keyword))
    for name in part.get("properties", ()):
        if not _NAME.fullmatch(name):
            raise InvalidJob(f"{path}.properties", name, "the API takes A-Z a-z 0-9 _ . - in a name, and 64 of them")
    if EVIDENCE in part:
        _check_evidence(part, path, root)


def _way_out(keyword: str) -> str:
    if keyword == "nullable":
        return 'write "type": ["string", "null"]'
    if keyword.startswith("$"):
        return 'refer to parts of this very schema only, as "#/$defs/name"'
    return "no keyword of JSON Schema 2020-12; correct it, or let your own begin with x-"


def _check_evidence(part: Part, path: str, root: Schema) -> None:
    if part[EVIDENCE] != "quote":
        raise InvalidJob(f"{path}.{EVIDENCE}", part[EVIDENCE], 'the only kind of evidence is "quote"')
    is_list = kinds(part) == {"array"}
    if kinds(_followed(part.get("items"), path, root) if is_list else part) != {"string"}:
        raise InvalidJob(f"{path}.{EVIDENCE}", part.get("type"), "mark a string, or an array of strings")


def _check_marks_are_seen(schema: Schema) -> None:
    """No mark, nor a reference to one, is where it would promise a look that is never taken."""
    looked_at: set[int] = set()
    for path, part in parts(schema, FIELD):
        idle = set() if "if" in part else {"then", "else"}
        for keyword in sorted((UNSEEN | idle) & part.keys()):
            if marked := _mark_below(part[keyword], f"{path}.{keyword}", schema, looked_at):
                raise InvalidJob(f"{marked}.{EVIDENCE}", "quote", f"quotes below {keyword} are not looked up; {SEEN}")


SEEN = "mark them in properties, patternProperties, additionalProperties, items or prefixItems"
DEFINED = frozenset({"$defs", "definitions"})


def _mark_below(part: Any, path: str, root: Part, looked_at: set[int]) -> str | None:
    """The place of a mark in this subschema; that of the reference which leads to it, if it is elsewhere."""
    left = [(path, part)]
    while left:
        path, part = left.pop()
        if not isinstance(part, Mapping) or id(part) in looked_at:
            continue
        looked_at.add(id(part))
        if EVIDENCE in part:
            return path
        inner = {keyword: one for keyword, one in part.items() if keyword not in DEFINED}
        left += [(f"{path}.{word}{step}", below_it) for word in inner for step, below_it in below(word, inner[word])]
        left.append((f"{path.partition('.$ref')[0]}.$ref", _follow(part, path, root)))
    return None


def _check_references(schema: Schema) -> None:
    """Each leads to a part of the schema, none in a circle, and all together not into too many."""
    costs: dict[int, int] = {}
    try:
        for path, part in parts(schema, FIELD):
            _cost(part, path, schema, costs)
    except RecursionError:
        raise InvalidJob(FIELD, "…", "its references make too long a chain; make it simpler") from None


def _cost(part: Any, path: str, root: Part, costs: dict[int, int]) -> int:
    """How many subschemas a value is held against that is held against this one; each is looked at once."""
    if not isinstance(part, Mapping):
        return 1
    if (known := costs.get(id(part))) is not None:
        if not known:
            raise InvalidJob(f"{path}.$ref", part.get("$ref"), "these references lead in a circle")
        return known
    costs[id(part)] = 0
    inner = [one for keyword in part if keyword in IN_PLACE for _, one in below(keyword, part[keyword])]
    inner.append(_follow(part, path, root))
    cost = 1 + sum(_cost(one, path, root, costs) for one in inner)
    if cost > MAX_PATHS:
        raise InvalidJob(path, "…", "its references fan out into thousands of alternatives; make it simpler")
    costs[id(part)] = cost
    return cost


def _follow(part: Part, path: str, root: Part) -> Part | None:
    """Where the part's own reference leads; None if it has none."""
    if "$ref" not in part:
        return None
    try:
        return target(str(part["$ref"]), root)
    except (LookupError, ValueError):
        way_out = 'only parts of this very schema can be referred to, best as "#/$defs/name"; it has no such part'
        raise InvalidJob(f"{path}.$ref", part["$ref"], way_out) from None


def _check_for_cli(cut: Schema) -> None:
    """It travels on a command line, and what it refers to must not be what had to be left out."""
    if len(json.dumps(cut)) > 2 * MAX_BYTES:
        raise InvalidJob(FIELD, "…", "it is too large for the CLI's command line; give it fewer fields")
    for path, part in parts(cut, FIELD):
        _follow(part, path, cut)


def _followed(part: Any, path: str, root: Part) -> Any:
    if isinstance(part, Mapping):
        _follow(part, path, root)
    try:
        return resolved(part, root)
    except LookupError:
        return part
