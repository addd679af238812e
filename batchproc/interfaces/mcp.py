"""The MCP face: a stdio server that parses, calls the service and presents. Thin: it dies with its client."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

gc.disable()  # the imports below make many objects that live for ever: collecting meanwhile costs a tenth of the start
os.environ.setdefault("PYDANTIC_ERRORS_INCLUDE_URL", "0")

from mcp.server import MCPServer  # noqa: E402

from batchproc import __version__  # noqa: E402
from batchproc.interfaces.mcp_control import ControlTools  # noqa: E402
from batchproc.interfaces.mcp_house import HouseTools  # noqa: E402
from batchproc.interfaces.mcp_results import ResultTools  # noqa: E402
from batchproc.interfaces.mcp_tools import Tools  # noqa: E402

gc.freeze()
gc.enable()

AGENT = "BATCHPROC_AGENT"
"""Marks the processes of our own agents (`agents.guard.TAG`): they never get this server."""

if TYPE_CHECKING:
    from batchproc.service import BatchService

INSTRUCTIONS = """\
batchproc runs one Claude agent per work unit (file, CSV row, JSON element, SQL row, list item), over as many units as
there are, in the background. The data never passes through this conversation.

1. create_job names the source and the instructions, and returns the number of units, three sample prompts and warnings.
   Show them to the user. Nothing runs yet.
2. start_job, once the user agrees, tries a few units first (the pilot) and stops in review. get_status then has their
   answers and a quote: show both. The user approves (start_job(confirmed=true) runs the rest), changes (update_job
   tries the same units again, old beside new) or drops it (cancel_job). Jobs go on when this chat closes.
3. get_status(wait_s=45) answers when something changed. The counts always add up to total_units. open_dashboard gives
   the user a link to a page that shows it all live.
   "flagged" means: the agent said it was done, and there is a reason not to believe it.
4. get_results gives the answers page by page; get_unit shows one unit's conversation. For counts, groups, sums or a
   search over many answers ask query_results in SQL instead of reading pages; export_results writes all to a file.
5. control_job pauses, resumes and changes a job; cancel_job and cancel_units stop it or some units; retry_units runs
   failed units again, a whole group of like failures at once. Each answers with the ledger. A job never costs more than
   its budget_usd (5 dollars, until options or an approved plan say otherwise): it pauses, and goes on when the user
   raises it.
6. review_units draws answers for the user to judge, record_verdict keeps what he says: get_status then tells how many
   are wrong at most. update_job on a job that has run tries the change on what was judged first. update_source runs
   only what is new or changed in the source.

Plain instructions go into the system prompt that all units share; each unit's data is its message. Instructions with
{{ field }} are a template: filled in, they are the whole message.
options {"model": "rehearsal"} tries a job for free with a stand-in that is not Claude: say so when you report results.
"""


class Provider:
    """Opens the service at its first use, so that the server can answer its client before the store is read."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._service: BatchService | None = None

    async def get(self) -> "BatchService":
        async with self._opening:
            if self._service is None:
                await asyncio.to_thread(_import_app)
                from batchproc import app, settings

                self._service = await self._stack.enter_async_context(app.open_service(settings.load(), by="mcp"))
            return self._service

    async def close(self) -> None:
        await self._stack.aclose()


def _import_app() -> None:
    import batchproc.app  # noqa: F401


def build() -> MCPServer[Any]:
    """The server with every tool. Nothing is opened before a client has connected."""
    provider = Provider()

    @asynccontextmanager
    async def lifespan(_: MCPServer[Any]) -> AsyncIterator[None]:
        warm = asyncio.create_task(_warm_up(provider), name="warm up")
        try:
            yield None
        finally:
            warm.cancel()
            await asyncio.gather(warm, return_exceptions=True)
            await provider.close()

    return MCPServer(
        "batchproc",
        title="batchproc",
        version=__version__,
        instructions=INSTRUCTIONS,
        tools=[one for kind in (Tools, ControlTools, ResultTools, HouseTools) for one in kind(provider.get).table()],
        lifespan=lifespan,
        log_level="WARNING",
    )


async def _warm_up(provider: Provider) -> None:
    """After the handshake: open the store, and start the supervisor if a job is active and nobody runs it."""
    await asyncio.sleep(0.2)
    service = await provider.get()
    await service.wake()


def main() -> None:
    """Serve on stdin and stdout until the client closes them or kills us. Nothing needs to be saved: rows are."""
    if os.environ.get(AGENT):
        sys.exit("batchproc: an agent of a batch cannot start batches")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    build().run("stdio")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
