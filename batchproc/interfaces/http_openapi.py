"""The published document (OpenAPI 3.1), made of the same table as the router.

`python -m batchproc.interfaces.http_openapi` writes docs/openapi.json.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from batchproc import __version__
from batchproc.interfaces import http_advice as advice
from batchproc.interfaces import http_paths as paths
from batchproc.interfaces import http_problems as problems
from batchproc.interfaces.http_routes import PREFIX, TABLE
from batchproc.interfaces.http_rows import Route

Schema = dict[str, Any]
ABOUT = """\
Everything that batchproc does, as the MCP tools and the shell do it, on this machine only.

Programs send `Authorization: Bearer` with the token in the file `tokens/api` of the store's home (`~/.batchproc`).
The dashboard's page has a session instead: a cookie and a key that belong together. Every request names the server's
own `Host`; whatever is not a GET has `Content-Type: application/json`, also without a body. Query parameters and fields
that are not known are refused, and so are parameters that stand twice. Segments of a path are decoded one by one: a `/`
in a unit's key is `%2F`, and a key that is `.` or `..` or begins with `~` has a `~` before it. Times are ISO 8601 in
UTC, dollars are estimates of the client and no bill.
"""

PROBLEMS: Mapping[int, str] = {
    400: "It cannot be read: no JSON, or no UTF-8",
    401: "Nobody knows you here: no token, no session, or a link that was used",
    403: "Not from there, or not for you: another page made the request, or it is for a person only",
    404: "There is no such job, unit or approval",
    408: "The body did not come in time",
    409: "It does not fit what is there: the status, an approval or a credential that is missing",
    413: "The body is too large",
    415: "It is not declared as JSON",
    421: "The Host is not this server's",
    422: "It cannot work: each field with its value and the way out",
    500: "A fault of batchproc",
    503: "The store or the supervisor cannot be used, or the dashboard is ending",
    504: "It takes too long",
}
ALL = frozenset({400, 401, 403, 421, 422, 500, 503, 504})
CHANGES = frozenset({408, 413, 415})


def document(table: Iterable[Route] = TABLE, *, port: str = "PORT") -> Schema:
    """What there is, as JSON."""
    rows = list(table)
    refs, schemas = _schemas(rows)
    paths: Schema = {}
    for row, name in zip(rows, _names(rows), strict=True):
        paths.setdefault(PREFIX + row.path, {})[row.method.lower()] = _operation(row, name, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "batchproc", "version": __version__, "description": ABOUT, "license": {"name": "MIT"}},
        "servers": [{"url": "/", "description": "As `batchproc dashboard --link` names it"}],
        "security": [{"program": []}, {"session": [], "key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {f"Problem{status}": _problem(words) for status, words in PROBLEMS.items()},
            "securitySchemes": _doors(port),
        },
    }


def _doors(port: str) -> Schema:
    cookie = f"batchproc_{port}"
    return {
        "program": {"type": "http", "scheme": "bearer", "description": "The token in the file tokens/api"},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": "PORT is the server's own"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Batchproc-Key", "description": "Of the same session"},
    }


def _problem(words: str) -> Schema:
    schema = {"$ref": "#/components/schemas/ProblemAnswer"}
    return {"description": words, "content": {problems.MEDIA_TYPE: {"schema": schema}}}


Refs = Mapping[tuple[Any, JsonSchemaMode], Schema]


def _schemas(rows: list[Route]) -> tuple[Refs, Schema]:
    """Every model that is sent or answered, under one name each."""
    used: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(problems.ProblemAnswer, "serialization"): None}
    for row in rows:
        used |= {(model, "validation"): None for model in (row.query, row.body) if model is not None}
        used |= {(model, "serialization"): None for model in (row.answer,) if model is not None}
    refs, made = models_json_schema(list(used), ref_template="#/components/schemas/{model}")
    queries = {refs[row.query, "validation"]["$ref"].rpartition("/")[2] for row in rows if row.query is not None}
    named = _worded(dict(sorted(made["$defs"].items())))
    for row in rows:
        if row.query is not None:
            name = refs[row.query, "validation"]["$ref"].rpartition("/")[2]
            refs[row.query, "validation"] = named[name]
    return refs, {name: schema for name, schema in named.items() if name not in queries}


def _worded(schema: Any) -> Any:
    """With descriptions in the words of this face."""
    if isinstance(schema, list):
        return [_worded(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: advice.worded(one) if name == "description" and isinstance(one, str) else _worded(one)
        for name, one in schema.items()
    }


def _names(rows: list[Route]) -> list[str]:
    """By its handler or its verb; a verb with several rows also has the last word of the path."""
    verbs = Counter(row.verb for row in rows if row.handler is None)
    return [_name(row, verbs) for row in rows]


def _name(row: Route, verbs: Mapping[str, int]) -> str:
    if row.handler is not None:
        return row.handler.__name__
    return row.verb if verbs[row.verb] == 1 else f"{row.verb}_{row.path.rpartition('/')[2]}"


def _operation(row: Route, name: str, refs: Refs) -> Schema:
    made: Schema = {"operationId": name, "summary": row.about, "tags": [row.path.split("/")[1]]}
    if parameters := [*_path(row), *_query(row, refs), *_headers(row)]:
        made["parameters"] = parameters
    if row.body is not None:
        schema = refs[row.body, "validation"]
        is_needed = any(known.is_required() for known in row.body.model_fields.values())
        made["requestBody"] = {"required": is_needed, "content": {"application/json": {"schema": schema}}}
    made["responses"] = _responses(row, refs)
    if row.is_open:
        made["security"] = []
    return made


def _path(row: Route) -> list[Schema]:
    names = [part[1:-1] for part in row.path.split("/") if part.startswith("{")]
    schema = {"type": "string", "minLength": 1}
    about = {paths.KEY: {"description": paths.ABOUT_KEY}}
    return [{"name": name, "in": "path", "required": True, "schema": schema, **about.get(name, {})} for name in names]


def _query(row: Route, refs: Refs) -> list[Schema]:
    if row.query is None:
        return []
    schema = refs[row.query, "validation"]
    needed = set(schema.get("required", ()))
    return [_parameter(name, dict(one), name in needed) for name, one in schema["properties"].items()]


def _parameter(name: str, schema: Schema, needed: bool) -> Schema:
    """A query has no null: what may be null may be left out."""
    words = schema.pop("description", None)
    schema.pop("title", None)
    if schema.get("default", 0) is None:
        del schema["default"]
    kinds = [one for one in schema.pop("anyOf", ()) if one != {"type": "null"}]
    words = next((one.pop("description") for one in map(dict, kinds) if "description" in one), words)
    schema |= {} if not kinds else kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    made = {"name": name, "in": "query", "required": needed, "schema": schema}
    return made if words is None else {**made, "description": words}


def _headers(row: Route) -> list[Schema]:
    return [{"name": name, "in": "header", "required": False, **said} for name, said in row.headers.items()]


def _responses(row: Route, refs: Refs) -> Schema:
    good = {} if row.answer is None else {"schema": refs[row.answer, "serialization"]}
    answer = {"description": row.about, "content": {kind: dict(good) for kind in row.media}}
    fails = {status: {"$ref": f"#/components/responses/Problem{status}"} for status in fails_of(row)}
    also = {status: _either(answer, status) for status in row.answers_too}
    return {str(status): one for status, one in sorted({row.status: answer, **fails, **also}.items())}


def _either(answer: Schema, status: int) -> Schema:
    """An answer, or a problem, under one status."""
    return {**answer, "content": {**answer["content"], **_problem(PROBLEMS[status])["content"]}}


def fails_of(row: Route) -> set[int]:
    """The statuses of its problems."""
    is_change = row.method != "GET"
    found = {*ALL, *row.also, *(CHANGES if is_change else ())}
    if row.is_open:
        found -= {401} - {*row.also}
    if row.verb:
        found |= {404} if "{" in row.path else set()
        found |= {409} if is_change and not row.is_question else set()
    return found


def main(argv: list[str]) -> None:
    """Write the document where the docs are, or to the path that is given."""
    path = Path(argv[0]) if argv else Path(__file__).parents[2] / "docs" / "openapi.json"
    path.write_text(json.dumps(document(), indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
