"""The shell: a page at every address that is none of the API's, its files as browsers may keep them."""

import gzip
from pathlib import Path

import pytest

from batchproc.interfaces.http_files import Shell
from tests.interfaces.knocking import knock

SCRIPT = b"console.log('ours')"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "built"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>batchproc</title>")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-DiwrgTda.js").write_bytes(SCRIPT)
    (folder / "assets" / "index-DiwrgTda.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (folder / "assets" / "index-DiwrgTda.js.br").write_bytes(b"br")
    (folder / "assets" / "plain.css").write_text("a{}")
    (folder / "secret.key").write_text("no type of ours")
    (tmp_path / "outside.js").write_text("outside")
    return folder


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/jobs",
        "/jobs/job-1/units/contract.md?status=failed",
        "/index.html",
        "/secret.key",
        "/API/v1/jobs",
        f"/{'a' * 300}.js",
    ],
)
async def test_every_address_is_a_page(built: Path, path: str) -> None:
    answered = await knock(Shell(built), "GET", path)
    assert answered.status == 200 and answered.headers["content-type"] == "text/html; charset=utf-8"
    assert answered.body.startswith(b"<!doctype html>") and "cache-control" not in answered.headers


@pytest.mark.parametrize(
    ("accepts", "encoding", "body"),
    [
        ("", None, SCRIPT),
        ("gzip, br", "br", b"br"),
        ("gzip", "gzip", gzip.compress(SCRIPT, mtime=0)),
        ("br;q=0, gzip", "gzip", gzip.compress(SCRIPT, mtime=0)),
        ("identity", None, SCRIPT),
    ],
)
async def test_a_file_comes_in_the_smallest_form_that_is_taken(built: Path, accepts, encoding, body) -> None:
    answered = await knock(Shell(built), "GET", "/assets/index-DiwrgTda.js", [("Accept-Encoding", accepts)])
    assert answered.status == 200 and answered.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answered.headers.get("content-encoding") == encoding
    assert "immutable" in answered.headers["cache-control"] and answered.headers["vary"] == "accept-encoding"
    assert answered.body == body or encoding == "gzip"


async def test_only_a_file_with_its_hash_in_its_name_may_be_kept(built: Path) -> None:
    assert "cache-control" not in (await knock(Shell(built), "GET", "/assets/plain.css")).headers
    answered = await knock(Shell(built), "GET", "/favicon.svg")
    assert answered.headers["content-type"] == "image/svg+xml" and answered.body == b"<svg/>"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/none.js",
        "/assets/../index.html",
        "/assets/..%2f..%2foutside.js",
        "/assets/../../outside.js",
        "/assets//etc/passwd",
        "/assets/.hidden.js",
        "/assets/index-DiwrgTda.js/x.js",
        "/assets/index-DiwrgTda.js.gz",
        "/favicon.ico",
        f"/assets/{'a' * 300}.js",
        f"/assets/{'a' * 250}.js",
    ],
)
async def test_what_is_no_file_of_ours_is_not_found(built: Path, path: str) -> None:
    answered = await knock(Shell(built), "GET", path)
    assert answered.status == 404 and b"outside" not in answered.body


async def test_a_dashboard_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    answered = await knock(Shell(tmp_path / "none"), "GET", "/jobs")
    assert answered.status == 503 and b"hatch_build.py" in answered.body
    assert b"<script" not in answered.body and b"style=" not in answered.body
    assert (await knock(Shell(tmp_path / "none"), "POST", "/jobs")).status == 405
