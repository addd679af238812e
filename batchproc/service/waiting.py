"""What waits for a person: programs and profiles to be allowed, a plan to be agreed to."""

from batchproc import answers, approvals, present_pilot
from batchproc import present_words as words
from batchproc.errors import InvalidJob
from batchproc.service.starting import Starting
from batchproc.store import approvals as given


class Waiting(Starting):
    """list_approvals, approve_named, decline_approval, plan_answer."""

    async def list_approvals(self) -> answers.Approvals:
        """What a person has to allow before something may run: of jobs that have not ended, and of sources that were to
        be read. What somebody declined is not among it, until it is asked for again."""
        sources = [
            answers.Approvable(
                name=one.hash,
                hash=one.hash,
                what="the source of a job",
                text=one.text,
                job_id=None,
                asked_at=words.stamp(one.at),
                asked_by=one.by,
            )
            for one in await self._store.read(given.requests)
        ]
        return answers.Approvals(approvals=[*await self._of_jobs(), *sources])

    async def _of_jobs(self) -> list[answers.Approvable]:
        found = []
        for job, needed in await self._store.read(given.of_jobs):
            found.append(
                answers.Approvable(
                    name=job.job_id,
                    hash=needed.hash,
                    what=f"job {job.name!r}",
                    text=needed.text,
                    job_id=job.job_id,
                    asked_at=words.stamp(job.created_at),
                    asked_by=None,
                )
            )
        return found

    async def approve_named(self, name: str, digest: str, *, by: str) -> bool:
        """A person read the text of exactly this approval, of a job or a source by its name, and agreed. Only a face
        that had that from a person may call it. False: nothing waits under this name (any more). Raises `NotFound`,
        `InvalidJob` if it is another text by now."""
        if is_job(name):
            return await self.approve(name, digest, by=by)
        needed = await self.requested_approval(name)
        if needed is None:
            return False
        _require_same(needed, digest)
        return await self.approve_source(needed, by=by)

    async def decline_approval(self, name: str, digest: str, *, by: str) -> bool:
        """A person read it and does not allow it: nothing of it runs, and it waits for nobody until it is asked for
        again. False: nothing waits under this name (any more). Raises as `approve_named`."""
        needed = await (self.needed_approval if is_job(name) else self.requested_approval)(name)
        if needed is None:
            return False
        _require_same(needed, digest)
        job = await self._job(name) if is_job(name) else None
        return await self._store.write(
            given.refuse, needed.hash, by=by, job=job.number if job else None, now=self._clock()
        )

    async def plan_answer(
        self, job_id: str, skip_pilot: bool = False, variant: str | None = None
    ) -> answers.PlanAnswer:
        """What would happen if the job were started so, for a person to agree to. Raises `NotFound`, `InvalidJob`."""
        plan = await self.plan(job_id, skip_pilot=skip_pilot, variant=variant)
        look = await self._look(job_id)
        return answers.PlanAnswer(
            text=None if plan is None else plan.text,
            plan=None if plan is None else plan.digest,
            needs_choice=plan is not None and plan.is_choice,
            variants=list(present_pilot.variants_of(look)),
        )


def is_job(name: str) -> bool:
    """Whether an approval's name is a job's id; else it is that of a source, its hash."""
    return name.startswith("job-")


def _require_same(needed: approvals.Approval, digest: str) -> None:
    if needed.hash != digest:
        raise InvalidJob("hash", digest, f"another approval is needed by now: {needed.hash}; read that one")
