"""One attempt in the SDK's terms: its profile, its credential, its guard."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from batchproc.agents import profiles
from batchproc.agents.claude.process import End, Process, import_sdk
from batchproc.agents.guard import TAG, WORKER, Guard
from batchproc.agents.profiles import Access
from batchproc.agents.rehearsal import CLI_SETTINGS
from batchproc.errors import InvalidJob
from batchproc.models import REHEARSAL, AttemptTask

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions
    from claude_agent_sdk.types import HookContext, HookInput, HookJSONOutput

LONGEST_ARGUMENT = 120_000  # bytes; the kernel takes 128 KiB


def options_of(
    task: AttemptTask, environment: Mapping[str, str], guard: Guard, process: Process
) -> "ClaudeAgentOptions":
    """One attempt in the SDK's terms. Makes its directories."""
    access = _access(task, guard)
    process.litter = profiles.litter(task)
    settings = {**access.settings, **(CLI_SETTINGS if task.options.model == REHEARSAL else {})}
    hooks = {"PreToolUse": [import_sdk().HookMatcher(matcher="Read", hooks=[_opens(access)])]}
    schema = {"type": "json_schema", "schema": dict(task.output_schema)} if task.output_schema else None
    options: ClaudeAgentOptions = import_sdk().ClaudeAgentOptions(
        cwd=access.cwd,
        tools=list(access.tools),
        add_dirs=list(access.folders),
        settings=json.dumps(settings),
        sandbox=cast("Any", access.sandbox),
        hooks=cast("Any", hooks) if access.file or access.below else None,
        permission_mode="dontAsk",
        setting_sources=[],
        skills=[],
        strict_mcp_config=True,
        verbatim_prompts=True,  # otherwise `@/path` in the data uploads that file, and `/cost` is a command
        model=task.options.model,
        max_turns=task.options.max_turns,
        system_prompt=_system_prompt(task),
        output_format=schema,
        session_id=task.session_id,
        cli_path=guard.cli_path(Path(task.directory)),
        env={**profiles.environment(task, environment, os.environ), TAG: process.mark, WORKER: str(os.getpid())},
        stderr=process.hear,
        max_buffer_size=64 * 1024 * 1024,
    )
    return options


def _access(task: AttemptTask, guard: Guard) -> Access:
    if not guard.cli.is_file():
        raise End("died", f"there is no Claude Code at {guard.cli}; install batchproc again", "cli_missing")
    try:
        access = profiles.access(task)
    except InvalidJob as problem:
        raise End("died", str(problem), "invalid_job") from problem
    for place in (profiles.work(task), profiles.config(task), profiles.temporary(task)):
        place.mkdir(mode=0o700, parents=True, exist_ok=place.is_relative_to(task.directory))
    return access


def _opens(access: Access) -> Any:
    """The hook that opens files for Read; about all others it has no opinion, and the rules decide."""

    async def decide(asked: "HookInput", tool_use_id: str | None, context: "HookContext") -> "HookJSONOutput":
        if not access.opens(str(cast("Any", asked)["tool_input"].get("file_path"))):
            return {}
        return {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}}

    return decide


def _system_prompt(task: AttemptTask) -> Any:
    """As an argument, or in a file where it is too long for one."""
    text = task.options.system_prompt
    if text is None or len(text.encode()) < LONGEST_ARGUMENT:
        return text
    path = Path(task.directory) / "system-prompt.txt"
    path.write_text(text, encoding="utf-8")
    return {"type": "file", "path": str(path)}
