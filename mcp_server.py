"""Starts the MCP server on stdio, for clients that are configured with a file."""

from batchproc.interfaces.mcp import main

main()
