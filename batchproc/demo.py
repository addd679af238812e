"""The whole product in a minute, as an MCP client sees it: real agents read a folder of contracts, one each."""

import asyncio
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from batchproc import credentials, settings
from batchproc.errors import BatchprocError, CredentialMissing
from batchproc.interfaces import cli_words
from batchproc.launcher import scrubbed
from batchproc.models import REHEARSAL

INSTRUCTIONS = """\
Read the contract. Say in at most five lines: who the parties are, what it is about, how it ends, and what one of the
parties should worry about."""

ENDED = {"completed", "failed", "cancelled", "paused", "review"}


class DemoFailed(BatchprocError):
    """A tool of the MCP server answered with an error."""


def main(*, rehearsal: bool) -> int:
    """Run the demo; returns the exit code."""
    out = Console(highlight=False, soft_wrap=True)
    try:
        return asyncio.run(_run(out, _model(rehearsal), documents()))
    except BatchprocError as error:
        out.print(f"[red]{cli_words.plain(error)}[/]")
        return 1
    except KeyboardInterrupt:
        out.print(f"\nThe job, if it was started, goes on without this window: see `{_program()} status`.")
        return 130


def documents() -> Path:
    """The folder of example contracts: in the package when installed, beside it in a checkout."""
    package = Path(__file__).parent
    return (
        next(place for place in (package / "examples", package.parent / "examples") if place.is_dir()).resolve()
        / "contracts"
    )


def _model(rehearsal: bool) -> str | None:
    if rehearsal:
        return REHEARSAL
    try:
        credentials.choose(None, os.environ)
    except CredentialMissing:
        return REHEARSAL
    return None


async def _run(out: Console, model: str | None, folder: Path) -> int:
    begun = time.monotonic()
    _introduce(out, model, folder)
    async with _client() as call:
        created = await call("create_job", name="demo: contracts", instructions=INSTRUCTIONS,
                             enumerator={"type": "file", "base_directory": str(folder), "pattern": "*.md"},
                             options={"model": model} if model else {})  # fmt: skip
        out.print(f"[dim]create_job →[/] {created['job_id']}: {created['total_units']} units, nothing run yet")
        started = await call("start_job", job_id=created["job_id"])
        out.print(f"[dim]start_job  →[/] {cli_words.plain(started['message'])}\n")
        look = await _watch(out, call, created["job_id"])
        if look["status"] == "review":
            await _approve(out, call, look)
            look = await _watch(out, call, created["job_id"])
        page = await call("get_results", job_id=created["job_id"], limit=200)
    _conclude(out, look, page, time.monotonic() - begun)
    return 0 if look["status"] == "completed" and look["counts"]["succeeded"] == look["total_units"] else 1


async def _approve(out: Console, call: Callable[..., Any], look: dict[str, Any]) -> None:
    """What a person would do in a chat: read the plan, and agree to it."""
    plan = await call("start_job", job_id=look["job_id"])
    out.print(f"\n[dim]start_job  →[/] {cli_words.plain(plan['message'])}\n")
    await call("start_job", job_id=look["job_id"], confirmed=True)
    out.print("[dim]start_job(confirmed=true) → the rest runs[/]\n")


def _introduce(out: Console, model: str | None, folder: Path) -> None:
    out.print(f"[bold]batchproc demo[/]: one agent for each document in {cli_words.plain(folder)}")
    out.print(
        "The agents are the real Claude Code CLI. They are started through the MCP server, as a chat would do it."
    )
    if model == REHEARSAL:
        out.print(
            "[yellow]The model is the rehearsal model, not Claude:[/] it runs on this machine, costs nothing, "
            "really reads each file and reports facts of it (title, words, first sentence, most frequent terms).\n"
        )
    else:
        out.print("A credential was found: the model is Claude, for a few cents. `--rehearsal` runs it for free.\n")


@contextlib.asynccontextmanager
async def _client() -> Any:
    """Call tools of our own MCP server in a process of its own, as any client would."""
    environ = {**scrubbed(os.environ), **credentials.variables(os.environ)}
    server = StdioServerParameters(command=sys.executable, args=["-m", "batchproc.interfaces.mcp"], env=environ)
    async with Client(stdio_client(server)) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            if result.is_error:
                raise DemoFailed("; ".join(getattr(block, "text", "") for block in result.content))
            content: dict[str, Any] = result.structured_content or {}
            return content

        yield call


async def _watch(out: Console, call: Callable[..., Any], job_id: str) -> dict[str, Any]:
    """Show the job live until it ends; returns the last look."""
    with _screen(out) as show:
        while True:
            look: dict[str, Any] = await call("get_status", job_id=job_id)
            show(look)
            if look["status"] in ENDED:
                return look
            await call("get_status", job_id=job_id, wait_s=2)


@contextlib.contextmanager
def _screen(out: Console) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A live table on a terminal; elsewhere one line whenever the ledger changes."""
    if not out.is_terminal:
        said: list[str] = []

        def line(look: dict[str, Any]) -> None:
            text = (
                f"{look['percent']:>5g} %  {cli_words.ledger(look['counts'])}  ETA {cli_words.duration(look['eta_s'])}"
            )
            if text not in said[-1:]:
                said.append(text)
                out.print(text)

        yield line
        return
    with Live(console=out, refresh_per_second=8) as live:
        yield lambda look: live.update(_table(look))


def _table(look: dict[str, Any]) -> Group:
    grid = Table.grid(padding=(0, 2))
    bar = ProgressBar(total=100, completed=look["percent"], width=30)
    grid.add_row(bar, Text.from_markup(cli_words.ledger(look["counts"])), f"ETA {cli_words.duration(look['eta_s'])}")
    agents = Table.grid(padding=(0, 2))
    for unit in look["running"]:
        agents.add_row(
            Text("▸", "cyan"), cli_words.safe(unit["key"]), Text(cli_words.safe(unit["last_event"] or ""), "dim")
        )
    return Group(grid, agents)


def _conclude(out: Console, look: dict[str, Any], page: dict[str, Any], seconds: float) -> None:
    for result in page["results"]:
        out.print(f"\n[bold]{cli_words.plain(result['key'])}[/]  {cli_words.status_word(result['status'])}")
        for line in (result["text"] or result["error"] or "").strip().splitlines()[:8]:
            out.print(f"  {cli_words.plain(line)}")
    out.print(
        f"\n{cli_words.ledger(look['counts'])} of {look['total_units']} in {seconds:.1f} s · "
        f"${look['cost_usd']:.4f} (estimated) · model: {cli_words.plain(look['model'])}"
    )
    out.print(f"Everything the agents did is in {settings.load().home}. See it again:")
    program = _program()
    out.print(f"  {program} status {look['job_id']}\n  {program} results {look['job_id']}")


def _program() -> str:
    """How the reader can call the CLI: by its name if that is on the PATH, else as we were called."""
    if shutil.which("batchproc"):
        return "batchproc"
    called = Path(sys.argv[0])
    if called.name != "batchproc":
        return f"{sys.executable} -m batchproc"
    here = Path.cwd()
    return str(called.relative_to(here)) if called.is_relative_to(here) else str(called)
