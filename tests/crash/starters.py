"""Eight processes that want to be the supervisor of one store at the same instant: `python -m tests.crash.starters`.

A process that has imported everything forks eight children a round; they wait at a pipe for the gun. On stdin: one line
for each round, `run` or `ensure`. On stdout: its eight outcomes as one JSON line, `taken`, `won`, or pid and epoch.
"""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from batchproc import settings
from batchproc.agents import guard
from batchproc.supervisor import process
from tests.crash.scripted import FastAgent
from tests.crash.scripted_house import ScriptedLauncher

STARTERS = 8


async def hire(tag: str) -> process.Hired:
    return process.Hired(agent=FastAgent(), guard="partial", sandbox=False, mark=guard.TAG)


async def run(known: settings.Settings, say: int) -> None:
    """Serve, or find it taken. Who wins says so once it answers the door."""

    async def watch() -> None:
        launcher = ScriptedLauncher(known)
        while True:
            hello = await launcher.hello()
            if hello is not None and hello["pid"] == os.getpid():
                os.write(say, json.dumps(["won", hello["pid"], hello["epoch"]]).encode() + b"\n")
                return
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    why = await process.run(known, hire)
    watching.cancel()
    if why == "taken":
        os.write(say, json.dumps(["taken", os.getpid(), 0]).encode() + b"\n")


async def ensure(known: settings.Settings, say: int) -> None:
    hello = await ScriptedLauncher(known).ensure()
    os.write(say, json.dumps(["met", hello["pid"], hello["epoch"]]).encode() + b"\n")


def starter(how: str, gun: int, say: int) -> None:
    """A child's life: waits for the gun, then tries."""
    os.setsid()
    os.dup2(2, 1)  # nobody who waits for the end of our parent's output is to wait for us
    os.read(gun, 1)
    asyncio.run({"run": run, "ensure": ensure}[how](settings.load(), say))


def race(how: str, victim: int | None) -> list[list[object]]:
    gun_out, gun_in = os.pipe()
    ear, mouth = os.pipe()
    for _ in range(STARTERS):
        if os.fork() == 0:
            os.close(gun_in)
            os.close(ear)
            with suppress(BaseException):
                starter(how, gun_out, mouth)
            os._exit(0)
    os.close(gun_out)
    os.close(mouth)
    if victim is not None:  # its lock falls free amid the race
        os.kill(victim, signal.SIGKILL)
    os.close(gun_in)  # the end of the pipe is the shot
    with os.fdopen(ear) as said:
        return [json.loads(said.readline() or "null") for _ in range(STARTERS)]


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        how, victim = line.split()
        print(json.dumps(race(how, int(victim) or None)), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
