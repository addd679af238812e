"""Runs the real CLI against a rehearsal model."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import claude_agent_sdk

from batchproc import prompts
from batchproc.agents.rehearsal import CLI_SETTINGS, RehearsalModel

CLI = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"


async def run_cli(model: RehearsalModel, prompt: str, home: Path, *arguments: str, allow: Path | None = None) -> Any:
    """The result message of `claude -p`, with all messages under `messages` and stderr under `stderr`."""
    rule = f"Read(/{allow})" if allow else "Read(//nowhere)"
    settings = json.dumps(CLI_SETTINGS)
    elsewhere = home / "work"
    elsewhere.mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(CLI, "-p", prompt, "--output-format", "stream-json", "--verbose", "--model", "rehearsal"),
        *("--settings", settings, "--allowedTools", rule, *(arguments or ("--tools", "Read"))),
        env=environment(model, home),
        cwd=elsewhere,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    messages = [json.loads(line) for line in out.splitlines()]
    return {**messages[-1], "messages": messages, "stderr": err.decode()}


def environment(model: RehearsalModel, home: Path) -> dict[str, str]:
    places = {"PATH": os.environ["PATH"], "HOME": str(home), "CLAUDE_CONFIG_DIR": str(home / "config")}
    return {**places, **model.environment(), "CLAUDE_CODE_MAX_RETRIES": "1"}


def file_prompt(path: Path) -> str:
    return prompts.Prompt("Say what the file is about.").render("a", {"file_path": str(path)})


def reads(model: RehearsalModel) -> list[dict[str, Any]]:
    """The inputs of all Read calls of the last conversation."""
    return [dict(use.input) for use in model.calls[-1].tool_uses if use.name == "Read"]
