"""The API's limits, honest answers and dishonest ones, with the real CLI."""

import time
from datetime import datetime

import pytest

from batchproc import app, settings
from batchproc.agents.rehearsal import Reply
from batchproc.errors import InvalidJob
from batchproc.models import Tokens
from tests.conftest import wait_until

OAUTH = {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-x", "ANTHROPIC_API_KEY": ""}


def units(n):
    return {"type": "list", "items": [{"name": f"n{i:03}"} for i in range(n)], "key_field": "name"}


def rejected(resets_at):
    return Reply(
        status=429,
        message="limit",
        headers={
            "anthropic-ratelimit-unified-status": "rejected",
            "anthropic-ratelimit-unified-reset": str(int(resets_at)),
            "anthropic-ratelimit-unified-representative-claim": "five_hour",
            "retry-after": "3600",
        },
    )


class Quota:
    """Four answers, then none until `resets_at`; counts who asks again after that, and how many at a time."""

    def __init__(self):
        self.resets_at, self.answered, self.turned_away, self.after = None, 0, 0, []

    def __call__(self, call):
        if self.answered == 4 and self.resets_at is None:
            self.resets_at = time.time() + 20
        if self.resets_at is not None and time.time() < self.resets_at:
            self.turned_away += 1
            return rejected(self.resets_at)
        self.answered += 1
        if self.resets_at is not None:
            self.after.append(time.time())
        return Reply(text="RESULT: ok", delay_s=0.5)


quota = Quota()


@pytest.mark.long
@pytest.mark.script.with_args(quota, **OAUTH)
async def test_a_quota_parks_the_job_until_its_reset_burns_nothing_probes_and_goes_on(house):
    quota.__init__()
    created = await house.create("Greet {{ name }}.", units(40), max_concurrency=8)
    await house.start(created.job_id)

    async def parked():
        look = await house.service.get_status(created.job_id)
        return look if look.status == "paused" and not look.counts["running"] else None

    look = await wait_until(parked, "it is parked", 60)
    assert look.reason == "quota" and "limit" in look.detail and "(quota until " in look.ledger
    assert abs(datetime.fromisoformat(look.resume_at).timestamp() - quota.resets_at) < 3
    turned_away = quota.turned_away

    async def completed():
        look = await house.service.get_status(created.job_id)
        return look if look.status == "completed" else None

    ended = await wait_until(completed, "all are finished", 90)
    assert ended.counts["succeeded"] == 40 and quota.turned_away == turned_away
    assert quota.after[1] - quota.after[0] >= 0.5, "one probes, the others wait for its answer"
    for result in await house.results(created.job_id):
        unit = await house.service.get_unit(created.job_id, result.key)
        assert [a.charged for a in unit.attempts].count(True) == 1
        assert {a.outcome for a in unit.attempts} <= {"unrun", "succeeded"}


NOTICE = "You've hit your limit · resets 3am (America/New_York)"


@pytest.mark.long
@pytest.mark.script.with_args(lambda call: Reply(text=NOTICE))
async def test_limit_prose_that_claims_success_is_never_believed(house):
    look = await house.run("Greet {{ name }}.", units(30), max_concurrency=8, max_attempts=1, breaker=0, limit_s=120)
    assert (look.status, look.counts["flagged"], look.counts["succeeded"]) == ("completed", 30, 0)
    assert look.failures[0].message.startswith("the answer is only a notice: You've hit your limit")


def poisoned(call):
    return Reply(text="Claude AI usage limit reached|9999999999" if "n003" in call.prompt else "RESULT: ok")


@pytest.mark.long
@pytest.mark.script.with_args(poisoned)
async def test_what_one_units_data_makes_its_agent_say_stops_no_other_unit_and_no_other_job(house):
    look = await house.run("Greet {{ name }}.", units(8), max_attempts=2)
    assert (look.status, look.counts["succeeded"], look.counts["flagged"]) == ("completed", 7, 1)
    other = await house.run("Say hello to {{ name }}.", units(2))
    assert (other.status, other.counts["succeeded"]) == ("completed", 2)


HONEST = (
    "The letter on page 2 says: 'You've hit your limit · resets 3am'. It is a notice of a service, which the client "
    "quotes as the reason for the complaint. " + "The contract itself has twelve clauses, none of them unusual. " * 8,
    "Party: Acme GmbH\nEnd date: N/A\nRisk: low, because the notice period is short and both sides may end it.",
)


def honest(call):
    return Reply(text=HONEST[int(call.prompt.split("n")[1][:3]) % 2])


@pytest.mark.long
@pytest.mark.script.with_args(honest)
async def test_honest_answers_that_quote_limit_prose_or_say_na_are_believed(house):
    look = await house.run("Greet {{ name }}.", units(40), max_concurrency=8, limit_s=120)
    assert look.counts["succeeded"] == 40


class Busy:
    """Turns every third request away for a second, as a plain rate limit does, but none again and again: the CLI would
    give up."""

    def __init__(self):
        self.n, self.turned_away = 0, set()

    def __call__(self, call):
        self.n += 1
        said = str(call.body["messages"])
        if self.n % 3 or said in self.turned_away:
            return Reply(text="RESULT: ok")
        self.turned_away.add(said)
        return Reply(status=429, headers={"retry-after": "1"})


busy = Busy()


@pytest.mark.long
@pytest.mark.script.with_args(busy)
async def test_rate_limits_that_pass_are_events_narrow_the_lane_and_burn_nothing(house):
    look = await house.run("Greet {{ name }}.", units(12), limit_s=120)
    assert look.counts["succeeded"] == 12
    charged = 0
    retries = 0
    for result in await house.results(look.job_id):
        unit = await house.service.get_unit(look.job_id, result.key)
        charged += sum(a.charged for a in unit.attempts)
        retries += sum(e.kind == "agent.api_retry" for e in unit.events)
    assert charged == 12 and retries > 0
    from batchproc.store import limits

    [known] = await house.service._store.read(limits.known)
    assert known.ceiling < 8 and known.closed_until is None


@pytest.mark.long
@pytest.mark.script.with_args(lambda call: Reply(text="RESULT: never", stall="accept"))
async def test_silence_is_noticed_long_before_the_time_limit(house):
    begun = time.monotonic()
    look = await house.run("Greet {{ name }}.", units(2), stall_s=10, timeout_s=300, max_attempts=1)
    assert look.counts["failed"] == 2 and time.monotonic() - begun < 60
    assert "stalled" in look.failures[0].message


def two_halves(call):
    if call.turn == 0:
        return Reply(text="RESULT: the first half, ", stop_reason="max_tokens")
    return Reply(text="and the second.")


@pytest.mark.script.with_args(two_halves)
async def test_an_answer_that_came_in_two_pieces_is_whole(house):
    look = await house.run("Greet {{ name }}.", units(1))
    [result] = await house.results(look.job_id)
    assert (result.status, result.text) == ("succeeded", "RESULT: the first half, and the second.")


async def test_a_cap_for_units_starts_no_more_of_them_and_goes_on_when_it_is_raised(house):
    look = await house.run("Greet {{ name }}.", units(6), max_units=2)
    assert (look.status, look.reason, look.counts["succeeded"]) == ("paused", "budget", 2)
    assert "max_units (2) units were started" in look.detail
    await house.service.control_job(look.job_id, "set", max_units=6)
    assert (await house.ended(look.job_id)).counts["succeeded"] == 6


@pytest.mark.script.with_args(lambda call: Reply(text="RESULT: ok", usage=Tokens(input=900, output=100)))
async def test_a_cap_for_tokens_lets_what_runs_end_and_starts_no_more(house):
    look = await house.run("Greet {{ name }}.", units(6), max_total_tokens=1_500, max_concurrency=1, model="haiku")
    assert (look.status, look.reason, look.tokens, look.counts["succeeded"]) == ("paused", "budget", 2_000, 2)
    assert "max_total_tokens" in look.detail


@pytest.mark.long
@pytest.mark.script.with_args(lambda call: Reply(text="RESULT: ok", delay_s=1.0))
async def test_a_cap_for_time_counts_the_time_in_which_it_ran(house):
    look = await house.run("Greet {{ name }}.", units(20), max_wall_s=3, max_concurrency=1)
    assert (look.status, look.reason) == ("paused", "budget") and "max_wall_s" in look.detail
    assert 1 <= look.counts["succeeded"] <= 4


@pytest.mark.parametrize("reserve", ["MEMORY", "DISK"])
async def test_a_machine_without_room_starts_nothing_and_says_what_is_missing(house, reserve):
    environ = {**house.environ, f"BATCHPROC_{reserve}_RESERVE_MB": "999999"}
    async with app.open_service(settings.load(environ), environ) as service:
        house.service = service
        look = await house.run("Greet {{ name }}.", units(2))
    assert (look.status, look.reason, look.counts["pending"]) == ("paused", reserve.lower(), 2)
    assert " MB " in look.detail and look.resume_at is not None and "by itself" in look.next
    assert house.model.count == 0


async def test_a_limit_can_be_taken_away_again_but_not_the_budget(house):
    look = await house.run("Greet {{ name }}.", units(6), max_units=2, max_total_tokens=10_000_000)
    assert (look.status, look.reason) == ("paused", "budget")
    set_ = house.service.control_job
    for name in ("budget_usd", "breaker", "nonsense"):
        with pytest.raises(InvalidJob, match="what can be taken away is unit_budget_usd"):
            await set_(look.job_id, "set", remove=[name])
    with pytest.raises(InvalidJob, match="say one of both"):
        await set_(look.job_id, "set", remove=["max_units"], max_units=3)
    nulls = dict.fromkeys(("max_units", "budget_usd", "max_total_tokens"))
    await set_(look.job_id, "set", priority=1, **nulls)  # as clients send what they leave out
    assert (await house.service.get_spec(look.job_id)).options.max_units == 2
    assert "max_units is taken away" in (await set_(look.job_id, "set", remove=["max_units"])).message
    assert (await house.ended(look.job_id)).counts["succeeded"] == 6
    kept = (await house.service.get_spec(look.job_id)).options
    assert (kept.max_units, kept.max_total_tokens) == (None, 10_000_000)
