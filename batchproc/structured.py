"""Pure: what a structured answer holds: something, or only blanks; and the quotes that it claims to be evidence."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from batchproc import placeholders, schemas
from batchproc.models import Json

Schema = Mapping[str, Any]


class Claim(NamedTuple):
    """A text that is said to stand in the unit's own data, and its place in the answer, like `clauses[2].quote`."""

    path: str
    quote: str


class _Leaf(NamedTuple):
    """A value that holds no others; with the schemas that it was held against."""

    path: str
    value: Json
    schemas: Sequence[Schema]


def nothing_in(schema: Schema, output: Json, instructions: str) -> str | None:
    """Why there is nothing in an answer that fits its schema; None if there is something.

    Numbers, truths and choices are answers where no text is asked for; where one is, the texts decide, since those have
    to be filled in with something. A blank that the instructions, a description or a choice names was asked for.
    """
    leaves = list(_leaves(schema, schema, output))
    if _is_own_example(schema, output, leaves):
        return "the answer is only the schema's own example"
    asked = f"{instructions}\n{_said_in(schema)}".lower()
    told = [leaf for leaf in leaves if leaf.value is not None]
    if not told:
        # "No violations" is an answer to what asks for lists alone; that nothing is known of anything is none.
        lists_nothing = not leaves and bool(output) and set(output) == set(schema.get("properties", {}))
        return None if lists_nothing or _NOTHING.search(asked) else NOTHING
    texts = [leaf for leaf in told if isinstance(leaf.value, str) and not _is_choice(leaf)]
    tells = any(leaf.value for leaf in told if not isinstance(leaf.value, str) or _is_choice(leaf))
    return _blanks(texts, asked, tells=tells) if texts else None


NOTHING = (
    "the answer holds nothing: every field is null, an empty list or missing; if that is an answer, say so in the "
    'instructions, as in "null if there is none" or "an empty list if there are none"'
)
_NOTHING = re.compile(r"\bnulls?\b|\bempty (?:list|array|object|answer)|\[\s*\]|\{\s*\}")
_INDEX = re.compile(r"\[\d+\]")


def _blanks(texts: Sequence[_Leaf], asked: str, *, tells: bool) -> str | None:
    """Why nothing is said in any of the texts; None if something is. `tells`: another field says something.

    Nobody has to add a comment to what another field tells. One field alone may honestly be unknown beside others, and
    "none" is the answer to what there is; several that all say so were not filled in.
    """
    if not all(_is_vague(leaf, asked) or _is_blank(leaf, asked) for leaf in texts):
        return None
    said = next((str(leaf.value).strip() for leaf in texts if str(leaf.value).strip()), None)
    if said is None:
        return None if tells else "every text in the answer is empty"
    is_one = len({_INDEX.sub("", leaf.path) for leaf in texts}) == 1
    is_vague = all(_is_vague(leaf, asked) for leaf in texts)
    if is_one and is_vague and (tells or all(_plain(leaf) == "none" for leaf in texts)):
        return None
    return f"every text in the answer is only a placeholder: {said[:100]}"


def claims(schema: Schema, output: Json) -> list[Claim]:
    """Every text that is marked as a quote. Null claims nothing."""
    return [
        Claim(leaf.path, leaf.value)
        for leaf in _leaves(schema, schema, output)
        if isinstance(leaf.value, str) and any(schemas.EVIDENCE in one for one in leaf.schemas)
    ]


def without_quotes(schema: Schema, output: Json) -> Json:
    """The answer without what is marked as a quote: the same evidence may be quoted in many ways."""
    marked = {
        leaf.path for leaf in _leaves(schema, schema, output) if any(schemas.EVIDENCE in one for one in leaf.schemas)
    }
    return _without(output, marked, "") if marked else output


def _without(value: Json, marked: Collection[str], path: str) -> Json:
    match value:
        case dict():
            named = {name: f"{path}.{name}".lstrip(".") for name in value}
            return {n: _without(one, marked, named[n]) for n, one in value.items() if named[n] not in marked}
        case list():
            places = [(f"{path}[{n}]", one) for n, one in enumerate(value)]
            return [_without(one, marked, place) for place, one in places if place not in marked]
        case _:
            return value


