"""A source is read once more, from the shell and from a chat: what changed on disk runs again, and nothing else."""

import asyncio
import json
import sqlite3

import pytest

from batchproc.agents.rehearsal import Reply
from tests.e2e.test_cli_control import does, shell
from tests.e2e.test_mcp import connect

DONE = "RESULT: ok"


def counted(model):
    """How many agents were asked."""
    return len(model.calls)


def first_line(call):
    """Says what it was sent, so that an old answer is told from a new one."""
    return Reply(text=f"RESULT: {call.prompt.strip().splitlines()[-1][:60]}")


async def answers(house, job):
    return {one.key: one.text for one in await house.results(job)}


@pytest.mark.long
@pytest.mark.script.with_args(first_line)
async def test_five_changes_on_twelve_files_run_four_agents(house, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for n in range(12):
        (folder / f"{n:02}.txt").write_text(f"contract {n}")
    source = {"type": "file", "base_directory": str(folder), "pattern": "*.txt"}
    done = await house.run("Read {{ file_path }}", source, model="haiku")
    assert done.counts["succeeded"] == 12
    job, before = done.job_id, await answers(house, done.job_id)
    asked = counted(house.model)
    (folder / "03.txt").write_text("contract 3, amended")
    (folder / "04.txt").write_text("Contract 4")
    (folder / "05.txt").unlink()
    (folder / "12.txt").write_text("contract 12")
    (folder / "13.txt").write_text("contract 13")
    plan = await does(house, "refresh", job)
    assert (plan["state"], plan["status"]) == ("plan", "completed") and plan["message"].startswith(
        "2 new, 2 changed, 1 gone, 9 reusable"
    )
    assert plan["counts"] == {"new": 2, "changed": 2, "reusable": 9, "unanswered": 0, "waiting": 0}
    assert plan["keys"] == {"new": ["12.txt", "13.txt"], "changed": ["03.txt", "04.txt"], "gone": ["05.txt"]}
    assert plan["estimate"]["units"] == 4 and plan["read"] == 13
    assert counted(house.model) == asked, "nothing was spent"
    code, out, error = await shell(house, "refresh", job)
    assert code == 1 and "2 new, 2 changed, 1 gone, 9 reusable" in out and "needs a person" in error
    assert counted(house.model) == asked and (await house.service.get_status(job)).status == "completed"
    code, out, error = await shell(house, "refresh", job, "--yes", "--why", "amended")
    assert code == 0 and "applied: 2 new" in out, error
    look = await house.ended(job)
    assert (look.status, look.counts["succeeded"], look.total_units) == ("completed", 14, 14)
    assert counted(house.model) == asked + 4
    after = await answers(house, job)
    assert {key for key in before if after[key] == before[key]} == set(before), "the same paths, the same words"
    unit = await does(house, "unit", job, "03.txt")
    assert len(unit["attempts"]) == 2 and unit["lineage"].startswith("payload of reading 2 of its source, answered in")
    (earlier,) = unit["earlier"]
    assert (earlier["why"], earlier["attempt"], earlier["status"]) == ("source", 1, "succeeded")
    assert "the same in reading 2, the newest" in (await does(house, "unit", job, "00.txt"))["lineage"]
    assert "not have it any more since reading 2" in (await does(house, "unit", job, "05.txt"))["lineage"]
    assert (await does(house, "refresh", job))["state"] == "same"
    told = [(one.kind, one.by, one.why) for one in look.changes if one.kind == "job.refreshed"]
    assert [(kind, why) for kind, _, why in told] == [("job.refreshed", "amended")]


@pytest.mark.long
@pytest.mark.script.with_args(first_line)
async def test_a_table_whose_rows_changed_and_moved(house, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("id,name\n" + "".join(f"{n},name {n}\n" for n in range(6)))
    source = {"type": "csv", "file_path": str(path), "id_column": "id"}
    job = (await house.run("Greet {{ name }}", source, model="haiku")).job_id
    asked = counted(house.model)
    path.write_text("id,name\n9,name 9\n" + "".join(f"{n},name {n}{'!' if n == 2 else ''}\n" for n in (5, 4, 3, 2, 1)))
    plan = await house.service.update_source(job)
    assert plan.message.startswith("1 new, 1 changed, 1 gone, 4 reusable")
    assert (await house.service.update_source(job, confirmed=True)).state == "applied"
    await house.ended(job)
    assert counted(house.model) == asked + 2
    said = await answers(house, job)
    assert said["2"] == "RESULT: Greet name 2!" and said["9"] == "RESULT: Greet name 9" and said["0"].endswith("name 0")
    (earlier,) = (await house.service.get_unit(job, "2")).earlier
    assert (earlier.payload, earlier.text) == ({"id": "2", "name": "name 2"}, "RESULT: Greet name 2")


@pytest.mark.script.with_args(first_line)
async def test_a_database_in_a_chat_where_nothing_is_applied_that_was_not_shown(house, tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as shop:
        shop.execute("CREATE TABLE goods (id INTEGER PRIMARY KEY, name TEXT)")
        shop.executemany("INSERT INTO goods (name) VALUES (?)", [(f"thing {n}",) for n in range(5)])
    source = {
        "type": "sql",
        "connection_string": f"sqlite:///{path}",
        "query": "SELECT id, name FROM goods ORDER BY id",
        "id_column": "id",
    }
    job = (await house.run("Describe {{ name }}", source, model="haiku")).job_id
    asked = counted(house.model)
    async with connect(house) as client:

        async def update(**more):
            answer = await client.call_tool("update_source", {"job_id": job, **more})
            assert not answer.is_error, answer.content
            return json.loads(answer.content[0].text)

        with sqlite3.connect(path) as shop:
            shop.execute("UPDATE goods SET name = 'other' WHERE id = 2")
        plan = await update(confirmed=True)
        assert plan["state"] == "plan" and plan["message"].startswith("nobody was shown this plan yet")
        with sqlite3.connect(path) as shop:
            shop.execute("DELETE FROM goods WHERE id = 3")
        await house.service.control_job(job, "set", priority=1)
        plan = await update(confirmed=True)
        assert plan["state"] == "plan" and "0 new, 1 changed, 1 gone, 3 reusable" in plan["message"]
        assert (await house.service.get_status(job)).status == "completed" and counted(house.model) == asked
        done = await update(confirmed=True)
        assert done["state"] == "applied" and done["status"] in {"running", "completed"}
    await house.ended(job)
    assert counted(house.model) == asked + 1


async def test_a_source_that_cannot_be_read_says_why_and_changes_nothing(house, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("id,name\n1,Ann\n2,Ben\n")
    job = (
        await house.run("Greet {{ name }}", {"type": "csv", "file_path": str(path), "id_column": "id"}, model="haiku")
    ).job_id
    path.write_text("id,name\n1,Ann\n1,Ben\n")
    code, _, error = await shell(house, "refresh", job, "--yes")
    assert code == 1 and "key '1' stands in both row 1 and row 2" in error
    path.unlink()
    code, _, error = await shell(house, "refresh", job, "--yes")
    assert code == 1 and "rows.csv" in error
    path.write_text("id,name\n")
    code, _, error = await shell(house, "refresh", job, "--yes")
    assert code == 1 and "it is empty now, so every unit would be gone" in error
    assert (await house.service.get_status(job)).counts["succeeded"] == 2


async def test_code_that_nobody_allowed_is_not_run_again(house):
    code = "def enumerate_items(context):\n    return [{'id': 1}]\n"
    spec = {"type": "dynamic", "code": code}
    needed = await house.service.source_approval(spec)
    await house.service.approve_source(needed, by="a test")
    job = (await house.run("Look at {{ id }}", spec, model="haiku")).job_id
    assert (await house.service.update_source(job)).state == "same"
    await house.service._store.write(lambda tx: tx.execute("DELETE FROM approvals").rowcount)
    code, _, error = await shell(house, "refresh", job, "--yes")
    assert code == 1 and f"batchproc approve {needed.hash}" in error


@pytest.mark.script.with_args(lambda call: Reply(text=DONE, delay_s=0.3))
async def test_what_is_long_to_read_is_left_to_the_supervisor(house, tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    rows = [f"{n},name {n}\n" for n in range(30_000)]
    path.write_text("id,name\n" + "".join(rows))
    made = await house.create("x", {"type": "csv", "file_path": str(path), "id_column": "id"}, model="haiku")
    path.write_text("id,name\n" + "".join(rows[1:]))
    object.__setattr__(house.service._settings, "enumerate_s", 0.05)
    plan = await house.service.update_source(made.job_id)
    seen = {plan.state}
    for _ in range(300):
        if plan.state == "plan":
            break
        await asyncio.sleep(0.05)
        plan = await house.service.update_source(made.job_id, confirmed=True)
        seen.add(plan.state)
    assert seen == {"reading", "plan"}
    assert (plan.gone, plan.counts.waiting, plan.read) == (1, 29_999, 29_999)
    done = await house.service.update_source(made.job_id, confirmed=True)
    assert (done.state, done.status) == ("applied", "ready") and "29,999 pending" in done.ledger
