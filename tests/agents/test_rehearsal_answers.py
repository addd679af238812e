"""The built-in script behind the real CLI: what it says of a unit is true."""

import json
from pathlib import Path

import jsonschema
from rehearsal_support import file_prompt, reads, run_cli

from batchproc import prompts
from batchproc.agents.rehearsal import RehearsalModel
from batchproc.agents.rehearsal.answers import MARK

REPORT = """\
# Quarterly report

Revenue grew in Wellington. Costs grew too!

The revenue of Wellington was revenue well earned; costs were costs.
"""


async def test_a_file_is_read_and_what_is_said_of_it_is_true(tmp_path: Path) -> None:
    file = tmp_path / "report.md"
    file.write_text(REPORT)
    async with RehearsalModel() as model:
        result = await run_cli(model, file_prompt(file), tmp_path, allow=file)
    mark, *lines = result["result"].splitlines()
    assert mark == MARK == "[rehearsal model, not Claude]"
    assert lines == [
        f"I read {file}; this is counted from its text.",
        "Title: Quarterly report",
        f"Words: {len(REPORT.split())} in 5 lines",
        "First sentence: Revenue grew in Wellington.",
        "Frequent terms: costs (3), revenue (3), grew (2), wellington (2), earned (1)",
    ]
    assert reads(model) == [{"file_path": str(file)}]


async def test_a_rehearsal_costs_nothing_and_warns_of_nothing(tmp_path: Path) -> None:
    async with RehearsalModel() as model:
        result = await run_cli(model, "Say hello.", tmp_path)
    assert (result["total_cost_usd"], result["is_error"], result["stderr"]) == (0, False, "")
    assert list(result["modelUsage"]) == ["rehearsal"]


async def test_line_ends_scripts_and_a_missing_last_newline_change_no_figure(tmp_path: Path) -> None:
    file = tmp_path / "données é.txt"
    file.write_bytes("\ufeffÜber Größe\r\n\r\n   7\tzählt mit, 日本語 auch。Größe zählt".encode())
    async with RehearsalModel() as model:
        result = await run_cli(model, file_prompt(file), tmp_path, allow=file)
    assert "Title: Über Größe\nWords: 8 in 3 lines\n" in result["result"]
    assert "Frequent terms: größe (2), zählt (2), auch (1), mit (1), über (1)" in result["result"]


async def test_a_file_longer_than_one_read_is_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "long.txt"
    text = "".join(f"line {n} of the ledger\n" for n in range(1, 20_001)) + "the last word is zebra"
    file.write_text(text)
    assert file.stat().st_size > 256 * 1024
    async with RehearsalModel() as model:
        result = await run_cli(model, file_prompt(file), tmp_path, allow=file)
    assert f"Words: {len(text.split()):,} in 20,001 lines" in result["result"]
    assert "longer than I read" not in result["result"]
    assert len(reads(model)) > 3


async def test_a_first_page_with_a_notice_is_followed_by_the_other_pages(tmp_path: Path) -> None:
    file = tmp_path / "page.txt"
    text = "".join(f"{n} " + "alpha beta gamma " * 8 + "\n" for n in range(1500))
    file.write_text(text)
    assert 100_000 < file.stat().st_size < 256 * 1024
    async with RehearsalModel() as model:
        result = await run_cli(model, file_prompt(file), tmp_path, allow=file)
    assert f"Words: {len(text.split()):,} in 1,500 lines" in result["result"]
    assert len(reads(model)) > 1


async def test_what_is_too_long_to_read_is_said_to_be_read_in_part(tmp_path: Path) -> None:
    file = tmp_path / "huge.txt"
    file.write_text("".join(f"{n} " + "alpha beta gamma " * 50 + "\n" for n in range(6000)))
    async with RehearsalModel() as model:
        result = await run_cli(model, file_prompt(file), tmp_path, allow=file)
    assert len(reads(model)) == 20
    lines = int(result["result"].split("the figures cover the first ")[1].split(" lines")[0].replace(",", ""))
    assert 0 < lines < 6000
    assert f"Words: {151 * lines:,} in {lines:,} lines" in result["result"]


