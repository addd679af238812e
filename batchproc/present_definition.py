"""A job that is defined, or only looked at → what a person reads before it starts. Pure."""

from collections.abc import Sequence

from batchproc import answers, approvals, budget, ledger, lint, prices
from batchproc import present_words as words
from batchproc.models import REHEARSAL, Job, JobStatus, Profile, Unit, Workspace
from batchproc.prompts import Prompt

SAMPLE_CHARACTERS = 2_000


def created(job: Job, sample: Sequence[Unit], warnings: Sequence[str]) -> answers.CreatedJob:
    prompt = Prompt.of(job)
    return answers.CreatedJob(
        job_id=job.job_id,
        status=job.status,
        total_units=job.total_units or job.units_read,
        shared_prompt=words.cut(prompt.shared(job.options.system_prompt), SAMPLE_CHARACTERS),
        sample=[
            answers.Sample(
                key=u.key,
                payload=words.cut(u.payload, SAMPLE_CHARACTERS),
                prompt=words.cut(prompt.shown(u.key, u.payload), SAMPLE_CHARACTERS),
            )
            for u in sample
        ],
        warnings=[*warnings, *doubts(job, sample), *_plan_warnings(job)],
        next=_next_after_creation(job),
    )


def previewed(job: Job, sample: Sequence[Unit], warnings: Sequence[str], *, whole: bool) -> answers.CreatedJob:
    """What would be created. `whole`: all of its source was counted."""
    so_far = [] if whole else [f"the source is large: {job.units_read:,} units so far; create_job counts all of them"]
    following = "nothing was kept; create_job without preview_only defines the job"
    seen = created(job, sample, [*so_far, *warnings])
    return seen.model_copy(update={"job_id": None, "status": "preview", "next": following})


def doubts(job: Job, sample: Sequence[Unit]) -> list[str]:
    """What of the instructions will probably not do what was meant."""
    seen = [(unit.key, unit.payload) for unit in sample]
    return lint.warnings(
        job.instructions,
        options=job.options,
        source=job.source,
        sample=seen,
        total=job.total_units,
        output_schema=job.options.output_schema,
    )


def _plan_warnings(job: Job) -> list[str]:
    """What the plan lets agents do that a person may not expect."""
    options, said = job.options, []
    folders = [folder for folder in (options.working_directory, *options.directories) if folder]
    shared = options.workspace is Workspace.SHARED
    where = f"in {options.working_directory}, all of them" if shared else "in a scratch folder of each attempt's own"
    if options.profile is not Profile.ANSWER and folders:
        said.append(f"agents may read everything under {', '.join(folders)}, not only their own file")
    if options.profile in {Profile.EDIT, Profile.FULL}:
        said.append(f"agents may write files {where}")
    if options.outputs:
        over = "over files that are there" if options.overwrite_outputs else "where no other file is"
        said.append(
            f"once an answer is accepted, {', '.join(options.outputs)} is put into {options.output_base}, {over}"
        )
    texts = Prompt.of(job).size(options)
    least = budget.Reservation(options=options, shared=texts, largest_request=0).alone_usd(0)
    if least > options.budget_usd:
        said.append(f"budget_usd is too small: one attempt may cost {prices.dollars(least)}, so nothing would start")
    if (needed := approvals.needed(options)) is not None:
        said.append(f"a person has to approve this before it starts: {needed.text}")
    if options.model == REHEARSAL:
        said.append("this job uses the rehearsal model, which is free and is not Claude")
    return said


def _next_after_creation(job: Job) -> str:
    match job.status:
        case JobStatus.ENUMERATING:
            return (
                "the source is large and is still being read in the background; wait with get_status(wait_s=45) "
                "until status is ready, then start_job"
            )
        case JobStatus.READY:
            return (
                "show the user the sample and the warnings; when they agree, call start_job: it tries "
                f"{ledger.units(min(job.options.pilot_units, job.total_units))} and says what the rest will cost"
            )
        case _:
            return f"the job is {job.status}; see get_status"
