"""The least an MCP server can be: the peer of `mcp_start`."""

from mcp.server import MCPServer

server = MCPServer("x")


@server.tool()
def ping() -> str:
    """Answers pong."""
    return "pong"


if __name__ == "__main__":
    server.run("stdio")
