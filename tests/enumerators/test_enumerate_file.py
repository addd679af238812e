"""Files: what counts, in which order, and what is passed over."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from enumerate_help import as_nobody, complaint, folder_of_a_stranger, read, refusal

from batchproc.enumerators import build, file


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    return folder


def fill(base: Path, *names: str) -> None:
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(name)


def found(base: Path | str, **config: Any) -> list[str]:
    return [item.key for item in read("file", base_directory=str(base), **config)]


def warned(base: Path, **config: Any) -> list[str]:
    enumerator = build({"type": "file", "base_directory": str(base), **config})
    list(enumerator.items())
    return enumerator.warnings()


def test_a_file_is_told_by_its_path_name_extension_and_size(base: Path) -> None:
    fill(base, "sub/Ünïted Nations.PDF")

    (item,) = read("file", base_directory=str(base))

    assert item.key == "sub/Ünïted Nations.PDF"
    assert item.row == 1
    assert item.payload == {
        "file_path": str(base / "sub/Ünïted Nations.PDF"),
        "relative_path": "sub/Ünïted Nations.PDF",
        "file_name": "Ünïted Nations.PDF",
        "file_extension": ".pdf",
        "file_size": len("sub/Ünïted Nations.PDF".encode()),
    }
    assert list(item.payload) == ["file_path", "relative_path", "file_name", "file_extension", "file_size"]


@pytest.mark.parametrize(
    ("name", "extension"),
    [("a", ""), ("a.tar.GZ", ".gz"), (".env", ""), ("a.", ""), (".x.md", ".md"), ("a b.c d", ".c d")],
)
def test_an_extension_is_what_follows_the_last_dot(base: Path, name: str, extension: str) -> None:
    fill(base, name)

    assert read("file", base_directory=str(base), include_hidden=True)[0].payload["file_extension"] == extension


def test_files_come_in_the_order_of_the_parts_of_their_paths(base: Path) -> None:
    names = ["b.txt", "a/z", "a/b/c", "a-b/x", "a.txt", "B/1", "a/b.c", "é"]
    fill(base, *names)

    assert found(base) == sorted(names, key=lambda name: name.split("/"))


def test_the_limit_comes_after_sorting(base: Path) -> None:
    fill(base, *(f"{n:03}.txt" for n in reversed(range(200))))

    assert found(base, limit=3) == ["000.txt", "001.txt", "002.txt"]


TREE = ["a.md", "b.txt", "docs/c.md", "docs/api/d.md", "docs/api/e.txt", "x.md/f.txt", "[z].md", "src/docs/g.md"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("**/*", TREE),
        ("**", TREE),
        ("*", ["a.md", "b.txt", "[z].md"]),
        ("*.md", ["a.md", "[z].md"]),
        ("./*.md", ["a.md", "[z].md"]),
        ("**/*.md", ["a.md", "docs/c.md", "docs/api/d.md", "[z].md", "src/docs/g.md"]),
        ("docs/*.md", ["docs/c.md"]),
        ("docs/**/*.md", ["docs/c.md", "docs/api/d.md"]),
        ("docs/**", ["docs/c.md", "docs/api/d.md", "docs/api/e.txt"]),
        ("**/docs/*.md", ["docs/c.md", "src/docs/g.md"]),
        ("*/*/*.md", ["docs/api/d.md", "src/docs/g.md"]),
        ("?.md", ["a.md"]),
        ("[ab].*", ["a.md", "b.txt"]),
        ("[!a].*", ["b.txt"]),
        ("[[]z].md", ["[z].md"]),
        ("**/[c-d].md", ["docs/c.md", "docs/api/d.md"]),
        ("docs", []),
        ("A.md", []),
        ("docs/a**.md", []),
    ],
)
def test_a_pattern_is_a_glob_from_the_base_folder(base: Path, pattern: str, expected: list[str]) -> None:
    fill(base, *TREE)

    assert sorted(found(base, pattern=pattern)) == sorted(expected)


@pytest.mark.parametrize("pattern", ["/etc/*", "../*", "a/../../b", "~/x", "", "docs/", "a//b", "[z-a]"])
def test_a_pattern_that_names_no_files_below_the_base_is_refused(base: Path, pattern: str) -> None:
    assert "enumerator.pattern" in refusal("file", base_directory=str(base), pattern=pattern)


def test_folders_that_cannot_hold_a_match_are_not_looked_into() -> None:
    with folder_of_a_stranger() as folder:
        fill(folder, "docs/a.md", "secret/b.md")
        (folder / "secret").chmod(0)
        with as_nobody():
            assert found(folder, pattern="docs/**/*.md") == ["docs/a.md"]
            assert found(folder, pattern="*.txt") == []


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["*.log"], ["a.txt", "build/x.txt", "src/build/y.txt", "src/keep.txt"]),
        (["build/"], ["a.log", "a.txt", "src/b.log", "src/keep.txt"]),
        (["/build"], ["a.log", "a.txt", "src/b.log", "src/build/y.txt", "src/keep.txt"]),
        (["*.log", "!src/b.log"], ["a.txt", "build/x.txt", "src/b.log", "src/build/y.txt", "src/keep.txt"]),
        (["src/**/*.txt", "build"], ["a.log", "a.txt", "src/b.log"]),
        (["*"], []),
    ],
)
def test_exclude_patterns_are_in_the_style_of_gitignore(base: Path, patterns: list[str], expected: list[str]) -> None:
    fill(base, "a.log", "a.txt", "build/x.txt", "src/b.log", "src/build/y.txt", "src/keep.txt")

    assert found(base, exclude_patterns=patterns) == expected


def test_hidden_means_any_hidden_part_of_the_path(base: Path) -> None:
    fill(base, "a", ".b", ".git/c", "d/.e/f/g", "d/h")

    assert found(base) == ["a", "d/h"]
    assert found(base, include_hidden=True) == [".b", ".git/c", "a", "d/.e/f/g", "d/h"]


def test_a_hidden_part_above_the_base_folder_does_not_count(tmp_path: Path) -> None:
    fill(tmp_path, ".hidden/base/a")

    assert found(tmp_path / ".hidden/base") == ["a"]


def test_gitignore_files_count_at_every_level_on_request(base: Path) -> None:
    fill(base, "a.log", "b.txt", "sub/c.log", "sub/d.txt", "sub/deep/e.txt", "out/f.txt", "sub/out/g.txt", ".git/h")
    (base / ".gitignore").write_text("# rules\n*.log\n/out/\n")
    (base / "sub/.gitignore").write_bytes("\ufeff!c.log\r\ndeep/\r\n[z-a]\n!\n".encode())

    assert "a.log" in found(base)
    assert found(base, respect_gitignore=True) == ["b.txt", "sub/c.log", "sub/d.txt", "sub/out/g.txt"]
    assert ".git/h" not in found(base, respect_gitignore=True, include_hidden=True)


def test_gitignore_files_above_the_base_count_up_to_the_repository(tmp_path: Path) -> None:
    fill(tmp_path, "repo/pkg/src/a.txt", "repo/pkg/src/b.log", "repo/pkg/src/c.tmp", "repo/pkg/src/only/d.txt")
    (tmp_path / ".gitignore").write_text("a.txt\n")
    (tmp_path / "repo/.gitignore").write_text("*.log\n/pkg/src/only/\n")
    (tmp_path / "repo/pkg/.gitignore").write_text("*.tmp\n")
    (tmp_path / "repo/.git").mkdir()

    assert found(tmp_path / "repo/pkg/src", respect_gitignore=True) == ["a.txt"]
    # Who names an ignored folder wants what is in it.
    assert found(tmp_path / "repo/pkg/src/only", respect_gitignore=True) == ["d.txt"]


def test_linked_folders_are_not_followed(base: Path, tmp_path: Path) -> None:
    fill(base, "real/a.txt")
    fill(tmp_path, "outside/b.txt")
    (base / "inner").symlink_to(base / "real")
    (base / "outer").symlink_to(tmp_path / "outside")
    (base / "real/loop").symlink_to(base)

    assert found(base) == ["real/a.txt"]
    assert warned(base) == ["3 linked folders were not followed, first: 'inner'"]
    assert warned(base, pattern="**/*.txt") == ["3 linked folders were not followed, first: 'inner'"]


def test_a_linked_file_counts_only_if_it_stays_below_the_base(base: Path, tmp_path: Path) -> None:
    fill(base, "a.txt", "sub/b.txt")
    fill(tmp_path, "secret.txt", "base-of-another/c.txt")
    (base / "inside.txt").symlink_to("sub/b.txt")
    (base / "outside.txt").symlink_to(tmp_path / "secret.txt")
    (base / "twice.txt").symlink_to(base / "outside.txt")
    (base / "neighbour.txt").symlink_to(tmp_path / "base-of-another/c.txt")

    items = read("file", base_directory=str(base))

    assert [item.key for item in items] == ["a.txt", "inside.txt", "sub/b.txt"]
    assert items[1].payload["file_path"] == str(base / "inside.txt")
    assert items[1].payload["file_size"] == len("sub/b.txt")
    assert warned(base) == ["3 links that leave base_directory were passed over, first: 'neighbour.txt'"]


def test_a_base_folder_may_be_a_link(base: Path, tmp_path: Path) -> None:
    fill(base, "a.txt")
    (base / "b.txt").symlink_to(base / "a.txt")
    (tmp_path / "link").symlink_to(base)

    assert found(tmp_path / "link") == ["a.txt", "b.txt"]


def test_links_that_lead_nowhere_are_passed_over(base: Path) -> None:
    (base / "gone").symlink_to(base / "nothing")
    (base / "self").symlink_to(base / "self")

    (first, _) = warned(base)

    assert first == "2 links that lead nowhere or files that vanished were passed over, first: 'gone'"


def test_pipes_and_sockets_are_passed_over(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(base, "a")
    os.mkfifo(base / "pipe")
    monkeypatch.chdir(base)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("sock")

    assert found(base) == ["a"]
    assert warned(base) == [
        "2 things that are not regular files (pipes, sockets, devices) were passed over, first: 'pipe'"
    ]


def test_a_gitignore_that_is_a_pipe_does_not_stop_the_reading(base: Path) -> None:
    fill(base, "a")
    os.mkfifo(base / ".gitignore")

    assert found(base, respect_gitignore=True) == ["a"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_a_name_that_is_not_utf8_is_told_and_can_be_excluded(base: Path) -> None:
    fill(base, "a.txt")
    (Path(os.fsdecode(os.fsencode(base) + b"/caf\xe9.txt"))).write_text("x")

    told = complaint("file", base_directory=str(base))

    assert r"file b'caf\xe9.txt': its name is not valid UTF-8; rename it, or exclude it" in told
    assert found(base, exclude_patterns=["caf*.txt"]) == ["a.txt"]


@pytest.mark.parametrize("name", ["new\nline.txt", 'quo"te{{x}}.txt', "-rf", "a\\b", "#x", "!y", " z "])
def test_odd_names_are_just_names(base: Path, name: str) -> None:
    fill(base, name)

    assert found(base) == [name]


def test_a_folder_without_permission_is_told_and_can_be_excluded() -> None:
    with folder_of_a_stranger() as folder:
        fill(folder, "a.txt", "locked/b.txt")
        (folder / "locked").chmod(0)
        with as_nobody():
            told = complaint("file", base_directory=str(folder))
            assert f"'{folder}/locked': Permission denied; give this user read access to it, or exclude it" in told
            assert found(folder, exclude_patterns=["locked/"]) == ["a.txt"]


def test_a_link_into_a_place_without_permission_is_passed_over() -> None:
    with folder_of_a_stranger() as outside, folder_of_a_stranger() as folder:
        fill(folder, "a.txt")
        fill(outside, "private/b.txt")
        (folder / "link.txt").symlink_to(outside / "private/b.txt")
        (outside / "private").chmod(0)
        with as_nobody():
            assert found(folder) == ["a.txt"]
            assert "'link.txt'" in warned(folder)[0]


def test_a_base_folder_that_is_none_is_told(base: Path) -> None:
    fill(base, "a.txt")

    assert "no such folder" in complaint("file", base_directory=str(base / "none"))
    assert "is a file; name its folder" in complaint("file", base_directory=str(base / "a.txt"))


def test_a_path_of_more_than_1024_characters_is_told(base: Path) -> None:
    fill(base, "/".join(["d" * 200] * 6) + "/f")

    assert "file 1: 'relative_path' has 1207 characters" in complaint("file", base_directory=str(base))


@pytest.mark.parametrize(
    ("config", "warning"),
    [
        ({"pattern": "*.pdf"}, "0 files match '*.pdf' in {}; '**/*.pdf' would match some"),
        ({"pattern": "sub"}, "0 files match 'sub' in {}; 'sub/**/*' would match some"),
        ({"pattern": "**/*.env"}, "0 files match '**/*.env' in {}; with include_hidden it would match some"),
        ({"pattern": "**/*.{pdf,txt}"}, "0 files match '**/*.{{pdf,txt}}' in {}; braces stand for themselves"),
        ({"pattern": "*.xyz"}, "0 files match '*.xyz' in {}"),
    ],
)
def test_a_pattern_that_matches_nothing_is_warned_of_with_what_would(
    base: Path, config: dict[str, Any], warning: str
) -> None:
    fill(base, "sub/a.pdf", "sub/.hidden/b.env")

    (told,) = warned(base, **config)

    assert told.startswith(warning.format(base))


def test_an_empty_folder_is_warned_of(base: Path) -> None:
    assert warned(base) == [f"0 files match '**/*' in {base}"]


def test_the_search_for_what_was_meant_ends_in_time(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "HINT_S", 0.0)
    fill(base, "sub/a.pdf")

    assert warned(base, pattern="*.pdf") == [f"0 files match '*.pdf' in {base}"]


def test_warnings_are_of_the_last_reading(base: Path) -> None:
    enumerator = build({"type": "file", "base_directory": str(base)})
    list(enumerator.items())
    assert enumerator.warnings()
    fill(base, "a")

    list(enumerator.items())

    assert enumerator.warnings() == []


def test_a_slash_at_the_end_of_the_base_changes_nothing(base: Path) -> None:
    fill(base, "a")

    assert read("file", base_directory=f"{base}//") == read("file", base_directory=str(base))


def test_a_folder_that_vanishes_meanwhile_is_warned_of(base: Path) -> None:
    fill(base, "a/1", "b/2", "c/3")
    enumerator = build({"type": "file", "base_directory": str(base)})
    items = enumerator.items()
    first = next(items).key
    (base / "b/2").unlink()
    (base / "b").rmdir()

    assert [first, *(item.key for item in items)] == ["a/1", "c/3"]
    assert enumerator.warnings() == ["1 folders vanished while they were being listed, first: 'b/'"]
