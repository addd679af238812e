"""What is packed brings the dashboard along: it is installed and serves on a machine that never heard of Node."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import pytest

from batchproc.launcher import scrubbed
from hatch_build import DASHBOARD, NODE, Dashboard

ROOT = Path(__file__).parents[2]
PACKED = ("batchproc", "examples", "hatch_build.py", "pyproject.toml", "README.md", "LICENSE", "constraints.txt")
REQUIRES = "import hatchling.build as b, json; print(json.dumps(b.get_requires_for_build_wheel()))"
NOWHERE = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}


def run(*argv: str | Path, cwd: Path, **more: str) -> str:
    done = subprocess.run(argv, cwd=cwd, env={**os.environ, **more}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The sources alone, as they are cloned."""
    place = tmp_path / "tree"
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "built")
    for name in PACKED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, place / name)
    (place / ".gitignore").write_text((ROOT / ".gitignore").read_text() + "built/\n")
    return place


def test_node_is_asked_for_only_where_the_dashboard_is_to_be_built(tree: Path):
    assert json.loads(run(sys.executable, "-c", REQUIRES, cwd=tree)) == [NODE]
    assert json.loads(run(sys.executable, "-c", REQUIRES, cwd=tree, BATCHPROC_DASHBOARD="skip")) == []
    shutil.copytree(Dashboard(ROOT).built, tree / DASHBOARD / "built")
    assert json.loads(run(sys.executable, "-c", REQUIRES, cwd=tree)) == []


def test_an_sdist_brings_sources_and_built_files_and_a_wheel_of_it_needs_no_registry(tree: Path, tmp_path: Path):
    shutil.copytree(Dashboard(ROOT).built, tree / DASHBOARD / "built")
    (tree / DASHBOARD / "node_modules" / "x").mkdir(parents=True)
    (tree / DASHBOARD / "node_modules" / "x" / "x.js").touch()
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path, cwd=tree)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as packed:
        inside = {name.partition("/")[2] for name in packed.getnames()}
        packed.extractall(tmp_path / "unpacked", filter="data")
    assert {"hatch_build.py", f"{DASHBOARD}/src/main.tsx", f"{DASHBOARD}/built/index.html"} <= inside
    assert not any("node_modules" in name for name in inside)
    unpacked = next((tmp_path / "unpacked").iterdir())
    run(
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        tmp_path,
        cwd=unpacked,
        **NOWHERE,
    )
    found = files_in(next(tmp_path.glob("*.whl")))
    assert found and all("/built/" in name for name in found)


def files_in(wheel: Path) -> list[str]:
    """The dashboard's."""
    with zipfile.ZipFile(wheel) as packed:
        return [name for name in packed.namelist() if name.startswith(f"{DASHBOARD}/")]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_wheel_made_from_the_sources_serves_the_dashboard_where_there_is_no_node(tree: Path, tmp_path: Path):
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, tree, cwd=tmp_path)
    wheel = next(tmp_path.glob("batchproc-*.whl"))
    assert any(name.endswith(".js") for name in files_in(wheel))
    run(sys.executable, "-m", "venv", tmp_path / "fresh", cwd=tmp_path)
    fresh = tmp_path / "fresh" / "bin" / "python"
    constrained = ("--constraint", ROOT / "constraints.txt")
    run(fresh, "-m", "pip", "install", "--quiet", *constrained, wheel, cwd=tmp_path, **NOWHERE)
    installed = run(fresh, "-m", "pip", "list", "--format", "freeze", cwd=tmp_path)
    assert "node" not in installed.lower()
    page, script = fetch(fresh, tmp_path)
    assert '<div id="app">' in page and "batchproc" in script


def fetch(python: Path, place: Path) -> tuple[str, str]:
    """The page, and its script, from the dashboard that this Python has; nothing else is in its PATH."""
    own = {"HOME": str(place), "BATCHPROC_HOME": str(place / "store"), "PATH": str(python.parent)}
    environ = {name: value for name, value in scrubbed(os.environ).items() if name != "PYTHONPATH"} | own
    argv = [python, "-m", "batchproc", "dashboard", "--no-browser", "--json", "--port", "0"]
    with subprocess.Popen(argv, env=environ, cwd=place, stdout=subprocess.PIPE, text=True) as process:
        try:
            told = ""
            assert process.stdout is not None
            while not told.rstrip().endswith("}"):
                line = process.stdout.readline()
                assert line, f"it ended with {process.wait()}: {told}"
                told += line
            origin = json.loads(told)["url"].partition("#")[0].rstrip("/")
            page = urllib.request.urlopen(f"{origin}/", timeout=10).read().decode()
            at = page.partition('src="')[2].partition('"')[0]
            return page, urllib.request.urlopen(origin + at, timeout=10).read().decode()
        finally:
            process.terminate()
