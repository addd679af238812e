"""The MCP tools: a table of the service's verbs, with the words that a model reads."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field, ValidationError

from batchproc import answers
from batchproc.errors import BatchprocError
from batchproc.models import JobOptions, JobSpec

if TYPE_CHECKING:
    from batchproc.service import BatchService

JobId = Annotated[str, Field(description="As create_job or list_jobs gave it")]
Cursor = Annotated[str | None, Field(description="next_cursor of the page before")]
Limit = Annotated[int, Field(ge=1, le=200)]

ENUMERATOR = (
    "Where the units come from, read on this server: "
    '{"type": "file", "base_directory": "/abs", "pattern": "**/*.md"} | {"type": "csv", "file_path": "/abs/x.csv", '
    '"id_column"?} | {"type": "json", "file_path": "/abs/x.jsonl", "items_path"?, "id_field"?} | {"type": "sql", '
    '"connection_string": "sqlite:////abs/x.db", "query": "SELECT …", "id_column"?} | {"type": "list", "items": […], '
    '"key_field"?}. list_enumerators has every key.'
)

LONGEST_S = 18.0  # for any tool, beside a wait that was asked for: clients cut calls off without telling why

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
CREATES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
STARTS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)


class Tools:
    """Each method is a tool: it calls the service and presents what it gets."""

    def __init__(self, service: "Callable[[], Awaitable[BatchService]]") -> None:
        self._service = service

    def table(self) -> list[Tool]:
        return [
            _tool(self.create_job, "Create a job", CREATES),
            _tool(self.start_job, "Start a job", STARTS),
            _tool(self.get_status, "Watch a job", READS),
            _tool(self.get_results, "Read results", READS),
            _tool(self.get_unit, "Look at one unit", READS),
            _tool(self.list_jobs, "List jobs", READS),
            _tool(self.list_enumerators, "List kinds of sources", READS),
        ]

    async def create_job(
        self,
        name: Annotated[str, Field(min_length=1, max_length=200)],
        instructions: Annotated[
            str, Field(min_length=1, description="What to do with each unit. With {{ field }} it is the whole prompt")
        ],
        enumerator: Annotated[dict[str, Any], Field(description=ENUMERATOR)],
        options: JobOptions | None = None,
        idempotency_key: Annotated[
            str | None, Field(description="The same key and description give the same job again")
        ] = None,
    ) -> Annotated[CallToolResult, answers.CreatedJob]:
        """Define a job: one set of instructions for many units. Reads the source and returns the number of units, three
        samples with their prompts, and warnings. Runs nothing and costs nothing."""
        spec = JobSpec(
            name=name,
            instructions=instructions,
            enumerator=enumerator,
            options=options or JobOptions(),
            idempotency_key=idempotency_key,
        )
        return _result(await (await self._service()).create_job(spec))

    async def start_job(self, job_id: JobId) -> Annotated[CallToolResult, answers.StartedJob]:
        """Let a job's agents run in the background, or go on after a pause. Spends money unless the model is the
        rehearsal model: ask the user first. Returns at once."""
        return _result(await (await self._service()).start_job(job_id))

    async def get_status(
        self,
        job_id: JobId,
        wait_s: Annotated[float, Field(ge=0, le=45, description="Wait up to this long for a change")] = 0,
    ) -> Annotated[CallToolResult, answers.JobStatusAnswer]:
        """The ledger of a job (units by status, adding up to the total), its cost, pace, running units and the largest
        groups of failures."""
        return _result(await (await self._service()).get_status(job_id, wait_s))

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
        return _result(await (await self._service()).get_results(job_id, status, cursor, limit))

    async def get_unit(
        self,
        job_id: JobId,
        key: Annotated[str, Field(description="The unit's key, as in get_results")],
        events: Annotated[int, Field(ge=0, le=1000, description="How many of its newest events")] = 50,
    ) -> Annotated[CallToolResult, answers.UnitAnswer]:
        """One unit: payload, prompt, attempts and the end of its agent's conversation."""
        return _result(await (await self._service()).get_unit(job_id, key, events))

    async def list_jobs(
        self,
        status: Annotated[str | None, Field(description="Only jobs with this status")] = None,
        cursor: Cursor = None,
        limit: Limit = 20,
    ) -> Annotated[CallToolResult, answers.JobList]:
        """Jobs, newest first, one line each."""
        return _result(await (await self._service()).list_jobs(status, cursor, limit))

    async def list_enumerators(self) -> Annotated[CallToolResult, answers.EnumeratorList]:
        """The kinds of sources that create_job can read, with JSON Schema and an example each."""
        return _result(await (await self._service()).list_enumerators())


class StrictTool(Tool):
    """A tool that refuses arguments it does not know, and says what is wrong in words that a model can act on."""

    async def run(self, arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:
        known = set(self.parameters["properties"])
        unknown = sorted(set(arguments) - known)
        if unknown:
            raise ToolError(f"{self.name} has no argument {', '.join(unknown)}; it takes: {', '.join(sorted(known))}")
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(_explain(error.__cause__)) from error
            raise


def _tool(verb: Callable[..., Awaitable[CallToolResult]], title: str, annotations: ToolAnnotations) -> Tool:
    tool = StrictTool.from_function(
        _with_errors_for_models(verb), title=title, annotations=annotations, description=_one_line(verb.__doc__)
    )
    tool.parameters["additionalProperties"] = False
    return tool


def _with_errors_for_models(verb: Callable[..., Awaitable[CallToolResult]]) -> Callable[..., Awaitable[CallToolResult]]:
    @functools.wraps(verb)
    async def run(*args: Any, **kwargs: Any) -> CallToolResult:
        limit_s = LONGEST_S + float(kwargs.get("wait_s") or 0)
        try:
            async with asyncio.timeout(limit_s):
                return await verb(*args, **kwargs)
        except TimeoutError as error:
            raise ToolError(
                f"no answer within {limit_s:g} s: the machine or its disk is busy. Nothing is half done; "
                "see list_jobs, then call again"
            ) from error
        except ValidationError as error:
            raise ToolError(_explain(error)) from error
        except BatchprocError as error:
            raise ToolError(str(error)) from error

    return run


def _explain(error: ValidationError) -> str:
    """Each complaint as field, value and way out."""
    said = []
    for one in error.errors(include_url=False):
        place = ".".join(str(part) for part in one["loc"]) or "arguments"
        if one["type"] == "missing":
            said.append(f"{place} is missing")
            continue
        way_out = "no such option" if one["type"] == "extra_forbidden" else one["msg"]
        value = repr(one.get("input"))
        said.append(f"{place} = {value if len(value) <= 120 else value[:117] + '...'}: {way_out}")
    options = ", ".join(JobOptions.model_fields)
    hint = f". options are: {options}" if any("no such option" in line for line in said) else ""
    return "; ".join(said) + hint


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _result(answer: BaseModel) -> CallToolResult:
    """The same compact JSON as text and as structured content: hosts show the model one or the other."""
    content = answer.model_dump(mode="json")
    text = orjson.dumps(content).decode()
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=content)
