"""A supervisor dies once at each point of publishing: whatever was promised by then is done, and nothing else is."""

import pytest

from tests.crash.child import WRITERS
from tests.crash.points import Point
from tests.crash.scripted_house import scripted_house
from tests.crash.test_output_kills import Outputs, dies_at
from tests.crash.watch import Watch

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
KINDS = [*WRITERS, *WRITERS[4:]]
POINTS = [
    *[Point(verb="publications.claim", when=when) for when in ("before", "after")],
    *[Point(verb="staging.stage", when=when, k=3) for when in ("before", "after")],
    *[Point(verb="publications.promise", when=when, k=2) for when in ("before", "after")],
    *[Point(verb="places.put", when=when, k=k) for when in ("before", "after") for k in (1, 2, 6)],
    *[Point(verb="publications.settle", when=when, k=2) for when in ("before", "after")],
    *[Point(verb="staging.clear", when=when, k=2) for when in ("before", "after")],
]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point.when} {point.k} {point.verb}")
async def test_after_a_death_at(tmp_path, totals, point):
    async with scripted_house(tmp_path) as house:
        outputs = Outputs(house)
        job_id, job, keys = await outputs.create(KINDS)
        outputs.put_foreign([keys[1]])
        with Watch([outputs.out, outputs.out / "sub"]) as watch:
            await dies_at(house, job, point)
            totals.add(await outputs.mid_run(job))
            await house.finish(job_id)
            totals.add(await outputs.judge(job, keys, watch))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_after_a_death_of_the_one_that_keeps_the_promise(tmp_path, totals, when):
    async with scripted_house(tmp_path) as house:
        outputs = Outputs(house)
        job_id, job, keys = await outputs.create(KINDS)
        with Watch([outputs.out, outputs.out / "sub"]) as watch:
            await dies_at(house, job, Point(verb="places.put", when="after"))
            await dies_at(house, job, Point(verb="publications.rescue", when=when))
            await house.finish(job_id)
            totals.add(await outputs.judge(job, keys, watch))
