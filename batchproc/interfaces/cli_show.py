"""How the shell's face looks: jobs, results, the supervisor, checks."""

import argparse
import json
import shlex
from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from batchproc import answers
from batchproc.doctor import Check
from batchproc.interfaces import cli_pilot, cli_review
from batchproc.interfaces.cli_pilot import quoted
from batchproc.interfaces.cli_words import coloured, console, duration, in_shell_words, plain, safe, status_word
from batchproc.prices import dollars

Answer = TypeVar("Answer", bound=BaseModel)


def answer(args: argparse.Namespace, found: Answer, show: Callable[[Answer], None]) -> int:
    """As JSON for programs, or as `show` writes it for people; the exit code is 0."""
    if args.json:
        print(found.model_dump_json())
    else:
        show(found)
    return 0


def job(answer: answers.JobStatusAnswer) -> None:
    out = console()
    reason = f" ({plain(answer.reason)})" if answer.reason else ""
    out.print(f"{coloured(answer.ledger)}  of {answer.total_units:,} ({answer.percent:g} %)")
    out.print(f"  [bold]{plain(answer.name)}[/]  {answer.job_id}  {status_word(answer.status)}{reason}")
    if answer.detail:
        out.print(f"  [yellow]{plain(answer.detail)}[/]")
    pace = "" if answer.rate_per_min is None else f" · {answer.rate_per_min:g} a minute"
    is_known = answer.status == "running" and answer.eta_s is not None
    eta = f" · done in {duration(answer.eta_s)}" if is_known else ""
    cost = f"${answer.cost_usd:.4f} of {dollars(answer.spending.budget_usd)} (estimated)"
    tokens = f"{answer.tokens:,} tokens{_cached(answer.cache)}"
    out.print(f"  {cost}{_waste(answer)} · {tokens}{pace}{eta} · model: {plain(answer.model)}")
    cli_pilot.estimate(out, answer)
    cli_pilot.pilot(out, answer)
    if answer.review:
        out.print(f"  judged: {plain(in_shell_words(answer.review.words, answer.job_id))}")
    for unit in answer.running:
        out.print(f"  [cyan]▸[/] {plain(unit.key)}  attempt {unit.attempt}  {plain(unit.last_event or '')}")
    for group in answer.failures:
        out.print(
            f"  [red]✗[/] {group.count:,} x {plain(' '.join(group.message.split()))}  e.g. {plain(group.example_key)}"
        )
        out.print(f"    [dim]batchproc retry {answer.job_id} --signature {plain(shlex.quote(group.signature))}[/]")
    for change in answer.changes[:1]:
        why = f": {change.why}" if change.why else ""
        out.print(f"  [dim]{plain(change.kind.removeprefix('job.'))} by {plain(change.by)}{plain(why)}[/]")
    out.print(f"  [dim]next: {plain(in_shell_words(answer.next, answer.job_id))}[/]")


def _cached(cache: answers.Cache) -> str:
    if not cache.read_tokens and not cache.written_tokens:
        return ""
    return f" ({cache.read_tokens:,} from the cache, {cache.written_tokens:,} into it)"


def _waste(answer: answers.JobStatusAnswer) -> str:
    spent = answer.spending
    wasted = f", ${spent.wasted_usd:.4f} wasted" if spent.wasted_usd else ""
    return wasted + (f", ${spent.saved_usd:.4f} saved" if spent.saved_usd else "")


def controlled(answer: BaseModel) -> None:
    """What became of an order: the ledger first, if there is one."""
    out = console()
    if ledger_words := getattr(answer, "ledger", None):
        out.print(coloured(ledger_words))
    job_id, status, reason = (getattr(answer, name, None) for name in ("job_id", "status", "reason"))
    out.print(f"  {job_id}  {status_word(str(status))}{f' ({plain(reason)})' if reason else ''}")
    out.print(f"  {plain(in_shell_words(getattr(answer, 'message', ''), str(job_id)))}")


