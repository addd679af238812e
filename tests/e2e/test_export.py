"""Results as files, through the service and every face: what agents really said, with its ledger."""

import asyncio
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from batchproc import export
from batchproc.agents.rehearsal import Reply
from batchproc.columns import Kind
from batchproc.errors import InvalidJob, NotFound
from tests.conftest import OPTIONS, wait_until
from tests.e2e.test_mcp import call, connect
from tests.export.support import READ, Page, ending, ledger_of
from tests.store.results_support import answer, job_of, judge

PEOPLE = [
    {"name": "Ann", "age": 5, "tags": ["x"]},
    {"name": "=Bob", "age": 6, "city": "Ulm"},
    {"name": "Cyd", "age": None},
    {"name": "Dan"},
]
SOURCE = {"type": "list", "items": PEOPLE, "key_field": "name"}


def cyd_fails(asked):
    return Reply(status=400, message="no such <person>") if "Cyd" in asked.prompt else Reply(text="=RESULT: ok")


def named(house, path: Path, name: str):
    """The columns of an export, by its ledger's format, and its rows as names and values."""
    columns = {"key": "text", "status": "text", "text": "text", "cost_usd": "real", "attempts": "integer"}
    columns |= {"error": "text", "verdict": "text", "corrected_from": "text", "gone": "boolean"}
    columns |= {"in_name": "text", "in_age": "integer", "in_tags": "json", "in_city": "text"}
    kinds = {column: Kind(kind) for column, kind in columns.items()}
    return [dict(zip(columns, row, strict=True)) for row in READ[name](path, kinds)]


@pytest.mark.script.with_args(cyd_fails)
async def test_a_job_is_exported_in_all_formats_and_each_says_the_same(house):
    job = (await house.create("Greet {{ name }}.", SOURCE, max_attempts=1)).job_id
    await house.start(job)
    await house.ended(job)
    home, shown = Path(house.environ["HOME"]), (await house.results(job))[0]
    for name in export.FORMATS:
        path = home / f"out{ending(name)}"
        made = await house.service.export_results(job, name, str(path))
        assert made.ledger == "3 succeeded · 1 failed" == ledger_of(name, path)["ledger"]
        assert (made.rows, made.bytes, made.path, made.warnings) == (4, path.stat().st_size, str(path), [])
        ann, bob, cyd, dan = named(house, path, name)
        assert (ann["in_tags"], bob["in_city"], cyd["in_age"], dan["in_age"]) == (["x"], "Ulm", None, None)
        mark = "'" if name == "csv" else ""
        assert (bob["key"], bob["in_name"], bob["text"]) == (f"{mark}=Bob", f"{mark}=Bob", f"{mark}=RESULT: ok")
        assert (cyd["status"], cyd["text"], cyd["attempts"]) == ("failed", None, 1)
        assert "no such <person>" in cyd["error"]
        assert (ann["cost_usd"], ann["error"], ann["gone"]) == (shown.cost_usd, None, False)
    page = Page((home / "out.html").read_text("utf-8"))
    [told] = page.data["transcripts"]
    assert told["key"] == "Cyd" and any("no such <person>" in said["text"] for said in told["said"])
    described = json.loads((home / "out.csv.ledger.json").read_text())
    assert described["job_id"] == job and described["rows"] == 4 and described["counts"]["failed"] == 1

    only = await house.service.export_results(job, None, str(home / "failed.jsonl"), "failed")
    assert only.rows == 1 and only.format == "jsonl"
    assert [json.loads(line)["key"] for line in (home / "failed.jsonl").read_text().splitlines()] == ["Cyd"]


async def test_what_is_wrong_is_said_and_nothing_is_written(house, tmp_path):
    job = (await house.create("Greet {{ name }}.", SOURCE)).job_id
    home = Path(house.environ["HOME"])
    (home / "mine.csv").write_text("mine")
    for arguments, said in (
        (
            ("csv", str(tmp_path / "x.csv")),
            f"path = '{tmp_path}/x.csv': it is in {tmp_path}, and exports go below {home}",
        ),
        (("csv", "x.csv"), "path = 'x.csv': give an absolute path"),
        (("xml", "~/x.xml"), "format = 'xml': known ones are"),
        (("csv", "~/x.csv", "done"), "status = 'done': results have one of"),
        (("csv", "~/mine.csv"), "path = '.*mine.csv': there is a file that no csv export made"),
    ):
        with pytest.raises(InvalidJob, match=said):
            await house.service.export_results(job, *arguments)
    with pytest.raises(NotFound, match="see list_jobs"):
        await house.service.export_results("job-0", "csv", "~/x.csv")
    assert os.listdir(home) == ["mine.csv"] and (home / "mine.csv").read_text() == "mine"
    empty = await house.service.export_results(job, "csv", "~/mine.csv", overwrite=True)
    assert empty.rows == 0 and empty.warnings == [
        "4 units not final yet, and not in it",
        "there are no such results: the file has only its head",
    ]


