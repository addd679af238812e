"""The output folder's disk is full, or two units want one place: nothing is lost, and nothing is paid for nothing."""

import os
import subprocess

import pytest

from batchproc.models import JobOptions, JobSpec
from tests.conftest import wait_until
from tests.crash.child import content
from tests.crash.scripted_house import MODEL, scripted_house
from tests.crash.test_disk_full import fill
from tests.crash.test_output_kills import Outputs

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
REASONS = "SELECT data ->> 'reason' FROM events WHERE kind = 'job.paused'"


@pytest.fixture
def disk(tmp_path):
    """A small disk for what is published: `out` of the house lies on it."""
    place = tmp_path / "out"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", str(place)]
    if os.getuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


async def test_answers_wait_for_room_on_the_disk_and_no_agent_runs_twice_for_it(tmp_path, totals, disk):
    async with scripted_house(tmp_path) as house:
        outputs = Outputs(house)
        filler = tmp_path / "out" / "filler"
        job_id, job, keys = await outputs.create(["write"] * 12)
        (disk / "sub/keep").write_text("")
        fill(filler)
        await house.start(job_id)

        async def is_held() -> bool:
            look = await house.status(job_id)
            return look.status == "paused" and look.reason == "disk"

        await wait_until(is_held, "the job waits for room", 20)
        assert (await house.status(job_id)).counts["succeeded"] == 0
        filler.unlink()
        (disk / "sub/keep").unlink()
        await house.finish(job_id)
        totals.add(await outputs.judge(job, keys))
        tries = await house.read(lambda tx: [row[0] for row in tx.execute("SELECT attempt FROM units")])
        assert set(tries) == {1}, tries


async def test_of_units_that_want_one_place_the_first_has_it_and_the_others_cost_nothing(tmp_path):
    async with scripted_house(tmp_path) as house:
        out = tmp_path / "out"
        out.mkdir()
        items = [{"key": f"{n}-write", "name": "0-write"} for n in range(6)]
        options = JobOptions(**ONE_PLACE, output_directory=str(out), model=MODEL, breaker=0, max_concurrency=1)
        source = {"type": "list", "items": items, "key_field": "key"}
        spec = JobSpec(name="x", instructions="Do {{ key }}", enumerator=source, options=options)
        job_id = (await house.service.create_job(spec)).job_id
        await house.start(job_id)
        await house.finish(job_id)
        first, *others = (await house.service.get_results(job_id, limit=50)).results
        assert (first.status, first.files) == ("succeeded", [str(out / "0-write.md")])
        assert {(one.status, one.cost_usd, tuple(one.files)) for one in others} == {("failed", 0.0, ())}
        assert all("a file of the unit '0-write' already" in one.error for one in others)
        assert (out / "0-write.md").read_text() == content("0-write", 1, "0-write.md")
        await wait_until(lambda: os.listdir(out) == ["0-write.md"], "what waited is swept", 10)


ONE_PLACE = {"profile": "edit", "outputs": ["{{ name }}.md"]}
