"""Answers are drawn and judged: in one order that stays, for the very answers that were seen, told no better than they
are."""

from dataclasses import replace

import pytest

from batchproc.errors import InvalidJob, NotFound
from batchproc.launcher import Launcher
from batchproc.models import Credential, Decision, JobStatus, Order, Settlement, UnitStatus
from batchproc.service.drawing import beside
from batchproc.service.reviewing import Reviewing
from batchproc.settings import Settings
from batchproc.store import (
    attempts,
    backlog,
    claims,
    draws,
    events,
    jobs,
    pilots,
    retention,
    revisions,
    trials,
    units,
    verdicts,
)
from tests.store.test_units import NOW, done, start, take_over

ME = Order(by="a test", why="a look")


class Desk:
    """A job whose answers somebody looks at."""

    def __init__(self, store, job, epoch, home):
        self.store, self.job, self.epoch = store, job, epoch
        self.service = Reviewing(store, Launcher(Settings(home=home), {}), Settings(home=home), clock=lambda: NOW)

    async def answer(self, limit=999, say=lambda key: f"about {key}", end=None, later=0.0):
        claimed = await self.store.write(claims.claim, self.job.number, epoch=self.epoch, limit=limit, now=NOW)
        for unit in claimed.units:
            await self.store.write(attempts.settle, unit.fence, end or done(say(unit.key)), now=NOW + later)

    async def again(self, *keys, say=lambda key: f"about {key}, otherwise"):
        how = backlog.Again(credential=Credential.LOGIN)
        await self.store.write(backlog.ask_again, self.job, backlog.Selection(keys=keys), how, ME, now=NOW)
        await self.answer(say=say, later=10)

    async def drawn_look(self):
        return await self.store.read(draws.look, self.job.number)

    async def now(self):
        return await self.store.read(jobs.by_number, self.job.number)

    async def change(self, text="otherwise"):
        """Described anew: what was judged is tried again."""
        job = await self.now()
        described = pilots.Description(instructions=text, options=job.options)
        chosen = await self.store.read(revisions.units_to_try, job.number, most=9)
        begun = {"credential": Credential.LOGIN, "order": ME, "now": NOW}
        await self.store.write(revisions.begin, job, described, units=chosen, **begun)

    async def take_back(self):
        job = await self.now()
        [before] = [one for one in await self.store.read(trials.trials, job.number) if one.n == job.approved_trial]
        paid = {"credential": Credential.LOGIN, "order": ME, "now": NOW}
        assert await self.store.write(trials.approve, job, before, job.options, None, **paid)

    async def unit(self, key):
        return await self.store.read(units.by_key, self.job.number, key)

    async def review(self, n=20, **more):
        return await self.service.review_units(self.job.job_id, n, **more)

    async def judge(self, key, verdict="accept", **more):
        return await self.service.record_verdict(self.job.job_id, key, verdict, **more)

    async def drawn(self, kind="random"):
        statement = "SELECT u.key FROM drawn_units d JOIN units u ON u.number = d.unit WHERE d.kind = ? ORDER BY place"
        return await self.store.read(lambda tx: [row["key"] for row in tx.execute(statement, (kind,))])

    async def describe(self, **options):
        told = {"options": jobs.rows.dump_options(replace(self.job.options, **options)), "number": self.job.number}
        await self.store.write(
            lambda tx: tx.execute("UPDATE jobs SET options=:options WHERE number=:number", told).rowcount
        )


@pytest.fixture
def desk(store, make_job, tmp_path):
    async def make(n=40):
        job, epoch = await make_job(n), await take_over(store)
        await start(store, job)
        return Desk(store, job, epoch, tmp_path / "home")

    return make


# The draw.


async def test_what_was_drawn_stays_drawn_and_a_larger_sample_holds_it(desk):
    it = await desk(60)
    await it.answer()
    first = await it.review(10)
    ten = await it.drawn()
    assert len(ten) == 10 and [u.key for u in first.units][:10] == ten and first.review.population == 60
    await it.review(5)
    assert await it.drawn() == ten, "it never shrinks"
    await it.review(25)
    assert (await it.drawn())[:10] == ten and len(await it.drawn()) == 25


