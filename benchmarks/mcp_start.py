"""mcp_start: how long a client waits for our server, from spawning it until `initialize` is answered.

The peer is `bare_server.py`: the same SDK, the same Python, one trivial tool. The difference is what batchproc adds to
the SDK's own start: its tools, its instructions, its imports. Seven starts of each in turns, after one of each that
does not count (it writes the byte code); the median.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks import house
from benchmarks.comparison import Row, in_turns

ROUNDS = 7
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "benchmark", "version": "1"},
    },
}


async def measure() -> list[Row]:
    with house.folder() as place:
        environ = house.environment(place)

        async def ours() -> float:
            return start(house.ROOT / "mcp_server.py", environ)

        async def peer() -> float:
            return start(house.ROOT / "benchmarks" / "bare_server.py", environ)

        await in_turns(1, ours, peer)
        mine, bare = await in_turns(ROUNDS, ours, peer)
    return [Row(name="mcp_start", ours=mine, peer=bare, unit="ms", floor=1.3, sense="≤")]


def start(server: Path, environ: Mapping[str, str]) -> float:
    """Milliseconds until a server that was spawned has answered `initialize`."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, str(server)],
        cwd=house.ROOT,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
        child.stdin.flush()
        answer = json.loads(child.stdout.readline())
        took = time.perf_counter() - begun
        child.kill()
    assert answer["id"] == 1 and "serverInfo" in answer["result"], answer
    return took * 1000
