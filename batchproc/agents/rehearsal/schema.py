"""A value that satisfies a JSON Schema, made of what is true of a text as far as the schema lets it."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from batchproc.agents.rehearsal.text import Facts
from batchproc.models import Json

Schema = Mapping[str, Any]

MAX_DEPTH = 8
TITLES = {"title", "name", "heading", "headline", "subject"}
TERMS = {"category", "key", "keyword", "label", "tag", "term", "topic"}
FORMATS = {  # a text that holds no such thing gets a value that is plainly nobody's
    "date": (r"\b\d{4}-\d{2}-\d{2}\b", "1970-01-01"),
    "date-time": (r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", "1970-01-01T00:00:00Z"),
    "time": (r"\b\d{2}:\d{2}:\d{2}Z", "00:00:00Z"),
    "email": (r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", "rehearsal@example.invalid"),
    "uri": (r"https?://[^\s<>\"')]+", "https://example.invalid/"),
    "uuid": (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "00000000-0000-0000-0000-000000000000"),
}
SAMPLES = ("A", "AA", "AAA", "A1", "A-1", "a", "a-a", "a_a", "0", "00", "000", "0000", "1.0", "1.0.0", "1970-01-01")
"""Tried against a pattern that nothing in the text matches."""


def value(schema: Schema | bool, facts: Facts) -> Json:
    """Best effort: a pattern that nothing here matches, or a contradiction, stays unsatisfied."""
    return _value(schema, facts, schema if isinstance(schema, Mapping) else {}, "", 0)


def _value(schema: Schema | bool, facts: Facts, root: Schema, name: str, depth: int) -> Json:
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return _member(schema["enum"], facts)
    match _kind(schema):
        case "object":
            return _object(schema, facts, root, depth)
        case "array":
            return _array(schema, facts, root, name, depth)
        case "integer" | "number" as kind:
            return _number(schema, facts, whole=kind == "integer")
        case "boolean":
            return facts.words > 0
        case "null":
            return None
        case _:
            return _string(schema, facts, name)


def _resolved(schema: Schema | bool, root: Schema) -> Schema:
    """One plain schema: references followed, `allOf` merged, the first alternative that is not null taken."""
    if not isinstance(schema, Mapping):
        return {}
    for _ in range(MAX_DEPTH):
        if ref := schema.get("$ref"):
            schema = {**_at(str(ref), root), **_without(schema, "$ref")}
        elif parts := schema.get("allOf"):
            schema = _merged([_without(schema, "allOf"), *(_resolved(part, root) for part in parts)])
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            choice = next((c for c in choices if isinstance(c, Mapping) and c.get("type") != "null"), choices[0])
            schema = _merged([_without(schema, "anyOf", "oneOf"), choice if isinstance(choice, Mapping) else {}])
        else:
            break
    return schema


def _at(ref: str, root: Schema) -> Schema:
    found: Any = root
    for step in ref.removeprefix("#").split("/")[1:]:
        found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _without(schema: Schema, *names: str) -> dict[str, Any]:
    return {name: part for name, part in schema.items() if name not in names}


def _merged(parts: list[Schema]) -> Schema:
    whole: dict[str, Any] = {}
    for part in parts:
        properties = {**whole.get("properties", {}), **part.get("properties", {})}
        required = [*whole.get("required", []), *part.get("required", [])]
        whole |= {**part, "properties": properties, "required": required}
    return {name: part for name, part in whole.items() if part or name not in ("properties", "required")}


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind:
        return str(kind)
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _object(schema: Schema, facts: Facts, root: Schema, depth: int) -> dict[str, Json]:
    """Every property, so that a rehearsal shows the whole shape; deep down only what is required."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    required = schema.get("required", [])
    rest = schema.get("additionalProperties", True)
    names = [name for name in properties if depth < MAX_DEPTH / 2 or name in required]
    names += [name for name in required if name not in properties]
    if rest is not False:
        spare = [term for term, _ in facts.terms if term not in names]
        names += spare[: max(0, schema.get("minProperties", 0) - len(names))]
    if depth >= 2 * MAX_DEPTH:  # a schema that requires itself has no finite value
        return {}
    return {name: _value(properties.get(name, rest), facts, root, name, depth + 1) for name in names}


