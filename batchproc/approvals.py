"""What a person must allow before a job runs: a source that is a program, programs of its agents, a shell, tools that
reach beyond its files. Pure."""

import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchproc.errors import InvalidJob
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
    lines = [*_shell(options), *_servers(options), *_tools(options), *_check(options)]
    return Approval(hash=_hash(_allowed(options)), text=_text(lines)) if lines else None


def for_source(enumerator: Mapping[str, Any]) -> Approval | None:
    """What a person must allow before this source may be read; None for sources that are data.

    `enumerator` is the spec as `enumerators.carry` gave it, with the code in it. Raises `InvalidJob` if it is not.
    """
    if enumerator.get("type") != "dynamic":
        return None
    if not isinstance(enumerator.get("code"), str):
        raise InvalidJob("enumerator.code", None, "the code has to be read in before it can be allowed")
    return Approval(hash=_hash({"source": dict(enumerator)}), text=_text(_program(enumerator)))


def _program(source: Mapping[str, Any]) -> Iterator[str]:
    yield "The items come from Python code, which is run on this machine when the job is created or read again."
    yield "It runs in a sandbox: no network, no other programs, and it writes nothing that stays."
    yield "It reads Python, the programs and libraries of the system, and " + _listed(
        source.get("read_directories") or [], otherwise="no folder of yours."
    )
    yield f"It is ended after {source.get('timeout_s', 60):g} seconds" + (
        f", or when it has given {source['limit']} items." if source.get("limit") else "."
    )
    if source.get("key_field"):
        yield f"The key of an item is its field {source['key_field']!r}."
    yield f"It is given this context: {json.dumps(source.get('context') or {}, ensure_ascii=False, sort_keys=True)}"
    yield "This is the code" + (f", named after {source['code_file']}:" if source.get("code_file") else ":")
    for number, line in enumerate(source["code"].split("\n"), 1):
        yield f"{number:5} | {line}"


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


def _check(options: AgentOptions) -> Iterator[str]:
    if options.check:
        yield "The job's check is a program. It is run on every answer, OUTSIDE any sandbox:"
        yield f"    {shlex.join(options.check)}"
        for word, fingerprint in sorted((options.check_files or {}).items()):
            if fingerprint:
                yield f"    {shlex.quote(word)}, whose content has the fingerprint {fingerprint} (SHA-256)"
        yield "    What else it reads or starts may change without anybody being asked again."


def _listed(folders: Sequence[str | None], *, otherwise: str) -> str:
    named = [folder for folder in folders if folder]
    return ", ".join(named) + ", with everything below." if named else otherwise


def _names(intro: str, values: Mapping[str, str] | None) -> Iterator[str]:
    if values:
        yield f"    {intro} {', '.join(sorted(values))} (values are not shown)"


def _text(lines: Iterable[str]) -> str:
    return "\n".join(map(_plain, lines))


def _plain(line: str) -> str:
    """The line with every character that does not print, or changes how others print, as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _allowed(options: AgentOptions) -> dict[str, Any]:
    return {
        "profile": options.profile.value,
        "working_directory": options.working_directory,
        "workspace": options.workspace.value,
        "directories": sorted(options.directories),
        "allowed_tools": sorted(options.allowed_tools),
        "mcp_servers": options.mcp_servers,
    } | _checked(options)


def _checked(options: AgentOptions) -> dict[str, Any]:
    """Nothing where there is nothing: what was approved before there were checks, or their fingerprints, stays so."""
    named = {"check": options.check, "check_files": options.check_files}
    return {name: value for name, value in named.items() if value}


def _hash(allowed: Mapping[str, Any]) -> str:
    text = json.dumps(allowed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
