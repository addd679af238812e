"""How the dashboard is built: from the sources as they are, once, from whatever registry npm is set to, and small."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hatch_build import DASHBOARD, SENT, SOURCES, Dashboard

ROOT = Path(__file__).parents[2]
BUDGET = 60_000
"""Bytes of all scripts and styles that one page loads, its charts among them, as they are sent: gzipped."""

MAKES_HTML = re.compile(
    r"dangerouslySetInnerHTML=|\.createPolicy\(|(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|DOMParser|srcdoc|"
    r"createContextualFragment|setHTML|\beval\(|new Function\("
)

LATER = ("src/pages/", "src/job/dialogs", "src/pilot/change", "src/pilot/trying", "src/pilot/variants")
"""Other pages, and what waits for a click. A job in its pilot shows that, and charts later."""


@pytest.fixture
def copy(tmp_path: Path) -> Dashboard:
    """A source tree of one's own, with what was built from it."""
    kept = shutil.ignore_patterns("node_modules")
    shutil.copytree(ROOT / DASHBOARD, tmp_path / DASHBOARD, ignore=kept)
    shutil.copy(ROOT / "hatch_build.py", tmp_path)
    return Dashboard(tmp_path)


def test_the_dashboard_is_that_of_its_sources():
    assert Dashboard(ROOT).is_current(), "run `make lint`, which builds it"


@pytest.mark.parametrize("either", ["src/job/pilot", "src/job/draw"])
def test_what_each_page_loads_is_small(either: str):
    manifest = json.loads((Dashboard(ROOT).built / ".vite/manifest.json").read_text("utf-8"))
    pages = {name for name in manifest if name.startswith("src/pages/")}
    assert len(pages) == 9
    sizes = {page: sum(map(_sent, _loaded(manifest, {"index.html", page}, (*LATER, either)))) for page in pages}
    assert max(sizes.values()) <= BUDGET, sizes


def _loaded(manifest: dict[str, Any], names: set[str], later: tuple[str, ...]) -> set[str]:
    """The files that these parts need, and those that they fetch by themselves."""
    seen: set[str] = set()
    while names:
        seen |= names
        parts = [manifest[name] for name in names]
        wanted = {one for part in parts for one in (*part.get("imports", ()), *part.get("dynamicImports", ()))}
        names = {one for one in wanted if not one.startswith(later)} - seen
    return {file for name in seen for file in (manifest[name]["file"], *manifest[name].get("css", ()))}


def _sent(file: str) -> int:
    return (Dashboard(ROOT).built / f"{file}.gz").stat().st_size if file.endswith((".js", ".css")) else 0


def test_every_file_is_there_as_it_is_sent_too():
    built = Dashboard(ROOT).built
    plain = [path for path in built.rglob("*") if path.suffix in SENT]
    assert len(plain) >= 4
    for path in plain:
        assert gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes()) == path.read_bytes()


def test_the_page_itself_holds_no_script_and_no_style():
    page = (Dashboard(ROOT).built / "index.html").read_text("utf-8")
    assert "<style" not in page and "style=" not in page and "onload=" not in page
    assert page.count("<script") == page.count('src="/assets/') == 1


def test_the_lock_file_names_no_registry():
    packages = json.loads((ROOT / DASHBOARD / "package-lock.json").read_text("utf-8"))["packages"]
    parts = {name: facts for name, facts in packages.items() if name}
    assert len(parts) > 10
    assert not any("resolved" in facts for facts in parts.values())
    assert all("integrity" in facts for facts in parts.values())


def test_what_is_current_is_not_built_again(copy: Dashboard):
    assert copy.is_current()
    assert copy.build() is False
    assert not (copy.built.parent / "node_modules").exists()


@pytest.mark.parametrize("name", SOURCES)
def test_any_change_of_a_source_is_noticed(copy: Dashboard, name: str):
    source = copy.built.parent / name
    changed = source / "new.ts" if source.is_dir() else source
    changed.write_text("// another\n")
    assert not copy.is_current()
    if source.is_dir():
        changed.unlink()
        assert copy.is_current()
        (source / "main.tsx").rename(source / "first.tsx")
        assert not copy.is_current()


def test_a_registry_that_cannot_be_reached_is_said_in_words_with_the_ways_out(copy: Dashboard, tmp_path: Path):
    shutil.rmtree(copy.built)
    nowhere = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    environ = {**os.environ, **nowhere, "npm_config_cache": str(tmp_path / "empty")}
    done = subprocess.run(
        [sys.executable, "hatch_build.py"], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "npm's registry cannot be reached (ECONNREFUSED)" in done.stderr
    for way_out in ("npm_config_registry=URL", "a published wheel", "BATCHPROC_DASHBOARD=skip"):
        assert way_out in done.stderr
    assert "Traceback" not in done.stderr and not copy.built.exists()


@pytest.mark.long
def test_the_page_knows_the_answers_of_the_published_document(tmp_path: Path):
    """As `make types` writes them down."""
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\ntypes:")[2].partition("\n\n")[0]
    argv = recipe.partition("hatch_build.py ")[2].split()
    argv[argv.index("--output") + 1] = str(tmp_path / "schema.d.ts")
    done = subprocess.run(
        [sys.executable, "hatch_build.py", *argv], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    known = (ROOT / DASHBOARD / "src" / "schema.d.ts").read_text("utf-8")
    assert (tmp_path / "schema.d.ts").read_text("utf-8") == known, "run `make types`"


def test_html_enters_the_page_in_one_place_only():
    """The server's policy lets one policy of Trusted Types be; here is who makes it, and nobody else puts HTML in."""
    folder = ROOT / DASHBOARD / "src"
    sources = {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*.ts*")}
    found = {name: MAKES_HTML.findall(text) for name, text in sources.items() if MAKES_HTML.search(text)}
    assert found == {"ui/prose.tsx": [".createPolicy(", "dangerouslySetInnerHTML="]}
