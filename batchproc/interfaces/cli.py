"""The shell's face: parse, call the service, present. `--json` prints what the service answered, for programs."""

import argparse
import asyncio
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from batchproc import __version__, settings
from batchproc.errors import BatchprocError, InvalidJob
from batchproc.interfaces import cli_control, cli_dashboard, cli_define, cli_results, cli_show, cli_words


class Demo(Protocol):
    def __call__(self, *, rehearsal: bool) -> int: ...


Command = Callable[[argparse.Namespace], Coroutine[Any, Any, int]]


def main(argv: Sequence[str], *, demo: Demo, serve: cli_dashboard.Serve) -> int:
    """Run one command; returns the exit code: 0 done, 1 not done, 2 wrong usage, 130 interrupted."""
    args = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter gets its number
    if args.command == "demo":
        return demo(rehearsal=args.rehearsal)
    try:
        if args.command == "dashboard":
            return asyncio.run(cli_dashboard.run(args, serve))
        return asyncio.run(COMMANDS[args.command](args))
    except BatchprocError as error:
        print(f"batchproc: {cli_words.in_shell_words(cli_words.safe(str(error)))}", file=sys.stderr)
        return 1
    except UnicodeEncodeError as error:
        print(f"batchproc: an argument is not text in UTF-8 ({error.reason})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        print(f"batchproc: {cli_words.safe(_refused_by_the_machine(error))}", file=sys.stderr)
        return 1


def _refused_by_the_machine(error: OSError) -> str:
    """A file that could not be used, and the way out where it is one of the store's, or nobody says which it is."""
    home, told = settings.load().home, error.strerror or str(error) or type(error).__name__
    if not isinstance(error.filename, str | bytes | os.PathLike):  # or it is a number, of what was open
        return f"{told}; the store is {home}: {STORE_PLACE}"
    way_out = f"; {STORE_PLACE}" if Path(os.fsdecode(error.filename)).is_relative_to(home) else ""
    return f"{os.fsdecode(error.filename)} cannot be used ({told}){way_out}"


STORE_PLACE = "set BATCHPROC_HOME to a folder of yours on a local disk that has room"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="batchproc", description="One Claude agent per work unit, over many units.")
    parser.add_argument("--version", action="version", version=f"batchproc {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    demo = commands.add_parser("demo", help="watch agents read the example contracts, end to end")
    demo.add_argument("--rehearsal", action="store_true", help="use the rehearsal model even if a credential is found")
    status = commands.add_parser("status", help="all jobs, or one job")
    status.add_argument("job_id", nargs="?")
    status.add_argument("--wait", type=float, default=0, metavar="S", help="wait up to S seconds (45) for a change")
    results = commands.add_parser("results", help="the answers of a job")
    results.add_argument("job_id")
    results.add_argument("--status", help="only units with this status")
    results.add_argument("--limit", type=int, help="at most this many (default: all)")
    unit = commands.add_parser("unit", help="one unit: what it was sent, its answer, attempts and conversation")
    unit.add_argument("job_id")
    unit.add_argument("key")
    unit.add_argument("--events", type=int, default=20, metavar="N", help="the newest N things its agent did (20)")
    supervisor = commands.add_parser("supervisor", help="the background process that runs the agents")
    supervisor.add_argument("action", choices=["run", "status", "stop"])
    supervisor.add_argument("--now", action="store_true", help="stop: do not wait for running agents")
    doctor = commands.add_parser("doctor", help="check what batchproc needs on this machine")
    for command in (status, results, unit, supervisor, doctor, cli_dashboard.add(commands), *cli_control.add(commands)):
        lines = " Lines: one object for each unit" if command is results else ""
        command.add_argument("--json", action="store_true", help=f"print JSON{lines}")
    return parser


async def _status(args: argparse.Namespace) -> int:
    from batchproc import app

    async with app.open_service(settings.load()) as service:
        await service.wake()
        if args.job_id is None:
            jobs = await service.list_jobs(limit=200)
            _print(args, jobs.model_dump(mode="json"), lambda: cli_show.job_list(jobs))
        else:
            if not 0 <= args.wait <= 45:
                raise InvalidJob("--wait", args.wait, "give seconds between 0 and 45")
            job = await service.get_status(args.job_id, args.wait)
            _print(args, job.model_dump(mode="json"), lambda: cli_show.job(job))
    return 0


async def _results(args: argparse.Namespace) -> int:
    """Streamed page by page; with --json one line for each unit."""
    from batchproc import app

    left, cursor = args.limit, None
    if left is not None and left < 1:
        raise InvalidJob("--limit", left, "give a number above 0, or leave it out for all")
    async with app.open_service(settings.load()) as service:
        await service.wake()
        while left is None or left > 0:
            page = await service.get_results(args.job_id, args.status, cursor, min(left or 200, 200))
            for result in page.results:
                _print(args, result.model_dump(mode="json"), partial(cli_show.result, result))
            left = None if left is None else left - len(page.results)
            cursor = page.next_cursor
            if cursor is None:
                break
        if not args.json:
            cli_show.results_footer(page)
    return 0


async def _unit(args: argparse.Namespace) -> int:
    from batchproc import app

    async with app.open_service(settings.load()) as service:
        unit = await service.get_unit(args.job_id, args.key, args.events)
        _print(args, unit.model_dump(mode="json"), lambda: cli_show.unit(unit))
    return 0


async def _supervisor(args: argparse.Namespace) -> int:
    from batchproc import app

    if args.action == "run":
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        await app.run_supervisor(settings.load())
        return 0
    ending = ""
    if args.action == "stop":
        if not await app.stop_supervisor(settings.load(), now=args.now):
            print("batchproc: no supervisor is alive", file=sys.stderr)
            return 1
        ending = "is ending now" if args.now else "is ending after its running agents"
    answer = await app.supervisor_status(settings.load())
    _print(args, answer.model_dump(mode="json"), lambda: cli_show.supervisor(answer, ending=ending))
    return 0


async def _doctor(args: argparse.Namespace) -> int:
    from batchproc import doctor

    checks = await doctor.examine(settings.load())
    _print(args, [check.model_dump(mode="json") for check in checks], lambda: cli_show.checks(checks))
    return 0 if all(check.ok for check in checks if check.required) else 1


COMMANDS: dict[str, Command] = {
    "status": _status,
    "results": _results,
    "unit": _unit,
    "supervisor": _supervisor,
    "doctor": _doctor,
    **dict.fromkeys([*cli_control.VERBS, *cli_define.VERBS, *cli_results.COMMANDS], cli_control.run),
}


def _print(args: argparse.Namespace, content: Any, show: Callable[[], None]) -> None:
    if args.json:
        print(json.dumps(content, ensure_ascii=False))
    else:
        show()
