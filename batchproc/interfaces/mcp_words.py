"""What a model reads: tools that refuse what they do not know, errors with a way out, answers as compact JSON."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ElicitResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ValidationError

from batchproc.errors import BatchprocError
from batchproc.models import JobOptions

T = TypeVar("T")

LONGEST_S = 18.0  # for any tool, beside a wait that was asked for: clients cut calls off without telling why
FINISHED = "What was ordered is finished in the background; see list_jobs before you call again"
"""What became of a call that took too long."""


class StrictTool(Tool):
    """A tool that refuses arguments it does not know, and says what is wrong in words that a model can act on."""

    async def run(self, arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:
        known = set(self.parameters["properties"])
        unknown = sorted(set(arguments) - known)
        if unknown:
            raise ToolError(f"{self.name} has no argument {', '.join(unknown)}; it takes: {', '.join(sorted(known))}")
        for answer in (getattr(context, "input_responses", None) or {}).values():
            if isinstance(answer, ElicitResult) and answer.action == "accept" and answer.content is None:
                answer.content = {}  # an empty form may be accepted without any content
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(_explain(error.__cause__)) from error
            raise


def tool(
    verb: Callable[..., Awaitable[CallToolResult]],
    title: str,
    annotations: ToolAnnotations,
    *,
    limit_s: float = LONGEST_S,
    late: str = FINISHED,
) -> Tool:
    """A verb as a tool: its docstring is what the model reads of it."""
    tool = StrictTool.from_function(
        with_errors_for_models(verb, limit_s=limit_s, late=late),
        title=title,
        annotations=annotations,
        description=_one_line(verb.__doc__),
    )
    tool.parameters["additionalProperties"] = False
    return tool


def with_errors_for_models(
    verb: Callable[..., Awaitable[T]], *, limit_s: float = LONGEST_S, late: str = FINISHED
) -> Callable[..., Awaitable[T]]:
    """The verb within a limit of time, with every error as a `ToolError`, which is what a model reads."""

    @functools.wraps(verb)
    async def run(*args: Any, **kwargs: Any) -> T:
        most_s = limit_s + float(kwargs.get("wait_s") or kwargs.get("timeout_s") or 0)
        try:
            async with asyncio.timeout(most_s):
                return await verb(*args, **kwargs)
        except TimeoutError as error:
            raise ToolError(f"no answer within {most_s:g} s: the machine or its disk is busy. {late}") from error
        except ValidationError as error:
            raise ToolError(_explain(error)) from error
        except BatchprocError as error:
            raise ToolError(str(error)) from error
        except UnicodeEncodeError as error:
            raise ToolError(f"an argument holds half a character ({error.reason}); send whole text") from error

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


def result(answer: BaseModel) -> CallToolResult:
    """The same compact JSON as text and as structured content: hosts show the model one or the other."""
    content = answer.model_dump(mode="json")
    text = orjson.dumps(content).decode()
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=content)
