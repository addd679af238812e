"""Plug-ins: what another distribution brings is a kind like ours, and a broken one harms nobody else."""

import inspect
import json
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import batchproc
from batchproc.enumerators import KINDS, build, catalogue
from batchproc.enumerators.contract import EnumeratorContract
from batchproc.errors import InvalidJob, UnknownEnumerator

COUNTER = '''
from collections.abc import Mapping
from pydantic import Field
from batchproc.enumerators import Config
from batchproc.errors import SourceError
from batchproc.models import Item

class CounterConfig(Config):
    """How far to count."""
    up_to: int = Field(20, ge=1, description="The last number")
    limit: int | None = Field(None, ge=1, description="Take only the first so many items")

class Counter:
    kind = "counter"
    about = "Numbers from one to a last one; one item each"
    config_model = CounterConfig
    example = {"up_to": 3}
    place = "number"
    source = "the numbers"

    def __init__(self, config):
        self._config = config

    def items(self):
        if self._config.up_to > 10_000:
            raise SourceError(self.source, "there are not so many; count to 10,000 at most")
        for n in range(1, min(self._config.up_to, self._config.limit or self._config.up_to) + 1):
            yield Item(f"n{n}", {"n": n, "square": {"of": n, "is": n * n}}, n)

    def warnings(self):
        return []
'''

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a distribution where Python finds it, as pip leaves it: a module, and its .dist-info."""
    site = tmp_path / "site"

    def put(name: str, kinds: dict[str, str], code: str, version: str = "1.2") -> Path:
        module = name.replace("-", "_")
        site.mkdir(exist_ok=True)
        (site / f"{module}.py").write_text(code)
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
        lines = [f"{kind} = {module}:{value}" for kind, value in kinds.items()]
        (info / "entry_points.txt").write_text("\n".join(["[batchproc.enumerators]", *lines, ""]))
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, module, raising=False)
        return site

    return put


def entry(kind: str) -> dict[str, Any]:
    return next(each for each in catalogue() if each["type"] == kind)


def refused(kind: str) -> str:
    with pytest.raises(InvalidJob) as told:
        build({"type": kind})
    return str(told.value)


def test_a_plug_in_is_a_kind_like_ours(install: Install) -> None:
    install("batchproc-counter", {"counter": "Counter"}, COUNTER)

    found = list(build({"type": "counter", "up_to": 2}).items())

    assert found == [
        ("n1", {"n": 1, "square": {"of": 1, "is": 1}}, 1),
        ("n2", {"n": 2, "square": {"of": 2, "is": 4}}, 2),
    ]
    assert entry("counter")["example"] == {"type": "counter", "up_to": 3}
    assert entry("counter")["schema"]["properties"]["up_to"]["description"] == "The last number"
    assert "counter" in KINDS and {"counter", "csv"} <= set(KINDS)


def test_its_settings_are_checked_like_ours(install: Install) -> None:
    install("batchproc-counter", {"counter": "Counter"}, COUNTER)

    with pytest.raises(InvalidJob, match=r"enumerator.upto = 3: no such setting of 'counter'; did you mean 'up_to'\?"):
        build({"type": "counter", "upto": 3})
    with pytest.raises(InvalidJob, match=r"enumerator.up_to = 0: it should be greater than or equal to 1"):
        build({"type": "counter", "up_to": 0})


def test_an_unknown_type_is_told_with_those_of_plug_ins_too(install: Install) -> None:
    install("batchproc-counter", {"counter": "Counter"}, COUNTER)

    with pytest.raises(UnknownEnumerator, match="known types are counter, csv, dynamic, excel"):
        build({"type": "abacus"})


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import no_such_library", "does not load: ModuleNotFoundError: No module named 'no_such_library'"),
        ("1 / 0", "does not load: ZeroDivisionError"),
        ("raise SystemExit(3)", "does not load: SystemExit: 3"),
        ("def broken(:", "does not load: SyntaxError"),
        ("Other = 1", "does not load: AttributeError"),
        ("Counter = 5", "is no class but a int"),
        ("class Counter: pass", "lacks kind, about, config_model, example, place, source, items, warnings"),
        (COUNTER.replace('kind = "counter"', 'kind = "other"'), "calls its kind 'other'"),
        (COUNTER.replace("config_model = CounterConfig", "config_model = dict"), "has a config_model that is no"),
    ],
)
def test_a_broken_plug_in_is_told_by_its_name_and_harms_nobody_else(install: Install, code: str, problem: str) -> None:
    install("batchproc-counter", {"counter": "Counter"}, code)

    assert build({"type": "list", "items": [1]}).kind == "list"
    told = refused("counter")
    assert told.startswith(
        "enumerator.type = 'counter': the plug-in batchproc-counter 1.2 (batchproc_counter:Counter) "
    )
    assert problem in told and told.endswith("; update or uninstall it")
    assert entry("counter")["about"].startswith("cannot be used: the plug-in batchproc-counter 1.2")
    assert problem in entry("counter")["about"]
    assert entry("csv")["about"].startswith("Rows of a CSV")


def test_a_plug_in_that_cannot_be_described_is_listed_with_the_reason(install: Install) -> None:
    install("batchproc-counter", {"counter": "Counter"}, COUNTER.replace('example = {"up_to": 3}', "example = 3"))

    assert "cannot be described" in entry("counter")["about"]


def test_two_that_offer_the_same_type_are_both_named(install: Install) -> None:
    install("batchproc-counter", {"counter": "Counter"}, COUNTER)
    install("other-counter", {"counter": "Counter"}, COUNTER, version="0.1")

    told = refused("counter")

    assert "both the plug-in batchproc-counter 1.2 (batchproc_counter:Counter)" in told
    assert "and the plug-in other-counter 0.1 (other_counter:Counter) offer this type; uninstall one of them" in told
    assert entry("counter")["about"].startswith("cannot be used: both the plug-in")


def test_a_type_of_ours_cannot_be_replaced(install: Install) -> None:
    install("batchproc-counter", {"csv": "Counter"}, COUNTER.replace('"counter"', '"csv"'))

    assert type(build({"type": "csv", "file_path": "/a.csv"})).__module__ == "batchproc.enumerators.csv"
    good, bad = [each["about"] for each in catalogue() if each["type"] == "csv"]
    assert good.startswith("Rows of a CSV")
    assert "the plug-in batchproc-counter 1.2 (batchproc_counter:Counter) offers this type too" in bad
    assert "batchproc's own is used" in bad


def test_what_it_prints_while_it_loads_does_not_reach_stdout(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("batchproc-counter", {"counter": "Counter"}, "print('hello')\n" + COUNTER)

    build({"type": "counter"})

    assert capsys.readouterr() == ("", "hello\n")


def test_it_is_loaded_only_when_it_is_asked_for(install: Install) -> None:
    install("batchproc-counter", {"counter": "Counter"}, COUNTER)

    build({"type": "csv", "file_path": "/a.csv"})

    assert "batchproc_counter" not in sys.modules


# --- the contract, as a third party runs it


def write_test(folder: Path, up_to: int) -> Path:
    path = folder / "test_mine.py"
    path.write_text(
        textwrap.dedent(f"""
        from batchproc.enumerators.contract import EnumeratorContract

        class TestMine(EnumeratorContract):
            def spec(self, folder):
                return {{"type": "counter", "up_to": {up_to}}}

            def a_missing_source(self, folder):
                return {{"type": "counter", "up_to": 20_000}}
        """)
    )
    return path


def run_pytest(test: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={test.parent}", str(test)],
        env=python_path(site),
        cwd=test.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_third_party_can_run_the_contract(install: Install, tmp_path: Path) -> None:
    site = install("batchproc-counter", {"counter": "Counter"}, COUNTER)

    ran = run_pytest(write_test(tmp_path, 20), site)

    assert ran.returncode == 0, ran.stdout
    assert "passed" in ran.stdout and "failed" not in ran.stdout and "skipped" not in ran.stdout


def test_a_third_party_is_told_which_promise_was_broken(install: Install, tmp_path: Path) -> None:
    site = install("batchproc-counter", {"counter": "Counter"}, COUNTER.replace('f"n{n}"', "n"))

    ran = run_pytest(write_test(tmp_path, 20), site)

    assert ran.returncode == 1
    assert "the key of row 1 is a int: 1; it has to be a str" in ran.stdout
    assert "1 failed" in ran.stdout


def test_a_plug_in_that_pip_installed_is_found(tmp_path: Path) -> None:
    """The way of a real user: a wheel, installed by pip, used in a process of its own."""
    wheel, site = tmp_path / "batchproc_counter-1.2-py3-none-any.whl", tmp_path / "site"
    info = "batchproc_counter-1.2.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("batchproc_counter.py", COUNTER)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.4\nName: batchproc-counter\nVersion: 1.2\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/entry_points.txt", "[batchproc.enumerators]\ncounter = batchproc_counter:Counter\n")
        archive.writestr(f"{info}/RECORD", "")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run(pip, check=True, capture_output=True, timeout=200)
    program = (
        "import json; from batchproc.enumerators import build\n"
        "print(json.dumps([item.key for item in build({'type': 'counter'}).items()]))"
    )

    out = subprocess.check_output([sys.executable, "-c", program], env=python_path(site), text=True)

    assert json.loads(out) == [f"n{n}" for n in range(1, 21)]


def python_path(site: Path) -> dict[str, str]:
    return {"PYTHONPATH": f"{site}:{Path(batchproc.__file__).parents[1]}", "PATH": "/usr/bin:/bin"}


# --- negative controls: what the contract has to find

YIELD = 'yield Item(f"n{n}", {"n": n, "square": {"of": n, "is": n * n}}, n)'
LOOP = "        for n in range(1, min(self._config.up_to, self._config.limit or self._config.up_to) + 1):"
MIXED = LOOP.replace("range", "random.sample(range").replace(" + 1):", " + 1), 20):")


def first(statement: str) -> tuple[str, str]:
    """A change: something is done before the first item."""
    return LOOP, f"        {statement}\n{LOOP}"


Change = tuple[str, str]
BROKEN: dict[str, tuple[Change, str]] = {
    "a key that is a number": (('f"n{n}"', "n"), "keys_are_text"),
    "a key that is there twice": (('f"n{n}"', 'f"n{n % 15}"'), "keys_are_text"),
    "an empty key": (('f"n{n}"', '" " * n'), "keys_are_text"),
    "a key without end": (('f"n{n}"', '"n" * 1024 + str(n)'), "keys_are_text"),
    "another order each time": ((LOOP, f"        import random\n{MIXED}"), "in_the_same_order"),
    "rows from zero": (("}}, n)", "}}, n - 1)"), "rows_are_counted"),
    "tuples for items": (("yield Item(", "yield ("), "rows_are_counted"),
    "NaN in a payload": (('"is": n * n', '"is": float("nan")'), "payloads_are_json"),
    "numbers for names": (('{"of": n', "{n: n"), "payloads_are_json"),
    "one payload for all": ((YIELD, 'self.p["n"] = n; yield Item(f"n{n}", self.p, n)'), "stays_what_it_was"),
    "a limit that is not kept": (("self._config.limit or self._config.up_to", "self._config.up_to"), "the_limit"),
    "a list for a generator": (
        ("def items(self):", "def items(self):\n        return list(self.all())\n\n    def all(self):"),
        "closing_early",
    ),
    "a file that stays open": (first("kept.append(open('/dev/null'))"), "reading_to_the_end"),
    "a process that stays": (
        first("import subprocess; kept.append(subprocess.Popen(['sleep', '5']))"),
        "closing_early",
    ),
    "the main thread only": (first("import signal; signal.signal(signal.SIGUSR1, signal.SIG_DFL)"), "another_thread"),
    "unknown settings taken": (
        ('    """How far to count."""', '    model_config = {"extra": "allow"}'),
        "unknown_setting",
    ),
    "a setting without a word": ((', description="The last number"', ""), "explains_every_setting"),
    "no warnings": (("return []", "return None"), "it_says_what_it_is"),
    "no place": (('place = "number"', 'place = ""'), "it_says_what_it_is"),
    "an error of Python": (("raise SourceError(self.source, ", "raise ValueError("), "missing_source"),
    "work at building": (
        ("self._config = config", "self._config = config; kept.append(open('/dev/null'))"),
        "building",
    ),
}


class Counting(EnumeratorContract):
    """Not collected: its name does not begin with Test."""

    def spec(self, folder: Path) -> dict[str, Any]:
        return {"type": "counter", "up_to": 20}

    def a_missing_source(self, folder: Path) -> dict[str, Any]:
        return {"type": "counter", "up_to": 20_000}


def failures(contract: EnumeratorContract, folder: Path) -> set[str]:
    """The tests that fail, each run as pytest would."""
    failed = set()
    for name, test in inspect.getmembers(contract, inspect.ismethod):
        if not name.startswith("test_"):
            continue
        values = {"source": dict(contract.spec(folder)), "tmp_path": folder}
        wanted = inspect.signature(test).parameters
        for after in (0, 1, 7) if "after" in wanted else (0,):
            try:
                test(**{key: value for key, value in {**values, "after": after}.items() if key in wanted})
            except Exception:
                failed.add(name)
    return failed


def test_the_contract_finds_nothing_wrong_with_a_sound_one(install: Install, tmp_path: Path) -> None:
    install("batchproc-counter", {"counter": "Counter"}, COUNTER)

    assert failures(Counting(), tmp_path) == set()


@pytest.mark.long
@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_contract_finds(install: Install, tmp_path: Path, fault: str) -> None:
    (old, new), test = BROKEN[fault]
    assert old in COUNTER
    code = COUNTER.replace(old, new).replace("class CounterConfig", "kept = []\n\nclass CounterConfig")
    code = code.replace("self._config = config", "self.p = {}\n        self._config = config", 1)
    install("batchproc-counter", {"counter": "Counter"}, code)

    found = failures(Counting(), tmp_path)

    for held in sys.modules["batchproc_counter"].kept:  # type: ignore[attr-defined]
        held.kill() if hasattr(held, "kill") else held.close()
        held.wait() if hasattr(held, "wait") else None
    assert any(test in name for name in found), found
