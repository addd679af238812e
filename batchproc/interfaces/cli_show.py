"""How the shell's face looks. What agents and data say is text: no control sequence of theirs reaches the terminal."""

import sys
import unicodedata
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from batchproc import answers
from batchproc.doctor import Check

COLOURS = {
    "succeeded": "green",
    "completed": "green",
    "running": "cyan",
    "flagged": "yellow",
    "paused": "yellow",
    "failed": "red",
    "cancelled": "dim",
    "skipped": "dim",
}


def safe(text: str) -> str:
    """The text without control characters (but for newline and tab), bidirectional overrides and lone surrogates."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs", "Cf", "Co"})


def plain(text: object) -> str:
    """Safe, and not read as markup."""
    return escape(safe(str(text)))


def _out() -> Console:
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def status_word(status: str) -> str:
    return f"[{COLOURS.get(status, 'default')}]{status}[/]"


def ledger(counts: Mapping[str, int]) -> str:
    """`4,912 succeeded · 41 flagged · 12 failed · 35 pending`: what there is, in the order of the glossary."""
    order = ("succeeded", "flagged", "failed", "skipped", "cancelled", "running", "pending")
    said = [f"{counts[status]:,} {status_word(status)}" for status in order if counts.get(status)]
    return " · ".join(said) or "no units"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def job(answer: answers.JobStatusAnswer) -> None:
    out = _out()
    reason = f" ({plain(answer.reason)})" if answer.reason else ""
    out.print(f"[bold]{plain(answer.name)}[/]  {answer.job_id}  {status_word(answer.status)}{reason}")
    out.print(f"  {ledger(answer.counts)}  of {answer.total_units:,} ({answer.percent:g} %)")
    pace = "" if answer.rate_per_min is None else f" · {answer.rate_per_min:g} a minute"
    eta = "" if answer.status != "running" else f" · done in {duration(answer.eta_s)}"
    out.print(
        f"  ${answer.cost_usd:.4f} (estimated) · {answer.tokens:,} tokens{pace}{eta} · model: {plain(answer.model)}"
    )
    for unit in answer.running:
        out.print(f"  [cyan]▸[/] {plain(unit.key)}  attempt {unit.attempt}  {plain(unit.last_event or '')}")
    for group in answer.failures:
        out.print(f"  [red]✗[/] {group.count:,} x {plain(group.message)}  e.g. {plain(group.example_key)}")
    out.print(f"  [dim]next: {plain(answer.next)}[/]")


def job_list(answer: answers.JobList) -> None:
    if not answer.jobs:
        _out().print("No jobs yet. Run `batchproc demo`, or ask your MCP client for one.")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("job", "status", "units", "done", "cost", "name"):
        table.add_column(column, justify="right" if column in {"units", "done", "cost"} else "left")
    for line in answer.jobs:
        cells = (f"{line.total_units:,}", f"{line.percent:g} %", f"${line.cost_usd:.4f}", plain(line.name))
        table.add_row(line.job_id, status_word(line.status), *cells)
    _out().print(table)
    if answer.next_cursor:
        _out().print(f"[dim]the newest {len(answer.jobs)}; older ones are not shown[/]")


def result(answer: answers.Result) -> None:
    out = _out()
    out.print(f"\n[bold]{plain(answer.key)}[/]  {status_word(answer.status)}")
    if answer.error:
        out.print(f"  [red]{plain(answer.error)}[/]")
    for line in safe(answer.text or "").splitlines():
        out.print(f"  {plain(line)}")


def results_footer(page: answers.Results) -> None:
    _out().print(f"[dim]{page.total:,} final units match · model: {plain(page.model)}[/]")


def supervisor(answer: answers.SupervisorAnswer, *, ending: str = "") -> None:
    out = _out()
    if not answer.alive:
        out.print("No supervisor is alive. When a job needs one, the next look at it starts one: `batchproc status`.")
        return
    out.print(f"The supervisor {ending or 'is alive'}: pid {answer.pid}, epoch {answer.epoch}, since {answer.since}")
    out.print(f"  {answer.jobs} active jobs · {answer.agents} agents · guard: {answer.guard}")


def checks(found: Sequence[Check]) -> None:
    out = _out()
    for check in found:
        mark = "[green]✓[/]" if check.ok else "[red]✗[/]" if check.required else "[yellow]![/]"
        out.print(f"{mark} {check.name}: {plain(check.found)}")
        if not check.ok:
            out.print(f"    {plain(check.way_out)}")
