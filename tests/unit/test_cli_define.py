"""A job's description in the shell: a file, or flags, or both."""

import argparse
import json
import tomllib

import pytest

from batchproc.errors import InvalidJob
from batchproc.interfaces import cli_define
from batchproc.models import JobOptions, JobSpec


def parse(*words):
    parser = argparse.ArgumentParser()
    cli_define.add(parser.add_subparsers(dest="command"))
    return parser.parse_args(words)


def spec(*words):
    return cli_define.spec_of(parse("create", *words))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.csv", "csv"),
        ("X.CSV", "csv"),
        ("x.csv.gz", "csv"),
        ("x.tsv", "csv"),
        ("x.jsonl", "json"),
        ("x.jsonl.gz", "json"),
        ("x.xlsx", "excel"),
        ("x.parquet", "parquet"),
    ],
)
def test_a_table_is_known_by_its_name(tmp_path, monkeypatch, name, kind):
    monkeypatch.chdir(tmp_path)
    made = spec("--from", name, "--instructions", "do it", "--id-column", "id")
    key = "id_field" if kind == "json" else "id_column"
    assert made.enumerator == {"type": kind, "file_path": str(tmp_path / name), key: "id"}
    assert made.name == name


def test_a_job_is_called_after_its_source_by_what_is_seen_of_that(tmp_path):
    made = spec("--from", str(tmp_path / "live\u202e\x1b.csv"), "--instructions", "do it")
    assert made.name == "live.csv" and made.enumerator["file_path"].endswith("live\u202e\x1b.csv")


def test_a_folder_a_database_and_an_enumerator_in_json(tmp_path):
    folder = spec("--from", str(tmp_path), "--pattern", "*.md", "--instructions", "do it")
    assert folder.enumerator == {"type": "file", "base_directory": str(tmp_path), "pattern": "*.md"}
    base = spec("--from", str(tmp_path / "x.db"), "--query", "SELECT 1", "--instructions", "do it")
    assert base.enumerator == {"type": "sql", "connection_string": f"sqlite:///{tmp_path}/x.db", "query": "SELECT 1"}
    listed = spec("--from", '{"type": "list", "items": [1, 2]}', "--instructions", "do it")
    assert listed.enumerator == {"type": "list", "items": [1, 2]}


def test_options_are_json_where_they_can_be_and_text_where_not(tmp_path):
    flags = (
        "--option",
        "budget_usd=20",
        "--option",
        "profile=edit",
        "--option",
        'directories=["/a"]',
        "--model",
        "haiku",
    )
    made = spec("--from", str(tmp_path), "--instructions", "do it", *flags)
    assert (made.options.budget_usd, made.options.model, made.options.directories) == (20, "haiku", ("/a",))


@pytest.mark.parametrize("form", ["toml", "json"])
def test_a_template_reads_back_as_what_it_was(tmp_path, form):
    given = JobSpec(
        name="review",
        instructions='Say "what"\n\n{{ name }} is \\ worth: ü 😀 \'\'\' """',
        enumerator={"type": "list", "items": [{"name": "a", "n": 1.5, "deep": {"x": [1, 2]}}]},
        options=JobOptions(model="haiku", budget_usd=2.5, directories=("/a b",)),
    )
    path = tmp_path / f"job.{form}"
    path.write_text(cli_define.template(given, form), "utf-8")
    assert spec(str(path)) == given
    assert spec(str(path), "--instructions", "other", "--option", "budget_usd=3").options.budget_usd == 3
    assert spec(str(path), "--name", "n").name == "n"


def test_instructions_may_stand_in_a_file_of_their_own(tmp_path):
    (tmp_path / "what.md").write_text("Do it.\n")
    assert spec("--from", str(tmp_path), "--instructions", f"@{tmp_path}/what.md").instructions == "Do it.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--from = None: name where the units come from"),
        (("--from", "{tmp}"), "--instructions = None: say what to do"),
        (("--from", "/nowhere/x.doc", "--instructions", "x"), "no such folder, and no table by its name"),
        (("--from", '{"type": ', "--instructions", "x"), "begins like JSON, but is none"),
        (("--from", "{tmp}", "--instructions", "@/nowhere"), "the file cannot be read"),
        (("--from", "{tmp}", "--instructions", "x", "--option", "budget"), "write it as name=value"),
        (
            ("--from", "{tmp}", "--instructions", "x", "--option", "bugdet_usd=2"),
            "options.bugdet_usd = 2: no such thing",
        ),
        (("--from", "{tmp}", "--instructions", "x", "--option", "budget_usd=-2"), "options.budget_usd = -2"),
        (("/nowhere.toml",), "it cannot be read"),
        (("{tmp}/bad.toml",), "it is no TOML"),
        (("{tmp}/bad.json",), "it is no JSON"),
        (("{tmp}/list.json",), "write a table of names and values"),
    ],
)
def test_what_cannot_work_is_named_with_its_way_out(tmp_path, words, said):
    (tmp_path / "bad.toml").write_text("name = ")
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text(json.dumps([1]))
    with pytest.raises(InvalidJob) as error:
        spec(*(word.replace("{tmp}", str(tmp_path)) for word in words))
    assert said in str(error.value)


def test_what_toml_cannot_say_is_said_in_json():
    carried = {"type": "dynamic", "code": "x = 1\ny = 2\n", "limit": None, "context": {"a": "b\r\nc"}}
    given = JobSpec(name="n", instructions="do\nit", enumerator=carried)
    read = tomllib.loads(cli_define.template(given, "toml"))
    assert read["enumerator"] == {"type": "dynamic", "code": "x = 1\ny = 2\n", "context": {"a": "b\r\nc"}}
    holes = JobSpec(name="n", instructions="do", enumerator={"type": "list", "items": [None]})
    with pytest.raises(InvalidJob, match="--format json"):
        cli_define.template(holes, "toml")
    assert json.loads(cli_define.template(holes, "json"))["enumerator"]["items"] == [None]
