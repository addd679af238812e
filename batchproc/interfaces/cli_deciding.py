"""The shell's verbs in which whoever sits at the terminal decides: create, start, approve, delete."""

import argparse
import getpass
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from batchproc.approvals import Approval
from batchproc.errors import InvalidJob
from batchproc.interfaces import cli_define, cli_pilot, cli_show, cli_words

if TYPE_CHECKING:
    from batchproc.service import BatchService


async def define(service: "BatchService", args: argparse.Namespace) -> int:
    """Create or preview a job. Whoever sits at this terminal may allow a source that is a program at once."""
    spec = cli_define.spec_of(args)
    needed = await service.source_approval(spec.enumerator) if sys.stdin.isatty() and not args.json else None
    if needed is not None:
        if not _allows("The source of this job", needed):
            return 1
        await service.approve_source(needed, by=_person())
    made = await (service.create_job(spec) if args.command == "create" else service.preview_job(spec))
    return cli_show.answer(args, made, cli_pilot.created)


async def start(service: "BatchService", args: argparse.Namespace) -> int:
    """Start; where a plan is to be agreed to, show it, and ask the person at this terminal. Without one, and without
    `--yes`, nothing is done."""
    asked = not (args.yes or args.variants)
    plan = await service.plan(args.job_id, skip_pilot=args.skip_pilot, variant=args.variant) if asked else None
    agreed = None
    if plan is not None and not plan.is_choice and not args.json and sys.stdin.isatty():
        print(cli_words.safe(plan.text))
        if not agrees("May it run?"):
            return 1
        agreed = plan
    answer = await service.start_job(
        args.job_id,
        confirmed=args.yes,
        agreed=agreed,
        skip_pilot=args.skip_pilot,
        variant=args.variant,
        variants=cli_define.variants(args.variants) if args.variants else None,
        why=args.why,
    )
    cli_show.answer(args, answer, cli_show.controlled)
    return 0 if plan is None or agreed is not None else 1


async def approve(service: "BatchService", args: argparse.Namespace) -> int:
    """Show the whole text to the person at this terminal, and ask. There is no flag that answers for him."""
    is_job = args.job_id.startswith("job-")
    needed = await (service.needed_approval if is_job else service.requested_approval)(args.job_id)
    if needed is None:
        if not is_job:
            raise InvalidJob(
                "approval", args.job_id, "nothing waits under this name: it is allowed, or was never asked for"
            )
        print(f"Job {args.job_id} needs no approval, or has it.")
        return 0
    if not _allows(f"Job {args.job_id}" if is_job else "The source of a job", needed):
        return 1
    if is_job:
        await service.approve(args.job_id, needed.hash, by=_person())
        print(f"Allowed. Now start it: batchproc start {args.job_id}")
    else:
        await service.approve_source(needed, by=_person())
        print("Allowed. Now create the job again.")
    return 0


async def delete(service: "BatchService", args: argparse.Namespace) -> int:
    if not args.yes and not agrees(f"Delete job {args.job_id} and all its results?"):
        return 1
    return cli_show.answer(args, await service.delete_job(args.job_id, why=args.why), cli_show.controlled)


async def template(service: "BatchService", args: argparse.Namespace) -> int:
    """Print a job's description, as `create` reads it."""
    print(cli_define.template(await service.get_spec(args.job_id), "json" if args.json else args.format), end="")
    return 0


def _allows(what: str, needed: Approval) -> bool:
    print(f"{what} would be allowed to do this:\n\n{cli_words.safe(needed.text)}\n\n(approval {needed.hash})")
    return agrees("Allow it?")


def _person() -> str:
    return f"a person at a terminal: {getpass.getuser()}"


def agrees(question: str) -> bool:
    """Whether the person at the terminal says yes. Without a terminal there is nobody to ask."""
    if not sys.stdin.isatty():
        print(f"batchproc: {question} This needs a person at a terminal", file=sys.stderr)
        return False
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


VERBS: dict[str, Callable[["BatchService", argparse.Namespace], Awaitable[int]]] = {
    "create": define,
    "preview": define,
    "template": template,
    "start": start,
    "approve": approve,
    "delete": delete,
}
"""Those that end with an exit code of their own."""
