"""A job's description, changed or tried in a variant, is checked as at the door of create_job. Pure."""

from collections.abc import Collection, Sequence

from batchproc import options as options_
from batchproc.errors import InvalidJob, UnknownField
from batchproc.models import ANSWERS, AgentOptions, Item, Job, JobOptions, JobSpec, Variant
from batchproc.prompts import Prompt
from batchproc.settings import Settings
from batchproc.store.pilots import Description


def described(job: Job, change: Variant, settings: Settings) -> Description:
    """The job's description with what `change` names in the place of its own. Raises `InvalidJob`."""
    instructions = job.instructions
    if change.instructions is not None:
        # The source was read when the job was made; here only the words are checked.
        spec = JobSpec(name=job.name, instructions=change.instructions, enumerator={})
        instructions = spec.instructions
        Prompt(instructions)
    options = _options(job, change, settings)
    return Description(instructions=instructions, options=options, variant=change.name)


def _options(job: Job, change: Variant, settings: Settings) -> AgentOptions:
    given = change.options or JobOptions()
    if not given.model_fields_set and change.output_schema is None:
        return job.options
    if "priority" in given.model_fields_set:
        raise InvalidJob("options.priority", given.priority, "set it with control_job(action=set, priority=…)")
    if job.trial and given.pilot_units not in {None, job.options.pilot_units}:
        way_out = "the pilot's units are chosen; every round runs the same ones"
        raise InvalidJob("options.pilot_units", given.pilot_units, way_out)
    if given.share_identical is not job.options.share_identical and "share_identical" in given.model_fields_set:
        way_out = "it is looked at when the source is read; create the job again"
        raise InvalidJob("options.share_identical", given.share_identical, way_out)
    return options_.revise(job.options, given, settings, output_schema=change.output_schema)


def require_fields(prompts: Sequence[Prompt], known: Collection[str], items: Sequence[Item]) -> None:
    """Each item has what each template asks for; `known` fields every item has. Raises `UnknownField`, `InvalidJob`."""
    for key, payload, _ in items:
        for prompt in prompts:
            field = prompt.missing(payload)
            if field is None:
                continue
            if field in prompt.required and field not in known:
                raise UnknownField({field}, payload.keys())
            raise InvalidJob("instructions", field, f"the template cannot be filled for unit {key!r}")


def is_stale(job: Job, new: Description) -> bool:
    """Whether answers under the job's description say nothing of the new one."""
    if new.instructions != job.instructions:
        return True
    return any(getattr(new.options, name) != getattr(job.options, name) for name in ANSWERS)
