"""The shell's verbs that define jobs: create and preview, update, template. A description is a file, or flags."""

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from batchproc.errors import InvalidJob
from batchproc.interfaces import cli_words
from batchproc.models import JobOptions, JobSpec, Variant

if TYPE_CHECKING:
    from batchproc.service import BatchService

Model = TypeVar("Model", bound=BaseModel)

TABLES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".xlsx": "excel",
    ".xls": "excel",
    ".ods": "excel",
    ".parquet": "parquet",
}
DATABASES = frozenset({".db", ".sqlite", ".sqlite3"})


def add(commands: Any) -> list[argparse.ArgumentParser]:
    """Add the parsers of these verbs; returns them."""
    made = {name: commands.add_parser(name, help=about) for name, about in VERBS.items()}
    for name in ("create", "preview"):
        _describe(made[name])
        made[name].add_argument("--name", help="what the job is called")
        made[name].add_argument("--idempotency-key", help="the same key and description give the same job again")
    made["update"].add_argument("job_id")
    made["update"].add_argument("--why", help="kept with the change")
    made["template"].add_argument("job_id")
    made["template"].add_argument("--format", choices=["toml", "json"], default="toml")
    for name in ("create", "preview", "update"):
        made[name].add_argument("--instructions", metavar="TEXT", help="what to do with each unit; @FILE reads a file")
        made[name].add_argument(
            "--option", action="append", default=[], metavar="K=V", help="like model=haiku or budget_usd=20; V is JSON"
        )
        made[name].add_argument(
            "--schema", metavar="JSON", help='what an answer has to be, like {"party": "string"}; @FILE reads a file'
        )
        made[name].add_argument("--model", help="the same as --option model=…")
    return list(made.values())


VERBS = {
    "create": "define a job: from a file (TOML or JSON), or by flags; nothing runs yet",
    "preview": "the same, and nothing is kept",
    "update": "change what a job says, before all of it runs",
    "template": "print a job's description, for `create`",
}


def _describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", help="the description, as `template` prints it; - reads standard input")
    parser.add_argument("--from", dest="source", metavar="PATH", help="folder, table, database; or JSON")
    parser.add_argument("--pattern", help="which files of the folder, like **/*.md")
    parser.add_argument("--query", help="which rows of the database")
    parser.add_argument("--id-column", help="whose values are the units' keys")


def spec_of(args: argparse.Namespace) -> JobSpec:
    """The description that file and flags come to; a flag takes the place of what the file says."""
    described = _read(args.file) if args.file else {}
    if args.source:
        described["enumerator"] = _enumerator(args)
    if args.instructions is not None:
        described["instructions"] = _text("--instructions", args.instructions)
    if args.schema:
        described["output_schema"] = schema_of(args)
    options = {**_mapping("options", described.get("options", {})), **_options(args)}
    keys = {"name": args.name, "idempotency_key": args.idempotency_key}
    described |= {"options": options} | {name: value for name, value in keys.items() if value}
    described.setdefault("name", _name(described.get("enumerator", {})))
    _require(described)
    return _checked(JobSpec, described)


def options_of(args: argparse.Namespace) -> JobOptions | None:
    given = _options(args)
    return _checked(JobOptions, given) if given else None


def schema_of(args: argparse.Namespace) -> dict[str, Any] | None:
    if not args.schema:
        return None
    try:
        return _mapping("--schema", json.loads(_text("--schema", args.schema)))
    except json.JSONDecodeError as error:
        raise InvalidJob("--schema", args.schema, f"it is no JSON: {error}") from None


def instructions_of(args: argparse.Namespace) -> str | None:
    return None if args.instructions is None else _text("--instructions", args.instructions)


def _require(described: Mapping[str, Any]) -> None:
    if not described.get("enumerator"):
        raise InvalidJob("--from", None, "name where the units come from: a folder, a table, or a file that says it")
    if not described.get("instructions"):
        raise InvalidJob("--instructions", described.get("instructions"), "say what to do with each unit")


