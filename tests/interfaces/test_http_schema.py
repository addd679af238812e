"""What the published document says is what the server does: thousands of requests, right ones and wrong ones."""

import asyncio
import collections
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from batchproc.interfaces import http_openapi
from tests.conftest import wait_until
from tests.interfaces.serving import Server, serving_in

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
STREAMS = {"text/event-stream"}
"""The tool waits for the end of an answer: these have none."""
REHEARSED = {"model": "rehearsal", "breaker": 0}
PEOPLE = [{"name": name} for name in ("Ann", "a/b", "ö ?#%", "x" * 300)]


def test_the_document_in_the_docs_is_that_of_the_table() -> None:
    """python -m batchproc.interfaces.http_openapi writes it."""
    kept = Path(__file__).parents[2] / "docs" / "openapi.json"
    assert json.loads(kept.read_text("utf-8")) == http_openapi.document()


def test_every_operation_has_a_name_of_its_own_and_every_reference_leads_somewhere() -> None:
    made = http_openapi.document()
    names = [one["operationId"] for path in made["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))
    schemas = made["components"]["schemas"]
    for ref in _refs(made):
        kind, _, name = ref.removeprefix("#/components/").partition("/")
        assert name in (schemas if kind == "schemas" else made["components"]["responses"]), ref


def _refs(content: Any) -> list[str]:
    match content:
        case {"$ref": str(ref)}:
            return [ref]
        case dict():
            return [ref for one in content.values() for ref in _refs(one)]
        case list():
            return [ref for one in content for ref in _refs(one)]
        case _:
            return []


async def furnished(server: Server) -> list[str]:
    """Jobs in several states, so that many requests hit something."""
    jobs = []
    for n in range(6):
        source = {"type": "list", "items": PEOPLE, "key_field": "name"}
        spec = {"name": f"job {n}", "instructions": "Greet {{ name }}", "enumerator": source, "options": REHEARSED}
        status, created = await server.ask("POST", "/jobs", spec)
        assert status == 201, created
        jobs.append(created["job_id"])
    for job in jobs[:2]:
        await server.ask("POST", f"/jobs/{job}/start", {"confirmed": True, "skip_pilot": True})

    async def done() -> bool:
        looks = [await server.ask("GET", f"/jobs/{job}") for job in jobs[:2]]
        return all(look["status"] == "completed" for _, look in looks)

    await wait_until(done, "two jobs have ended", 60)
    return jobs


def described(document: Any, jobs: list[str], folder: Path) -> Any:
    """The document, with hints where the tool finds things."""
    keys = [one["name"] for one in PEOPLE]
    for path in document["paths"].values():
        for operation in path.values():
            for one in operation.get("parameters", ()):
                if hints := {"job_id": jobs, "key": keys}.get(one["name"]):
                    one["schema"] = {"enum": [*hints, "none"]}
    endings = ("csv", "jsonl", "html", "sqlite", "parquet", "txt")
    paths = [f"{folder}/results.{ending}" for ending in endings]
    document["components"]["schemas"]["Export"]["properties"]["path"]["enum"] = paths
    return document


def run(server: Server, document: Any, wanted: int) -> collections.Counter[int]:
    """Every operation, half of the requests right and half of them wrong. Raises what the checks find."""
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    operations = [one for one in operations if not STREAMS & set(_media(document, one))]
    operations.sort(key=lambda one: one.method == "delete")  # last: there is to be something all the while
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    statuses: collections.Counter[int] = collections.Counter()
    with requests.Session() as session:
        while sum(statuses.values()) < wanted:  # some operations do not have so many different requests
            n = sum(statuses.values())
            each = -(-(wanted - n) // (2 * len(operations)))
            for operation, mode in itertools.product(operations, modes):
                fuzz(server, operation, mode, each, session, statuses, n)
    return statuses


def _media(document: Any, operation: Any) -> list[str]:
    answered = document["paths"][operation.path][operation.method.lower()]["responses"]
    return [kind for one in answered.values() for kind in one.get("content", ())]


def fuzz(server: Server, operation: Any, mode: Any, each: int, session: Any, statuses: Any, n: int) -> None:
    if operation.path.endswith("/doctor"):
        each = min(each, 3)  # each starts a dozen programs

    @seed(n)
    @hypothesis_settings(
        max_examples=each,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        response = case.call(base_url=server.url, session=session, headers=server.headers, timeout=60)
        statuses[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    one()


@pytest.mark.parametrize(
    "wanted",
    [30, pytest.param(5_000, marks=[pytest.mark.long, pytest.mark.timeout(1_800)])],
)
async def test_the_server_does_what_its_document_says(tmp_path: Path, wanted: int) -> None:
    async with serving_in(tmp_path) as server:
        jobs = await furnished(server)
        _, document = await server.ask("GET", "/openapi.json")
        statuses = await asyncio.to_thread(run, server, described(document, jobs, tmp_path / "user"), wanted)
    print(dict(sorted(statuses.items())))
    assert sum(statuses.values()) >= wanted
    assert {200, 404, 422} <= statuses.keys() and not any(status >= 500 for status in statuses)
