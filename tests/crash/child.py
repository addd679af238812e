"""What a scripted agent runs: a real process that does what its unit's key says, and tells of it in the effect log.

Started in its scratch folder as `python -I -S child.py LOG UNIT ATTEMPT SESSION KEY`; the kind stands after the last
dash of the key. It says JSON lines on stdout: messages, then one report. It writes its effects itself, one `write`
each, so that they tell what happened whoever was killed. Knows nothing of batchproc.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time
import zlib

BEAT_S = 0.04
KINDS = ("fail", "die", "empty", "flag", "ok", "slow", "once", "refuse", "stubborn", "stray", "flood", "limit", "disk")
OFTEN = ("ok", "slow", "flag", "once", "stubborn", "stray", "flood")
"""Those that need few attempts, or hold an agent for long."""
LONG = ("slow", "stubborn", "stray")
WRITERS = ("write", "write", "write", "writeslow", "writefail", "writehalf", "writelink", "writemore")
"""Those that write the files of their unit, `KEY.md` and `sub/KEY.json`: all well from their second attempt on."""


def content(key: str, n: int, name: str) -> str:
    """What attempt `n` of the unit writes into a file."""
    return f"{name}: {key}#{n}\n" * 100


class Stopped(Exception):
    """Somebody wants the bill now."""


class Child:
    def __init__(self, log: str, unit: str, n: str, session: str, key: str) -> None:
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.unit, self.n, self.session, self.key = int(unit), int(n), session, key
        self.kind = key.rpartition("-")[2]
        self.dice = zlib.crc32(f"{key}#{n}".encode())

    def tell(self, what: str, who: str = "main") -> None:
        """An effect. CLOCK_MONOTONIC is the same for all processes of the machine."""
        fact = {"t": time.monotonic(), "what": what, "unit": self.unit, "n": self.n, "who": who, "key": self.key}
        os.write(self.log, json.dumps(fact | {"session": self.session}).encode() + b"\n")

    def say(self, **said: object) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more: who is not guarded goes on all the same
            os.write(1, json.dumps(said).encode() + b"\n")

    def work(self, seconds: float, who: str = "main") -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.tell("beat", who)
            ready, _, _ = select.select([0], [], [], BEAT_S) if who == "main" else (time.sleep(BEAT_S), (), ())
            if ready and (asked := os.read(0, 100)) and self.kind != "stubborn" and b"stop" in asked:
                raise Stopped
            if ready and not asked:  # end of input: our starter is dead
                time.sleep(BEAT_S)

    def run(self) -> None:
        if self.kind == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.tell("start")
        self.say(kind="text", text=f"{self.key} begins")
        report = {"ended": "result", "subtype": "success", "api_calls": 1, "largest_request": 4000}
        report |= {"cost_usd": 0.005 + self.dice % 20 / 1000, "tokens": 4100}
        try:
            self.work(1.2 if self.kind in LONG else 0.08 + self.dice % 30 / 100)
            report |= self.act()
        except Stopped:
            report |= {"ended": "interrupted", "text": ""}
        self.tell("done")
        self.say(report=report)

    def act(self) -> dict:
        """What this kind does, and how it reports."""
        if self.kind != "limit":
            self.tell("tool")
            self.say(kind="tool_use", name="Touch")
        good = {"text": f"{self.key}#{self.n}", "tools_run": 1, "tools_done": 1}
        failed = {"is_error": True, "subtype": "error_during_execution", "text": "it did not work"}
        match self.kind:
            case "flag":
                return good | {"denied_tools": ["Bash"]}
            case "empty":
                return good | {"text": ""}
            case "fail":
                return failed | {"api_error_status": 500}
            case "once" if self.n % 2:
                return failed | {"api_error_status": 500}
            case "refuse":
                return failed | {"api_error_status": 400}
            case "limit" if self.n % 2:
                return failed | {"api_error_status": 429, "tools_run": 0}
            case "die":
                os._exit(3)
            case "flood":
                for _ in range(40):
                    os.write(2, b"noise " * 200 + b"\n")
            case "stray":
                self.leave_a_stray()
            case "writefail" if self.n == 1:
                self.write()
                return failed | {"api_error_status": 500}
            case kind if kind.startswith("write"):
                self.write()
        return good

    def write(self) -> None:
        os.mkdir("sub")
        self.fill(f"{self.key}.md")
        if self.kind == "writeslow":
            self.work(0.5)
        if self.kind == "writemore":
            self.fill("sub/draft.txt")
        if self.kind == "writelink" and self.n == 1:
            os.symlink(f"../{self.key}.md", f"sub/{self.key}.json")
        elif self.kind != "writehalf" or self.n > 1:
            self.fill(f"sub/{self.key}.json")

    def fill(self, name: str) -> None:
        with open(name, "w") as file:
            file.write(content(self.key, self.n, name))

    def leave_a_stray(self) -> None:
        """A grandchild in a session of its own that would go on for long."""
        if os.fork() == 0:
            os.setsid()
            self.work(20, who="stray")
            os._exit(0)


if __name__ == "__main__":
    Child(*sys.argv[1:]).run()
