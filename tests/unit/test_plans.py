"""A plan says all that ends what it lets run."""

from dataclasses import replace

from batchproc import present_plan
from batchproc.models import JobStatus
from tests.conftest import OPTIONS
from tests.unit.test_present_updates import job


def planned(**caps):
    one = job(name="contracts", status=JobStatus.READY, total_units=500, options=replace(OPTIONS, **caps))
    return present_plan.plan_without_pilot(one).text


def test_a_plan_names_the_caps_that_the_job_pauses_at():
    said = planned(max_units=60, max_wall_s=90.5)
    assert said.endswith("It pauses at a cap of the job: max_units = 60, max_wall_s = 90.5.")


def test_a_plan_without_caps_speaks_of_none():
    assert "cap" not in planned()
