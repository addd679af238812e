"""All harnesses, two at a time, and one line of JSON at the end: `python -m tests.crash` (with BATCHPROC_CRASH).

One lane is what keeps the processors busy, the other what mostly waits: together they take little more than one.
"""

import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.crash.totals import Totals

HERE = Path(__file__).parent
WAITS = {
    *("supervisor_kills", "disk_full", "starters", "faces_killed", "readers_killed", "overspend_scripted", "controls"),
    *("pilot_kills", "soak", "output_kills"),
}


def lanes() -> list[list[str]]:
    every = sorted(HERE.glob("test_*.py"))
    waits = [str(path) for path in every if path.stem.removeprefix("test_") in WAITS]
    return [[str(path) for path in every if str(path) not in waits], waits]


def run(files: list[str], totals: Totals, codes: list[int]) -> None:
    """One lane, to its end; what it said is shown as soon as it is through."""
    with tempfile.TemporaryDirectory(prefix="crash-") as place:
        command = [sys.executable, "-m", "pytest", "-m", "crash", f"--basetemp={place}/t", "-p", "no:cacheprovider"]
        lane = subprocess.run([*command, *files], stdout=subprocess.PIPE, text=True, check=False)
    *said, line = lane.stdout.rstrip().split("\n")
    print("\n".join(said), flush=True)
    codes.append(lane.returncode)
    if line.startswith("{"):
        totals.merge(Totals(**json.loads(line)))
    else:
        print(line, flush=True)


def main() -> int:
    totals, codes = Totals(), list[int]()
    threads = [threading.Thread(target=run, args=(files, totals, codes)) for files in lanes()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(totals.line(), flush=True)
    return max([*codes, int(not totals.is_clean)])


if __name__ == "__main__":
    sys.exit(main())
