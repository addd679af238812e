"""dashboard: the table of a job with 100,000 units in a real browser against that of one with 1,000, in the same store.

A page must not cost more as jobs grow. Both tables are opened anew in turns, 12 times: when the first row stands in the
page, counted from the start of the navigation; how long each of 90 frames takes while one scrolls two rows a frame from
a third of the list; how many elements the page has. The API is asked in turns, 200 times: for a page of 100 units at
90 % of the large job by its place alone, which is the dearest way to it, and for the first page of the small one.

`on screen` has no peer: an event is committed by another process, and its words stand in the open page of its unit, at
most four times a second being told. No supervisor rings here: the dashboard finds out by itself, which takes longest.
"""

import statistics
import time

from batchproc.store import db, events
from benchmarks import house
from benchmarks.comparison import Row
from tests.browser import chromium, scale, watching
from tests.browser.conftest import seeded
from tests.browser.seeding import Seed
from tests.browser.words import key

LARGE, SMALL = 100_000, 1_000
LOOKS, CALLS, EVENTS = 12, 200, 60


async def measure() -> list[Row]:
    executable = chromium.program()
    if executable is None:
        raise FileNotFoundError(f"no browser here: none of {', '.join(chromium.PROGRAMS)}")
    seeds = [Seed(name=f"{n} units", units=n, told=0) for n in (SMALL, LARGE)]
    talking = Seed(name="talks", units=10, state="running", running=1)
    with house.folder() as place:
        async with (
            seeded(place, *seeds, talking) as (dashboard, jobs),
            chromium.launched(executable) as browser,
            watching.opened(browser, dashboard) as tab,
        ):
            await tab.sign_in()
            small, large, talks = (job.job_id for job in jobs)
            pages = _pages(scale.Api(dashboard), small, large)
            return [*await _table(tab, small, large), pages, await _on_screen(tab, talks)]


async def _table(tab: watching.Tab, small: str, large: str) -> list[Row]:
    await tab.context.add_init_script(scale.FIRST_ROW)
    ours, peers = [], []
    for _ in range(LOOKS + 1):
        peers.append(await scale.look(tab, small, SMALL))
        ours.append(await scale.look(tab, large, LARGE))
    ours, peers = ours[1:], peers[1:]  # the first ones fill caches
    first = [statistics.median(one.first_rows_ms for one in looks) for looks in (ours, peers)]
    frames = [scale.p95([ms for one in looks for ms in one.frames_ms]) for looks in (ours, peers)]
    nodes = [float(max(max(one.nodes, one.nodes_deep) for one in looks)) for looks in (ours, peers)]
    return [
        Row(name="first rows 100k : 1k", ours=first[0], peer=first[1], unit="ms", floor=1.5, sense="≤"),
        Row(name="frame p95 100k : 1k", ours=frames[0], peer=frames[1], unit="ms", floor=1.5, sense="≤"),
        Row(name="elements 100k : 1k", ours=nodes[0], peer=nodes[1], unit="", floor=1.05, sense="≤"),
    ]


def _pages(api: scale.Api, small: str, large: str) -> Row:
    deep = {"offset": LARGE * 9 // 10, "limit": 100}
    ours, peers = scale.in_turns(CALLS, lambda: api.page_ms(large, **deep), lambda: api.page_ms(small, limit=100))
    return Row(name="page p95 90% : top", ours=scale.p95(ours), peer=scale.p95(peers), unit="ms", floor=2, sense="≤")


async def _on_screen(tab: watching.Tab, talks: str) -> Row:
    await tab.go(f"/jobs/{talks}/units/{key(10)}")
    async with db.Database(tab.dashboard.home) as store:
        job, unit = await store.read(lambda tx: tuple(tx.execute(RUNNING).fetchone()))

        async def say(text: str) -> None:
            where = {"job": job, "unit": unit, "attempt": 1}
            await store.write(events.append, "agent.text", at=time.time(), data={"text": text}, **where)

        late = scale.p95(await scale.heard_ms(tab, say, EVENTS))
    return Row(name="on screen p95", ours=late, peer=None, unit="ms", floor=500, sense="≤")


RUNNING = "SELECT job, number FROM units WHERE status = 'running'"
