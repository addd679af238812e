"""A rehearsal model in a process of its own, whose agents write files: `python -m tests.crash.far_model LOG FOLDER`.

It sees who still calls after a supervisor was killed. Each call is one line of the log, written when it comes in.
"""

import asyncio
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

from batchproc.agents.rehearsal import Call, RehearsalModel, Reply

ABOUT = re.compile(r"about (\w+)")


class Writer:
    """Asks for a Write into the shared folder, to a file named after the unit and the session, until one was done: a
    conversation that goes on may hold one that was asked for and never ran. Then it gives its result."""

    def __init__(self, log: Path, folder: Path) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._folder = folder

    def __call__(self, call: Call) -> Reply:
        fact = {"t": time.monotonic(), "session": call.session_id, "turn": call.turn}
        os.write(self._log, json.dumps(fact).encode() + b"\n")
        asked = {use.tool_use_id for use in call.tool_uses if use.name == "Write"}
        if any(result.tool_use_id in asked and not result.is_error for result in call.tool_results):
            return Reply(text="RESULT: written", delay_s=0.6)
        name = f"{ABOUT.search(call.prompt)[1]}-{call.session_id}.txt"
        written = {"file_path": str(self._folder / name), "content": "I was here"}
        return Reply(text="I begin.", tools=[("Write", written)], delay_s=0.3)


async def main(log: str, folder: str) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with RehearsalModel(Writer(Path(log), Path(folder)), keep_calls=False) as model:
        print(model.url, flush=True)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
