"""A job is let run: first its pilot, and the rest of it once a person has approved what that showed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from batchproc import answers, estimates, pilot_sample, present, present_pilot, present_plan
from batchproc.errors import InvalidJob, PlanChanged, StoreError, SupervisorError, WrongStatus
from batchproc.models import REHEARSAL, AgentOptions, Credential, Job, JobOptions, JobStatus, Trial, Variant
from batchproc.models.spec import LIVE
from batchproc.present_plan import Plan
from batchproc.prompts import Prompt
from batchproc.service.allowing import Allowing
from batchproc.service.base import RINGS
from batchproc.service.describing import described, require_fields
from batchproc.store import pilots, trials, units
from batchproc.store.status import Snapshot

MOST_VARIANTS = 6
FIELDS_S = 10.0  # how long units are looked through for the fields of a new template
PLANNED = frozenset({JobStatus.READY, JobStatus.PILOT, JobStatus.REVIEW, JobStatus.PAUSED})
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
        variants: Sequence[Variant] | None = None,
        agreed: Plan | None = None,
        plan: str | None = None,
        why: str | None = None,
    ) -> answers.StartedJob:
        """Let the job's agents run: those of its pilot, or all of them once a person has approved. Answers at once.

        A job in review starts with `confirmed`, or if the plan that a person `agreed` to is still the plan, under the
        `variant` that its pilot tried; else the plan is returned and nothing is changed. `skip_pilot` with either
        starts all of it. `variants` are tried one after the other, in one pilot. `plan` is the digest of the plan that
        a person saw: `PlanChanged` if it is another one by now. Raises `CredentialMissing`, `NeedsApproval`,
        `NotFound`, `WrongStatus`, `InvalidJob`, `StoreError`, `SupervisorError`.
        """
        job = await self._job(job_id)
        require_startable(job)
        await self._require_approval(job)
        if variants is not None:
            return await self._try_variants(job, variants, why)
        if variant is not None and job.status is not JobStatus.REVIEW and not _is_way_back(job, variant):
            raise InvalidJob("variant", variant, f"job {job_id} is {job.status}: variants are chosen in review")
        is_asked = plan is not None or not confirmed
        known = await self.plan(job_id, skip_pilot=skip_pilot, variant=variant) if is_asked else None
        if plan is not None and known is not None and known.digest != plan:
            raise PlanChanged(job_id, known.text)
        if not confirmed and known is not None and (known != agreed or known.is_choice):
            changed = "it was changed since you agreed; the plan is now: " if agreed is not None else ""
            return present.told(await self._look(job_id), f"{changed}{known.text} {known.how}")
        model = await self._model_of(job, variant)
        return await self._let(job, self._way(job, skip_pilot, variant, why), model=model)

    async def _model_of(self, job: Job, variant: str | None) -> str | None:
        """The model of the description that is going to run: it says what pays."""
        if variant is None:
            return job.options.model
        return _chosen(await self._look(job.job_id), variant).options.model

    async def plan(self, job_id: str, *, skip_pilot: bool = False, variant: str | None = None) -> Plan | None:
        """What a person has to approve before (more of) the job runs; None if there is nothing. Raises `InvalidJob`."""
        look = await self._look(job_id)
        if look.job.approved_at is not None or look.job.status not in PLANNED:
            return None
        if look.job.status is JobStatus.REVIEW or _is_way_back(look.job, variant):
            if variant is None and len(named := present_pilot.variants_of(look)) > 1:
                return present_plan.choice(look, list(named))
            return present_plan.plan(look, _chosen(look, variant), variant)
        return present_plan.plan_without_pilot(look.job) if skip_pilot else None

    def _way(self, job: Job, skip_pilot: bool, variant: str | None, why: str | None) -> START:
        """What starting means for the job as it stands."""
        if job.approved_at is not None:
            return lambda now, credential: self._run_all(now, credential, why)
        match job.status:
            case _ if _is_way_back(job, variant):
                return lambda now, credential: self._approve(now, credential, variant, why)
            case JobStatus.REVIEW:
                return lambda now, credential: self._approve(now, credential, variant, why)
            case _ if skip_pilot:
                return lambda now, credential: self._skip_pilot(now, credential, why)
            case JobStatus.READY:
                return lambda now, credential: self._begin_pilot(now, credential, why)
            case _:
                return lambda now, credential: self._go_on(now, credential, why)

    async def _let(self, job: Job, start: START, *, model: str | None) -> answers.StartedJob:
        """Hand over what pays, write it down, and see that a supervisor takes it up."""
        for _ in range(RINGS):
            credential, guard = await self._hand_credentials(job, model)
            await start(job, credential)
            if await self._launcher.ring():
                return present.started(await self._look(job.job_id), credential, guard=guard)
        raise SupervisorError(
            f"job {job.job_id} is marked to run, but no supervisor took it up; see `batchproc doctor`, then start it "
            "again"
        )

    async def _run_all(self, job: Job, credential: Credential, why: str | None) -> bool:
        paid = {"credential": credential, "order": self._order(why), "now": self._clock()}
        went_on = await self._store.write(trials.go_on, job.number, **paid)  # type: ignore[arg-type]
        return went_on or await self._is_approved(job)

    async def _skip_pilot(self, job: Job, credential: Credential, why: str | None) -> bool:
        paid = {"credential": credential, "order": self._order(why), "now": self._clock()}
        skipped = await self._store.write(trials.skip, job, **paid)  # type: ignore[arg-type]
        return skipped or await self._is_approved(job)

    async def _is_approved(self, job: Job) -> bool:
        """False: somebody else was faster, and what he did stands. Raises `StoreError` if it is another description by
        now, that nobody has approved of."""
        now = await self._job(job.job_id)
        if now.approved_at is None:
            raise StoreError(f"job {job.job_id} was changed by somebody else meanwhile; look at it, then try again")
        return False

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

    async def _choose_units(self, job: Job, *, final: bool = False) -> list[int]:
        candidates = await self._store.read(pilots.candidates, job.number, most=CANDIDATES, final=final)
        return pilot_sample.choose(candidates, job.options.pilot_units)

    async def _try_variants(self, job: Job, variants: Sequence[Variant], why: str | None) -> answers.StartedJob:
        if job.status not in {JobStatus.READY, JobStatus.REVIEW} or job.approved_at is not None:
            way_out = "variants are tried by a job that is ready or in review"
            raise WrongStatus(job.job_id, job.status, "try variants", way_out)
        _require_names(variants)
        tried = [described(job, one, self._settings) for one in variants]
        await self._require_fields(job, *(one.instructions for one in tried))
        return await self._let(job, self._trying(tried, why), model=paid_model(tried))

    def _trying(self, tried: Sequence[pilots.Description], why: str | None) -> START:
        return self._once(lambda job, credential: self._begin(job, tried, credential, why))

    def _once(self, start: START) -> START:
        """Begins a round, once however often a supervisor is rung for. Raises `StoreError` if somebody else changed
        the job meanwhile."""
        begun = False

        async def begin(job: Job, credential: Credential) -> bool:
            nonlocal begun
            begun = begun or await start(job, credential)
            if not begun:
                raise StoreError(f"job {job.job_id} was changed by somebody else meanwhile; look at it, then try again")
            return begun

        return begin

    async def _require_fields(self, job: Job, *instructions: str) -> None:
        """Every unit has what new templates ask for, as far as can be seen in some seconds; for what is left, its
        attempt says so. Raises `UnknownField`, or `InvalidJob` that names the unit."""
        known = Prompt(job.instructions).required
        prompts = [Prompt(text) for text in dict.fromkeys(instructions) if text != job.instructions]
        prompts = [one for one in prompts if not (one.is_plain and one.required <= known)]
        after, deadline = 0, asyncio.get_running_loop().time() + FIELDS_S
        while prompts and asyncio.get_running_loop().time() < deadline:
            page = await self._store.read(units.payloads, job.number, after=after, limit=PAGE)
            if not page:
                return
            await asyncio.to_thread(require_fields, prompts, known, [item for _, item in page])
            after = page[-1][0]

    async def _approve(self, job: Job, credential: Credential, variant: str | None, why: str | None) -> bool:
        """Let the rest run, under the description that was chosen and the budget that follows from its quote."""
        look = await self._look(job.job_id)
        if look.job.status is not JobStatus.REVIEW and not _is_way_back(look.job, variant):
            return False  # somebody else was faster; what he did stands
        chosen = _chosen(look, variant)
        options = _with_settings_of(job, chosen)
        results = look.pilot.results.get(chosen.n, ()) if look.pilot else ()
        said = estimates.of_pilot(look, chosen, options)
        options = estimates.approved_options(job, options, said, results)
        kept = None if said is None else estimates.kept(job, said)
        paid = {"credential": credential, "order": self._order(why), "now": self._clock()}
        return await self._store.write(trials.approve, job, chosen, options, kept, **paid)  # type: ignore[arg-type]


def _is_way_back(job: Job, variant: str | None) -> bool:
    """Whether a change is to be taken back that is not through with its pilot: paused, so that nothing of it runs."""
    return variant == present_pilot.BEFORE and job.status is JobStatus.PAUSED and job.approved_trial is not None


def paid_model(tried: Sequence[pilots.Description]) -> str | None:
    """The model that decides what pays: any that is not free, if one of them is not."""
    models = [one.options.model for one in tried]
    return next((model for model in models if model != REHEARSAL), models[0])


def _require_names(variants: Sequence[Variant]) -> None:
    names = [one.name for one in variants]
    if not 2 <= len(names) <= MOST_VARIANTS or None in names or len(set(names)) < len(names):
        raise InvalidJob("variants", names, f"give 2 to {MOST_VARIANTS} variants, each with a name of its own")
    if present_pilot.BEFORE in names:
        raise InvalidJob("variants", present_pilot.BEFORE, "this name is for what ran before a change; take another")
    live = sorted({name for one in variants for name in (one.options or JobOptions()).model_fields_set} & set(LIVE))
    if live:
        raise InvalidJob("variants", live, "these belong to the job, not to a variant; set them with control_job")


def _chosen(look: Snapshot, variant: str | None) -> Trial:
    named = present_pilot.variants_of(look)
    if variant is None and len(named.keys() - {present_pilot.BEFORE}) < 2 and look.pilot is not None:
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
