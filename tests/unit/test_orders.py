"""What became of an order is said of the job as it is when it is said."""

import pytest

from batchproc import orders
from batchproc.models import JobStatus
from tests.unit.test_present_updates import job, look

STARTED = "5 units, at most 4 at a time. It goes on when this chat closes"


@pytest.mark.parametrize("status", [JobStatus.RUNNING, JobStatus.PILOT, JobStatus.COMPLETED])
def test_a_job_that_was_resumed_goes_on(status):
    assert orders.said_of_resume(look(job(status=status)), STARTED) == STARTED


def test_a_job_that_is_paused_again_by_the_same_cap_is_not_told_to_go_on():
    held = job(status=JobStatus.PAUSED, reason="budget", detail="max_units (61) units were started")
    assert orders.said_of_resume(look(held, pending=2), STARTED) == (
        "it is paused again at once (budget): max_units (61) units were started"
    )
