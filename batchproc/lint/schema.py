"""Instructions against the schema of the answer."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = """
    abstract analysis answer article body comment comments content csv description details document draft email essay
    explanation html letter markdown message note notes output overview paragraph post rationale reason reasoning reply
    report response result review summary table text translation xml yaml
"""
_PROSE = frozenset(_NAMES.split())
"""Names of properties that may hold a text of any form."""
_FORMAT = (
    r"(?:markdown(?: table)?|tables?|csv|tsv|html|xml|yaml|plain text|free text|prose|bullet(?:ed)? (?:lists?|points?)"
    r"|bullets|numbered lists?)"
)
_FORM = rf"(?:an? |one |valid |short |simple |clean |nice |small |well-formatted |formatted |pure |plain )*({_FORMAT})"
_NOT_INPUT = (
    r"\b(?! ?(?:\d|files?\b|columns?\b|cells?\b|rows?\b|data\b|input\b|exports?\b|on\b|of\b|that\b|which\b|called\b))"
)
_SAY = (
    r"\b(?:answer|reply|respond|return|output|present|format|give|write|show|produce|render|deliver|list|summari[sz]e"
    r"|report|put|provide|create|make|extract|generate|state|collect|describe|explain)\b"
)
_MAKE = r"\b(?:return|output|produce|write|create|make|build|generate|provide|give) (?:only |just |me )*"
_NO_JSON = r"\b((?:no|not|never) (?:use |return |output |write |answer in )?json|plain text only)\b"
_ASKED = re.compile(
    rf"{_SAY}[^.;\n]{{0,80}}?\b(?:as|in|into|using|with) {_FORM}{_NOT_INPUT}|{_MAKE}{_FORM}{_NOT_INPUT}|{_NO_JSON}"
)
_LENGTH = re.compile(
    r"\bin (?:at most |no more than |up to |exactly |about |around |under |less than )?"
    r"(?:one|two|three|four|five|six|ten|a few|a couple of|several|a single|\d+)(?: ?(?:-|\u2013|to|or) ?\w+)? "
    r"(?:short |plain |simple |clear |complete )*(?:sentences?|words?|paragraphs?)\b"
)


def warnings(said: str, schema: Mapping[str, Any], fields: frozenset[str]) -> list[str]:
    """Where the instructions want another form than the schema, or a key that it lacks. `fields` are the units' own."""
    return [*_forms(said, schema), *_keys(said, schema, fields)]


def _forms(said: str, schema: Mapping[str, Any]) -> list[str]:
    for sentence in _sentences(said.lower()):
        asked = _ASKED.search(sentence)
        if asked and not _holds(schema, sentence, _PROSE):
            form = next(filter(None, asked.groups()))
            return [_contradicts(f"ask for {form!r}" if "json" not in form else f"say {form!r}")]
        length = _LENGTH.search(sentence)
        if length and not _holds(schema, sentence, None):
            return [_contradicts(f"ask for an answer {length[0]!r}, and no text of the schema seems to be meant")]
    return []


def _contradicts(what: str) -> str:
    return f"the instructions {what}, but output_schema is set, and agents answer with a JSON object that fits it"


def _sentences(said: str) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"(?<=[.;!?])\s|\n\s*\n|\n\s*[-*•]", said)]


def _holds(schema: Mapping[str, Any], sentence: str, names: frozenset[str] | None) -> bool:
    """Whether a text of the schema may be what the sentence speaks of: one with a name of these, that is the only one
    or is spoken of; or, without `names`, any that is spoken of or has a name for prose."""
    properties = list(_properties(schema))
    texts = {name.lower() for name, one in properties if _is_text(one)}
    for name in texts:
        words = set(re.split(r"[\W_]+", name))
        spoken = any(len(word) > 3 and word[:6].rstrip("y") in sentence for word in words)
        if names is None and (spoken or words & _PROSE):
            return True
        if names is not None and words & names and (spoken or len(properties) == 1):
            return True
    return False


def _properties(schema: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every property at every level, with its schema."""
    if isinstance(schema, list | tuple):
        for one in schema:
            yield from _properties(one)
    elif isinstance(schema, Mapping):
        for word, value in schema.items():
            if word in {"properties", "$defs", "definitions", "patternProperties"} and isinstance(value, Mapping):
                if word == "properties":
                    yield from ((str(name), one if isinstance(one, Mapping) else {}) for name, one in value.items())
                for one in value.values():
                    yield from _properties(one)
            elif word in {"items", "prefixItems", "allOf", "anyOf", "oneOf", "then", "else", "additionalProperties"}:
                yield from _properties(value)


def _is_text(one: Mapping[str, Any]) -> bool:
    """Whether it may hold a text of any form."""
    kinds = one.get("type", "string")
    bound = {"enum", "const", "format", "pattern", "properties", "items", "$ref", "x-evidence"} & one.keys()
    return "string" in (kinds if isinstance(kinds, list | tuple) else [kinds]) and not bound


_WORD = r"[A-Za-z_]\w*"
_SNIPPET = re.compile(rf"[\"“]({_WORD})[\"”]\s*:")
_QUOTED = re.compile(rf"[`\"'“]({_WORD})[`\"'”]")
_CUE = r"\b(?:json|return|output|answer|reply|respond|produce|object|give)\b"
_LISTED = re.compile(
    rf"{_CUE}[^.;\n]*?\b(?:keys?|fields?|propert(?:y|ies)|attributes?)\b(?: (?:are|named|called))?:? +"
    rf"((?:[`\"'“]?{_WORD}[`\"'”]?(?: *, *(?:and +|or +)?| +and +| +or +))*[`\"'“]?{_WORD}[`\"'”]?)",
    re.I,
)


def _keys(said: str, schema: Mapping[str, Any], fields: frozenset[str]) -> list[str]:
    known = list(dict.fromkeys(name for name, _ in _properties(schema)))
    lacking = [name for name in dict.fromkeys(_named(said)) if name not in known and name not in fields]
    if not known or not lacking:
        return []
    return [
        f"the instructions name {', '.join(map(repr, lacking))} as a key of the answer, but output_schema has only: "
        f"{', '.join(known)}"
    ]


def _named(said: str) -> Iterator[str]:
    """What the instructions name as keys of the answer: in a piece of JSON, or in a list of keys."""
    yield from _SNIPPET.findall(said)
    for listed in _LISTED.finditer(said):
        quoted = _QUOTED.findall(listed[1])
        plain = re.split(r"\s*,\s*(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+", listed[1])
        yield from quoted or (plain if len(plain) > 1 else [])