async def test_answers_that_come_later_are_drawn_as_if_they_had_been_there_and_until_then_it_says_so(desk):
    it = await desk(60)
    await it.answer(30)
    await it.review(10)
    before = await it.drawn()
    await it.judge(before[0])
    await it.answer(later=5)
    look = (await it.review(None)).review
    assert not look.is_current and "answers came or went: review_units draws anew" in look.words
    again = await it.review(10)
    now = await it.drawn()
    assert again.review.is_current and again.review.population == 60 and now != before
    late = {f"u{n}" for n in range(31, 61)}
    assert [key for key in now if key not in late] == [key for key in before if key in now], "in the same order"
    assert again.review.judged == (before[0] in now)


async def test_two_who_draw_at_once_have_the_same_sample(desk):
    import asyncio

    it = await desk(40)
    await it.answer()
    one, other = await asyncio.gather(it.review(20), it.review(20))
    assert [u.key for u in one.units] == [u.key for u in other.units]


async def test_the_sample_for_its_risk_prefers_what_was_flagged_and_says_why(desk):
    it = await desk(200)
    flagged = Settlement(
        status=UnitStatus.FLAGGED, outcome="flagged", text="hm", error="tools were denied", signature="s"
    )
    await it.answer(5, end=flagged)
    await it.answer()
    page = await it.review(20, shown=100)
    risky = [u for u in page.units if u.why]
    assert len(await it.drawn("risk")) == beside(20) == 10
    assert any(u.status == "flagged" and u.why.startswith("it was flagged") for u in risky)
    assert not {"u1", "u2", "u3", "u4", "u5"} & set(await it.drawn()), "the claim is about what succeeded"
    assert page.review.population == 195


async def test_a_job_without_an_answer_has_nothing_to_show(desk):
    it = await desk(3)
    with pytest.raises(InvalidJob, match="it has no answers yet"):
        await it.review()
    failed = Settlement(status=UnitStatus.FAILED, outcome="failed", error="x", signature="x")
    await it.answer(end=failed)
    with pytest.raises(InvalidJob, match="it has no answers yet"):
        await it.review()
    with pytest.raises(InvalidJob, match="n = 0: give a number between 1 and 1,000"):
        await it.review(0)


async def test_units_whose_item_is_gone_are_not_drawn(desk):
    it = await desk(10)
    await it.answer()
    await it.store.write(lambda tx: tx.execute("UPDATE units SET gone = 2 WHERE number % 2 = 0").rowcount)
    page = await it.review(20)
    assert page.review.population == 5 == len(await it.drawn())


# What the verdicts prove.


async def test_no_wrong_one_of_59_is_at_most_5_percent(desk):
    it = await desk(200)
    await it.answer()
    page = await it.review(59, shown=59)
    assert page.review.words.startswith("0 of 59 judged; if all of them are right: at most 5 % wrong, 95 % confidence")
    assert page.review.upper_bound == 1.0, "what nobody judged counts as wrong"
    for unit in page.units:
        last = await it.judge(unit.key)
    assert last.review.words == (
        "0 of 59 wrong: at most 5 % wrong, 95 % confidence (drawn by chance from 200 succeeded answers)"
    )
    assert last.review.upper_bound == pytest.approx(1 - 0.05 ** (1 / 59))
    assert (last.review.low, round(last.review.high, 4)) == (0.0, 0.0606)
    await it.judge(page.units[0].key, "reject")
    done = await it.review(None, skip=await it.drawn("risk"))
    assert "if it was decided on beforehand: a bound that is looked at until it pleases proves less" in done.next
    look = done.review
    assert (look.judged, look.accepted, look.rejected) == (59, 58, 1) and "1 of 59 wrong: at most 7.8 %" in look.words


async def test_until_all_are_judged_the_others_count_as_wrong(desk):
    it = await desk(500)
    await it.answer()
    page = await it.review(20)
    for unit in page.units[:17]:
        last = await it.judge(unit.key)
    assert (
        "17 of 20 judged, 0 wrong: at most 34.4 % wrong, 95 % confidence, for the other 3 might be" in last.review.words
    )
    assert "if they are right: at most 14 % wrong" in last.review.words
    assert last.review.if_rest_is_right < 0.14 < 0.34 < last.review.upper_bound