def _read(name: str) -> dict[str, Any]:
    """A description from a file. What ends in .json is JSON, what ends in .toml is TOML; else either."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidJob("file", name, f"it cannot be read: {error}") from None
    is_json = name.endswith(".json") or (not name.endswith(".toml") and text.lstrip().startswith("{"))
    try:
        return _mapping("file", json.loads(text) if is_json else tomllib.loads(text))
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        kind = "JSON" if is_json else "TOML"
        raise InvalidJob("file", name, f"it is no {kind}: {error}") from None


def _mapping(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidJob(field, value, "write a table of names and values")
    return dict(value)


def variants(name: str) -> list[Variant]:
    """Those of a file: a list of descriptions in JSON, each with a name."""
    try:
        found = json.loads(Path(name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidJob("--variants", name, f"it cannot be read: {error}") from None
    if not isinstance(found, list):
        raise InvalidJob("--variants", name, "write a list of {name, instructions?, options?}")
    return [_checked(Variant, one) for one in found]


def _text(flag: str, given: str) -> str:
    """The text itself, or what stands in the file after an @."""
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidJob(flag, given, f"the file cannot be read: {error}") from None


def _enumerator(args: argparse.Namespace) -> dict[str, Any]:
    """What `--from` means: a folder, a table by its name, a database with a query, or an enumerator in JSON."""
    source: str = args.source
    if source.lstrip().startswith("{"):
        try:
            return _mapping("--from", json.loads(source))
        except json.JSONDecodeError as error:
            raise InvalidJob("--from", source, f"it begins like JSON, but is none: {error}") from None
    if "://" in source:
        return _given(_database(source, args))
    path = Path(source).expanduser().absolute()
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if path.is_dir():
        found = {"type": "file", "base_directory": str(path), "pattern": args.pattern}
    elif suffix.lower() in TABLES:
        key = "id_field" if TABLES[suffix.lower()] == "json" else "id_column"
        found = {"type": TABLES[suffix.lower()], "file_path": str(path), key: args.id_column}
    elif suffix.lower() in DATABASES:
        found = _database(f"sqlite:///{path}", args)
    else:
        known = ", ".join([*TABLES, *sorted(DATABASES)])
        raise InvalidJob("--from", source, f"no such folder, and no table by its name ({known}); or write its JSON")
    for flag, value, kind in (("--pattern", args.pattern, "file"), ("--query", args.query, "sql")):
        if value is not None and found["type"] != kind:
            raise InvalidJob(flag, value, f"{source} is read as {found['type']}, which has none")
    return _given(found)


def _database(address: str, args: argparse.Namespace) -> dict[str, Any]:
    return {"type": "sql", "connection_string": address, "query": args.query, "id_column": args.id_column}


def _given(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}


def _name(enumerator: Any) -> str:
    """A job without a name is called after its source."""
    known = enumerator if isinstance(enumerator, dict) else {}
    place = known.get("file_path") or known.get("base_directory") or known.get("connection_string")
    return cli_words.safe(Path(str(place)).name) if place else str(known.get("type", "job"))


def _options(args: argparse.Namespace) -> dict[str, Any]:
    given = {"model": args.model} if args.model else {}
    for pair in args.option:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InvalidJob("--option", pair, "write it as name=value, like budget_usd=20")
        try:
            given[name.replace("-", "_")] = json.loads(value)
        except json.JSONDecodeError:
            given[name.replace("-", "_")] = value
    return given


def _checked(model: type[Model], given: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        one = error.errors(include_url=False)[0]
        known = ", ".join((JobOptions if "options" in one["loc"] else model).model_fields)
        way_out = f"no such thing; known are {known}" if one["type"] == "extra_forbidden" else one["msg"]
        raise InvalidJob(".".join(map(str, one["loc"])), one["input"], way_out) from None


def template(spec: JobSpec, form: str) -> str:
    """The description as text that `create` reads again."""
    described = spec.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if form == "json":
        return json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    import tomli_w

    described["enumerator"] = {name: one for name, one in described["enumerator"].items() if one is not None}
    try:  # on many lines what has many; but TOML takes \r\n there for \n
        return tomli_w.dumps(described, multiline_strings=r"\r" not in json.dumps(described))
    except TypeError:
        raise InvalidJob("--format", form, "TOML has no null, and the source holds some; write --format json") from None


async def update(service: "BatchService", args: argparse.Namespace) -> Any:
    return await service.update_job(
        args.job_id,
        instructions=instructions_of(args),
        output_schema=schema_of(args),
        options=options_of(args),
        why=args.why,
    )
