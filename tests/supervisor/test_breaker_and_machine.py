"""What stops a whole job: attempts that fail alike, and a machine that has no room."""

from batchproc.models import Cause, Outcome, Pause, Verdict
from batchproc.supervisor.breaker import Breaker
from batchproc.supervisor.machine import Machine

OK = Outcome(verdict=Verdict.SUCCEEDED)


def bad(signature="no such thing", verdict=Verdict.FAILED):
    return Outcome(verdict=verdict, cause=Cause.INVALID_REQUEST, message=signature, signature=signature)


def test_ten_of_the_last_twenty_that_fail_alike_stop_the_job_and_say_so():
    breaker = Breaker(1)
    for n in range(9):
        assert breaker.ended(2 * n, bad(), 10) is None
        assert breaker.ended(2 * n + 1, OK, 10) is None
    hold = breaker.ended(99, bad(), 10)
    assert hold.reason is Pause.BREAKER and hold.detail == "10 of the last 19 units ended alike: no such thing"


def test_failures_of_many_kinds_do_not():
    breaker = Breaker(1)
    assert not any(breaker.ended(n, bad(f"kind {n % 5}"), 10) for n in range(100))


def test_a_few_units_that_fail_again_and_again_do_not_stop_the_others():
    breaker = Breaker(1)
    assert not any(breaker.ended(n % 4, bad(), 10) for n in range(100))


def test_old_failures_are_forgotten():
    breaker = Breaker(1)
    for n in range(50):
        assert [breaker.ended(100 * n + m, bad(), 10) for m in range(9)] == [None] * 9
        assert [breaker.ended(100 * n + m, OK, 10) for m in range(20, 32)] == [None] * 12


def test_what_did_not_run_says_nothing_of_the_job_and_0_means_never():
    breaker = Breaker(1)
    assert not any(breaker.ended(n, bad(verdict=Verdict.UNRUN), 3) for n in range(100))
    assert not any(breaker.ended(n, bad(), 0) for n in range(100))
    assert Breaker(1).ended(1, bad(), 1) is not None


def machine(tmp_path, *, memory_mb, disk_mb):
    here = Machine(home=tmp_path, tag_variable="X", tag="x", memory_reserve_mb=500, disk_reserve_mb=64)
    here._available_mb, here._disk_mb = memory_mb, disk_mb
    return here


def test_agents_are_admitted_as_long_as_memory_lasts_and_young_ones_count_ahead(tmp_path):
    here = machine(tmp_path, memory_mb=1_500, disk_mb=1e6)
    assert here.agents_that_fit(young=0) == 5 and here.agents_that_fit(young=3) == 2
    assert here.trouble(agents=0, young=0, now_wall=0) is None


def test_a_job_pauses_for_memory_only_if_no_agent_of_ours_will_give_any_back(tmp_path):
    here = machine(tmp_path, memory_mb=600, disk_mb=1e6)
    assert here.trouble(agents=1, young=0, now_wall=0) is None
    hold = here.trouble(agents=0, young=0, now_wall=100)
    assert hold.reason is Pause.MEMORY and hold.resume_at > 100 and "600 MB" in hold.detail


def test_a_nearly_full_disk_starts_nothing(tmp_path):
    hold = machine(tmp_path, memory_mb=1e6, disk_mb=10).trouble(agents=5, young=0, now_wall=0)
    assert hold.reason is Pause.DISK and "10 MB are left" in hold.detail


async def test_what_it_measures_is_true(tmp_path):
    here = Machine(home=tmp_path, tag_variable="X", tag="x", memory_reserve_mb=1, disk_reserve_mb=1)
    await here.look(0.0, agents=0)
    assert here.trouble(agents=0, young=0, now_wall=0) is None and here._disk_mb > 1