async def test_where_all_answers_were_judged_the_part_is_exact(desk):
    it = await desk(8)
    await it.answer()
    page = await it.review(20)
    assert page.review.drawn == 8
    for n, unit in enumerate(page.units):
        last = await it.judge(unit.key, "reject" if n == 0 else "accept")
        if n == 5:
            assert last.review.words == "6 of all 8 succeeded answers judged, 1 wrong: at most 37.5 % are"
    assert last.review.words == "all 8 succeeded answers were judged: 1 wrong (12.5 %)"
    assert (last.review.low, last.review.upper_bound) == (0.125, 0.125)


async def test_a_verdict_holds_only_for_the_very_answer_that_was_judged(desk):
    it = await desk(40)
    await it.answer()
    page = await it.review(5)
    key = page.units[0].key
    await it.judge(key)
    assert (await it.review(None)).review.judged == 1
    await it.again(key)
    look = (await it.review(None)).review
    assert look.judged == 0 and not look.is_current and "one of them is not there any more" in look.words
    unit = await it.unit(key)
    [judged] = (await it.store.read(verdicts.on, [unit])).values()
    assert not judged.holds and judged.text == f"about {key}"
    await it.again(key, say=lambda key: f"about {key}")
    [judged] = (await it.store.read(verdicts.on, [unit])).values()
    assert judged.holds, "it is the very answer once more"


async def test_running_only_the_wrong_ones_again_does_not_make_the_rest_look_better(desk):
    """Those that were accepted would stay in the sample, and those that were rejected leave it."""
    it = await desk(60)
    await it.answer()
    page = await it.review(10)
    for n, unit in enumerate(page.units[:10]):
        await it.judge(unit.key, "reject" if n < 3 else "accept")
    wrong = [unit.key for unit in page.units[:3]]
    old, seed = await it.drawn(), (await it.store.read(draws.current, it.job.number)).seed
    await it.again(*wrong)
    for key in wrong:
        await it.judge(key)  # the new answers are right: the draw is no better for it
    look = (await it.review(None)).review
    assert "those left may look better than the rest" in look.words and look.judged == 7
    again = await it.review(10)
    assert again.next.startswith("answers that were drawn have given way since, so this is a new sample")
    new = await it.drawn()
    assert (await it.store.read(draws.current, it.job.number)).seed != seed
    kept = [key for key in new if key in old]
    assert again.review.judged == len(kept), "verdicts that hold are kept"


async def test_nor_does_it_if_nobody_said_that_they_are_wrong(desk):
    it = await desk(60)
    await it.answer()
    page = await it.review(10)
    seed = (await it.store.read(draws.current, it.job.number)).seed
    await it.again(page.units[3].key)
    look = (await it.review(None)).review
    assert "one of them is not there any more, so that those left may look better" in look.words
    assert "this is a new sample" in (await it.review(10)).next
    assert (await it.store.read(draws.current, it.job.number)).seed != seed
    assert "this is a new sample" not in (await it.review(12)).next, "told once"


async def test_an_answer_that_gave_way_is_noticed_although_the_clock_was_set_back(desk):
    it = await desk(20)
    await it.answer(later=500)
    page = await it.review(5)
    await it.judge(page.units[0].key)
    assert (await it.review(None)).review.is_current, "a verdict changes no answer"
    drawn = {unit.key for unit in page.units}
    await it.again(next(f"u{n}" for n in range(1, 21) if f"u{n}" not in drawn))
    assert not (await it.review(None)).review.is_current


async def test_what_was_judged_is_judged_again_when_a_change_is_taken_back_and_what_came_of_the_change_is_not(desk):
    it = await desk(20)
    await it.answer()
    first = await it.review(5)
    for unit in first.units[:5]:
        await it.judge(unit.key)
    await it.change()
    await it.answer(say=lambda key: f"about {key}, as changed", later=5)
    assert (await it.drawn_look()).random.replaced == 5
    await it.take_back()
    look = await it.drawn_look()
    assert (look.random.drawn, look.random.accepted, look.random.replaced) == (5, 5, 0) and not look.is_tainted

    await it.change()
    await it.answer(say=lambda key: f"about {key}, as changed again", later=9)
    await it.review(20)
    drawn = set(await it.drawn())
    await it.take_back()
    look = (await it.drawn_look()).random
    tried = {row.key for row in await it.store.read(trials.results, it.job.number, 3)}
    assert drawn & tried and (look.drawn, look.replaced) == (len(drawn), len(drawn & tried))


