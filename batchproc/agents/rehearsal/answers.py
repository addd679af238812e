"""The built-in script: reads the unit's file through the CLI's own Read tool and says what is true of its content. It
writes that into the files that the unit is to have.

A pure function of the call. Every answer says first that it is not Claude's.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchproc.agents.rehearsal import reading, schema, text, writing
from batchproc.agents.rehearsal.calls import Call, Reply
from batchproc.agents.rehearsal.reading import Reading
from batchproc.agents.rehearsal.text import Facts

MARK = "[rehearsal model, not Claude]"
OPEN, CLOSE = "<unit-data>", "</unit-data>"
STRUCTURED = "StructuredOutput"  # the tool by which the CLI takes an answer that must fit a schema
QUOTED_PATH = re.compile(r"([\"'`])(/[^\n]+?)\1")
SPACED_PATH = re.compile(r"(?<![\w/:.~<])(/[^\n\"'`<>]*?\.\w{1,8})(?=[\s\"'`)\],;:!?]|\.\s|\.?$)", re.MULTILINE)
BARE_PATH = re.compile(r"(?<![\w/:.~<])/[^\s\"'`<>]*[^\s\"'`<>.,;:!?)\]]")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What there is to say, and the facts that a structured answer is made of."""

    lines: list[str]
    facts: Facts


def answer(call: Call) -> Reply:
    """Read on, or answer."""
    payload = unit_data(call.prompt)
    path = file_of(call.prompt, payload) if "Read" in call.tools else None
    if path is None:
        return _finish(call, _of_record(call.prompt, payload))
    read = reading.so_far(call, path)
    if read.next_read:
        return Reply(tools=[("Read", read.next_read)])
    return _finish(call, _of_file(read))


def answer_side_call(call: Call) -> Reply:
    """For what the CLI asks for itself with a schema, such as a title of the session."""
    shape = call.body["output_config"]["format"].get("schema", {})
    return Reply(text=json.dumps(schema.value(shape, text.facts(call.prompt))))


def unit_data(prompt: str) -> Mapping[str, Any] | None:
    """The payload that batchproc's own frame puts between its tags; None in a prompt that is the user's own."""
    end = prompt.rfind(CLOSE)
    for opening in re.finditer(re.escape(OPEN), prompt[: max(end, 0)]):
        try:
            found = json.loads(prompt[opening.end() : end])
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None


def file_of(prompt: str, payload: Mapping[str, Any] | None) -> str | None:
    """The file the unit is about: the payload's `file_path`, or the first absolute path in a prompt of the user's."""
    if payload is not None:
        path = payload.get("file_path")
        return path if isinstance(path, str) and path else None
    if quoted := QUOTED_PATH.search(prompt):
        return quoted[2]
    bare, spaced = BARE_PATH.search(prompt), SPACED_PATH.search(prompt)
    if bare and spaced and bare.start() == spaced.start() and "." not in bare[0].rsplit("/", 1)[-1]:
        return spaced[1]
    return bare[0] if bare else None


def _of_file(read: Reading) -> Answer:
    if read.media:
        came = f"Read gave back {', '.join(read.media)} for {read.path}: I cannot see that, so I say nothing of it."
        return Answer(lines=[came], facts=text.facts(came))
    if read.problem and not read.lines:
        problem = f"I could not read {read.path}: {read.problem}"
        return Answer(lines=[problem], facts=text.facts(problem))
    if not read.text.strip():
        empty = f"I read {read.path}: it holds no text."
        return Answer(lines=[empty], facts=text.facts(empty))
    facts = text.facts(read.text)
    lines = [f"I read {read.path}; this is counted from its text.", *_limits(read), *_figures(facts, read.line_count)]
    return Answer(lines=lines, facts=facts)


def _limits(read: Reading) -> list[str]:
    """What a reader must know before believing the figures."""
    partly = f"The file is longer than I read: the figures cover {read.limited_to}." if read.limited_to else ""
    why = f"Read went no further: {read.problem}" if read.problem else ""
    return [line for line in (partly, why, read.note) if line]


def _figures(facts: Facts, lines: int) -> list[str]:
    return [
        f"Title: {facts.title}",
        f"Words: {facts.words:,} in {lines:,} {'line' if lines == 1 else 'lines'}",
        f"First sentence: {facts.sentence}",
        f"Frequent terms: {_terms(facts)}",
    ]


def _of_record(prompt: str, payload: Mapping[str, Any] | None) -> Answer:
    if payload is None:
        facts = text.facts(prompt)
        lines = ["I answered from the prompt's own text.", *_figures(facts, len(prompt.strip().splitlines()))]
        return Answer(lines=lines, facts=facts)
    longest = max(payload, key=lambda name: len(_plain(payload[name])), default=None)
    if longest is None:
        return Answer(lines=["The unit has no fields."], facts=text.facts("The unit has no fields."))
    facts = text.facts(_plain(payload[longest]))
    fields = [f"{name}: {_field(value)}" for name, value in payload.items()]
    count = f"The unit has {len(payload)} {'field' if len(payload) == 1 else 'fields'}."
    said = [f"First sentence of {longest}: {facts.sentence}", f"Frequent terms of {longest}: {_terms(facts)}"]
    return Answer(lines=[count, *fields, *said], facts=facts)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _field(value: object) -> str:
    plain = " ".join(_plain(value).split())
    words = f" ({len(plain.split()):,} words)" if isinstance(value, str) and len(plain.split()) > 1 else ""
    return text.shorten(plain, 100) + words


def _terms(facts: Facts) -> str:
    return ", ".join(f"{term} ({count})" for term, count in facts.terms) or "none"


def _finish(call: Call, answer: Answer) -> Reply:
    """In the shape that was asked for; a schema that we cannot satisfy is said, not tried for ever."""
    lines = answer.lines
    if "Write" in call.tools and (files := writing.left(call)):
        content = "\n".join([MARK, *lines, ""])
        return Reply(text=MARK, tools=[("Write", {"file_path": name, "content": content}) for name in files])
    if STRUCTURED in call.tools:
        asked = {use.tool_use_id for use in call.tool_uses if use.name == STRUCTURED}
        given = [result for result in call.tool_results if result.tool_use_id in asked]
        if not given:
            return Reply(text=MARK, tools=[(STRUCTURED, schema.value(call.tools[STRUCTURED], answer.facts))])
        if given[-1].is_error:
            lines = [f"I could not make an answer that fits the schema: {reading.plain(given[-1].text)}", *lines]
    return Reply(text="\n".join([MARK, *lines]))
