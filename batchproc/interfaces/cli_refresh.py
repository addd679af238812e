"""The shell reads a job's source again: shows what is new, changed or gone, and applies just that."""

import argparse
from typing import TYPE_CHECKING, Any

from batchproc import answers
from batchproc.interfaces import cli_deciding, cli_show
from batchproc.interfaces.cli_words import coloured, console, in_shell_words, plain, safe
from batchproc.prices import dollars

if TYPE_CHECKING:
    from batchproc.service import BatchService

ABOUT = "read a job's source again, and run what is new or changed"


def add(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser("refresh", help=ABOUT)
    parser.add_argument("job_id")
    parser.add_argument("--yes", action="store_true", help="apply what is found; do not ask")
    parser.add_argument("--why", help="kept with the change")
    return parser


async def refresh(service: "BatchService", args: argparse.Namespace) -> int:
    """Show the plan; apply just that, if whoever sits at this terminal agrees, or `--yes` says so."""
    found = await _plan(service, args)
    if found.state == "plan" and (args.yes or not args.json):
        if not args.json:
            _show(found)
        if not args.yes and not cli_deciding.agrees("Apply it?"):
            return 1
        found = await service.update_source(args.job_id, confirmed=True, agreed=found.reading, why=args.why)
        cli_show.answer(args, found, _show)
        return 0 if found.state == "applied" else 1
    return cli_show.answer(args, found, _show)


async def _plan(service: "BatchService", args: argparse.Namespace) -> answers.SourceUpdate:
    """However long it takes to read; who interrupts leaves the rest of it to the supervisor."""
    while (found := await service.update_source(args.job_id)).state == "reading":
        if not args.json:
            print(safe(found.message))
    return found


def _show(found: answers.SourceUpdate) -> None:
    out = console()
    out.print(coloured(found.ledger))
    out.print(f"  [bold]{plain(in_shell_words(found.message, found.job_id))}[/]")
    for kind, keys in found.keys.items():
        out.print(f"  {kind}: {plain(', '.join(keys))}{' …' if _counted(found, kind) > len(keys) else ''}")
    if found.estimate is not None:
        cost = found.estimate.cost_usd
        money = f"may cost {dollars(cost.low)} to {dollars(cost.high)}" if cost.high else "is free"
        out.print(f"  it {money}; {dollars(found.budget_left_usd)} of the budget is left")
    for warning in found.warnings:
        out.print(f"  [yellow]! {plain(in_shell_words(warning, found.job_id))}[/]")
    out.print(f"  [dim]next: {plain(in_shell_words(found.next, found.job_id))}[/]")


def _counted(found: answers.SourceUpdate, kind: str) -> int:
    return found.gone if kind == "gone" else int(getattr(found.counts, kind, 0))
