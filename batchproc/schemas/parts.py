"""How a schema hangs together: its parts, where they are, and where references lead."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Schema = dict[str, Any]
Part = Mapping[str, Any]

EVIDENCE = "x-evidence"
MAX_HOPS = 50  # of one reference to the next; a checked schema has no circles
ONE = frozenset(
    {"additionalProperties", "items", "contains", "propertyNames", "not", "if", "then", "else"}
    | {"unevaluatedItems", "unevaluatedProperties", "contentSchema"}
)
NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"})
"""Keywords whose schemas are held against the very same value."""
UNSEEN = frozenset({"not", "if", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}) | {
    "contentSchema"
}
"""Keywords in whose schemas nobody looks for quotes: what fits them need not be there, or is no value of its own."""


def below(keyword: str, inner: Any) -> list[tuple[str, Any]]:
    """The schemas that a keyword holds, with the way to each."""
    if keyword in ONE:
        return [("", inner)]
    if keyword in NAMED:
        return [(f".{name}", part) for name, part in inner.items()]
    return [(f"[{n}]", part) for n, part in enumerate(inner)] if keyword in LISTED else []


def parts(schema: Any, path: str) -> Iterator[tuple[str, Part]]:
    """Every subschema with its place, the root first."""
    if not isinstance(schema, Mapping):
        return
    yield path, schema
    for keyword, inner in schema.items():
        for step, part in below(keyword, inner):
            yield from parts(part, f"{path}.{keyword}{step}")


def target(reference: str, root: Part) -> Part:
    """What a reference leads to. Raises LookupError where that is nothing, or nothing of this schema."""
    if reference != "#" and not reference.startswith("#/"):
        raise LookupError(reference)
    found: Any = root
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(name)] if name.isdigit() else None
        else:
            found = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        raise LookupError(reference)
    return found


def resolved(part: Any, root: Part) -> Any:
    """A subschema with its own `$ref` followed; what stands beside that wins."""
    for _ in range(MAX_HOPS):
        if not isinstance(part, Mapping) or "$ref" not in part:
            break
        beside = {name: one for name, one in part.items() if name != "$ref"}
        part = {**target(str(part["$ref"]), root), **beside}
    return part


def kinds(part: Any) -> set[str]:
    """The types that a subschema allows, null aside."""
    kind = part.get("type", []) if isinstance(part, Mapping) else []
    return ({kind} if isinstance(kind, str) else set(kind)) - {"null"}


def place_of(steps: Iterable[str | int]) -> str:
    """Like `parties[2].name`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")
