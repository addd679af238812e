"""What a model reads of a tool."""

import asyncio

import pytest
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult

from batchproc.interfaces.mcp_tools import READS
from batchproc.interfaces.mcp_words import FINISHED, tool


@pytest.mark.parametrize(("words", "said"), [({}, FINISHED), ({"late": "It left nothing"}, "It left nothing")])
async def test_a_tool_that_takes_too_long_says_what_became_of_the_call(words, said):
    async def export() -> CallToolResult:
        await asyncio.Event().wait()
        raise AssertionError("it waits for ever")

    with pytest.raises(ToolError, match=f"no answer within .* {said}"):
        await tool(export, "Export", READS, limit_s=0.01, **words).run({}, None)
