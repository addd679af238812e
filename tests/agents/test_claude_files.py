"""Which files an agent can open, write and find: every profile, with names as people give them."""

import asyncio
import unicodedata
from pathlib import Path

import pytest
from test_claude_support import agent, collect, messages, read, report, script, task

from batchproc.agents.rehearsal import Call, RehearsalModel, Reply
from batchproc.models import Profile, Workspace

ODD = {
    "my file.txt": ["my"],
    "contract (1), final.txt": ["contract", "1"],
    "x),Read(b": ["x", "b"],
    "A.txt": ["a.txt"],
    "a[1].txt": ["a1.txt"],
    "a*.txt": ["ab.txt", "a.txt"],
    "a?.txt": ["ab.txt"],
    "**": ["zz"],
    "!#$~%20 '\"{a,b}.txt": ["a", "b"],
    "back\\slash \\[1].txt": ["backslash [1].txt"],
    "Smith & Co./REPORT~1.txt": ["Smith & Co/REPORT~1.txt"],
    "sub /...": ["sub/..."],
    " leading": ["leading"],
    "tab\tand\nnewline": ["tab"],
    unicodedata.normalize("NFC", "é.txt"): [unicodedata.normalize("NFD", "é.txt")],
    unicodedata.normalize("NFD", "é.txt"): [unicodedata.normalize("NFC", "é.txt")],
    "🎉 نص.txt": ["🎉"],
    "-rf": ["rf"],
}


@pytest.mark.long
async def test_a_file_unit_opens_its_file_whatever_the_name_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("STRANGER")

    def replies(call: Call) -> Reply:
        return read(*call.prompt.split("|")) if call.turn == 0 else Reply(text="done")

    async def opened(number: int, name: str, strangers: list[str]) -> list[bool]:
        place = tmp_path / str(number)
        for path, text in [(place / name, "MINE"), *[(place / stranger, "STRANGER") for stranger in strangers]]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (place / "link").symlink_to(tmp_path / "outside.txt")
        asked = [place / name, *[place / s for s in strangers], place / "link", f"{place}/../outside.txt"]
        given = task(tmp_path / f"a{number}", "|".join(map(str, asked)), file=place / name)
        events = await collect(claude, given, model.environment())
        assert report(events).text == "done"
        text = {m["id"]: str(m["content"]) for m in messages(events, "tool_result")}
        assert not any("STRANGER" in said for said in text.values()), (name, text)
        return ["MINE" in text[m["id"]] for m in messages(events, "tool_use")]

    async with RehearsalModel(replies) as model, await agent() as claude:
        ran = await asyncio.gather(*[opened(n, name, strangers) for n, (name, strangers) in enumerate(ODD.items())])
    for (name, _), (mine, *others) in zip(ODD.items(), ran, strict=True):
        assert mine, name
        assert not any(others), name


@pytest.mark.parametrize("name", ["a.txt ", "a\t", "a\u3000", "\ufeff"])
async def test_a_name_that_ends_in_white_space_is_refused_before_anything_is_paid(tmp_path: Path, name: str) -> None:
    async with RehearsalModel() as model, await agent() as claude:
        (end,) = await collect(claude, task(tmp_path / "a", file=tmp_path / name), model.environment())
    assert report([end]).subtype == "invalid_job"
    assert "white space" in report([end]).detail
    assert model.count == 0


async def test_a_folder_is_read_and_searched_but_not_written_nor_left(tmp_path: Path) -> None:
    folder, outside = tmp_path / "Data, [all] (1)*", tmp_path / "outside.txt"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("heron")
    (folder / "Smith & Co.").mkdir()
    (folder / "Smith & Co." / "b~1.txt").write_text("egret")
    (folder / "link").symlink_to(outside)
    outside.write_text("OUTSIDE")
    tools = [
        ("Read", {"file_path": str(folder / "sub/a.txt")}),
        ("Glob", {"pattern": "**/*.txt", "path": str(folder)}),
        ("Grep", {"pattern": "heron", "path": str(folder), "output_mode": "content"}),
        ("Read", {"file_path": str(outside)}),
        ("Grep", {"pattern": "OUT", "path": str(tmp_path), "output_mode": "content"}),
        ("Write", {"file_path": str(folder / "new.txt"), "content": "x"}),
        ("Read", {"file_path": str(folder / "Smith & Co." / "b~1.txt")}),
        ("Read", {"file_path": str(folder / "link")}),
    ]
    said, end = await _run(tmp_path, tools, working_directory=str(folder))
    assert "heron" in said[0]
    assert "a.txt" in said[1]
    assert "heron" in said[2]
    assert not any("OUTSIDE" in text for text in said)
    assert "No such tool" in said[5]
    assert set(end.denied_tools) == {"Read", "Grep"}
    assert "egret" in said[6]
    assert end.tools_run == 4
    assert not (folder / "new.txt").exists()


async def test_nobodys_configuration_is_data_even_if_the_folder_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    histories = [tmp_path / ".claude/projects/history.txt", tmp_path / "config/projects/p/history.jsonl"]
    for path in histories:
        path.parent.mkdir(parents=True)
        path.write_text("STRANGER")
    (tmp_path / "ok.txt").write_text("MINE")
    tools = [("Read", {"file_path": str(path)}) for path in (*histories, tmp_path / "ok.txt")]
    said, _ = await _run(tmp_path, tools, working_directory=str(tmp_path))
    assert not any("STRANGER" in text for text in said)
    assert "MINE" in said[2]


@pytest.mark.parametrize("named", [False, True])
async def test_edit_writes_in_scratch_or_in_the_folder_that_the_job_names(tmp_path: Path, named: bool) -> None:
    folder, scratch = tmp_path / "Data, [all] (1)*", tmp_path / "a/work"
    folder.mkdir()
    mine, other = (folder, scratch) if named else (scratch, folder)
    tools = [
        ("Write", {"file_path": str(mine / "new.txt"), "content": "x"}),
        ("Write", {"file_path": str(other / "new.txt"), "content": "x"}),
        ("Write", {"file_path": str(tmp_path / "config/settings.json"), "content": "{}"}),
        ("Bash", {"command": "true"}),
    ]
    place = {"working_directory": str(folder), "workspace": Workspace.SHARED} if named else {}
    said, end = await _run(tmp_path, tools, profile=Profile.EDIT, **place)
    assert (mine / "new.txt").read_text() == "x"
    assert not (other / "new.txt").exists()
    assert not (tmp_path / "config/settings.json").exists()
    assert "No such tool" in said[3]
    assert (end.tools_run, set(end.denied_tools)) == (1, {"Write"})


async def _run(tmp_path: Path, tools, **options):  # type: ignore[no-untyped-def]
    """What each tool said, in order, and the report."""
    async with RehearsalModel(script(Reply(tools=tools), Reply(text="done"))) as model, await agent() as claude:
        events = await collect(claude, task(tmp_path / "a", **options), model.environment())
    texts = {m["id"]: str(m["content"]) for m in messages(events, "tool_result")}
    return [texts[m["id"]] for m in messages(events, "tool_use")], report(events)
