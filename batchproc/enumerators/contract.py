"""What every enumerator promises, as tests: for ours, and for those of a plug-in. Needs pytest.

    from batchproc.enumerators.contract import EnumeratorContract

    class TestMailbox(EnumeratorContract):
        def spec(self, folder):
            write_mailbox(folder / "box.mbox", letters=25)
            return {"type": "mailbox", "file_path": str(folder / "box.mbox")}

It goes by the door that jobs go by: the plug-in has to be installed. Each test fails with a sentence that says which
promise was broken. That memory stays constant is not tested here, because only you know how to make a large source.
"""

import gc
import json
import os
import sys
import threading
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from batchproc.enumerators import KINDS, Config, Enumerator, _common, _payload, build, catalogue
from batchproc.errors import InvalidJob, SourceError
from batchproc.models import Item

FEWEST = 10
"""Items that `spec` has to have: with fewer, no order can be seen."""

Spec = dict[str, Any]


class EnumeratorContract:
    """Subclass it, and say how to make a source."""

    def spec(self, folder: Path) -> Mapping[str, Any]:
        """Write a source of at least ten items below `folder`; return what a job would say in `enumerator`."""
        raise NotImplementedError("return {'type': …, …} of a source with at least ten items")

    def a_missing_source(self, folder: Path) -> Mapping[str, Any] | None:
        """The same for a source that is not there; None if yours cannot be missing."""
        return None

    @pytest.fixture
    def source(self, tmp_path: Path) -> Spec:
        return dict(self.spec(tmp_path))

    def test_the_type_names_the_class(self, source: Spec) -> None:
        enumerator, kind = build(source), source["type"]
        _require(enumerator.kind == kind, f"kind is {enumerator.kind!r}, but the type is {kind!r}")
        _require(enumerator.config_model is KINDS[kind].config_model, "config_model is not that of the class")

    def test_every_item_comes_once_and_in_the_same_order_at_every_reading(self, source: Spec) -> None:
        enumerator = build(source)
        first, again, other = _read(enumerator), _read(enumerator), _read(build(source))
        _require(len(first) >= FEWEST, f"spec has only {len(first)} items; make at least {FEWEST}")
        _require_same(first, again, "a second reading gave something else")
        _require_same(first, other, "another enumerator gave something else")

    def test_keys_are_text_and_each_is_there_once(self, source: Spec) -> None:
        keys: set[str] = set()
        for key, _, row in build(source).items():
            _require(type(key) is str, f"the key of row {row} is a {type(key).__name__}: {key!r}; it has to be a str")
            _require(0 < len(key) <= _common.MAX_KEY, f"the key of row {row} has {len(key)} characters")
            _require(not key.isspace(), f"the key of row {row} is empty")
            _require(key not in keys, f"the key {key!r} is there twice, again in row {row}")
            keys.add(key)

    def test_rows_are_counted_upwards_from_one(self, source: Spec) -> None:
        before = 0
        for item in build(source).items():
            _require(isinstance(item, Item), f"items are {type(item).__name__}; yield batchproc.models.Item")
            _require(type(item.row) is int and item.row > before, f"row {item.row!r} follows row {before}")
            before = item.row

    def test_payloads_are_json_without_loss(self, source: Spec) -> None:
        for key, payload, _ in build(source).items():
            _require(isinstance(payload, Mapping), f"the payload of {key!r} is a {type(payload).__name__}, not a dict")
            fault = _payload.fault(payload)
            _require(fault is None, f"the payload of {key!r}: {fault}")
            _require(json.loads(json.dumps(payload)) == payload, f"the payload of {key!r} changes when it is JSON")

    def test_an_item_stays_what_it_was_when_the_next_one_is_read(self, source: Spec) -> None:
        kept: list[tuple[Item, str]] = [(item, json.dumps(item.payload)) for item in build(source).items()]
        for item, then in kept:
            _require(
                json.dumps(item.payload) == then, f"the payload of {item.key!r} changed later; make a new one each"
            )

    def test_the_limit_takes_the_first_items(self, source: Spec) -> None:
        if "limit" not in build(source).config_model.model_fields:
            pytest.skip("it has no setting of this name")
        everything = _read(build(source))
        for limit in (1, 7, len(everything) + 5):
            found = _read(build({**source, "limit": limit}))
            _require(
                found == everything[:limit], f"with limit {limit} there are {len(found)} of {len(everything)} items"
            )
        _refused({**source, "limit": 0}, "limit")

    @pytest.mark.parametrize("after", [0, 1, 7])
    def test_closing_early_releases_everything(self, source: Spec, after: int) -> None:
        before = _held()
        items: Any = build(source).items()
        _require(hasattr(items, "close"), "items() has no close(): make it a generator")
        for _ in range(after):
            next(items)
        items.close()
        _require(_held() == before, f"closed after {after} items, it still holds files, processes or threads")

    def test_reading_to_the_end_releases_everything(self, source: Spec) -> None:
        before = _held()
        _read(build(source))
        _require(_held() == before, "read to its end, it still holds files, processes or threads")

    def test_it_can_be_read_on_another_thread(self, source: Spec) -> None:
        found: list[Any] = []

        def read() -> None:
            try:
                found.extend(_read(build(source)))
            except BaseException as error:
                found.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        _require_same(_read(build(source)), found, "on another thread it gave something else")

    def test_building_touches_nothing(self, source: Spec) -> None:
        kind = KINDS[source["type"]]
        before = _held()
        enumerator = build({"type": source["type"], **kind.example})
        _require(_held() == before, "it holds files, processes or threads before anything is read")
        _require(bool(enumerator.source), "source is empty")

    def test_an_unknown_setting_is_refused(self, source: Spec) -> None:
        _refused({**source, "colour_of_the_moon": "red"}, "colour_of_the_moon")

    def test_it_says_what_it_is(self, source: Spec) -> None:
        enumerator = build(source)
        for _ in enumerator.items():
            break
        for name in ("place", "source", "about"):
            text = getattr(enumerator, name)
            _require(isinstance(text, str) and bool(text.strip()), f"{name} is {text!r}; it has to be text")
        _require(len(enumerator.about) > 20, "about says too little; write a sentence")
        _require(issubclass(enumerator.config_model, Config), "config_model is no batchproc.enumerators.Config")
        texts = enumerator.warnings()
        _require(isinstance(texts, list) and all(isinstance(text, str) for text in texts), f"warnings() gave {texts!r}")

    def test_the_catalogue_explains_every_setting_and_has_an_example(self, source: Spec) -> None:
        entry = next(each for each in catalogue() if each["type"] == source["type"])
        for name, setting in entry["schema"]["properties"].items():
            _require(name == "type" or bool(setting.get("description")), f"the setting {name!r} has no description")
        known, used = set(entry["schema"]["properties"]), set(entry["example"])
        _require(len(used) > 1 and used <= known, f"the example uses {sorted(used)}, known are {sorted(known)}")

    def test_a_missing_source_is_told_by_its_name(self, tmp_path: Path) -> None:
        spec = self.a_missing_source(tmp_path)
        if spec is None:
            pytest.skip("no a_missing_source()")
        enumerator = build(spec)
        try:
            found = _read(enumerator)
        except SourceError as error:
            _require(enumerator.source in str(error), f"the error does not name {enumerator.source!r}: {error}")
        except Exception as error:
            _require(False, f"it raised {error!r}; raise batchproc.errors.SourceError with the way out")
        else:
            _require(False, f"it gave {len(found)} items and no error")


