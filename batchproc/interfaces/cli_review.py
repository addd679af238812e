"""A person at a terminal judges answers, one at a time: payload, answer, evidence, and a key for what he says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from batchproc import answers
from batchproc.errors import InvalidJob
from batchproc.interfaces.cli_pilot import quoted
from batchproc.interfaces.cli_words import coloured, console, in_shell_words, plain, status_word

if TYPE_CHECKING:
    from batchproc.service import BatchService

KEYS = {"a": "accept", "r": "reject", "c": "correct", "s": "skip", "q": "quit"}
ASK = "[a]ccept  [r]eject  [c]orrect  [s]kip  [q]uit > "


async def sit_down(service: "BatchService", job_id: str, n: int) -> int:
    """Until all that was drawn is judged or skipped, or the person has had enough."""
    out, skipped = console(), set[str]()
    page = await service.review_units(job_id, n, shown=1)
    while page.units:
        one = page.units[0]
        unit(out, one)
        out.print(f"\n[dim]{page.left + 1} to judge · {plain(in_shell_words(page.review.words, job_id))}[/]")
        said = _asked(ASK)
        if said == "quit":
            break
        if said == "skip":
            skipped.add(one.key)
        elif said is not None:
            await _judge(service, out, job_id, one, said)
        page = await service.review_units(job_id, None, shown=1, skip=skipped)
    out.print(f"\n{plain(in_shell_words(page.review.words, job_id))}")
    return 0


def _asked(question: str) -> str | None:
    """What the key means; None for one that means nothing. Without any more input, the person has gone."""
    try:
        return KEYS.get(_line(question).lower()[:1])
    except EOFError:
        return "quit"


def _line(question: str) -> str:
    return input(question).strip()


async def _judge(service: "BatchService", out: Console, job_id: str, one: answers.ReviewUnit, said: str) -> None:
    """What is refused is said, and the unit comes again."""
    try:
        correction = await _correction(service, job_id, one) if said == "correct" else None
        note = None if said == "accept" else _line("note (Enter for none): ") or None
        kept = await service.record_verdict(
            job_id, one.key, said, correction=correction, note=note, attempt=one.attempt
        )
        out.print(f"[green]✓[/] {plain(in_shell_words(kept.message, job_id))}")
    except InvalidJob as error:
        out.print(f"[red]✗[/] {plain(in_shell_words(str(error), job_id))}")
    except EOFError:
        out.print("[red]✗[/] nothing was kept")


async def _correction(service: "BatchService", job_id: str, one: answers.ReviewUnit) -> Any:
    """The right answer: a text, or the agent's own with some fields put right."""
    if one.output is None:
        return _file_or(_line("the right answer (@FILE reads a file): "))
    own = (await service.get_unit(job_id, one.key, 0)).output or {}
    print("field=value, one a line, an empty line ends; or the whole answer as JSON; or @FILE")
    corrected: Mapping[str, Any] = own
    while line := _line("  "):
        if line.startswith(("{", "@")):
            return _file_or(line)
        field, equals, value = line.partition("=")
        if not equals:
            raise InvalidJob("correction", line, "write it as field=value, like amount=12.5")
        corrected = put(corrected, field.strip().split("."), _value(value.strip()))
    return corrected


def put(answer: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """The answer with the field at `path` put right."""
    inner = answer.get(path[0])
    new = put(inner if isinstance(inner, Mapping) else {}, path[1:], value) if path[1:] else value
    return {**answer, path[0]: new}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _file_or(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text("utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidJob("correction", text, f"the file cannot be read: {error}") from None


# How it looks.


def unit(out: Console, one: answers.ReviewUnit) -> None:
    out.rule(plain(one.key), align="left")
    drawn = "drawn by chance" if one.kind == "random" else "drawn for its risk"
    out.print(f"{status_word(one.status)}  [dim]{drawn}{f': {plain(one.why)}' if one.why else ''}[/]")
    if one.error:
        out.print(f"[red]{plain(one.error)}[/]")
    quoted(out, "the unit", json.dumps(one.payload, ensure_ascii=False, indent=2))
    said = one.text or "" if one.output is None else json.dumps(one.output, ensure_ascii=False, indent=2)
    quoted(out, "its answer", said or "(none)")
    if one.evidence:
        quoted(out, "evidence", "\n".join(f"{found.field}: {found.quote}" for found in one.evidence))
    if one.earlier:
        verdict(out, one.earlier)


def page(found: answers.ReviewUnits) -> None:
    """All that is shown at a time, for who is not at a terminal."""
    out = console()
    for one in found.units:
        unit(out, one)
    more = f"; {found.left} more to judge" if found.left else ""
    out.print(f"\n{plain(in_shell_words(found.review.words, found.job_id))}{more}")


def judged(answer: answers.JudgedUnit) -> None:
    out = console()
    out.print(coloured(answer.ledger))
    out.print(f"  {plain(answer.key)}  {plain(answer.verdict)}: {plain(in_shell_words(answer.message, answer.job_id))}")
    if answer.review:
        out.print(f"  {plain(in_shell_words(answer.review.words, answer.job_id))}")


def verdict(out: Console, known: answers.VerdictAnswer) -> None:
    """What a person said, of this answer or of an older one."""
    of = "" if known.holds else " (of another answer than it has now)"
    note = f": {known.note}" if known.note else ""
    out.print(f"\n[bold]{plain(known.verdict)}[/]{of} by {plain(known.by)}, {plain(known.at[:10])}{plain(note)}")
    if known.correction is not None:
        said = known.correction
        quoted(out, "the correction", said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, indent=2))
