"""The shell's verbs for what comes of a job's results: export, query, review, judge, refresh."""

import argparse
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchproc.errors import InvalidJob
from batchproc.interfaces import cli_export, cli_query, cli_refresh, cli_review, cli_show

if TYPE_CHECKING:
    from batchproc.service import BatchService

VERBS = {
    "review": "judge a sample of a job's answers, one at a time",
    "judge": "say of one unit's answer whether it is right",
}


def add(commands: Any) -> list[argparse.ArgumentParser]:
    """Add the parsers of these verbs; returns them."""
    made = {name: commands.add_parser(name, help=about) for name, about in VERBS.items()}
    for parser in made.values():
        parser.add_argument("job_id")
    made["review"].add_argument(
        "n", nargs="?", type=int, default=20, metavar="N", help="how many by chance (20); some risky ones come on top"
    )
    made["judge"].add_argument("key")
    made["judge"].add_argument("verdict", choices=["accept", "reject", "correct"])
    made["judge"].add_argument(
        "--correction", metavar="JSON", help="the right answer, or its text; @FILE reads a file, - standard input"
    )
    made["judge"].add_argument("--note", help="kept with the verdict")
    return [cli_export.add(commands), *made.values(), cli_query.add(commands), cli_refresh.add(commands)]


async def review(service: "BatchService", args: argparse.Namespace) -> int:
    """One unit at a time at a terminal; elsewhere, what there is to judge."""
    if args.json or not sys.stdin.isatty():
        return cli_show.answer(args, await service.review_units(args.job_id, args.n), cli_review.page)
    return await cli_review.sit_down(service, args.job_id, args.n)


async def judge(service: "BatchService", args: argparse.Namespace) -> int:
    correction = None if args.correction is None else text_of("--correction", args.correction)
    said = {"correction": correction, "note": args.note}
    answer = await service.record_verdict(args.job_id, args.key, args.verdict, **said)
    return cli_show.answer(args, answer, cli_review.judged)


def text_of(flag: str, given: str) -> str:
    """The text itself, what stands in the file after an @, or what comes on standard input."""
    try:
        if given == "-":
            return sys.stdin.read().rstrip("\n")
        return Path(given[1:]).read_text("utf-8").rstrip("\n") if given.startswith("@") else given
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidJob(flag, given, f"it cannot be read: {error}") from None


COMMANDS: dict[str, Callable[["BatchService", argparse.Namespace], Awaitable[int]]] = {
    "export": cli_export.export,
    "query": cli_query.query,
    "review": review,
    "judge": judge,
    "refresh": cli_refresh.refresh,
}