async def test_one_line_that_is_too_long_is_said_to_be_read_in_part(tmp_path: Path) -> None:
    file = tmp_path / "wide.txt"
    file.write_text("word " * 100_000)
    async with RehearsalModel() as model:
        result = await run_cli(model, file_prompt(file), tmp_path, allow=file)
    assert "of 500,000 characters" in result["result"]


async def test_a_file_that_cannot_be_read_is_said_so_with_the_reason(tmp_path: Path) -> None:
    async with RehearsalModel() as model:
        missing = await run_cli(model, file_prompt(tmp_path / "no.txt"), tmp_path, allow=tmp_path / "no.txt")
        (tmp_path / "b.txt").write_text("secret")
        denied = await run_cli(model, file_prompt(tmp_path / "b.txt"), tmp_path, allow=None)
    assert missing["result"].startswith(f"{MARK}\nI could not read {tmp_path}/no.txt: File does not exist.")
    assert denied["result"].startswith(f"{MARK}\nI could not read {tmp_path}/b.txt: ")
    assert "permission" in denied["result"] and "secret" not in denied["result"]


async def test_pictures_binaries_and_empty_files_are_not_made_up(tmp_path: Path) -> None:
    pdf, binary, empty = tmp_path / "a.pdf", tmp_path / "b.bin", tmp_path / "c.txt"
    pdf.write_bytes(b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n%%EOF")
    binary.write_bytes(bytes(range(256)))
    empty.touch()
    said = []
    async with RehearsalModel() as model:
        for file in (pdf, binary, empty):
            said.append((await run_cli(model, file_prompt(file), tmp_path, allow=file))["result"])
    assert said[0] == f"{MARK}\nRead gave back application/pdf for {pdf}: I cannot see that, so I say nothing of it."
    assert "This tool cannot read binary files" in said[1]
    assert said[2].endswith(f"I read {empty}: it holds no text.")


async def test_a_template_of_the_users_own_leads_to_the_path_in_it(tmp_path: Path) -> None:
    file = tmp_path / "my notes.md"
    file.write_text("# Notes\n\nOne two.\n")
    async with RehearsalModel() as model:
        result = await run_cli(model, f"Read {file} and/or say why not.", tmp_path, allow=file)
    assert "Title: Notes" in result["result"]


async def test_a_record_is_answered_from_its_own_fields(tmp_path: Path) -> None:
    payload = {"id": 7, "review": "Great </unit-data> kettle. Great kettle, works.", "tags": ["<unit-data>", None]}
    async with RehearsalModel() as model:
        result = await run_cli(model, prompts.Prompt("Classify it.").render("7", payload), tmp_path)
    assert result["result"].splitlines() == [
        MARK,
        "The unit has 3 fields.",
        "id: 7",
        "review: Great </unit-data> kettle. Great kettle, works. (6 words)",
        'tags: ["<unit-data>", null]',
        "First sentence of review: Great </unit-data> kettle.",
        "Frequent terms of review: great (2), kettle (2), data (1), unit (1), works (1)",
    ]
    assert len(model.calls) == 1


async def test_an_answer_that_must_fit_a_schema_fits_it_after_the_file_was_read(tmp_path: Path) -> None:
    file = tmp_path / "report.md"
    file.write_text(REPORT)
    schema = {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 9},
            "words": {"type": "integer"},
            "city": {"enum": ["Auckland", "Wellington"]},
            "terms": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["title", "words", "city", "terms"],
        "additionalProperties": False,
    }
    options = ("--tools", "Read", "--json-schema", json.dumps(schema))
    async with RehearsalModel() as model:
        result = await run_cli(model, file_prompt(file), tmp_path, *options, allow=file)
    jsonschema.validate(result["structured_output"], schema)
    assert result["structured_output"] == {
        "title": "Quarterly",
        "words": len(REPORT.split()),
        "city": "Wellington",
        "terms": ["costs", "revenue", "grew", "wellington", "earned"],
    }
    assert (result["total_cost_usd"], len(reads(model))) == (0, 1)


async def test_a_schema_that_it_cannot_satisfy_is_said_and_not_tried_for_ever(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^zq{7}$"}}, "required": ["a"]}
    async with RehearsalModel() as model:
        result = await run_cli(model, "go", tmp_path, "--tools", "Read", "--json-schema", json.dumps(schema))
    assert result.get("structured_output") is None
    assert "I could not make an answer that fits the schema: Output does not match" in result["result"]
    assert model.count < 5
