"""The shell opens the dashboard: serves it here or in the background, prints a link, shows it to the browser."""

import argparse
import asyncio
import os
import secrets
import sys
import webbrowser
from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path
from typing import Any, Protocol

from batchproc import answers, app, settings
from batchproc.errors import InvalidJob
from batchproc.interfaces import cli_show
from batchproc.interfaces.cli_words import console, plain

ABOUT = "open the dashboard in your browser"
SHOWN_S = 5.0
"""How long the browser has to read the page that leads to the link."""


class Serve(Protocol):
    """Serves here until it ends, and gives the first link to `said`; says why it ended, `taken` if another serves."""

    def __call__(
        self, *, port: int | None, socket: Path | None, at_terminal: bool, said: Callable[[str], None]
    ) -> Awaitable[str]: ...


def add(commands: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser("dashboard", help=ABOUT)
    parser.add_argument("--port", type=int, metavar="N", help="of 127.0.0.1 (default: the last one, or any free one)")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="listen at a Unix socket of yours as well")
    parser.add_argument("--no-browser", action="store_true", help="only print the link")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--detach", action="store_true", help="serve in the background")
    what.add_argument("--link", action="store_true", help="only a new link to the dashboard that serves")
    what.add_argument("--stop", action="store_true", help="end the dashboard that serves")
    return parser


async def run(args: argparse.Namespace, serve: Serve) -> int:
    _require_port(args.port)
    known = settings.load()
    if args.stop:
        return await _stop(known)
    found = await app.dashboard_link(known, at_terminal=_at_terminal(args))
    if args.link and found.url is None:
        print("batchproc: no dashboard serves; `batchproc dashboard` starts one", file=sys.stderr)
        return 1
    if args.link:
        return cli_show.answer(args, found, _show)
    if args.detach or found.url is not None:
        return await _show_other(args, known)
    return await _serve(args, serve)


async def _stop(known: settings.Settings) -> int:
    if not await app.stop_dashboard(known):
        print("batchproc: no dashboard serves", file=sys.stderr)
        return 1
    print("The dashboard is ending.")
    return 0


async def _show_other(args: argparse.Namespace, known: settings.Settings) -> int:
    """A link to one in the background."""
    found = await app.open_dashboard(
        known, port=args.port, socket=_absolute(args.socket), at_terminal=_at_terminal(args)
    )
    cli_show.answer(args, found, _show)
    if found.url is not None:
        await _browse(args, found.url)
    return 0


async def _serve(args: argparse.Namespace, serve: Serve) -> int:
    opening: set[asyncio.Task[None]] = set()

    def said(link: str) -> None:
        port = int(link.split(":")[2].partition("/")[0])
        message = "serving; Ctrl-C ends it, and no job"
        cli_show.answer(args, answers.DashboardAnswer(url=link, port=port, pid=os.getpid(), message=message), _show)
        sys.stdout.flush()
        opening.add(asyncio.create_task(_browse(args, link), name="open browser"))

    where = {"port": args.port, "socket": _absolute(args.socket)}
    why = await serve(**where, at_terminal=_at_terminal(args), said=said)
    await asyncio.gather(*opening)
    if why == "taken":  # by another one that came up in the same moment
        return await _show_other(args, settings.load())
    if not args.json:
        print(f"The dashboard has ended ({why}).")
    return 0 if why in {"stop", "idle", "SIGINT", "SIGTERM", "SIGHUP"} else 1


def _at_terminal(args: argparse.Namespace) -> bool:
    """Whether a person sits here, as far as one can tell: as for `batchproc approve`."""
    return bool(sys.stdin.isatty() and not args.json)


def _require_port(port: int | None) -> None:
    if port is not None and not 0 <= port < 65_536:
        raise InvalidJob("--port", port, "give a number from 1 to 65535, or 0 for any that is free")


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.expanduser().absolute()


def _show(answer: answers.DashboardAnswer) -> None:
    out = console()
    out.print(f"[bold]{plain(answer.url)}[/]")
    out.print(f"  [dim]{plain(answer.message)} · port {answer.port}, pid {answer.pid}[/]")


async def _browse(args: argparse.Namespace, link: str) -> None:
    """Open the link, through a page that only we may read: what a browser is started with, everybody can see."""
    if args.no_browser or args.json or not _has_display():
        return
    page = Path.home() / f"batchproc-{secrets.token_hex(6)}.html"  # sandboxed browsers read no hidden folders
    fd = os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "w") as file:
            file.write(
                f'<!doctype html><meta http-equiv="refresh" content="0;url={escape(link)}"><title>batchproc</title>'
            )
        if await asyncio.to_thread(webbrowser.open, page.as_uri()):
            await asyncio.sleep(SHOWN_S)
    finally:
        page.unlink(missing_ok=True)


def _has_display() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
