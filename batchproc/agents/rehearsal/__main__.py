"""The rehearsal model as a process of its own: prints its URL, answers until SIGTERM."""

import argparse
import asyncio
import dataclasses
import signal
import sys
from pathlib import Path

from batchproc.agents.rehearsal import RehearsalModel, answers
from batchproc.agents.rehearsal.calls import Call, Reply


def main() -> None:
    """`--delay-s` makes every answer take that long, as a model would."""
    parser = argparse.ArgumentParser(prog="python -m batchproc.agents.rehearsal", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    parser.add_argument("--log", type=Path, help="file that gets one JSON line for each call")
    parser.add_argument("--delay-s", type=float, default=0.0, help="seconds before each answer")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.log, given.delay_s))


async def serve(port: int, log: Path | None, delay_s: float) -> None:
    def answer(call: Call) -> Reply:
        return dataclasses.replace(answers.answer(call), delay_s=delay_s)

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with RehearsalModel(answer, port=port, log=log, keep_calls=False) as model:
        sys.stdout.write(f"{model.url}\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    main()
