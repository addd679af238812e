"""A job's options: the defaults filled in, and checked against this machine, in the user's words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchproc import programs, schemas
from batchproc.errors import InvalidJob
from batchproc.models import AgentOptions, JobOptions, Profile, Workspace
from batchproc.outputs import Outputs
from batchproc.settings import Settings

DEFAULTED = (
    *("max_concurrency", "max_attempts", "timeout_s", "stall_s"),
    *("max_output_tokens", "budget_usd", "breaker", "pilot_units"),
)
"""What is left out takes the setting of the same name."""
AS_GIVEN = (
    *("model", "profile", "max_turns", "max_total_tokens", "max_units", "max_wall_s"),
    *("resume", "share_identical", "mcp_servers", "system_prompt", "check_timeout_s", "overwrite_outputs"),
)


def resolve(options: JobOptions, settings: Settings, *, output_schema: Mapping[str, Any] | None = None) -> AgentOptions:
    """Fill in the defaults and check what needs this machine. Raises `InvalidJob`.

    `output_schema` is JSON Schema or the short form.
    """
    programs.check(options, settings)
    check = programs.check_of(options, settings)
    given = {name: getattr(options, name) for name in (*AS_GIVEN, *DEFAULTED)}
    filled = {name: getattr(settings, name) for name in DEFAULTED if given[name] is None}
    named = options.working_directory
    folder = None if named is None else _folder("options.working_directory", named, settings.home)
    return AgentOptions(
        **{**given, **filled},
        budget_given=options.budget_usd is not None,
        unit_budget_usd=_unit_budget(options.unit_budget_usd, options.budget_usd or settings.budget_usd),
        working_directory=folder,
        workspace=_workspace(options),
        directories=_directories(options.directories, folder, settings.home),
        allowed_tools=list(options.allowed_tools),
        disallowed_tools=list(options.disallowed_tools),
        output_schema=None if output_schema is None else schemas.expand(output_schema),
        **_outputs(options, settings.home),
        check=check,
        check_files=programs.fingerprints_of(check) if check else None,
    )


def revise(
    known: AgentOptions, given: JobOptions, settings: Settings, *, output_schema: Mapping[str, Any] | None = None
) -> AgentOptions:
    """The options of a job with those in place of its own that somebody named. Raises `InvalidJob`."""
    named = {name: getattr(given, name) for name in given.model_fields_set}
    kept = {name: getattr(known, name) for name in JobOptions.model_fields if hasattr(known, name)}
    if not known.budget_given:
        kept["budget_usd"] = None
    if named.keys() & {"profile", "working_directory", "outputs"}:
        kept["workspace"] = None
    schema = known.output_schema if output_schema is None else output_schema
    return resolve(JobOptions.model_validate({**kept, **named}), settings, output_schema=schema)


def _folder(field: str, text: str, home: Path) -> str:
    """Its real path. The store is nobody's data: it may neither lie in the folder nor hold it."""
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise InvalidJob(field, text, "give an absolute path")
    if not path.is_dir():
        raise InvalidJob(field, text, "no such folder; create it or name another")
    real = path.resolve()
    if home.is_relative_to(real):
        raise InvalidJob(field, text, f"it holds batchproc's own store ({home}); name a narrower one")
    if real.is_relative_to(home):
        raise InvalidJob(field, text, f"it lies in batchproc's own store ({home}); name another")
    return str(real)


def _directories(named: tuple[str, ...], working: str | None, home: Path) -> list[str]:
    """Each once, and none that lies in another or in the working directory: it is readable there."""
    folders = sorted({_folder("options.directories", text, home) for text in named})
    kept = [working] if working else []
    for folder in folders:
        if not any(Path(folder).is_relative_to(other) for other in kept):
            kept.append(folder)
    return kept[1:] if working else kept


def _outputs(options: JobOptions, home: Path) -> dict[str, Any]:
    """What agents write to be published: in a folder of their own first, and nowhere else."""
    named, folder = list(options.outputs), options.output_directory
    if not named:
        if folder is not None:
            raise InvalidJob("options.output_directory", folder, "name the files in options.outputs")
        return {}
    Outputs(named)
    if options.profile is not Profile.EDIT:
        raise InvalidJob("options.profile", options.profile, 'outputs are written with the profile "edit"')
    if options.workspace is Workspace.SHARED:
        way_out = "outputs are written in a folder of each attempt's own first; leave the workspace out"
        raise InvalidJob("options.workspace", "shared", way_out)
    if options.share_identical:
        way_out = "a unit that shares an answer writes no outputs of its own; leave one of the two out"
        raise InvalidJob("options.share_identical", True, way_out)
    if "Write" in options.disallowed_tools:
        raise InvalidJob("options.disallowed_tools", "Write", "agents write the outputs with it")
    if folder is None and options.working_directory is None:
        raise InvalidJob("options.output_directory", None, "name the folder that the outputs are put into")
    place = None if folder is None else _folder("options.output_directory", folder, home)
    return {"outputs": named, "output_directory": place}


def _workspace(options: JobOptions) -> Workspace:
    writes = options.profile in {Profile.EDIT, Profile.FULL}
    if options.workspace is None:
        shared = writes and options.working_directory and not options.outputs
        return Workspace.SHARED if shared else Workspace.SCRATCH
    if options.workspace is Workspace.SHARED and not options.working_directory:
        raise InvalidJob("options.workspace", "shared", "name the folder to share in options.working_directory")
    return options.workspace


def _unit_budget(asked: float | None, budget: float) -> float | None:
    if asked is not None and asked > budget:
        way_out = (
            f"one attempt cannot cost more than the whole job, which may cost {budget:g}; raise options.budget_usd"
        )
        raise InvalidJob("options.unit_budget_usd", asked, way_out)
    return asked
