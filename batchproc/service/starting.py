"""A job is let run: first its pilot, and the rest of it once a person has approved what that showed."""

from collections.abc import Awaitable, Callable, Sequence

from batchproc import answers, estimates, pilot_sample, present, present_pilot
from batchproc.errors import InvalidJob, StoreError, SupervisorError, UnknownField, WrongStatus
from batchproc.models import AgentOptions, Credential, Job, JobStatus, Trial, Variant
from batchproc.prompts import Prompt
from batchproc.service.allowing import Allowing
from batchproc.service.base import RINGS
from batchproc.service.describing import described
from batchproc.store import jobs as rows
from batchproc.store import pilots, trials, units
from batchproc.store.status import Snapshot

MOST_VARIANTS = 6
PAGE = 2_000
CANDIDATES = 1_000  # units among which those of the pilot are chosen
START = Callable[[Job, Credential], Awaitable[bool]]


class Starting(Allowing):
    """start_job."""

    async def start_job(
        self,
        job_id: str,
        *,
        confirmed: bool = False,
        skip_pilot: bool = False,
        variant: str | None = None,
        variants: Sequence[Variant] = (),
        why: str | None = None,
    ) -> answers.StartedJob:
        """Let the job's agents run: those of its pilot, or all of them once a person has approved. Answers at once.

        A job in review starts with `confirmed`, under the `variant` that its pilot tried; without it, the plan is
        returned and nothing is changed. `skip_pilot` with `confirmed` starts all of it. `variants` are tried one after
        the other, in one pilot. Raises `CredentialMissing`, `NeedsApproval`, `NotFound`, `WrongStatus`, `InvalidJob`,
        `SupervisorError`.
        """
        job = await self._job(job_id)
        require_startable(job)
        await self._require_approval(job)
        if variants:
            return await self._try_variants(job, variants, why)
        if job.approved_at is None and (skip_pilot or job.status is JobStatus.REVIEW) and not confirmed:
            return await self._plan(job, skip_pilot=skip_pilot)
        return await self._let(job, self._way(job, skip_pilot, variant, why))

    async def plan(self, job_id: str, *, skip_pilot: bool = False) -> str | None:
        """What a person has to approve before (more of) the job runs, in words; None if there is nothing."""
        job = await self._job(job_id)
        if job.approved_at is not None or not (skip_pilot or job.status is JobStatus.REVIEW):
            return None
        if job.status is JobStatus.REVIEW:
            return present_pilot.plan(await self._look(job_id))
        return present_pilot.plan_without_pilot(job)

    async def _plan(self, job: Job, *, skip_pilot: bool) -> answers.StartedJob:
        look = await self._look(job.job_id)
        if skip_pilot and job.status is not JobStatus.REVIEW:
            return present.told(look, f"{present_pilot.plan_without_pilot(job)} {present_pilot.HOW_WITHOUT_PILOT}")
        return present.told(look, f"{present_pilot.plan(look)} {present_pilot.HOW}")

    def _way(self, job: Job, skip_pilot: bool, variant: str | None, why: str | None) -> START:
        """What starting means for the job as it stands."""
        if job.approved_at is not None or (skip_pilot and job.status is not JobStatus.REVIEW):
            return lambda now, credential: self._run_all(now, credential, why)
        match job.status:
            case JobStatus.REVIEW:
                return lambda now, credential: self._approve(now, credential, variant, why)
            case JobStatus.READY:
                return lambda now, credential: self._begin_pilot(now, credential, why)
            case _:
                return lambda now, credential: self._go_on(now, credential, why)

    async def _let(self, job: Job, start: START) -> answers.StartedJob:
        """Hand over what pays, write it down, and see that a supervisor takes it up."""
        for _ in range(RINGS):
            credential, guard = await self._hand_credentials(job)
            await start(job, credential)
            if await self._launcher.ring():
                return present.started(await self._look(job.job_id), credential, guard=guard)
        raise SupervisorError(
            f"job {job.job_id} is marked to run, but no supervisor took it up; see `batchproc doctor`, then start it "
            "again"
        )

    async def _run_all(self, job: Job, credential: Credential, why: str | None) -> bool:
        return await self._store.write(
            rows.start, job.number, credential=credential, now=self._clock(), order=self._order(why)
        )

    async def _go_on(self, job: Job, credential: Credential, why: str | None) -> bool:
        """A pilot that was paused, or runs."""
        return await self._store.write(
            pilots.resume, job.number, credential=credential, order=self._order(why), now=self._clock()
        )

    async def _begin_pilot(self, job: Job, credential: Credential, why: str | None) -> bool:
        tried = [pilots.Description(instructions=job.instructions, options=job.options)]
        return await self._begin(job, tried, credential, why)

    async def _begin(
        self, job: Job, tried: Sequence[pilots.Description], credential: Credential, why: str | None
    ) -> bool:
        """A round of the pilot: the first one chooses its units, the others have the same."""
        chosen = [] if job.trial else await self._choose_units(job)
        paid = {"credential": credential, "order": self._order(why), "now": self._clock()}
        return await self._store.write(pilots.begin, job, tried, units=chosen, **paid)  # type: ignore[arg-type]

    async def _choose_units(self, job: Job) -> list[int]:
        candidates = await self._store.read(pilots.candidates, job.number, most=CANDIDATES)
        return pilot_sample.choose(candidates, job.options.pilot_units)

    async def _try_variants(self, job: Job, variants: Sequence[Variant], why: str | None) -> answers.StartedJob:
        if job.status not in {JobStatus.READY, JobStatus.REVIEW} or job.approved_at is not None:
            way_out = "variants are tried by a job that is ready or in review"
            raise WrongStatus(job.job_id, job.status, "try variants", way_out)
        _require_names(variants)
        tried = [described(job, one, self._settings) for one in variants]
        for one in tried:
            await self._require_fields(job, one.instructions)
        return await self._let(job, self._trying(tried, why))

    def _trying(self, tried: Sequence[pilots.Description], why: str | None) -> START:
        """Begins a round, once however often a supervisor is rung for. Raises `StoreError` if somebody else changed
        the job meanwhile."""
        begun = False

        async def begin(job: Job, credential: Credential) -> bool:
            nonlocal begun
            begun = begun or await self._begin(job, tried, credential, why)
            if not begun:
                raise StoreError(f"job {job.job_id} was changed by somebody else meanwhile; look at it, then try again")
            return begun

        return begin

    async def _require_fields(self, job: Job, instructions: str) -> None:
        """Every unit has what a new template asks for. Raises `UnknownField`, or `InvalidJob` that names the unit."""
        prompt, known = Prompt(instructions), Prompt(job.instructions)
        if prompt.is_plain and prompt.required <= known.required:
            return
        after = 0
        while page := await self._store.read(units.payloads, job.number, after=after, limit=PAGE):
            for _, (key, payload, _row) in page:
                if (field := prompt.missing(payload)) is not None:
                    if field in prompt.required and field not in known.required:
                        raise UnknownField({field}, payload.keys())
                    raise InvalidJob("instructions", field, f"the template cannot be filled for unit {key!r}")
            after = page[-1][0]

    async def _approve(self, job: Job, credential: Credential, variant: str | None, why: str | None) -> bool:
        """Let the rest run, under the description that was chosen and the budget that follows from its quote."""
        look = await self._look(job.job_id)
        if look.job.status is not JobStatus.REVIEW:  # somebody else was faster; what he did stands
            return False
        chosen = _chosen(look, variant)
        options = _with_settings_of(job, chosen)
        results = look.pilot.results.get(chosen.n, ()) if look.pilot else ()
        said = estimates.of_pilot(look, options, results)
        options = estimates.approved_options(job, options, said, results)
        kept = None if said is None else estimates.kept(job, said)
        paid = {"credential": credential, "order": self._order(why), "now": self._clock()}
        return await self._store.write(trials.approve, job, chosen, options, kept, **paid)  # type: ignore[arg-type]