async def test_answers_under_another_description_are_drawn_in_another_order(desk):
    it = await desk(20)
    await it.answer()
    await it.review(5)
    seed = (await it.store.read(draws.current, it.job.number)).seed
    await it.review(6)
    assert (await it.store.read(draws.current, it.job.number)).seed == seed
    await it.again((await it.drawn())[0])
    await it.store.write(lambda tx: tx.execute("UPDATE jobs SET trial = 2").rowcount)
    look = (await it.review(None)).review
    assert not look.is_current and "look better" not in look.words, "nobody chose what was run again"
    await it.review(6)
    assert (await it.store.read(draws.current, it.job.number)).seed != seed


async def test_a_change_of_other_units_keeps_the_order(desk):
    it = await desk(60)
    await it.answer()
    page = await it.review(10)
    drawn = await it.drawn()
    for unit in page.units[:10]:
        await it.judge(unit.key, "reject")
    other = next(f"u{n}" for n in range(1, 61) if f"u{n}" not in drawn)
    await it.again(other)
    again = await it.review(10)
    assert [key for key in await it.drawn() if key != other] == drawn[: 10 - (other in await it.drawn())]
    assert again.review.judged >= 9


# Verdicts.


async def test_a_newer_verdict_takes_the_place_of_an_older_one_and_both_are_events(desk):
    it = await desk(3)
    await it.answer()
    await it.judge("u1", "reject", note="it is not")
    later = await it.judge("u1", "correct", correction="it is so", note="I looked it up")
    assert "takes the place of an earlier verdict (reject, by python)" in later.message
    unit = await it.unit("u1")
    told = [e for e in await it.store.read(events.tail_of_unit, unit.number, limit=9) if e.kind == "unit.judged"]
    assert [e.data["verdict"] for e in told] == ["reject", "correct"]
    assert told[1].data == {"verdict": "correct", "correction": "it is so", "by": "python", "why": "I looked it up"}
    [gold] = await it.store.read(verdicts.gold, it.job.number)
    assert (gold.key, gold.decision, gold.expected, gold.said) == ("u1", Decision.CORRECT, "it is so", "about u1")


async def test_a_verdict_on_an_answer_that_has_given_way_is_refused(desk):
    it = await desk(3)
    await it.answer()
    seen = (await it.review()).units[0]
    stale = await it.unit(seen.key)
    await it.again(seen.key)
    with pytest.raises(InvalidJob, match=r"attempt = 1: the unit was run again since, its answer is that of attempt 2"):
        await it.judge(seen.key, attempt=seen.attempt)
    said = verdicts.Said(decision=Decision.ACCEPT)
    assert not await it.store.write(verdicts.record, it.job, stale, said, ME, now=NOW)
    assert await it.store.read(verdicts.gold, it.job.number) == []


