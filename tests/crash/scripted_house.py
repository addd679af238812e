"""A house of one's own whose supervisor is the real one, with agents that follow a script."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

from batchproc import settings
from batchproc.agents import guard
from batchproc.launcher import Launcher, scrubbed
from batchproc.models import Credential, Job, JobOptions, JobSpec, Order, UnitStatus
from batchproc.platform import processes
from batchproc.service import BatchService
from batchproc.store import backlog, control, db, engine, jobs, pilots
from batchproc.store import processes as owners
from batchproc.supervisor.process import tag_of
from tests.conftest import wait_until
from tests.crash import alive, effects, judge
from tests.crash.points import Point
from tests.crash.totals import Findings
from tests.e2e.conftest import environment

DEAD = -1
BY = Order(by="test")
ROOT = Path(__file__).parents[2]
MODEL = "claude-haiku-4-5"
"""A model that has a price: agents that follow a script cost what they say, and money is reserved for them."""


class ScriptedLauncher(Launcher):
    """Starts the supervisor with scripted agents instead of the CLI's."""

    def _start(self) -> None:
        self.start()

    def start(self) -> int:
        """Returns its pid."""
        home = self._settings.home
        environ = {**scrubbed(self._environ), "BATCHPROC_HOME": str(home), "PYTHONPATH": str(ROOT)}
        argv = [sys.executable, "-m", "tests.crash.scripted"]
        return processes.detach(argv, env=environ, log=home / "supervisor.log", cwd=ROOT)


class ScriptedHouse:
    """The verbs of the service, the effect log, and a hand on the supervisor's throat."""

    def __init__(self, store: db.Database, environ: Mapping[str, str], tag: str) -> None:
        self.environ, self.store, self.tag = environ, store, tag
        self.settings = settings.load(environ)
        self.home, self.log = self.settings.home, Path(environ["HOME"]).parent / "effects.jsonl"
        self.launcher = ScriptedLauncher(self.settings, environ)
        self.service = BatchService(store, self.launcher, self.settings, environ=environ)
        self.death_s = judge.DEATH_S
        self.deaths: dict[int, float] = {}
        self.watches: list[asyncio.Task[float | None]] = []

    def plan(self, **plan: Any) -> None:
        """How the next supervisors behave; see `tests.crash.scripted`."""
        text = json.dumps({"log": str(self.log), "guard": "namespaces", **plan})
        (self.home / "scripted.json").write_text(text)

    async def create(self, kinds: Iterable[str], **options: Any) -> tuple[str, int, list[str]]:
        """A job with one unit for each kind of `tests.crash.child`. Returns its id, its number and its keys."""
        keys = [f"{n:05}-{kind}" for n, kind in enumerate(kinds)]
        source = {"type": "list", "items": [{"key": key} for key in keys], "key_field": "key"}
        chosen = JobOptions(**{"model": MODEL, "profile": "answer", "breaker": 0, **options})
        spec = JobSpec(name="scripted", instructions="Do {{ key }}", enumerator=source, options=chosen)
        created = await self.service.create_job(spec)
        number = await self.read(lambda tx: tx.execute(NUMBER, {"id": created.job_id}).fetchone()[0])
        return created.job_id, number, keys

    async def read(self, verb: Any, *args: Any, **kwargs: Any) -> Any:
        return await self.store.read(verb, *args, **kwargs)

    async def supervisor(self, point: Point | None = None) -> int | None:
        """The pid of the supervisor that is alive, after starting one unless there is. None: it died of its point."""
        if point is not None:
            (self.home / "point.json").write_text(json.dumps(point.as_json()))
        started = None if self.launcher.is_alive else self.launcher.start()

        async def answers() -> int:
            if (hello := await self.launcher.hello()) is not None:
                return int(hello["pid"])
            return DEAD if started is not None and not alive.is_running(started) else 0

        pid = await wait_until(answers, "a supervisor answers, or is dead", 15)
        if pid != DEAD:
            return pid
        if point is None:
            raise AssertionError(f"it died; its log ends: {(self.home / 'supervisor.log').read_text()[-2000:]}")
        return None

    async def kill(self, pid: int | None) -> None:
        """SIGKILL, unless it has died of its point. From here on its agents are watched until they are gone."""
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await wait_until(lambda: not self.launcher.is_alive, "the last thread of the supervisor is dead", 5)
        self.note_death()
        epoch = await self.read(lambda tx: tx.execute(owners.CURRENT).fetchone()[0])
        if epoch is not None:
            self.deaths.setdefault(epoch, time.monotonic())  # one that never had an epoch has no agents

    def note_death(self) -> None:
        watch = alive.seconds_until_gone(self.tag, alive.now(), self.death_s)
        self.watches.append(asyncio.create_task(watch, name="watch over the dead"))

    async def start(self, job_id: str) -> Any:
        """Let all of a job run, without a pilot."""
        return await self.service.start_job(job_id, confirmed=True, skip_pilot=True)

    async def status(self, job_id: str) -> Any:
        return await self.service.get_status(job_id)

    async def finish(self, job_id: str, limit_s: float = 90) -> None:
        """Let the job come to its end, whatever it is paused for."""

        async def ended() -> bool:
            if await self.unblock(job_id):
                await self.launcher.ring()
            return (await self.status(job_id)).status == "completed"

        await self.supervisor()
        await wait_until(ended, f"{job_id} is completed", limit_s)

    async def unblock(self, job_id: str) -> bool:
        """What a person would do about a job that does not go on by itself; whether there was anything to do.

        Written to the store alone: whoever is the next supervisor finds it there.
        """
        job = await self.read(jobs.by_id, job_id)
        now = time.time()
        match job.status, job.reason:
            case "paused", "budget":
                more = {"budget_usd": job.options.budget_usd + 2.0}
                await self.store.write(control.change, job, BY, changes=more, now=now)
            case "paused", "user" | "credential" | "breaker" | "disk":
                await self._go_on(job, now)
            case "cancelled", _:
                which, again = (
                    backlog.Selection(status=UnitStatus.CANCELLED),
                    backlog.Again(credential=Credential.LOGIN),
                )
                with contextlib.suppress(backlog.StillCancelling):
                    await self.store.write(backlog.ask_again, job, which, again, BY, now=now)
            case _:
                return False
        return True

    async def _go_on(self, job: Job, now: float) -> None:
        if job.approved_at is not None:
            await self.store.write(jobs.start, job.number, credential=Credential.LOGIN, now=now)
        else:
            await self.store.write(pilots.resume, job.number, credential=Credential.LOGIN, order=BY, now=now)

    async def judge(self, job: int, keys: list[str], *, slots: int) -> Findings:
        """Of a job that has ended: rows and effect log together; orphans of every kill so far."""
        found = await self.read(judge.ended, job, keys)
        log = effects.read(self.log)
        epochs, answers = await self.read(judge.epochs), await self.read(judge.answers)
        did = judge.log(log, epochs, answers, self.deaths, slots=slots, death_s=self.death_s)
        found.calls_after_death, found.wrong = did.calls_after_death, found.wrong + did.wrong
        found.overspend_usd = (await self.read(judge.money, job)).overspend_usd
        found.orphans = (await asyncio.gather(*self.watches)).count(None)
        return found

    def slowest_death_s(self) -> float:
        return max((watch.result() or self.death_s for watch in self.watches), default=0.0)


