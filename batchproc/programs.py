"""Tools and MCP servers that a job names: which of them make sense, said in the user's words."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from batchproc import credentials, fingerprints
from batchproc.errors import InvalidJob
from batchproc.models import JobOptions, Profile, Workspace
from batchproc.models.tools import FILES, READ, SERVER, WEB, approves, bare
from batchproc.settings import Settings

OFF = "whoever owns this machine turned programs off for agents; with BATCHPROC_PROGRAMS=ask a person is asked instead"
HELD = {
    Profile.ANSWER: frozenset[str](),
    Profile.READ_ONLY: frozenset(READ),
    Profile.EDIT: FILES,
    Profile.FULL: FILES,
}
"""The tools on files that a profile may have. `NotebookEdit` is there for the asking, within the same folders."""
AGENTS = (
    "Agent",
    "Task",
    "Cron",
    "Workflow",
    "ScheduleWakeup",
    "SendMessage",
    "ListAgents",
    "Monitor",
    "Team",
    "Skill",
)
_RULE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\([^()\n]+\))?")
_NAME = re.compile(r"(?=.{1,60}$)[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
_RESERVED = frozenset({"workspace", "ide", "claude-in-chrome", "computer-use"})  # the CLI drops their tools silently
_VARIABLE = re.compile(r"\$\{(\w+)")
_OURS = frozenset({"batchproc", "batchproc-mcp"})


def check(options: JobOptions, settings: Settings) -> None:
    """Raises `InvalidJob` for what cannot work or must not, and for any program where programs are off."""
    if options.profile is Profile.FULL and settings.programs == "off":
        raise InvalidJob("options.profile", "full", f"it gives agents a shell, and {OFF}")
    for name, config in options.mcp_servers.items():
        _check_server(name, config, off=settings.programs == "off")
        if "command" in config and _writes_where_it_works(options):
            raise InvalidJob(f"options.mcp_servers.{name}", config["command"], SHARED)
    if options.check:
        check_of(options, settings)
    for rule in options.allowed_tools:
        _check_allowed(rule, options, off=settings.programs == "off")
    for rule in options.disallowed_tools:
        _check_rule("options.disallowed_tools", rule)


SHARED = (
    "a program must not run in a folder that agents write, or one of them changes what the next one starts; choose "
    'options.workspace "scratch", or a profile that only reads'
)


def _writes_where_it_works(options: JobOptions) -> bool:
    """Whether agents write in a folder that all of them work in: their servers are started there."""
    writes = options.profile in {Profile.EDIT, Profile.FULL} and options.working_directory is not None
    return writes and options.workspace is not Workspace.SCRATCH and not options.outputs


def check_of(options: JobOptions, settings: Settings) -> list[str]:
    """The job's check with its program by its absolute path; empty if it has none. Raises `InvalidJob`."""
    if not options.check:
        return []
    field, program, rest = "options.check", *options.check[:1], options.check[1:]
    if settings.programs == "off":
        raise InvalidJob(field, list(options.check), OFF)
    if any("\0" in word for word in options.check) or ("/" in program and not Path(program).is_absolute()):
        raise InvalidJob(field, program, "name the program by its absolute path, or by its name on the PATH")
    found = shutil.which(program)
    if found is None:
        raise InvalidJob(field, program, "no such program; name one by its absolute path, or one on the PATH")
    found = str(Path(found).absolute())
    if _writes_where_it_works(options):
        written = Path(str(options.working_directory)).expanduser()
        for word in (found, *rest):
            if _names(word, written):
                raise InvalidJob(field, word, CHECK_SHARED)
    return [found, *rest]


def fingerprints_of(check: Sequence[str]) -> dict[str, str]:
    """Of the files that a check names. Raises `InvalidJob` for one whose content nobody could approve."""
    try:
        return fingerprints.of(check)
    except OSError as error:
        way_out = f"{error.strerror}: what it holds is part of what a person approves; make it readable"
        raise InvalidJob("options.check", error.filename, way_out) from None


CHECK_SHARED = (
    "agents write in that folder, so one of them could change what checks it; put the check elsewhere, or choose "
    'options.workspace "scratch"'
)


def _names(word: str, folder: Path) -> bool:
    """Whether a word of a command line leads into a folder, under either of its names."""
    if any(str(one) in word for one in {folder, folder.resolve()}):
        return True
    path = Path(word)
    return path.is_absolute() and path.resolve().is_relative_to(folder.resolve())


