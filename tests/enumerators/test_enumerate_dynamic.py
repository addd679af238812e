"""Dynamic: Python of the user's own, run where it can do no harm."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from enumerate_help import refusal

from batchproc import approvals, enumerators
from batchproc.errors import BatchprocError, InvalidJob, SourceError
from batchproc.models import Item

linux = pytest.mark.skipif(sys.platform != "linux", reason="there is a sandbox on Linux only")


def source(code: str, **config: Any) -> enumerators.Enumerator:
    return enumerators.build(enumerators.carry({"type": "dynamic", "code": code, **config}))


def read(code: str, **config: Any) -> list[Item]:
    return list(source(code, **config).items())


def payloads(code: str, **config: Any) -> list[Any]:
    return [item.payload for item in read(code, **config)]


def complaint(code: str, error: type[BatchprocError] = SourceError, **config: Any) -> str:
    with pytest.raises(error) as told:
        read(code, **config)
    return str(told.value)


HELPERS = """
import math
from dataclasses import dataclass

BASE = 10

@dataclass
class Row:
    n: int

def square(n):
    return int(math.pow(n, 2)) + BASE

class Source:
    def __iter__(self):
        for n in range(3):
            yield {"n": square(Row(n).n)}

def enumerate_items(context):
    return Source()
"""


@linux
def test_imports_helpers_and_classes_of_the_top_level_work() -> None:
    assert payloads(HELPERS) == [{"n": 10}, {"n": 11}, {"n": 14}]


@linux
def test_objects_pairs_and_plain_values_are_items() -> None:
    code = "def enumerate_items(context):\n    return [{'a': 1}, ('k', {'b': 2}), (7, 'x'), 'plain', None, [1, (2, 3)]]"

    assert read(code) == [
        Item("1", {"a": 1}, 1),
        Item("k", {"b": 2}, 2),
        Item("7", {"value": "x"}, 3),
        Item("4", {"value": "plain"}, 4),
        Item("5", {"value": None}, 5),
        Item("6", {"value": [1, [2, 3]]}, 6),
    ]


@linux
def test_the_context_is_given_and_the_key_is_a_field() -> None:
    code = "def enumerate_items(context):\n    for n in range(context['n']): yield {'id': f'ü{n}', 'of': context['of']}"

    items = read(code, context={"n": 2, "of": {"deep": [1]}}, key_field="id")

    assert [(item.key, item.payload["of"]) for item in items] == [("ü0", {"deep": [1]}), ("ü1", {"deep": [1]})]


@linux
def test_dates_become_text_and_what_json_lacks_is_told_with_its_place() -> None:
    made = "import datetime as d\ndef enumerate_items(c):\n    yield {'at': d.date(2026, 1, 2)}\n    yield {'x': %s}"

    assert payloads(made % "1") == [{"at": "2026-01-02"}, {"x": 1}]
    assert "item 2, line 4: field 'x' is a Python set" in complaint(made % "{1}")
    assert "item 2, line 4: field 'x' is nan" in complaint(made % "float('nan')")
    assert "item 2, line 4: field 'x' is a whole number beyond 64 bits" in complaint(made % "2 ** 70")


@linux
def test_what_it_prints_and_logs_is_kept() -> None:
    code = """
import logging, os, sys
print("top")
def enumerate_items(context):
    print("out", 1)
    print("err", file=sys.stderr)
    logging.getLogger("mine").warning("logged")
    os.write(1, b"raw \\xff\\n")
    sys.stdout.write("no end of line")
    yield 1
