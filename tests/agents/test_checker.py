"""A job's check: real programs under every guard, and nothing of them is left."""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from test_claude_support import tree

from batchproc.agents import guard
from batchproc.agents.checker import Checked, Checker
from tests.conftest import wait_until

SHELL = "/bin/sh"


@pytest.fixture(params=["best", "pdeathsig", "none"])
async def checker(request: pytest.FixtureRequest) -> Checker:
    """With the best guard of this machine, and with those that leave the end to us."""
    best = await guard.probe(Path(SHELL))
    tied = best if request.param == "best" else guard.Guard(name=request.param, cli=Path(SHELL))
    return Checker(guard=tied, tag=uuid.uuid4().hex)


async def run(checker: Checker, place: Path, *command: str, answer: bytes = b"{}", limit_s: float = 10) -> Checked:
    return await checker.run(command, answer, directory=place, name="x", limit_s=limit_s)


async def shell(checker: Checker, place: Path, script: str, *, limit_s: float = 10) -> Checked:
    return await run(checker, place, SHELL, "-c", script, limit_s=limit_s)


async def test_it_reads_the_answer_and_its_exit_code_and_last_words_count(checker: Checker, tmp_path: Path) -> None:
    assert await shell(checker, tmp_path, "cat >/dev/null") == Checked(exit_code=0)
    program = (
        "import json, sys; print(json.load(sys.stdin)['n'], flush=True); print('no', file=sys.stderr); sys.exit(3)"
    )
    answer = json.dumps({"n": "ü" * 100_000}, ensure_ascii=False).encode()
    checked = await run(checker, tmp_path, sys.executable, "-c", program, answer=answer)
    assert checked.exit_code == 3 and checked.said.endswith("ü\nno") and len(checked.said.encode()) <= 4_000


async def test_one_that_does_not_listen_or_says_too_much_is_heard_to_its_end(checker: Checker, tmp_path: Path) -> None:
    program = "import sys; sys.stdin.close(); [print('x' * 1000) for _ in range(50_000)]; print('end'); sys.exit(1)"
    checked = await run(checker, tmp_path, sys.executable, "-c", program, answer=b"x" * 1_000_000, limit_s=60)
    assert checked.exit_code == 1 and checked.said.endswith("end")


async def test_it_works_in_a_folder_of_its_own_without_a_credential(
    checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "BATCHPROC_HOME", "PYTHONPATH"):
        monkeypatch.setenv(name, "the-secret")
    checked = await shell(checker, tmp_path / "deep", "pwd; env; echo x > here; exit 1")
    assert checked.said.splitlines()[0] == str(tmp_path / "deep/check")
    assert "the-secret" not in checked.said and "PATH=" in checked.said and (tmp_path / "deep/check/here").exists()


async def test_too_long_ends_all_of_it(checker: Checker, tmp_path: Path) -> None:
    began = time.monotonic()
    checked = await shell(checker, tmp_path, "trap '' TERM; setsid sleep 300 & sleep 300 & echo up; wait", limit_s=2)
    assert checked == Checked(exit_code=None, said="up") and time.monotonic() - began < 8
    await wait_until(lambda: not tree(checker.tag), "nothing of it is left", 5)


async def test_children_that_hold_its_output_do_not_hold_us(checker: Checker, tmp_path: Path) -> None:
    began = time.monotonic()
    assert (await shell(checker, tmp_path, "setsid sleep 300 & echo done")).said == "done"
    assert time.monotonic() - began < 8
    await wait_until(lambda: not tree(checker.tag), "nothing of it is left", 5)


async def test_cancelled_it_is_gone(checker: Checker, tmp_path: Path) -> None:
    running = asyncio.create_task(shell(checker, tmp_path, "setsid sleep 300 & touch up; sleep 300", limit_s=60))
    await wait_until(lambda: (tmp_path / "check/up").exists(), "it runs", 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await wait_until(lambda: not tree(checker.tag), "nothing of it is left", 5)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/nowhere/at/all"], "/nowhere/at/all"),
        (["/etc/passwd"], "/etc/passwd"),
        ([SHELL, "-c", "no-such-program"], "exit 127"),
        ([SHELL, "-c", "/etc/passwd"], "exit 126"),
    ],
)
async def test_one_that_cannot_be_run_is_no_verdict(
    checker: Checker, tmp_path: Path, command: Sequence[str], said: str
) -> None:
    checked = await run(checker, tmp_path, *command)
    assert checked.problem is not None and said in checked.problem


async def test_a_script_without_an_interpreter_is_no_verdict(checker: Checker, tmp_path: Path) -> None:
    path = tmp_path / "check.py"
    path.write_text("#!/nowhere/python\n")
    path.chmod(0o700)
    assert (await run(checker, tmp_path, str(path))).problem is not None


async def test_many_at_a_time_do_not_stop_the_loop(checker: Checker, tmp_path: Path) -> None:
    worst, last = 0.0, time.monotonic()
    runs = [
        asyncio.create_task(
            checker.run([SHELL, "-c", "sleep 1"], b"{}", directory=tmp_path / str(n), name=str(n), limit_s=30)
        )
        for n in range(8)
    ]
    while not all(run.done() for run in runs):
        await asyncio.sleep(0.005)
        worst, last = max(worst, time.monotonic() - last), time.monotonic()
    assert [(await run).exit_code for run in runs] == [0] * 8
    assert worst < 5, "one after the other would take eight"