def _check_rule(field: str, rule: str) -> None:
    if not _RULE.fullmatch(rule):
        raise InvalidJob(field, rule, 'write a tool\'s name, like "WebFetch" or "WebFetch(domain:example.com)"')


def _check_allowed(rule: str, options: JobOptions, *, off: bool) -> None:
    field, tool = "options.allowed_tools", bare(rule)
    _check_rule(field, rule)
    if tool == "Bash":
        raise InvalidJob(field, rule, 'a shell needs its sandbox; choose options.profile "full"')
    if tool.startswith(AGENTS):
        raise InvalidJob(field, rule, "it starts other agents, or work that outlives the attempt; leave it out")
    if tool in FILES:
        _check_files(field, rule, options.profile)
    elif tool.startswith(SERVER):
        if not any(approves(rule, server) for server in options.mcp_servers):
            way_out = f"no such server in options.mcp_servers; write {SERVER}server__tool, or {SERVER}server for all"
            raise InvalidJob(field, rule, way_out)
    elif tool not in WEB:
        raise InvalidJob(field, rule, f"unknown tool; known are {', '.join(sorted(WEB))} and {SERVER}server__tool")
    if off and tool not in FILES:
        raise InvalidJob(field, rule, OFF)


def _check_files(field: str, rule: str, profile: Profile) -> None:
    if "(" in rule:
        way_out = "name the folders that agents may read in options.directories; they write in working_directory only"
        raise InvalidJob(field, rule, way_out)
    if rule not in HELD[profile]:
        better = Profile.READ_ONLY if rule in READ else Profile.EDIT
        raise InvalidJob(field, rule, f'profile "{profile}" has no such tool; choose options.profile "{better}"')


def _check_server(name: str, config: Mapping[str, Any], *, off: bool) -> None:
    field = f"options.mcp_servers.{name}"
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise InvalidJob("options.mcp_servers", name, "choose another name: letters and digits, with single - or _")
    if not (_is_program(config) or _is_remote(config)):
        way_out = 'write {"command", "args", "env"}, or {"type": "http" or "sse", "url", "headers"}'
        raise InvalidJob(field, dict(config), way_out)
    if _is_ours(config):
        raise InvalidJob(field, dict(config), "agents never get batchproc itself: they could start jobs; leave it out")
    for variable in _variables(config):
        if credentials.is_secret(variable):
            raise InvalidJob(field, f"${{{variable}}}", "the credential that pays for agents is for nobody else")
    if off and "command" in config:
        raise InvalidJob(field, config["command"], OFF)


def _is_program(config: Mapping[str, Any]) -> bool:
    command, args = config.get("command"), config.get("args", [])
    return (
        config.keys() <= {"type", "command", "args", "env"}
        and config.get("type", "stdio") == "stdio"
        and isinstance(command, str)
        and bool(command.strip())
        and isinstance(args, list)
        and all(isinstance(arg, str) for arg in args)
        and _is_text(config.get("env", {}))
    )


def _is_remote(config: Mapping[str, Any]) -> bool:
    return (
        config.keys() <= {"type", "url", "headers"}
        and config.get("type") in ("http", "sse")
        and re.match(r"https?://[^\s/]", str(config.get("url"))) is not None
        and _is_text(config.get("headers", {}))
    )


def _is_text(values: object) -> bool:
    return isinstance(values, dict) and all(isinstance(value, str) for value in values.values())


def _is_ours(config: Mapping[str, Any]) -> bool:
    """Whether a word of the command line is our program, our package, or a script that calls it."""
    words = re.split(r"[\s'\";=()]+", " ".join([str(config.get("command", "")), *config.get("args", ())]))
    return any(Path(word).name in _OURS or word.startswith("batchproc.") or _is_our_script(word) for word in words)


def _is_our_script(word: str) -> bool:
    if Path(word).name != "mcp_server.py":
        return False
    try:
        return "batchproc" in Path(word).read_text("utf-8", "replace")
    except OSError:
        return False


def _variables(value: object) -> Iterator[str]:
    """The names of the `${variables}` that the CLI would fill in, anywhere in a server's configuration."""
    if isinstance(value, str):
        yield from _VARIABLE.findall(value)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _variables(each)
    elif isinstance(value, list):
        for each in value:
            yield from _variables(each)
