"""The shell's verbs that make and change what is there: create, update, start, pause, cancel, retry, approve …"""

import argparse
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from batchproc import settings
from batchproc.errors import InvalidJob
from batchproc.interfaces import cli_deciding, cli_define, cli_results, cli_show

if TYPE_CHECKING:
    from batchproc.service import BatchService

Command = Callable[["BatchService", argparse.Namespace], Awaitable[BaseModel]]


def add(commands: Any) -> list[argparse.ArgumentParser]:
    """Add the parsers of these verbs; returns them."""
    made = {name: commands.add_parser(name, help=about) for name, about in VERBS.items()}
    for name, parser in made.items():
        about = "the job; or the approval that an error named" if name == "approve" else None
        parser.add_argument("job_id", help=about)
        if name != "approve":
            parser.add_argument("--why", help="kept with the change")
    made["pause"].add_argument("--now", action="store_true", help="stop running units; they go back to the queue")
    made["cancel"].add_argument("--keys", nargs="+", metavar="KEY", help="only these units (default: the whole job)")
    made["delete"].add_argument("--yes", action="store_true", help="do not ask")
    for name, (kind, about) in SETTABLE.items():
        taken = _or_none(kind) if name in REMOVABLE else kind
        made["set"].add_argument(
            f"--{name.replace('_', '-')}", type=taken, metavar=kind.__name__.upper()[0], help=about
        )
    which = made["retry"].add_mutually_exclusive_group()
    which.add_argument("--status", help="failed (default), flagged, cancelled or skipped")
    which.add_argument("--signature", help="of one group of failures, as `status --json` gives it")
    which.add_argument("--keys", nargs="+", metavar="KEY")
    made["retry"].add_argument("--instructions", help="added to the job's own for these units")
    made["retry"].add_argument("--continue-session", action="store_true", help="go on in each unit's last conversation")
    made["start"].add_argument("--yes", action="store_true", help="agree to the plan of a job in review; do not ask")
    made["start"].add_argument("--skip-pilot", action="store_true", help="run all units at once")
    made["start"].add_argument(
        "--variant", help="in review: which of the variants is to run; before: take a change of a job that has run back"
    )
    made["start"].add_argument("--variants", metavar="FILE", help="JSON: a list of {name, …} to try")
    return [*cli_define.add(commands), *cli_results.add(commands), *made.values()]


SETTABLE: dict[str, tuple[type[int] | type[float], str]] = {
    "max_concurrency": (int, "agents at a time"),
    "priority": (int, "-100 to 100: higher ones get free slots first"),
    "budget_usd": (float, "dollars the whole job may cost"),
    "unit_budget_usd": (float, "dollars one attempt may cost; none: a tenth of the budget"),
    "max_total_tokens": (int, "tokens of the whole job; none: no such limit"),
    "max_units": (int, "units that may be started at all; none: no such limit"),
    "max_wall_s": (float, "seconds of running; none: no such limit"),
    "breaker": (int, "how many of the last 20 units may end badly alike; 0: any number"),
}

REMOVABLE = ("unit_budget_usd", "max_total_tokens", "max_units", "max_wall_s")
NONE = "none"


def _or_none(kind: type[int] | type[float]) -> Callable[[str], int | float | str]:
    def read(text: str) -> int | float | str:
        return NONE if text == NONE else kind(text)

    read.__name__ = f"{kind.__name__} or none"  # argparse names it where it refuses
    return read


VERBS = {
    "start": "try a job on a few units; then let the rest run; or go on after a pause",
    "pause": "start nothing more of a job",
    "resume": "let a paused job go on",
    "set": "change a job, also while it runs",
    "cancel": "end a job, or some of its units",
    "retry": "run failed units again",
    "delete": "delete a job and everything of it",
    "approve": "allow what a job names: a program, a shell, a tool",
}


async def run(args: argparse.Namespace) -> int:
    """Do what one of `VERBS` says."""
    async with _service() as service:
        if (decide := (cli_deciding.VERBS | cli_results.COMMANDS).get(args.command)) is not None:
            return await decide(service, args)
        try:
            answer = await COMMANDS[args.command](service, args)
        except ValidationError as error:
            one = error.errors(include_url=False)[0]
            raise InvalidJob(f"--{str(one['loc'][0]).replace('_', '-')}", one["input"], one["msg"]) from None
    return cli_show.answer(args, answer, cli_show.controlled)


@asynccontextmanager
async def _service() -> "AsyncIterator[BatchService]":
    from batchproc import app

    async with app.open_service(settings.load(), by=f"shell: {getpass.getuser()}") as service:
        yield service


async def _cancel(service: "BatchService", args: argparse.Namespace) -> BaseModel:
    if args.keys:
        return await service.cancel_units(args.job_id, args.keys, why=args.why)
    return await service.cancel_job(args.job_id, why=args.why)


async def _retry(service: "BatchService", args: argparse.Namespace) -> BaseModel:
    return await service.retry_units(
        args.job_id,
        status=args.status,
        signature=args.signature,
        keys=args.keys,
        instructions=args.instructions,
        continue_session=args.continue_session,
        why=args.why,
    )


async def _set(service: "BatchService", args: argparse.Namespace) -> BaseModel:
    given = {name: getattr(args, name) for name in SETTABLE}
    changes = {name: value for name, value in given.items() if value != NONE}
    remove = [name for name, value in given.items() if value == NONE]
    return await service.control_job(args.job_id, "set", remove=remove, why=args.why, **changes)


COMMANDS: dict[str, Command] = {
    "update": cli_define.update,
    "pause": lambda service, args: service.control_job(args.job_id, "pause", drain=not args.now, why=args.why),
    "resume": lambda service, args: service.control_job(args.job_id, "resume", why=args.why),
    "set": _set,
    "cancel": _cancel,
    "retry": _retry,
}
