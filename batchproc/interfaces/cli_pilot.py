"""How the shell shows a job before all of it runs: its samples, its pilot, and what the rest will cost."""

import difflib
import json

from rich.console import Console
from rich.table import Table

from batchproc import answers
from batchproc.interfaces.cli_words import console, duration, in_shell_words, plain, safe, status_word
from batchproc.prices import dollars


def created(answer: answers.CreatedJob) -> None:
    """What was defined: how many units, what the first of them will be sent, and what to look at."""
    out = console()
    kept = answer.job_id or "nothing kept"
    out.print(f"{answer.total_units:,} units  {kept}  {status_word(answer.status)}")
    if answer.shared_prompt:
        quoted(out, "every agent is told", answer.shared_prompt)
    for sample in answer.sample:
        quoted(out, f"{sample.key} is sent", sample.prompt)
    for warning in answer.warnings:
        out.print(f"\n[yellow]![/] {plain(in_shell_words(warning))}")
    out.print(f"\n[dim]next: {plain(in_shell_words(answer.next, answer.job_id or 'JOB'))}[/]")


def quoted(out: Console, title: str, text: str) -> None:
    out.print(f"\n[bold]{plain(title)}[/]")
    for line in safe(text).splitlines():
        out.print(f"  [dim]│[/] {plain(line)}")


def pilot(out: Console, answer: answers.JobStatusAnswer) -> None:
    """What the pilot showed: each answer, the older one before it, and what the variants disagree on."""
    if answer.pilot is None:
        return
    if answer.status == "review":
        out.print(f"\n[bold]Pilot, round {answer.pilot.round}[/]")
    _changed(out, answer.pilot.changed)
    if answer.status != "review":
        return
    if answer.pilot.gold:
        _gold(out, answer.pilot.gold)
    for one in answer.pilot.results:
        out.print(
            f"\n  [bold]{plain(one.key)}[/]  {status_word(one.status)}  ${one.cost_usd:.4f} · {one.seconds:.1f} s"
        )
        if one.error:
            out.print(f"    [red]{plain(one.error)}[/]")
        if one.before:
            _said(out, "was", one.before.text if one.before.output is None else one.before.output)
        _said(out, "now" if one.before else "   ", one.text if one.output is None else one.output)
    if answer.pilot.variants:
        _variants(out, answer.pilot.variants)


TEXTS = frozenset({"instructions", "output_schema", "options.system_prompt"})
MOST_LINES = 40
"""Of a text that was changed."""


def _changed(out: Console, found: answers.ChangedAnswer | None) -> None:
    """What the job says otherwise than in the round before; of texts, which lines."""
    if found is None:
        return
    out.print(f"  {plain(found.words)}")
    for one in found.differences:
        if one.field in TEXTS:
            _diff(out, one)


def _diff(out: Console, one: answers.ChangedField) -> None:
    was, now = (safe(text or "").split("\n") if text else [] for text in (one.before, one.after))
    lines = list(difflib.unified_diff(was, now, n=1, lineterm=""))[2:]
    out.print(f"  [dim]{plain(one.field.removeprefix('options.'))}[/]")
    for line in lines[:MOST_LINES]:
        colour = {"+": "green", "-": "red"}.get(line[:1], "dim")
        out.print(f"    [{colour}]{plain(line)}[/]")
    if len(lines) > MOST_LINES:
        out.print(f"    [dim]and {len(lines) - MOST_LINES:,} lines more; --json has them[/]")


def _gold(out: Console, found: answers.GoldAnswer) -> None:
    """What became of answers that persons had judged."""
    colour = "red" if found.counts["regressed"] else "yellow" if found.differences else "green"
    out.print(f"  [{colour}]{plain(found.words)}[/]")
    for one in found.differences:
        what = one.field or (
            "the answer that was rejected, again" if one.standing == "still_wrong" else "no answer now"
        )
        out.print(f"  [red]≠[/] {plain(one.standing.replace('_', ' '))}: {plain(one.key)} · {plain(what)}")
        if one.expected is not None and one.got is not None:
            _said(out, "should be", json.loads(one.expected))
            _said(out, "is now   ", json.loads(one.got))


def _said(out: Console, label: str, value: object) -> None:
    """An answer or a part of one, text as it is and everything else as JSON."""
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    for n, line in enumerate(safe(said).splitlines()):
        out.print(f"    [dim]{plain(label) if not n else ' ' * len(label)}[/] {plain(line)}")


def _variants(out: Console, table: answers.VariantTable) -> None:
    grid = Table(box=None, pad_edge=False)
    for column in ("variant", "model", "flagged", "failed", "cost", "seconds"):
        grid.add_column(column, justify="left" if column in {"variant", "model"} else "right")
    for one in table.variants:
        cells = (f"{one.flagged:.0%}", f"{one.failed:.0%}", f"${one.cost_usd:.4f}", f"{one.seconds:.1f}")
        grid.add_row(plain(one.name), plain(one.model), *cells)
    out.print(grid)
    agreed = ", ".join(f"{plain(field)} {part:.0%}" for field, part in table.agreement.items())
    out.print(f"  they agree on: {agreed or 'nothing to compare'}")
    for apart in table.disagreements:
        out.print(f"  [yellow]≠[/] {plain(apart.key)} · {plain(apart.field)}")
        for name, value in apart.values.items():
            _said(out, name, value)


def estimate(out: Console, answer: answers.JobStatusAnswer) -> None:
    """The quote while it is to be decided on, the forecast while it runs, and in the end whether the quote held."""
    said = answer.quote if answer.status == "review" else answer.forecast
    if said is not None:
        cost = "free" if not said.cost_usd.high else f"{dollars(said.cost_usd.low)} to {dollars(said.cost_usd.high)}"
        time = f"{duration(said.time_s.low)} to {duration(said.time_s.high)}"
        out.print(f"  the other {said.units:,} units: {cost}, {time} ({said.level:.0%} of such estimates hold)")
        out.print(f"  [dim]{plain(said.basis)}[/]")
    if answer.quote and answer.quote.reality:
        out.print(f"  [dim]{plain(answer.quote.reality.words)}[/]")
