"""An export is killed right before each thing that it does to a folder: what stands there is whole, of one export."""

import hashlib
import json
import os
import subprocess
import sys

import pytest

from batchproc.columns import Kind
from batchproc.export import place as places
from tests.export.support import READ, ending, made, write

COLUMNS = {"key": Kind.TEXT}
KILLED = """
import os, signal, sys
from pathlib import Path
from batchproc.columns import Kind
from tests.export.support import made, write
name, path, store, last = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
done = 0
def counted(real):
    def call(*args, **more):
        global done
        done += 1
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **more)
    return call
for verb in ("open", "write", "fchmod", "fsync", "link", "rename", "unlink"):
    setattr(os, verb, counted(getattr(os, verb)))
write(name, path, made(store, {"key": Kind.TEXT}, [["new"]]))
"""


def exported(name, path, store, last) -> bool:
    """Whether it came to its end before it was to be killed."""
    start = [sys.executable, "-c", KILLED, name, str(path), str(store), str(last)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(start, env=environ, capture_output=True, timeout=60)
    assert done.returncode in {0, -9}, done.stderr.decode()
    return done.returncode == 0


def what_stands(name, path):
    return READ[name](path, COLUMNS) if path.exists() else None


@pytest.mark.long
@pytest.mark.parametrize("before", [None, [["old"]]], ids=["nothing", "an older one"])
@pytest.mark.parametrize("name", ["csv", "jsonl", "sqlite", "html"])
def test_at_no_moment_is_there_half_a_file_or_the_ledger_of_another(tmp_path, name, before):
    store, seen = tmp_path / "store", []
    store.mkdir()
    for last in range(1, 200):
        folder = tmp_path / str(last)
        folder.mkdir()
        path = folder / f"x{ending(name)}"
        if before:
            write(name, path, made(store, COLUMNS, before))
        is_done = exported(name, path, store, last)
        stands = what_stands(name, path)
        assert stands in (before, [["new"]]), last
        beside = folder / f"{path.name}.ledger.json"
        if beside.exists():
            assert json.loads(beside.read_text("utf-8"))["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest(), (
                last
            )
        seen.append(stands)
        again = stands is None or beside.exists() or name in {"sqlite", "html"}
        write(name, path, made(store, COLUMNS, [["later"]]), overwrite=not again)
        assert what_stands(name, path) == [["later"]]
        assert not [one for one in os.listdir(folder) if one.startswith(places.DRAFT)]
        if is_done:
            break
    assert is_done and seen[0] == before and seen[-1] == [["new"]] and len(seen) > 5
    assert seen == sorted(seen, key=lambda found: found == [["new"]]), "once it is there it stays"