def job_list(answer: answers.JobList) -> None:
    if not answer.jobs:
        console().print("No jobs yet. Run `batchproc demo`, or ask your MCP client for one.")
        return
    out = console()
    for line in answer.jobs:
        reason = f" ({plain(line.reason)})" if line.status == "paused" else ""
        out.print(f"{line.job_id}  {status_word(line.status)}{reason}  {coloured(line.ledger)}")
        done = f"{line.percent:g} % of {line.total_units:,} · ${line.cost_usd:.4f}"
        out.print(f"  [dim]{done} · {plain(line.name)}[/]")
    if answer.next_cursor:
        console().print(f"[dim]the newest {len(answer.jobs)}; older ones are not shown[/]")


def result(answer: answers.Result) -> None:
    out = console()
    out.print(f"\n[bold]{plain(answer.key)}[/]  {status_word(answer.status)}")
    if answer.error:
        out.print(f"  [red]{plain(answer.error)}[/]")
    said = answer.text or "" if answer.output is None else json.dumps(answer.output, ensure_ascii=False, indent=2)
    for line in safe(said).splitlines():
        out.print(f"  {plain(line)}")
    if answer.verdict:
        corrected = answer.corrected_from is not None
        out.print(
            f"  [dim]{'corrected by a person; `unit` shows what the agent said' if corrected else answer.verdict}[/]"
        )
    files(answer.files)


def files(published: Sequence[str] | None) -> None:
    for path in published or ():
        console().print(f"  [dim]published[/] {plain(path)}")


def unit(found: answers.UnitAnswer) -> None:
    """All there is to see of a unit: what it was sent, what came back, and what its agent did on the way."""
    out = console()
    reason = f" ({plain(found.reason)})" if found.reason else ""
    out.print(f"[bold]{plain(found.key)}[/]  {status_word(found.status)}{reason}  ${found.cost_usd:.4f}")
    for title, text in (("every agent is told", found.system_prompt), ("it is sent", found.prompt)):
        if text:
            quoted(out, title, text)
    for one in found.attempts:
        ended = f"{one.outcome}{f' ({one.cause})' if one.cause else ''}" if one.outcome else "running"
        out.print(f"\n[bold]attempt {one.n}[/]  {plain(ended)}  ${one.cost_usd:.4f} · {one.tokens:,} tokens")
        if one.error:
            out.print(f"  [red]{plain(one.error)}[/]")
    for event in found.events:
        said = next((str(event.data[k]) for k in ("text", "name", "reason", "error") if event.data.get(k)), "")
        out.print(f"  [dim]{event.at[11:19]} {plain(event.kind)}[/] {plain(' '.join(said.split())[:200])}")
    said = found.text or "" if found.output is None else json.dumps(found.output, ensure_ascii=False, indent=2)
    if said:
        quoted(out, "its answer", said)
    if found.verdict:
        cli_review.verdict(out, found.verdict)
    files(found.files)


def results_footer(page: answers.Results) -> None:
    console().print(f"[dim]{page.total:,} final units match · model: {plain(page.model)}[/]")


def supervisor(answer: answers.SupervisorAnswer, *, ending: str = "") -> None:
    out = console()
    if not answer.alive:
        out.print("No supervisor is alive. When a job needs one, the next look at it starts one: `batchproc status`.")
        return
    out.print(f"The supervisor {ending or 'is alive'}: pid {answer.pid}, epoch {answer.epoch}, since {answer.since}")
    out.print(f"  {answer.jobs} active jobs · {answer.agents} agents · guard: {answer.guard}")


def checks(found: Sequence[Check]) -> None:
    out = console()
    for check in found:
        mark = "[green]✓[/]" if check.ok else "[red]✗[/]" if check.required else "[yellow]![/]"
        out.print(f"{mark} {check.name}: {plain(check.found)}")
        if not check.ok:
            out.print(f"    {plain(check.way_out)}")