def _require_names(variants: Sequence[Variant]) -> None:
    names = [one.name for one in variants]
    if not 2 <= len(names) <= MOST_VARIANTS or None in names or len(set(names)) < len(names):
        raise InvalidJob("variants", names, f"give 2 to {MOST_VARIANTS} variants, each with a name of its own")


def _chosen(look: Snapshot, variant: str | None) -> Trial:
    named = present_pilot.variants_of(look)
    if variant is None and len(named) < 2 and look.pilot is not None:
        return present_pilot.in_force(look.job, look.pilot)
    if variant is None or variant not in named:
        known = ", ".join(named) or "none: this round tried one description"
        raise InvalidJob("variant", variant, f"say which of the tried ones is to run: {known}")
    return named[variant]


def _with_settings_of(job: Job, chosen: Trial) -> AgentOptions:
    return job.options if chosen.n == job.trial else chosen.options.live(job.options)


def require_startable(job: Job) -> None:
    match job.status:
        case JobStatus.READY | JobStatus.PILOT | JobStatus.REVIEW | JobStatus.PAUSED | JobStatus.RUNNING:
            return
        case JobStatus.ENUMERATING:
            way_out = "its source is still being read; wait with get_status(wait_s=45), then start it"
        case JobStatus.FAILED:
            way_out = f"its source could not be read ({job.reason}); create the job again"
        case _:
            way_out = "see get_results for what it did; retry_units asks for units again"
    raise WrongStatus(job.job_id, job.status, "be started", way_out)
