"""Whatever schema we take, the real CLI starts with what we give it, and takes answers that fit the whole."""

from pathlib import Path
from typing import Any

import pytest
from test_claude_support import agent, collect, report, script, task

from batchproc import schemas
from batchproc.agents import guard
from batchproc.agents.rehearsal import RehearsalModel, Reply
from batchproc.models import Profile

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEXT: dict[str, Any] = {"type": "string"}
NODE = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}
KINDS = [{"properties": {"a": {"const": n}}, "required": ["a"], "maxProperties": 3, "x-n": n} for n in (1, 2)]

SHORT = {"a": "quote?[]", "b?": [{"c": ["x", "y", None]}], "d?": {"e": "integer: how many"}}


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


CASES: list[tuple[dict[str, Any], Any]] = [
    (
        {"a": "quote?[]", "b?": [{"c": ["x", "y", None]}], "d?": {"e": "integer: how many"}},
        {"a": [None], "b": None, "d": {"e": 1}},
    ),
    ({"$schema": DRAFT, "$comment": "c", "$id": "https://example.com/a", **obj(a={**TEXT, "format": "x"})}, {"a": "b"}),
    ({**obj(a={**TEXT, "deprecated": True, "examples": ["x"], "default": "y", "x-mine": {"deep": 1}})}, {"a": "b"}),
    (obj(a={"type": "array", "prefixItems": [TEXT, {"type": "number"}], "items": False}), {"a": ["x", 1]}),
    (obj(a={"type": "array", "prefixItems": [TEXT], "items": {"type": "number"}}), {"a": ["x", 1, 2]}),
    (obj(a={"type": "array", "contains": {"const": 1}, "minContains": 2, "maxContains": 3}), {"a": [1, 1]}),
    ({**obj(a=TEXT), "unevaluatedProperties": False, "dependentRequired": {"a": ["a"]}}, {"a": "x"}),
    ({**obj(a=TEXT), "dependentSchemas": {"a": {"minProperties": 1}}, "anyOf": [{"required": ["a"]}]}, {"a": "x"}),
    ({"type": "object", "patternProperties": {r"^\w+$": TEXT, "^ü": TEXT}, "additionalProperties": False}, {"ö": "x"}),
    ({"type": "object", "patternProperties": {"^x-[a-z]{1,9}$": TEXT}, "additionalProperties": False}, {"x-a": "x"}),
    (
        obj(a={**TEXT, "pattern": r"(?i)^(?P<x>\w++)\Z"}, b={**TEXT, "pattern": r"^[\d.,'-]{1,}(?:%|\$)?$"}),
        {"a": "Ö", "b": "5%"},
    ),
    (obj(a={"type": "object", "oneOf": KINDS, "unevaluatedProperties": True}), {"a": {"a": 2}}),
    (obj(a={"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"not": {"type": "null"}}}), {"a": "x"}),
    (
        {"$defs": {"node": NODE}, **obj(a={"$ref": "#/$defs/node", "description": "a tree"})},
        {"a": {"kids": [{"kids": []}]}},
    ),
    (obj(a={"type": ["object", "null"], "propertyNames": {"pattern": "^a"}}, b=True), {"a": None, "b": [1]}),
    (obj(**{f"f{n}": {**TEXT, "description": "Größe " * 8} for n in range(300)}), {f"f{n}": "x" for n in range(300)}),
]


@pytest.mark.parametrize("n", range(len(CASES)))
async def test_the_cli_starts_and_takes_what_fits(tmp_path: Path, n: int) -> None:
    given, answer = CASES[n]
    schema = schemas.expand(given)
    assert schemas.problems(schema, answer) == []
    replies = script(Reply(tools=[("StructuredOutput", answer)]), Reply(text="done"))
    bare = guard.Guard(name="none", cli=guard.find_cli() or Path("claude"))
    async with RehearsalModel(replies) as model, await agent(guard=bare) as claude:
        asked = task(tmp_path, schema=schema, profile=Profile.ANSWER)
        end = report(await collect(claude, asked, model.environment()))
    assert (end.ended, end.output, end.draft) == ("result", answer, ""), end.detail
    assert model.count == 1


async def test_a_keyword_that_the_cli_does_not_know_keeps_it_from_starting(tmp_path: Path) -> None:
    """Why `for_cli` is there: without it no unit of such a job would run."""
    from batchproc.agents.claude import options

    async with RehearsalModel() as model, await agent() as claude:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(options.schemas, "for_cli", dict)
            asked = task(tmp_path, schema=obj(a={**TEXT, "x-evidence": "quote"}), profile=Profile.ANSWER)
            end = report(await collect(claude, asked, model.environment()))
    assert end.ended == "died" and "unknown keyword" in end.detail
