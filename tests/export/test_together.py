"""Two exports to one place, the second at the worst moment of the first."""

import hashlib
import json
import threading
from pathlib import Path

import pytest

from batchproc.columns import Kind
from batchproc.errors import InvalidJob
from batchproc.export import writing
from tests.export.support import made, write

COLUMNS = {"key": Kind.TEXT}


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "earlier"])
def test_a_file_and_its_ledger_are_of_the_same_export(tmp_path, monkeypatch, is_there):
    path = tmp_path / "x.csv"
    if is_there:
        write("csv", path, made(tmp_path, COLUMNS, [("first",)]))
    real, others, said = writing._require_unchanged, [], []

    def other():
        try:
            write("csv", path, made(tmp_path, COLUMNS, [("the other one",)]))
            said.append("written")
        except InvalidJob as error:
            said.append(str(error))

    def then_the_other(*args, **more):
        real(*args, **more)
        if not others:
            others.append(threading.Thread(target=other))
            others[0].start()
            others[0].join(1)  # as far as it comes while this one is not done

    monkeypatch.setattr(writing, "_require_unchanged", then_the_other)
    write("csv", path, made(tmp_path, COLUMNS, [("one",)]))
    others[0].join(10)
    told = json.loads(Path(f"{path}.ledger.json").read_text("utf-8"))
    assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert said == ["written"] or "somebody else wrote there meanwhile" in said[0]
