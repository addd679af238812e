"""The MCP tools: a table of the service's verbs, with the words that a model reads."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context, ElicitationResult, Resolve
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from batchproc import answers
from batchproc.approvals import Approval
from batchproc.interfaces import mcp_asking as asking
from batchproc.interfaces.mcp_words import result, tool, with_errors_for_models
from batchproc.models import JobOptions, JobSpec

if TYPE_CHECKING:
    from batchproc.service import BatchService

JobId = Annotated[str, Field(description="As create_job or list_jobs gave it")]
Cursor = Annotated[str | None, Field(description="next_cursor of the page before")]
Limit = Annotated[int, Field(ge=1, le=200)]

Instructions = Annotated[
    str, Field(min_length=1, description="What to do with each unit. With {{ field }} it is the whole prompt")
]
IdempotencyKey = Annotated[str | None, Field(description="The same key and description give the same job again")]

ENUMERATOR = (
    "Where the units come from, read on this server: "
    '{"type": "file", "base_directory": "/abs", "pattern": "**/*.md"} | {"type": "csv", "file_path": "/abs/x.csv", '
    '"id_column"?} | {"type": "excel", "file_path": "/abs/x.xlsx", "sheet"?, "id_column"?} | '
    '{"type": "json", "file_path": "/abs/x.jsonl", "items_path"?, "id_field"?} | {"type": "sql", '
    '"connection_string": "sqlite:////abs/x.db", "query": "SELECT …", "id_column"?} | {"type": "list", "items": […], '
    '"key_field"?} | {"type": "dynamic", "code": "def enumerate_items(context): …", "context"?} (a person has to allow '
    "the code). file_path may be a pattern. list_enumerators has every key."
)

OUTPUT_SCHEMA = (
    "What each answer has to be: JSON Schema of an object, or the short form "
    '{"party": "string", "amount": "number?", "tags": "string[]", "risk": ["low", "high"], "proof": "quote?", '
    '"items": [{"name": "string"}]}. ? may be null, [] a list, a list of values one of them, quote text that stands '
    "word for word in the unit's own data. Answers that do not fit are mended once, then flagged."
)

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
CREATES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)


class Tools:
    """Each method is a tool: it calls the service and presents what it gets."""

    def __init__(self, service: "Callable[[], Awaitable[BatchService]]") -> None:
        self._service = service
        self._programs: asking.Shown[Approval] = asking.Shown()

    def table(self) -> list[Tool]:
        """Those that define and look; those that change what is there are in `mcp_control`."""
        return [
            tool(self._create_job(), "Create a job", CREATES),
            tool(self.get_status, "Watch a job", READS),
            tool(self.get_results, "Read results", READS),
            tool(self.get_unit, "Look at one unit", READS),
            tool(self.list_jobs, "List jobs", READS),
            tool(self.list_enumerators, "List kinds of sources", READS),
        ]

    async def _ask(self, enumerator: dict[str, Any], ctx: Context) -> asking.Question:
        """Whether a source may be read that is a program."""
        needed = await (await self._service()).source_approval(enumerator)
        self._programs.put(ctx, needed)
        return asking.question(ctx, asking.may("the source of a job", needed))

    def _create_job(self) -> Callable[..., Awaitable[CallToolResult]]:
        """The tool create_job, bound to this service: what it asks is resolved before it is called."""
        ask = with_errors_for_models(self._ask)

        async def create_job(
            name: Annotated[str, Field(min_length=1, max_length=200)],
            instructions: Instructions,
            enumerator: Annotated[dict[str, Any], Field(description=ENUMERATOR)],
            ctx: Context,
            approval: Annotated[ElicitationResult[asking.Approved], Resolve(ask)],
            options: JobOptions | None = None,
            output_schema: Annotated[dict[str, Any] | None, Field(description=OUTPUT_SCHEMA)] = None,
            idempotency_key: IdempotencyKey = None,
            preview_only: Annotated[bool, Field(description="Only show what it would be; nothing is kept")] = False,
        ) -> Annotated[CallToolResult, answers.CreatedJob]:
            """Define a job: one set of instructions for many units. Reads the source and returns the number of units,
            three samples with their prompts, and warnings. Runs nothing and costs nothing."""
            service = await self._service()
            program = self._programs.take(ctx)
            if program is not None and asking.yes(approval):
                await service.approve_source(program, by=asking.person(ctx))
            spec = JobSpec(
                name=name,
                instructions=instructions,
                enumerator=enumerator,
                options=options or JobOptions(),
                output_schema=output_schema,
                idempotency_key=idempotency_key,
            )
            return result(await (service.preview_job(spec) if preview_only else service.create_job(spec)))

        return create_job

    async def get_status(
        self,
        job_id: JobId,
        wait_s: Annotated[float, Field(ge=0, le=45, description="Wait up to this long for a change")] = 0,
    ) -> Annotated[CallToolResult, answers.JobStatusAnswer]:
        """The ledger of a job (units by status, adding up to the total), its cost, pace, running units and the largest
        groups of failures."""
        return result(await (await self._service()).get_status(job_id, wait_s))

    async def get_results(
        self,
        job_id: JobId,
        status: Annotated[
            str | None, Field(description="Only succeeded, flagged, failed, skipped or cancelled units")
        ] = None,
        cursor: Cursor = None,
        limit: Limit = 20,
    ) -> Annotated[CallToolResult, answers.Results]:
        """Answers of final units, in the order of the source, page by page."""
        return result(await (await self._service()).get_results(job_id, status, cursor, limit))

    async def get_unit(
        self,
        job_id: JobId,
        key: Annotated[str, Field(description="The unit's key, as in get_results")],
        events: Annotated[int, Field(ge=0, le=1000, description="How many of its newest events")] = 50,
    ) -> Annotated[CallToolResult, answers.UnitAnswer]:
        """One unit: payload, prompt, attempts and the end of its agent's conversation."""
        return result(await (await self._service()).get_unit(job_id, key, events))

    async def list_jobs(
        self,
        status: Annotated[str | None, Field(description="Only jobs with this status")] = None,
        cursor: Cursor = None,
        limit: Limit = 20,
    ) -> Annotated[CallToolResult, answers.JobList]:
        """Jobs, newest first, one line each."""
        return result(await (await self._service()).list_jobs(status, cursor, limit))

    async def list_enumerators(self) -> Annotated[CallToolResult, answers.EnumeratorList]:
        """The kinds of sources that create_job can read, with JSON Schema and an example each."""
        return result(await (await self._service()).list_enumerators())