NUMBER = "SELECT number FROM jobs WHERE job_id = :id"


@contextlib.asynccontextmanager
async def scripted_house(tmp_path: Path, slots: str = "6", **settings_: str) -> AsyncIterator[ScriptedHouse]:
    """`settings_` are variables of the environment, such as BATCHPROC_IDLE_S. Everything of it is gone afterwards."""
    environ = environment(tmp_path, BATCHPROC_SLOTS=slots, BATCHPROC_BACKOFF_MAX_S="0.3", **settings_)
    log_in(Path(environ["HOME"]))
    home = settings.load(environ).home
    async with db.Database(home) as store:
        store_id = await store.write(owners.store_id, now=time.time())
        house = ScriptedHouse(store, environ, tag_of(store_id, home))
        house.plan()
        try:
            yield house
        finally:
            await house.service.close()
            hello = await house.launcher.hello()
            if hello is not None:
                os.kill(hello["pid"], signal.SIGKILL)
            await asyncio.gather(*house.watches, return_exceptions=True)
            await asyncio.to_thread(processes.sweep, guard.TAG, f"{house.tag}:", prefix=True)


def log_in(user: Path) -> None:
    """A stored login, so that any supervisor can pay; nobody ever asks whether it is good."""
    (user / ".claude").mkdir(parents=True, exist_ok=True)
    (user / ".claude/.credentials.json").write_text("{}")


def audit(tx: engine.Tx, job: int) -> Findings:
    """In the middle of things: the books are right and the money is kept together."""
    found = judge.books(tx)
    found.overspend_usd = judge.money(tx, job).overspend_usd
    return found
