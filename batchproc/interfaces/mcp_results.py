"""The MCP tools for results that are used: written to a file, asked in SQL, judged by a person, brought up to date."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from batchproc import answers
from batchproc.interfaces.mcp_control import STARTS, Why
from batchproc.interfaces.mcp_tools import READS, JobId
from batchproc.interfaces.mcp_words import result, tool

if TYPE_CHECKING:
    from batchproc.service import BatchService

WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
EXPORT_S = 55.0
"""Clients give up after 60 s."""
LATE = "It was stopped and left nothing. `batchproc export JOB PATH` in a terminal may take as long as it needs"
KEEPS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


class ResultTools:
    """Each method is a tool: it calls the service and presents what it gets."""

    def __init__(self, service: "Callable[[], Awaitable[BatchService]]") -> None:
        self._service = service

    def table(self) -> list[Tool]:
        return [
            tool(self.export_results, "Export results to a file", WRITES, limit_s=EXPORT_S, late=LATE),
            tool(self.query_results, "Ask the results in SQL", READS),
            tool(self.review_units, "Draw units for a person to judge", KEEPS),
            tool(self.record_verdict, "Keep a person's verdict", KEEPS),
            tool(self.update_source, "Read the source again", STARTS),
        ]

    async def export_results(
        self,
        job_id: JobId,
        path: Annotated[str, Field(description="Absolute, or ~/…; ending like the format; its folder must exist")],
        format: Annotated[
            Literal["csv", "jsonl", "parquet", "sqlite", "html"] | None,
            Field(description="Default: by the path's ending"),
        ] = None,
        status: Annotated[str | None, Field(description="Only units with this status")] = None,
        overwrite: Annotated[bool, Field(description="Replace a file that no export made: ask the user first")] = False,
    ) -> Annotated[CallToolResult, answers.ExportAnswer]:
        """Write all results of a job to a file on this machine: payload (in_…) beside answer (out_…), with the ledger.
        html is one page to read and search."""
        service = await self._service()
        return result(await service.export_results(job_id, format, path, status, overwrite=overwrite))

    async def query_results(
        self,
        job_id: JobId,
        sql: Annotated[
            str | None, Field(description="One SELECT (SQLite) FROM results. Left out: the columns, with types")
        ] = None,
        limit: Annotated[int, Field(ge=1, le=1000, description="Rows")] = 200,
        timeout_s: Annotated[float, Field(ge=1, le=25)] = 20,
    ) -> Annotated[CallToolResult, answers.QueryResults]:
        """Ask all final units of a job at once: counts, groups, sums, searches. The table results has the columns key,
        status, text, cost_usd, attempts, error, verdict, corrected_from, gone, in_<field> of the payload and
        out_<field> of the structured answer."""
        return result(await (await self._service()).query_results(job_id, sql, limit, timeout_s))

    async def review_units(
        self,
        job_id: JobId,
        n: Annotated[int, Field(ge=1, le=1000, description="How many by chance; 59 right ones prove 5 %")] = 20,
    ) -> Annotated[CallToolResult, answers.ReviewUnits]:
        """Draw answers for the user to judge: some by chance, which prove how many are wrong at most, and some that
        look risky. Shows the next ones nobody has judged; call again for more. What was drawn stays drawn."""
        return result(await (await self._service()).review_units(job_id, n))

    async def record_verdict(
        self,
        job_id: JobId,
        key: Annotated[str, Field(description="The unit's key")],
        verdict: Annotated[str, Field(description="accept, reject or correct")],
        correction: Annotated[
            dict[str, Any] | str | None,
            Field(description="correct: the whole right answer, an object if there is an output_schema"),
        ] = None,
        note: Annotated[str | None, Field(max_length=2000)] = None,
        attempt: Annotated[int | None, Field(description="Of the answer that was shown; refused if it changed")] = None,
    ) -> Annotated[CallToolResult, answers.JudgedUnit]:
        """Keep what the user says of a unit's answer; never judge for the user. A correction takes the answer's place
        in results. After update_job judged units show what got worse."""
        service = await self._service()
        return result(
            await service.record_verdict(job_id, key, verdict, correction=correction, note=note, attempt=attempt)
        )

    async def update_source(
        self,
        job_id: JobId,
        confirmed: Annotated[bool, Field(description="The user has agreed to the plan that was returned")] = False,
        why: Why = None,
    ) -> Annotated[CallToolResult, answers.SourceUpdate]:
        """Read a job's source again: what is new, changed or gone since, and what running just that may cost. Changes
        nothing, until confirmed=true applies the plan that was returned. All other answers stay."""
        return result(await (await self._service()).update_source(job_id, confirmed=confirmed, why=why))
