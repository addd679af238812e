"""One attempt in the SDK's terms: its profile, its credential, its guard."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from batchproc import schemas
from batchproc.agents import profiles
from batchproc.agents.claude.process import End, Process, import_sdk
from batchproc.agents.guard import TAG, WORKER, Guard
from batchproc.agents.profiles import Access
from batchproc.agents.rehearsal import CLI_SETTINGS
from batchproc.agents.sandbox import SECRETS
from batchproc.errors import InvalidJob
from batchproc.models import REHEARSAL, AttemptTask

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions
    from claude_agent_sdk.types import HookContext, HookInput, HookJSONOutput


def options_of(
    task: AttemptTask, environment: Mapping[str, str], guard: Guard, process: Process
) -> "ClaudeAgentOptions":
    """One attempt in the SDK's terms. Makes its directories.

    A `resume`d conversation goes on under the task's own session id, in a copy; its working directory may be another.
    """
    access = _access(task, environment, guard)
    process.litter = profiles.litter(task)
    options: ClaudeAgentOptions = import_sdk().ClaudeAgentOptions(
        **_reach(task, access),
        **_question(task),
        mcp_servers=_servers(task),
        session_id=task.session_id,
        resume=task.resume,
        fork_session=task.resume is not None,
        cli_path=guard.cli_path(Path(task.directory)),
        env={**profiles.environment(task, environment, os.environ), TAG: process.mark, WORKER: str(os.getpid())},
        stderr=process.hear,
        max_buffer_size=64 * 1024 * 1024,
    )
    return options


def _reach(task: AttemptTask, access: Access) -> dict[str, Any]:
    """What the agent may touch, and that nothing but we has a say in it."""
    settings = {**access.settings, **(CLI_SETTINGS if task.options.model == REHEARSAL else {})}
    hooks = {"PreToolUse": [import_sdk().HookMatcher(matcher="Read", hooks=[_opens(access)])]}
    return {
        "cwd": access.cwd,
        "tools": list(access.tools),
        "add_dirs": list(access.folders),
        "settings": json.dumps(settings),
        "sandbox": access.sandbox,
        "hooks": hooks if access.file or access.below else None,
        "permission_mode": "dontAsk",
        "setting_sources": [],
        "skills": [],
        "strict_mcp_config": True,
        "verbatim_prompts": True,  # otherwise `@/path` in the data uploads that file, and `/cost` is a command
    }


def _question(task: AttemptTask) -> dict[str, Any]:
    """Whom it asks, for what, and how much that may cost. The rehearsal model is free, but the CLI thinks it dear."""
    schema = {"type": "json_schema", "schema": schemas.for_cli(task.output_schema)} if task.output_schema else None
    return {
        "model": task.options.model,
        "max_turns": task.options.max_turns,
        "max_budget_usd": None if task.options.model == REHEARSAL else task.options.unit_cap_usd,
        "system_prompt": _system_prompt(task),
        "output_format": schema,
    }


def _access(task: AttemptTask, environment: Mapping[str, str], guard: Guard) -> Access:
    if not guard.cli.is_file():
        raise End("died", f"there is no Claude Code at {guard.cli}; install batchproc again", "cli_missing")
    try:
        access = profiles.access(task, _private(environment))
    except InvalidJob as problem:
        raise End("died", str(problem), "invalid_job") from problem
    for place in (profiles.work(task), profiles.config(task), profiles.temporary(task)):
        place.mkdir(mode=0o700, parents=True, exist_ok=place != profiles.litter(task))
    return access


def _private(environment: Mapping[str, str]) -> list[Path]:
    """The user's own configuration, even for an agent whose HOME or whose configuration is elsewhere."""
    chosen = {given.get("CLAUDE_CONFIG_DIR") for given in (environment, os.environ)}
    return [Path.home() / ".claude", *(Path(folder) for folder in sorted(filter(None, chosen)))]


def _servers(task: AttemptTask) -> dict[str, Any] | Path:
    """In a file: others on this machine can read a command line. Programs do not inherit what pays for the agent."""
    hidden = dict.fromkeys(SECRETS, "")
    servers = {
        name: {**config, "env": {**hidden, **config.get("env", {})}} if "command" in config else config
        for name, config in task.options.mcp_servers.items()
    }
    if not servers:
        return {}
    path = Path(task.directory) / "mcp.json"
    _write_privately(path, json.dumps({"mcpServers": servers}))
    return path


def _opens(access: Access) -> Any:
    """The hook that opens files for Read; about all others it has no opinion, and the rules decide."""

    async def decide(asked: "HookInput", tool_use_id: str | None, context: "HookContext") -> "HookJSONOutput":
        if not access.opens(str(cast("Any", asked)["tool_input"].get("file_path"))):
            return {}
        return {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}}

    return decide


def _system_prompt(task: AttemptTask) -> Any:
    """In a file: the kernel takes no argument of 128 KiB, and others on this machine can read a command line."""
    if task.system_prompt is None:
        return None
    path = Path(task.directory) / "system-prompt.txt"
    _write_privately(path, task.system_prompt)
    return {"type": "file", "path": str(path)}


def _write_privately(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