def _require(fact: bool, promise: str) -> None:
    """pytest explains bare asserts of test files only, and this is none."""
    if not fact:
        raise AssertionError(promise)


def _read(enumerator: Enumerator) -> list[Item]:
    return list(enumerator.items())


def _require_same(one: list[Any], other: list[Any], what: str) -> None:
    pairs = zip_longest(one, other, fillvalue="nothing")
    difference = next((f"{a!r}, then {b!r}" for a, b in pairs if a != b), None)
    _require(difference is None, f"{what}: {difference}")


def _refused(spec: Spec, setting: str) -> None:
    try:
        build(spec)
    except InvalidJob as error:
        _require(setting in str(error), f"the error does not name {setting!r}: {error}")
    else:
        _require(False, f"{setting} = {spec[setting]!r} was accepted")


def _held() -> tuple[int, frozenset[str], int]:
    """How many files, which processes and how many threads are ours. Files and processes on Linux only."""
    gc.collect()
    if sys.platform != "linux":
        return 0, frozenset(), threading.active_count()
    tasks = Path("/proc/self/task")
    ours = frozenset(pid for task in tasks.iterdir() for pid in (task / "children").read_text().split())
    return len(os.listdir("/proc/self/fd")), ours, threading.active_count()  # noqa: PTH208 - its own would count too
