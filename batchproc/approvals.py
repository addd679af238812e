"""What a person must allow before a job runs: programs of its own, a shell, tools that reach beyond its files. Pure."""

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchproc.models import AgentOptions, Profile, Workspace
from batchproc.models.tools import FILES, approves, bare


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """What is to be allowed. `hash` is the same exactly where the same would be allowed, secrets included; `text` says
    it to a person in plain lines, without secrets and without characters that could disguise it."""

    hash: str
    text: str


def needed(options: AgentOptions) -> Approval | None:
    """What a person must allow before agents with these options may run; None for ordinary jobs."""
    lines = [*_shell(options), *_servers(options), *_tools(options)]
    return Approval(hash=_hash(options), text="\n".join(map(_plain, lines))) if lines else None


def _shell(options: AgentOptions) -> Iterator[str]:
    if options.profile is not Profile.FULL:
        return
    yield "Agents get a shell and may run any program of this machine, inside the sandbox of the Claude Code CLI."
    yield "The shell has no network. It writes in a folder of each attempt's own" + (
        f" and in {options.working_directory}, with everything below it."
        if options.workspace is Workspace.SHARED
        else ", nowhere else."
    )
    yield "It reads the programs and libraries of the system, and " + _listed(
        [options.working_directory, *options.directories], otherwise="no folder of yours beside the file of its unit."
    )


def _servers(options: AgentOptions) -> Iterator[str]:
    for name, config in sorted(options.mcp_servers.items()):
        if "command" in config:
            yield f"The MCP server {name!r} is a program. It is started for every agent, OUTSIDE any sandbox:"
            yield f"    {shlex.join([config['command'], *config.get('args', ())])}"
            yield from _names("with the environment variables", config.get("env"))
        else:
            yield f"Agents send what they choose to the MCP server {name!r}, at {config['url']}"
            yield from _names("with the headers", config.get("headers"))
        named = [rule for rule in options.allowed_tools if approves(rule, name)]
        yield f"    Agents may use {', '.join(named) if named else 'all its tools'}."


def _tools(options: AgentOptions) -> Iterator[str]:
    servers = options.mcp_servers
    for rule in options.allowed_tools:
        if bare(rule) not in FILES and not any(approves(rule, server) for server in servers):
            yield f"Agents may use the tool {rule}."


def _listed(folders: Sequence[str | None], *, otherwise: str) -> str:
    named = [folder for folder in folders if folder]
    return ", ".join(named) + ", with everything below." if named else otherwise


def _names(intro: str, values: Mapping[str, str] | None) -> Iterator[str]:
    if values:
        yield f"    {intro} {', '.join(sorted(values))} (values are not shown)"


def _plain(line: str) -> str:
    """The line with every character that does not print, or changes how others print, as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _hash(options: AgentOptions) -> str:
    allowed: dict[str, Any] = {
        "profile": options.profile.value,
        "working_directory": options.working_directory,
        "workspace": options.workspace.value,
        "directories": sorted(options.directories),
        "allowed_tools": sorted(options.allowed_tools),
        "mcp_servers": options.mcp_servers,
    }
    text = json.dumps(allowed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