"""
    reading = source(code)
    assert enumerators.logs(reading) == []

    assert len(list(reading.items())) == 1

    said = ["top", "out 1", "err", "WARNING mine: logged", "raw \\xff", "no end of line"]
    assert enumerators.logs(reading) == said


@linux
def test_endless_words_are_cut() -> None:
    reading = source("def enumerate_items(c):\n    for n in range(5000): print('x' * 3000)\n    return [1]")

    assert len(list(reading.items())) == 1

    logs = enumerators.logs(reading)
    assert len(logs) == 1001 and len(logs[0]) == 2000
    assert logs[-1] == "... and 4000 more lines, which were dropped"


@linux
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def enumerate_items(c):\n    rows = {}\n    return [rows['x']]", ", line 3: KeyError: 'x'"),
        ("import json\ndef enumerate_items(c):\n    return json.loads('{')", ", line 3: json.decoder.JSONDecodeError"),
        ("def enumerate_items(c):\n    yield 1\n    raise ValueError('my words')", ", line 3: ValueError: my words"),
        ("x = 1 / 0\ndef enumerate_items(c): return []", ", line 1: ZeroDivisionError"),
        ("def enumerate_items(c)\n    return []", ", line 1: this is no Python: expected ':'"),
        ("import nowhere_to_be_found", ", line 1: No module named 'nowhere_to_be_found'"),
        ("import sys\ndef enumerate_items(c):\n    sys.exit(3)", ", line 3: the code called exit (3)"),
        ("def enumerate_things(c): return []", "the code defines no function enumerate_items(context)"),
        ("enumerate_items = 5", "the code defines no function enumerate_items(context)"),
        ("def enumerate_items(c): print('x')", "returned a Python NoneType; return a list of items"),
        ("def enumerate_items(c): return {'a': 1}", "returned a Python dict"),
        ("async def enumerate_items(c): return []", "is asynchronous"),
        ("def enumerate_items(): return []", "takes 0 positional arguments"),
        ("def enumerate_items(c): return [(1.5, {})]", "item 1: the key is a Python float"),
        ("def enumerate_items(c): return [('', {})]", "item 1: 'key' is empty"),
        ("def enumerate_items(c): open('/etc/x', 'w')", "writes nowhere"),
    ],
)
def test_what_is_wrong_with_it_is_told_with_its_line(code: str, told: str) -> None:
    assert told in complaint(code)


@linux
def test_its_traceback_is_kept_without_ours() -> None:
    reading = source("def enumerate_items(c):\n    return helper()\n\ndef helper():\n    return undefined_name")
    with pytest.raises(SourceError, match=r"dynamic code, line 5: NameError"):
        list(reading.items())

    said = "\n".join(enumerators.logs(reading))
    assert "return undefined_name" in said and "line 2, in enumerate_items" in said
    assert "_dynamic_child" not in said


@linux
def test_the_limit_ends_it_early() -> None:
    code = "import itertools\ndef enumerate_items(c):\n    return itertools.count()"
    began = time.monotonic()

    assert [item.payload["value"] for item in read(code, limit=5)] == [0, 1, 2, 3, 4]
    assert time.monotonic() - began < 30


@linux
def test_a_slow_reader_loses_nothing() -> None:
    items = source("def enumerate_items(c):\n    for n in range(3000): yield {'n': n, 't': 'x' * 100}").items()
    next(items)
    time.sleep(0.5)

    assert sum(1 for _ in items) == 2999


@linux
def test_time_passes_while_nobody_reads() -> None:
    items = source("import itertools\ndef enumerate_items(c):\n    return itertools.count()", timeout_s=1).items()
    next(items)
    time.sleep(1.5)

    with pytest.raises(SourceError, match="took longer than 1 s"):
        for _ in items:
            pass


@linux
def test_installed_packages_may_be_imported_and_asyncio_works() -> None:
    code = "import asyncio, orjson, pydantic\nasync def f(): return orjson.dumps([1]).decode()\n"

    assert payloads(code + "def enumerate_items(c): return [asyncio.run(f())]") == [{"value": "[1]"}]


@linux
def test_only_named_folders_can_be_read(tmp_path: Path) -> None:
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(name)
    code = """
from pathlib import Path
def enumerate_items(context):
    for path in context["paths"]:
        yield Path(path).read_text() if Path(path).exists() else "not there"
