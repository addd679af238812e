"""The ways to the dashboard beside the shell: a tool of the MCP server, and the system's browser."""

import argparse
import os
import stat
import sys
from pathlib import Path

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from batchproc import settings
from batchproc.dashboards import Dashboards
from batchproc.interfaces import cli_dashboard
from tests.e2e.conftest import environment
from tests.interfaces.serving import Server, gone


async def test_the_tool_starts_it_and_gives_a_link_that_lets_a_browser_in(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    command = StdioServerParameters(command=sys.executable, args=["-m", "batchproc.interfaces.mcp"], env=environ)
    way = Dashboards(settings.load(environ), environ)
    async with Client(stdio_client(command)) as client:
        source = {"type": "list", "items": [{"name": "a"}]}
        created = await client.call_tool("create_job", {"name": "n", "instructions": "do", "enumerator": source})
        job = created.structured_content["job_id"]
        answer = (await client.call_tool("open_dashboard", {"job_id": job})).structured_content
        assert f"/jobs/{job}#code=" in answer["url"] and answer["message"]
        again = (await client.call_tool("open_dashboard", {})).structured_content
        assert again["pid"] == answer["pid"] and again["url"] != answer["url"]
        refused = await client.call_tool("open_dashboard", {"job_id": "none"})
        assert refused.is_error and "no job 'none'" in refused.content[0].text
    server = Server(environ, await way.ensure())
    for link, status in ((answer["url"], 200), (answer["url"], 401), (again["url"], 200)):
        assert (await server.ask("POST", "/session", {"code": link.partition("#code=")[2]}))[0] == status
    assert server.hello["pid"] == answer["pid"], "it outlives the chat"
    await gone(way)


async def test_the_code_is_not_on_the_command_line_of_the_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, str, int]] = []

    def browser(address: str) -> bool:
        page = Path(address.removeprefix("file://"))
        shown.append((address, page.read_text(), stat.S_IMODE(page.stat().st_mode)))
        return True

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cli_dashboard.webbrowser, "open", browser)
    monkeypatch.setattr(cli_dashboard, "SHOWN_S", 0.01)
    args = argparse.Namespace(no_browser=False, json=False)
    await cli_dashboard._browse(args, "http://127.0.0.1:4000/#code=secret")
    [(address, page, mode)] = shown
    assert "secret" not in address and "url=http://127.0.0.1:4000/#code=secret" in page and mode == 0o600
    assert os.listdir(tmp_path) == []
    for quiet in ({"no_browser": True, "json": False}, {"no_browser": False, "json": True}):
        await cli_dashboard._browse(argparse.Namespace(**quiet), "http://127.0.0.1:4000/#code=secret")
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    await cli_dashboard._browse(args, "http://127.0.0.1:4000/#code=secret")
    assert len(shown) == 1 or sys.platform == "darwin"