def _leaves(schema: Any, root: Schema, value: Json, path: str = "", marks: Sequence[Schema] = ()) -> Iterator[_Leaf]:
    """A mark on a list is one on each of its items."""
    held = [*marks, *_held_against(schema, root, value)]
    match value:
        case dict():
            for name, inner in value.items():
                yield from _leaves({"allOf": of_property(held, name)}, root, inner, f"{path}.{name}".lstrip("."))
        case list():
            passed = [{schemas.EVIDENCE: "quote"}] if any(schemas.EVIDENCE in one for one in held) else []
            for n, inner in enumerate(value):
                yield from _leaves({"allOf": of_item(held, n)}, root, inner, f"{path}[{n}]", passed)
        case _:
            yield _Leaf(path, value, held)


def _held_against(schema: Any, root: Schema, value: Json) -> Iterator[Schema]:
    """The schema and those within it that speak of this very value; of alternatives, those that it fits."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    inner: list[Any] = [schemas.target(schema["$ref"], root)] if "$ref" in schema else []
    inner += schema.get("allOf", ())
    inner += [one for word in ("anyOf", "oneOf") for one in schema.get(word, ()) if schemas.fits(root, one, value)]
    if "if" in schema:
        inner.append(schema.get("then" if schemas.fits(root, schema["if"], value) else "else"))
    names = value if isinstance(value, dict) else {}
    inner += [one for name, one in schema.get("dependentSchemas", {}).items() if name in names]
    for part in inner:
        yield from _held_against(part, root, value)


def of_property(held: Sequence[Schema], name: str) -> list[Any]:
    """What schemas that speak of an object say of one of its fields."""
    found: list[Any] = []
    for one in held:
        named = [one["properties"][name]] if name in one.get("properties", ()) else []
        named += [part for pattern, part in one.get("patternProperties", {}).items() if re.search(pattern, name)]
        found += named or [one.get("additionalProperties", True)]
    return found


def of_item(held: Sequence[Schema], n: int) -> list[Any]:
    """What schemas that speak of a list say of its item `n`."""
    found: list[Any] = []
    for one in held:
        fixed = one.get("prefixItems", [])
        found.append(fixed[n] if n < len(fixed) else one.get("items", True))
    return found


def _is_blank(leaf: _Leaf, asked: str) -> bool:
    """Whether somebody left the text empty, or filled in what says that it is."""
    said = str(leaf.value).strip()
    if not said:
        return "empty" not in asked and '""' not in asked
    return placeholders.is_placeholder(said) and _plain(leaf) not in asked


def _is_vague(leaf: _Leaf, asked: str) -> bool:
    """Whether it says that there is nothing to say, in a word that nobody named."""
    said = _plain(leaf)
    return said in placeholders.VAGUE and re.search(rf"\b{said}\b", asked) is None


def _plain(leaf: _Leaf) -> str:
    return str(leaf.value).strip().strip("\"'`.!* ").lower()


def _is_choice(leaf: _Leaf) -> bool:
    return any("enum" in one or "const" in one for one in leaf.schemas)


def _said_in(schema: Any) -> str:
    """What a schema says in words: titles, descriptions, and the texts to choose from."""
    match schema:
        case Mapping():
            choices = schema.get("enum")
            own = [*map(schema.get, ("description", "title", "const")), *(choices if isinstance(choices, list) else ())]
            texts = (one for one in own if isinstance(one, str))
            return "\n".join([*texts, *map(_said_in, schema.values())]).strip()
        case list():
            return "\n".join(map(_said_in, schema)).strip()
        case _:
            return ""


def _is_own_example(schema: Schema, output: Json, leaves: Sequence[_Leaf]) -> bool:
    """Whether the whole answer, or every text and number in it, is what the schema gives as an example of it."""
    if output in _examples(schema):
        return True
    telling = [
        leaf
        for leaf in leaves
        if isinstance(leaf.value, str | int | float) and not isinstance(leaf.value, bool) and not _is_choice(leaf)
    ]
    has_text = any(isinstance(leaf.value, str) for leaf in telling)  # a number may well be what is given as default
    return has_text and all(any(leaf.value in _examples(one) for one in leaf.schemas) for leaf in telling)


def _examples(schema: Schema) -> list[Json]:
    given = schema.get("examples")
    named = [schema[name] for name in ("example", "default") if name in schema]
    return [*named, *(given if isinstance(given, list) else ())]
