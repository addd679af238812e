"""A table of 100,000 units is no heavier than one of 1,000. Its speed is measured by `python -m benchmarks dashboard`;
here it is printed, and only what the structure promises must hold."""

import statistics

import pytest

from tests.browser import scale
from tests.browser.seeding import Seed

SMALL, LARGE = 1_000, 100_000


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_the_page_of_a_large_job_has_no_more_in_it_than_that_of_a_small_one(serve, open_tab):
    seeds = [Seed(name=f"{n} units", units=n, told=0) for n in (SMALL, LARGE)]
    async with serve(*seeds) as (dashboard, jobs), open_tab(dashboard) as tab:
        await tab.context.add_init_script(scale.FIRST_ROW)
        looks = {SMALL: [], LARGE: []}
        for _ in range(4):
            for job in jobs:
                looks[job.total_units].append(await scale.look(tab, job.job_id, job.total_units))
        nodes = {n: {count for one in looks[n] for count in (one.nodes, one.nodes_deep)} for n in looks}
        assert max(nodes[LARGE]) <= max(nodes[SMALL]) + 20
        assert max(nodes[LARGE]) - min(nodes[LARGE]) <= 20
        _tell("first rows", *(statistics.median(one.first_rows_ms for one in looks[n][1:]) for n in (LARGE, SMALL)))
        _tell("frame p95", *(scale.p95([ms for one in looks[n] for ms in one.frames_ms]) for n in (LARGE, SMALL)))
        api, (few, many) = scale.Api(dashboard), [job.job_id for job in jobs]
        deep = {"offset": LARGE * 9 // 10, "limit": 100}
        ours, peers = scale.in_turns(40, lambda: api.page_ms(many, **deep), lambda: api.page_ms(few, limit=100))
        _tell("a page at 90 %, against the first one, p95", scale.p95(ours), scale.p95(peers))


def _tell(name: str, large: float, small: float) -> None:
    print(f"{name}: {large:.1f} ms of {LARGE:,}, {small:.1f} ms of {SMALL:,}: {large / small:.2f} x")
