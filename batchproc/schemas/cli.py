"""The part of a schema that the Claude Code CLI takes: it refuses to start over a keyword that it does not know.

Measured with CLI 2.1.330: Draft 7 in Ajv's strict mode, so no `x-…`, no `prefixItems`, no `dependent…`, no
`unevaluated…`, no `minContains`, no `$anchor`, no `$schema` but Draft 7's; patterns are JavaScript's, with the `u`
flag. `$defs`, `const`, unions with null and annotations are taken; formats are not checked. The API takes no choice
between schemas at the root.
What is left out here is still checked by us, so whatever is changed may only become looser.
"""

import re
from collections.abc import Mapping
from typing import Any

from batchproc.schemas.parts import EVIDENCE, NAMED, Schema

VERBATIM = "Copy it word for word from the unit's own data or file; null is no quote, and nothing may be left out."
TAKEN = frozenset(
    {"type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"}
    | {"maxLength", "minLength", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required"}
    | {"title", "description", "default", "examples", "format", "$ref"}
)
SILENT = frozenset({"$schema", "$comment", "deprecated", "readOnly", "writeOnly", "example", "contentEncoding"}) | {
    "contentMediaType",
    "contentSchema",
}
"""Keywords that ask for nothing: without them the rest means the same."""
INNER = frozenset({"additionalProperties", "items", "propertyNames"})
CHOICES = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else"})
_IN_BOTH = re.compile(  # what Python and JavaScript read alike; to JavaScript `\w` and `\b` know ASCII only
    r"""(?:
        (?: \^ | \$ | \| | \( (?:\?:)? )
      | (?: [^\\\[\](){}*+?|^$] | \\[dDsS^$.*+?()\[\]{}|/\\nrtfv] | \\u[0-9a-fA-F]{4} | \\x[0-9a-fA-F]{2} | \)
          | \[\^? (?: [^\\\[\]] | \\[dDsS^$.*+?()\[\]{}|/\\nrtfv-] )* \]
        )
        (?: (?: [*+?] | \{\d+(?:,\d*)?\} ) \?? )?
    )*""",
    re.X,
)


def for_cli(schema: Mapping[str, Any]) -> Schema:
    """The schema as `output_format` may have it: the same, or looser."""
    root = {name: part for name, part in schema.items() if name not in CHOICES}
    converted, _ = _converted(root)
    return dict(converted) if isinstance(converted, Mapping) else {"type": "object"}


def _converted(part: Any) -> tuple[Any, bool]:
    """The part as the CLI takes it, and whether it still asks for exactly the same."""
    if not isinstance(part, Mapping):
        return part, True
    cut: Schema = {name: one for name, one in part.items() if name in TAKEN}
    exact = all(name in TAKEN or name in SILENT or name in _HANDLED or name.startswith("x-") for name in part)
    exact &= "$ref" not in part  # where it leads may have become looser
    for take in (_named, _inner, _choices, _tuple, _contains, _dependent, _pattern):
        exact &= take(part, cut)
    if EVIDENCE in part:
        _say(cut, VERBATIM)
    return cut, exact


_HANDLED = (
    NAMED | INNER | CHOICES | {"prefixItems", "contains", "minContains", "dependentRequired", "dependentSchemas"}
) | {"pattern"}


def _say(cut: Schema, words: str) -> None:
    cut["description"] = f"{cut['description']} {words}" if cut.get("description") else words


def _named(part: Mapping[str, Any], cut: Schema) -> bool:
    exact = True
    for keyword in ("properties", "$defs", "definitions"):
        if keyword in part:
            found = {name: _converted(one) for name, one in part[keyword].items()}
            cut[keyword] = {name: one for name, (one, _) in found.items()}
            exact &= keyword != "properties" or all(same for _, same in found.values())
    patterns = part.get("patternProperties", {})
    if not patterns:
        return exact
    if all(_IN_BOTH.fullmatch(pattern) for pattern in patterns):
        found = {name: _converted(one) for name, one in patterns.items()}
        cut["patternProperties"] = {name: one for name, (one, _) in found.items()}
        return exact and all(same for _, same in found.values())
    return False


def _inner(part: Mapping[str, Any], cut: Schema) -> bool:
    exact = True
    for keyword in INNER & part.keys():
        if keyword == "additionalProperties" and "patternProperties" in part and "patternProperties" not in cut:
            continue
        cut[keyword], same = _converted(part[keyword])
        exact &= same
    return exact


def _choices(part: Mapping[str, Any], cut: Schema) -> bool:
    """What is turned round by its keyword must not become looser; of `oneOf`, "at least one" is left."""
    exact = True
    for keyword in ("allOf", "anyOf", "oneOf"):
        if keyword in part:
            found = [_converted(one) for one in part[keyword]]
            same = all(one for _, one in found)
            alternatives = [one for one, _ in found]
            if keyword == "oneOf" and not same:
                cut["allOf"] = [*cut.get("allOf", ()), {"anyOf": alternatives}]
            else:
                cut[keyword] = alternatives
            exact &= same
    for keyword, more in (("not", ()), ("if", ("then", "else"))):
        if keyword in part:
            found_one, same = _converted(part[keyword])
            if same:
                rest = {name: _converted(part[name]) for name in more if name in part}
                cut |= {keyword: found_one, **{name: one for name, (one, _) in rest.items()}}
                same = all(one for _, one in rest.values())
            exact &= same
    return exact


def _tuple(part: Mapping[str, Any], cut: Schema) -> bool:
    if "prefixItems" not in part:
        return True
    found = [_converted(one) for one in part["prefixItems"]]
    rest = cut.pop("items", True)
    cut |= {"items": [one for one, _ in found], "additionalItems": rest}
    return all(same for _, same in found)


def _contains(part: Mapping[str, Any], cut: Schema) -> bool:
    if "contains" not in part:
        return True
    found, same = _converted(part["contains"])
    if part.get("minContains", 1) >= 1:
        cut["contains"] = found
    return same and part.get("minContains", 1) == 1


def _dependent(part: Mapping[str, Any], cut: Schema) -> bool:
    found = {name: _converted(one) for name, one in part.get("dependentSchemas", {}).items()}
    needed = {name: list(names) for name, names in part.get("dependentRequired", {}).items()}
    both = found.keys() & needed.keys()
    wanted = {name: one for name, (one, _) in found.items()} | {n: one for n, one in needed.items() if n not in both}
    if wanted:
        cut["dependencies"] = wanted
    return not both and all(same for _, same in found.values())


def _pattern(part: Mapping[str, Any], cut: Schema) -> bool:
    if "pattern" not in part:
        return True
    if _IN_BOTH.fullmatch(part["pattern"]):
        cut["pattern"] = part["pattern"]
        return True
    _say(cut, f"It must match the regular expression {part['pattern']}")
    return False