def _array(schema: Schema, facts: Facts, root: Schema, name: str, depth: int) -> list[Json]:
    """Terms where the items are free texts, else one item, or as many as must be."""
    fixed = [_value(item, facts, root, name, depth + 1) for item in schema.get("prefixItems", [])]
    items = _resolved(schema.get("items", True), root)
    least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
    if schema.get("items") is False or depth >= MAX_DEPTH:
        most = min(most, max(len(fixed), least))
    candidates = _items(items, facts, root, name, depth, least - len(fixed))
    while len(fixed) < most and (item := next(candidates, candidates)) is not candidates:
        if not (schema.get("uniqueItems") and item in fixed):
            fixed.append(item)
    return fixed


def _items(items: Schema, facts: Facts, root: Schema, name: str, depth: int, least: int) -> Iterator[Json]:
    if "enum" in items:
        yield from [_member(items["enum"], facts), *items["enum"]][: max(1, least + 1)]
    elif _kind(items) == "string" and not {"const", "format", "pattern"} & items.keys():
        terms = [term for term, _ in facts.terms] or [facts.sentence]
        yield from (_fitted(term, items) for term in terms)
        yield from (_fitted(f"{terms[0]} {n}", items) for n in range(2, least - len(terms) + 2))
    elif _kind(items) in ("integer", "number"):
        counts = [count for _, count in facts.terms] or [0]
        whole = _kind(items) == "integer"
        yield from (_clamped(count, items, whole=whole) for count in counts)
        yield from (_clamped(counts[0] + n, items, whole=whole) for n in range(1, 2 * least + 1))
    else:
        yield from (_value(items, facts, root, name, depth + 1) for _ in range(max(1, least)))


def _member(members: list[Json], facts: Facts) -> Json:
    """The member that the text names most often, else the first."""
    text = facts.text.lower()
    counts = [text.count(member.lower()) if isinstance(member, str) and member else 0 for member in members]
    return members[counts.index(max(counts))]


def _number(schema: Schema, facts: Facts, *, whole: bool) -> float:
    return _clamped(facts.words, schema, whole=whole)


def _clamped(number: float, schema: Schema, *, whole: bool) -> float:
    """The nearest allowed number; one step inside an exclusive limit."""
    step = schema.get("multipleOf") or (1 if whole else 0)
    inside = step or 1e-6
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + inside)
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - inside)
    number = max(low, min(high, number))
    if step:
        number = math.floor(number / step) * step
        number = number if number >= low else number + step
    return int(number) if whole else number


def _string(schema: Schema, facts: Facts, name: str) -> str:
    if pattern := schema.get("pattern"):
        return _matching(pattern, schema, facts, name)
    if schema.get("format") in FORMATS:
        shape, fallback = FORMATS[schema["format"]]
        found = re.search(shape, facts.text)
        return found.group() if found else fallback
    return _fitted(_named(name, facts), schema)


def _named(name: str, facts: Facts) -> str:
    """What a property of this name is likely to want."""
    words = set(re.findall(r"[a-z]+", re.sub(r"([A-Z])", r" \1", name).lower()))
    if words & TITLES:
        return facts.title
    return facts.terms[0][0] if words & TERMS and facts.terms else facts.sentence


def _matching(pattern: str, schema: Schema, facts: Facts, name: str) -> str:
    terms = [term for term, _ in facts.terms]
    whole = (_named(name, facts), facts.title, facts.sentence, *terms, *(term.upper() for term in terms))
    try:
        shape = re.compile(pattern)
        inner = re.search(pattern.removeprefix("^").removesuffix("$"), facts.text)
    except re.error:  # JavaScript's patterns are not quite Python's
        return _fitted(facts.sentence, schema)
    candidates = (*whole, *([inner.group()] if inner else []), *SAMPLES)
    fitted = (_fitted(candidate, schema) for candidate in candidates)
    return next((candidate for candidate in fitted if shape.search(candidate)), _fitted(facts.sentence, schema))


def _fitted(text: str, schema: Schema) -> str:
    """Cut to `maxLength`; repeated up to `minLength`."""
    least = schema.get("minLength", 0)
    while len(text) < least:
        text = f"{text} {text}" if text else "-" * least
    return text[: schema.get("maxLength")]