REFUSED = {
    "an unknown verdict": ({"verdict": "maybe"}, "verdict = 'maybe': say one of accept, reject, correct"),
    "no correction": ({"verdict": "correct"}, "correction = None: say what the answer should be"),
    "a correction of what is right": ({"verdict": "accept", "correction": "x"}, "it goes with the verdict correct"),
    "the answer it has": ({"verdict": "correct", "correction": "about u1"}, "that is the answer it has; accept it"),
    "an empty correction": ({"verdict": "correct", "correction": " "}, "answers of this job are text"),
    "an object for a text": ({"verdict": "correct", "correction": {"a": 1}}, "answers of this job are text"),
    "another attempt": ({"verdict": "accept", "attempt": 7}, "attempt = 7"),
    "half a correction": (
        {"verdict": "correct", "correction": "a\0b"},
        "correction = 'a\\x00b': it holds a NUL character; leave that out",
    ),
    "half a note": ({"verdict": "reject", "note": "a\0b"}, "note = 'a\\x00b': it holds a NUL character"),
    "a long note": ({"verdict": "accept", "note": "x" * 3000}, "at most 2,000 characters"),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_meant_is_refused_with_the_way_out(desk, given, said):
    it = await desk(2)
    await it.answer()
    with pytest.raises(InvalidJob) as refused:
        await it.judge("u1", **given)
    assert said in str(refused.value)
    assert await it.store.read(verdicts.gold, it.job.number) == []


async def test_white_space_may_be_all_that_is_wrong_with_a_text(desk):
    it = await desk(2)
    await it.answer()
    await it.judge("u1", "correct", correction="about\nu1")
    [known] = await it.store.read(verdicts.gold, it.job.number)
    assert known.expected == "about\nu1"


async def test_what_has_no_answer_cannot_be_judged(desk):
    it = await desk(4)
    with pytest.raises(InvalidJob, match=r"the unit is pending.*get_status"):
        await it.judge("u1")
    await it.answer(1, end=Settlement(status=UnitStatus.FAILED, outcome="failed", error="x", signature="x"))
    with pytest.raises(InvalidJob, match=r"the unit is failed.*retry_units asks for it again"):
        await it.judge("u1", "reject")
    await it.answer(1, end=Settlement(status=UnitStatus.FLAGGED, outcome="flagged", error="empty", signature="x"))
    with pytest.raises(InvalidJob, match="has no answer that could be right; reject or correct it"):
        await it.judge("u2")
    assert (await it.judge("u2", "correct", correction="this")).verdict == "correct"
    with pytest.raises(NotFound, match="no unit 'u9'"):
        await it.judge("u9")


async def test_a_flagged_answer_may_be_accepted_and_stays_flagged(desk):
    it = await desk(2)
    await it.answer(
        1, end=Settlement(status=UnitStatus.FLAGGED, outcome="flagged", text="yes", error="denied", signature="x")
    )
    told = await it.judge("u1")
    assert told.status == "flagged" and "the unit stays flagged" in told.message and told.review is None
    assert (await it.store.read(jobs.ledger, it.job.number))["flagged"] == 1


SCHEMA = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "proof": {"type": ["string", "null"], "x-evidence": "quote"}},
    "required": ["value", "proof"],
    "additionalProperties": False,
}


async def test_a_correction_is_checked_as_an_answer_is(desk):
    it = await desk(2)
    await it.answer(1, end=replace(done(), output={"value": 7, "proof": None}))
    await it.describe(output_schema=SCHEMA)
    for wrong, said in [
        ({"value": "7"}, "'proof' is a required property"),
        ("seven", "answers of this job are objects"),
        (
            {"value": 8, "proof": "seven"},
            "correction.proof = 'seven': this quote does not stand in the unit's own data",
        ),
        ({"proof": None, "value": 7.0}, "that is the answer it has"),
        ('{"value": 8, "proof": "1\\u0000"}', "correction.proof = '1\\x00': it holds a NUL character; leave that out"),
    ]:
        with pytest.raises(InvalidJob) as refused:
            await it.judge("u1", "correct", correction=wrong)
        assert said in str(refused.value)
    assert (await it.judge("u1", "correct", correction='{"value": 8, "proof": "1"}')).verdict == "correct"
    [gold] = await it.store.read(verdicts.gold, it.job.number)
    assert gold.expected == {"value": 8, "proof": "1"}


async def test_a_page_of_results_knows_its_verdicts_and_a_deleted_job_has_none(desk):
    it = await desk(3)
    await it.answer()
    await it.review()
    await it.judge("u1", "reject")
    page, judged = await it.store.read(verdicts.final_page, it.job.number, status=None, after=0, limit=9)
    assert [judged[u.number].decision.value if u.number in judged else None for u in page] == ["reject", None, None]
    job = await it.store.read(jobs.by_number, it.job.number)
    assert job.status is JobStatus.COMPLETED
    await it.store.write(retention.mark_deleted, job, now=NOW)
    while await it.store.write(retention.erase_some, job.number):
        pass
    left = "SELECT (SELECT COUNT(*) FROM verdicts) + (SELECT COUNT(*) FROM draws) + (SELECT COUNT(*) FROM drawn_units)"
    assert await it.store.read(lambda tx: tx.execute(left).fetchone()[0]) == 0


async def test_nobody_has_asked_so_there_is_nothing_to_tell(desk):
    it = await desk(2)
    assert await it.store.read(draws.look, it.job.number) is None
