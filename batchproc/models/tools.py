"""What the CLI's tools are called, and how a rule names one: `Tool`, or `Tool(what of it)`."""

READ = ("Read", "Glob", "Grep")
WRITE = ("Write", "Edit")
FILES = frozenset({*READ, *WRITE, "NotebookEdit"})
"""Tools on files. What they reach is a matter of folders, never of approving the tool."""
WEB = frozenset({"WebFetch", "WebSearch"})
SERVER = "mcp__"
"""Begins the name of a server's tool, `mcp__server__tool`; and `mcp__server` stands for all of them."""


def bare(rule: str) -> str:
    """The tool that a rule is about: `WebFetch` of `WebFetch(domain:example.com)`."""
    return rule.partition("(")[0]


def approves(rule: str, server: str) -> bool:
    """Whether the rule is about this MCP server or one of its tools."""
    return rule == f"{SERVER}{server}" or rule.startswith(f"{SERVER}{server}__")