async def test_the_working_directory_and_what_the_settings_name_are_allowed_too(house, tmp_path):
    for name in ("work", "shared", "elsewhere"):
        (tmp_path / name).mkdir()
    job = await job_of(house.service._store, PEOPLE, replace(OPTIONS, working_directory=str(tmp_path / "work")))
    await house.service.export_results(job.job_id, "csv", str(tmp_path / "work/x.csv"))
    house.service._settings = replace(house.settings, export_roots=(tmp_path / "shared",))
    await house.service.export_results(job.job_id, "csv", str(tmp_path / "shared/x.csv"))
    with pytest.raises(InvalidJob, match="BATCHPROC_EXPORT_ROOTS"):
        await house.service.export_results(job.job_id, "csv", str(tmp_path / "elsewhere/x.csv"))


async def test_a_correction_and_a_unit_that_is_gone_are_shown_as_such(house):
    store = house.service._store
    job = await job_of(store, [{"n": 1}, {"n": 2}])
    await answer(store, job, "u1", text="wrong")
    await answer(store, job, "u2", gone=2)
    await judge(store, job, "u1", "correct", "right")
    await house.service.export_results(job.job_id, "jsonl", "~/x.jsonl")
    lines = (Path(house.environ["HOME"]) / "x.jsonl").read_text().splitlines()
    one, two = map(json.loads, lines)
    assert (one["text"], one["verdict"], one["corrected_from"], one["gone"]) == ("right", "correct", "wrong", False)
    assert (two["text"], two["verdict"], two["corrected_from"], two["gone"]) == ("yes", None, None, True)


async def many(store, n):
    job = await job_of(store, [{"n": n, "text": "some words that a unit may have"} for n in range(n)])
    final = "UPDATE units SET status = 'succeeded', finished_at = 1, text = 'the answer is ' || number"
    await store.write(lambda tx: tx.execute(final).rowcount)
    return job.job_id


@pytest.mark.parametrize(
    "name", ["csv", *(pytest.param(name, marks=pytest.mark.long) for name in ("jsonl", "parquet", "sqlite"))]
)
async def test_an_export_that_is_cancelled_leaves_nothing_and_nobody_waited_for_it(house, name):
    job = await many(house.service._store, 60_000)
    home = Path(house.environ["HOME"])
    exporting = asyncio.create_task(house.service.export_results(job, name, str(home / f"x{ending(name)}")))
    await wait_until(lambda: os.listdir(home), "it has begun", 20)
    begun = time.monotonic()
    assert (await house.service.get_status(job)).counts["succeeded"] == 60_000
    assert not exporting.done() and time.monotonic() - begun < 5
    exporting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await exporting
    assert os.listdir(home) == [] and not list(house.home.glob("export-*"))
    assert (await house.service.export_results(job, name, str(home / f"x{ending(name)}"))).rows == 60_000


async def test_html_names_what_takes_more(house):
    job = await many(house.service._store, 50_001)
    with pytest.raises(InvalidJob, match="at most 50,000 results, and there are 50,001; choose csv, jsonl, parquet"):
        await house.service.export_results(job, "html", "~/x.html")


async def test_a_client_and_a_shell_export_alike(house):
    job = (await house.create("Greet {{ name }}.", SOURCE)).job_id
    await house.start(job)
    await house.ended(job)
    home = Path(house.environ["HOME"])
    async with connect(house) as client:
        made = await call(client, "export_results", job_id=job, format="csv", path="~/x.csv")
        assert (made["rows"], made["ledger_path"]) == (4, str(home / "x.csv.ledger.json"))
        refused = await client.call_tool("export_results", {"job_id": job, "format": "csv", "path": "/etc/x.csv"})
        assert refused.is_error and "BATCHPROC_EXPORT_ROOTS" in refused.content[0].text
    by_client = (home / "x.csv").read_bytes()
    code, out, _ = await shell(house, "export", job, "x.csv")
    assert code == 0 and out.splitlines()[0] == "4 succeeded"
    assert (home / "x.csv").read_bytes() == by_client
    (home / "x.csv").write_text("mine")
    code, _, error = await shell(house, "export", job, "x.csv")
    assert code == 1 and "replace it with `--overwrite`" in error
    code, out, _ = await shell(house, "export", job, "x.csv", "--overwrite", "--json")
    assert code == 0 and json.loads(out)["rows"] == 4


async def shell(house, *words):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "batchproc", *words),
        env={**house.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=house.environ["HOME"],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, out.decode(), error.decode()
