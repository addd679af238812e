"""What docs/api.md says can be typed, can be typed."""

import asyncio
import re
import shutil
import sys
from pathlib import Path

import pytest

from batchproc import settings
from batchproc.dashboards import Dashboards
from batchproc.interfaces.http_routes import TABLE
from batchproc.launcher import Launcher
from tests.e2e.conftest import environment, put_to_rest
from tests.interfaces.serving import gone

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "api.md").read_text("utf-8")


def test_what_the_docs_name_is_there() -> None:
    known = {row.path.rpartition("/")[2] for row in TABLE}
    named = re.findall(r"`/([a-z]+)`", DOC)
    assert named and set(named) <= known


@pytest.mark.long
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
async def test_the_commands_of_the_docs_do_what_they_say(tmp_path: Path) -> None:
    environ = environment(tmp_path, BATCHPROC_HOME=str(tmp_path / "user" / ".batchproc"))
    shutil.copytree(ROOT / "examples" / "contracts", tmp_path / "user" / "examples" / "contracts")
    known = settings.load(environ)
    blocks = re.findall(r"```sh\n(.*?)```", DOC, re.DOTALL)
    python = f'batchproc() {{ "{sys.executable}" -m batchproc "$@"; }}'
    script = "\n".join(["set -eu", python, *blocks]).replace("4173", "0", 1)
    script = script.replace("http://127.0.0.1:4173", "http://127.0.0.1:$(cat ~/.batchproc/dashboard.port)")
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script), env=environ, cwd=tmp_path / "user", stdout=-1, stderr=-1
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 120)
    finally:
        await gone(Dashboards(known, environ))
        await put_to_rest(Launcher(known, environ))
    said = out.decode()
    assert process.returncode == 0, err.decode()
    assert '"status":"pilot"' in said and '[["succeeded",10]]' in said and '{"ready":true,"reasons":[]}' in said
    assert "event: events\ndata: [{" in said
    assert said.count("urn:batchproc:problem/") == 1, "only the one that the docs show"
    assert (tmp_path / "user" / "contracts.csv").read_text().count("succeeded") >= 10
