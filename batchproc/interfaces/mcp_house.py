"""The MCP tool that leads to the page where a person sees it all."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from batchproc import answers
from batchproc.interfaces.mcp_words import result, tool

if TYPE_CHECKING:
    from batchproc.service import BatchService

OPENS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)


class HouseTools:
    def __init__(self, service: "Callable[[], Awaitable[BatchService]]") -> None:
        self._service = service

    def table(self) -> list[Tool]:
        return [tool(self.open_dashboard, "Open the dashboard", OPENS)]

    async def open_dashboard(
        self, job_id: Annotated[str | None, Field(description="Begin at this job")] = None
    ) -> Annotated[CallToolResult, answers.DashboardAnswer]:
        """A link to a web page on this machine that shows jobs live: give it to the user as it is. It opens once,
        within ten minutes: never open it yourself."""
        from batchproc import app, settings

        if job_id is not None:
            await (await self._service()).get_status(job_id)  # there is such a job
        return result(await app.open_dashboard(settings.load(), job_id=job_id))