"""
    context = {"paths": [str(tmp_path / "open/a.txt"), str(tmp_path / "closed/a.txt")]}

    found = payloads(code, context=context, read_directories=[str(tmp_path / "open")])

    assert found == [{"value": "open"}, {"value": "not there"}]


@linux
def test_code_from_a_file_is_read_once_and_told_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_bytes(b"\xef\xbb\xbfdef enumerate_items(context):\r\n    return [1]\r\n")
    spec = {"type": "dynamic", "code_file": str(file)}
    carried = enumerators.carry(spec)
    assert carried["code"] == "def enumerate_items(context):\n    return [1]\n"
    file.write_text("raise SystemExit('changed')")

    reading = enumerators.build(carried)

    assert [item.payload for item in reading.items()] == [{"value": 1}]
    assert reading.source == str(file)
    assert enumerators.carry(carried) == carried  # as often as you like
    with pytest.raises(SourceError, match="was not read"):
        list(enumerators.build(spec).items())
    broken = enumerators.carry(spec)
    with pytest.raises(SourceError, match=r"mine\.py, line 1: the code called exit"):
        list(enumerators.build(broken).items())


@linux
def test_what_a_person_allows_is_what_runs(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def enumerate_items(context):\n    return ['harmless']\n")
    spec = {"type": "dynamic", "code_file": str(file)}
    carried = enumerators.carry(spec)
    allowed = approvals.for_source(carried)
    assert allowed and "harmless" in allowed.text

    file.write_text("def enumerate_items(context):\n    return ['other']\n")

    assert [item.payload["value"] for item in enumerators.build(carried).items()] == ["harmless"]
    assert approvals.for_source(carried) == allowed
    now = approvals.for_source(enumerators.carry(spec))
    assert now and now.hash != allowed.hash


def test_everything_is_written_out_when_it_is_carried(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")

    carried = enumerators.carry({"type": "dynamic", "code": "x", "read_directories": [str(tmp_path / "link")]})

    assert carried == {
        "type": "dynamic",
        "code": "x",
        "code_file": None,
        "context": {},
        "read_directories": [str((tmp_path / "data").resolve())],
        "key_field": None,
        "timeout_s": 60.0,
        "limit": None,
    }


@linux
def test_a_folder_that_became_a_link_is_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    reading = source("def enumerate_items(c): return [1]", read_directories=[str(folder)])
    folder.rmdir()
    folder.symlink_to("/")

    with pytest.raises(SourceError, match="or a link by now"):
        list(reading.items())


def test_sources_that_are_data_are_carried_as_they_are() -> None:
    spec = {"type": "list", "items": [1]}

    assert enumerators.carry(spec) == spec


def test_building_and_carrying_run_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    spec = {"type": "dynamic", "code": f"open({str(mark)!r}, 'w').write('x')", "read_directories": [str(tmp_path)]}

    enumerators.build(enumerators.carry(spec)).items()

    assert not mark.exists()


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "give code, or code_file"),
        ({"code": ""}, "at least 1 character"),
        ({"code": "x", "timeout_s": 0}, "greater than or equal to 1"),
        ({"code": "x", "timeout_s": 10**6}, "less than or equal to 3600"),
        ({"code": "x\ud800"}, "valid string"),
        ({"code": "x", "context": {"a": "x" * 2**20}}, "larger than 1 MiB"),
        ({"code_file": "mine.py"}, "give an absolute path"),
        ({"code": "x", "read_directories": ["data"]}, "give an absolute path"),
        ({"code": "x", "read_directories": ["/"]}, "must stay hidden"),
        ({"code": "x", "read_directories": ["/proc/1"]}, "must stay hidden"),
        ({"code": "x", "memory": 5}, "no such setting"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(config: dict[str, Any], told: str) -> None:
    assert told in refusal("dynamic", **config)


def test_a_file_that_is_no_code_is_refused_at_the_door(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"# \xe4")
    (tmp_path / "empty.py").write_text(" \n")
    (tmp_path / "large.py").write_bytes(b"#" * 200_001)
    told = {
        "latin.py": "not UTF-8",
        "empty.py": "it is empty",
        "large.py": "more than 200000 bytes",
        "none.py": "no such file",
        "": "is a folder",
    }
    for name, problem in told.items():
        with pytest.raises(InvalidJob, match=problem):
            enumerators.carry({"type": "dynamic", "code_file": str(tmp_path / name)})


def test_a_folder_that_is_not_there_is_refused_at_the_door(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    for name, problem in {"none": "no such folder", "link": "must stay hidden"}.items():
        with pytest.raises(InvalidJob, match=problem):
            enumerators.carry({"type": "dynamic", "code": "x", "read_directories": [str(tmp_path / name)]})


MEMORY = """
import re
from batchproc import enumerators
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
code = "def enumerate_items(c):\\n    for n in range(200_000): yield {'n': n, 't': 'lorem ipsum ' * 5}"
items = enumerators.build(enumerators.carry({"type": "dynamic", "code": code})).items()
for _ in range(1000): next(items)
early = peak()
print(1000 + sum(1 for _ in items), peak() - early)
"""


@linux
def test_memory_does_not_grow_with_the_items() -> None:
    import subprocess

    count, grown = subprocess.check_output([sys.executable, "-c", MEMORY], env={**os.environ}).split()

    assert int(count) == 200_000
    assert int(grown) < 4096
