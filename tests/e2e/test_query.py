"""Results asked in SQL, in the shell: as a table, as CSV, as JSON; whatever agents wrote, a terminal only shows it."""

import csv
import io
import json

import pytest

from batchproc.agents.rehearsal import Reply
from tests.e2e.test_cli_control import FOUR, shell

EVIL = "\x1b[31mred\x1b[0m\x9b31m\u202e [bold]x[/] =1+1"


def evil(call):
    return Reply(text=EVIL)


def is_harmless(text: str) -> bool:
    return not {c for c in text if c in "\x1b\x9b\u202e\x07\x00"}


@pytest.mark.long
@pytest.mark.script.with_args(evil)
async def test_answers_are_asked_in_the_shell_in_three_forms(house):
    job = (await house.run("Greet {{ name }}.", FOUR)).job_id
    sql = "SELECT text, count(*) AS n, '=' || min(in_name) AS f, '-5' AS five FROM results "
    sql += "WHERE in_name <> 'Dan' GROUP BY 1"
    code, table, error = await shell(house, "query", job, sql)
    assert code == 0 and not error
    head, line, footer = table.splitlines()
    assert head.split() == ["text", "n", "f", "five"] and footer.startswith("1 row")
    assert "[31mred" in line and "[bold]x[/]" in line and line.split()[-3] == "3" and is_harmless(table)

    _, as_csv, _ = await shell(house, "query", job, sql, "--csv")
    [names, row] = csv.reader(io.StringIO(as_csv))
    assert names == ["text", "n", "f", "five"] and row[1:] == ["3", "'=Ann", "-5"] and is_harmless(as_csv)

    _, as_json, _ = await shell(house, "query", job, sql, "--json")
    assert json.loads(as_json)["rows"] == [[EVIL, 3, "=Ann", "-5"]] and is_harmless(as_json)


@pytest.mark.long
async def test_the_shell_tells_the_columns_and_what_is_wrong(house):
    job = (await house.run("Greet {{ name }}.", FOUR)).job_id
    _, table, said = await shell(house, "query", job)
    assert "in_name" in table and "there is one table, results" in said
    code, out, said = await shell(house, "query", job, "SELECT nam\x1be FROM results")
    assert (code, out) == (1, "") and is_harmless(said)
    code, _, said = await shell(house, "query", job, "SELECT nme FROM results")
    assert code == 1 and "results has no column nme; it has in_name, " in said
    _, table, said = await shell(house, "query", job, "SELECT key FROM results", "--limit", "2")
    assert "2 rows" in table and "the first 2 rows, and there are more" in said
