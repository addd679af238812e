"""No advice comes through HTTP in the words of a chat; what others said comes as they said it."""

import ast
import functools
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from batchproc import answers, errors, judge, orders, present_plan
from batchproc.interfaces import http_advice as advice
from batchproc.interfaces import http_openapi
from batchproc.interfaces import http_problems as problems
from batchproc.interfaces.http_routes import TABLE
from batchproc.models import JobStatus
from batchproc.supervisor import proofs
from tests.conftest import wait_until
from tests.e2e.test_mcp import TOOLS
from tests.interfaces.conftest import Open
from tests.interfaces.test_http_requests import SPEC, created

PACKAGE = Path(advice.__file__).parents[1]
OF_CHATS = re.compile(rf"\b(?:{'|'.join(sorted(TOOLS))})\b|wait_s=45\)|this chat|this client|any tool,")
REQUEST = re.compile(r"`(GET|POST|PATCH|DELETE) /api/v1(/[^ ?`]*)")


@functools.cache
def templates() -> list[tuple[str, str]]:
    """Every text of the house that names a tool, with its place. What faces say themselves is theirs."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if "interfaces" in path.parts or path.name == "demo.py":
            continue
        tree = ast.parse(path.read_text("utf-8"))
        bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
                text = node.value
                if OF_CHATS.search(text) and " " in text:
                    found.append((f"{path.relative_to(PACKAGE)}:{node.lineno}", text))
    return found


@pytest.mark.parametrize(("place", "text"), templates(), ids=lambda one: one[:40])
def test_every_text_that_names_a_tool_names_a_request_here(place: str, text: str) -> None:
    said = advice.worded(advice.partly_worded(text, "job-1"), "job-1")
    assert not OF_CHATS.search(said), said
    assert "JOB" not in said.replace("/api/v1/jobs/JOB", "") and "``" not in said


def test_there_are_such_texts() -> None:
    assert len(templates()) > 60
    assert {"present.py", "control.py", "errors.py"} <= {Path(place.partition(":")[0]).name for place, _ in templates()}


def test_what_is_named_instead_is_there() -> None:
    known = {(row.method, re.sub(r"\{.*?\}", "X", row.path)) for row in TABLE}
    said = [request for _, request in (*advice.TOOLS, *advice.PHRASES)]
    named = {(method, re.sub("JOB|KEY", "X", path)) for one in said for method, path in REQUEST.findall(one)}
    assert len(named) > 15 and named <= known
    for one in said:
        for body in re.findall(r"`POST [^ ]* (\{.*?\})`", one):
            json.loads(re.sub(r"\\1|\\2|…", "1", body.replace("[…]", "[]")))


@pytest.mark.parametrize("text", [*judge.IN_OUR_WORDS.values(), proofs.ANEW])
def test_what_the_house_says_among_the_words_of_others_names_requests(text: str) -> None:
    assert not OF_CHATS.search(advice.partly_worded(text))


def test_words_of_others_stay_as_they_are() -> None:
    theirs = "get_unit(1) failed: call start_job, when this chat closes; see list_jobs"
    failure = answers.Failure(signature="s", count=1, example_key="k", message=theirs)
    assert advice.content(failure)["message"] == theirs
    needed = errors.NeedsApproval("job j", "j", f"it runs `{theirs}`", "start it")
    assert theirs in problems.of(needed).detail and "or in the dashboard. Then start it" in problems.of(needed).detail
    invalid = errors.InvalidJob("instructions", "see list_jobs", "see list_jobs")
    assert problems.of(invalid).detail == "instructions = 'see list_jobs': see `GET /api/v1/jobs`"
    assert problems.of(errors.InvalidJob("sql", "x", "no such column: get_unit")).detail.endswith(" get_unit")
    assert problems.of(errors.SourceError("start_job.csv", "get_unit")).detail == "start_job.csv: get_unit"


MESSAGES = [
    present_plan.HOW + present_plan.DROP,
    present_plan.HOW_WITHOUT_PILOT,
    present_plan.CHOOSE + present_plan.TAKE_BACK,
    present_plan.HOW.replace("job_id, ", 'job_id, variant="b", ', 1),
    "2 units, at most 1 at a time. It goes on when this chat closes. guard: full. Watch it with get_status(wait_s=45)",
    "it is paused again at once (credential): get_status says why",
    "changed; round 2 of the pilot runs on the same units; get_status(wait_s=45) shows both",
    "changed; 3 units run first, then it waits in review: get_status(wait_s=45) shows old beside new. All other",
    "changed; start_job tries it on a few units",
    "cancelled. What was final stays; retry_units(status=cancelled) takes the rest up again",
    *(
        orders.said_of_retry(count, SimpleNamespace(status=status))  # type: ignore[arg-type]
        for count in (1, 2)
        for status in (JobStatus.PAUSED, JobStatus.READY)
    ),
]


@pytest.mark.parametrize("text", MESSAGES)
@pytest.mark.parametrize("kind", [answers.StartedJob, answers.ControlledJob])
def test_a_message_keeps_what_it_repeats_of_a_job_and_names_requests_beside_it(kind: Any, text: str) -> None:
    theirs = "runs `get_unit` of job 'see list_jobs': call start_job, when this chat closes. "
    rest = {"reason": None, "detail": None, "counts": {}, "cancelling": 0, "max_concurrency": 1, "budget_usd": 5}
    known = {"ledger": "", "job_id": "job-1", "status": "paused", "priority": 0, **rest}
    of_kind = {name: value for name, value in known.items() if name in kind.model_fields}
    said = advice.content(kind(**of_kind, message=theirs + text))["message"]
    assert said.startswith(theirs) and not OF_CHATS.search(said.removeprefix(theirs)), said


def test_a_name_that_reads_like_a_tool_stays_within_a_call() -> None:
    said = advice.worded('start_job(job_id, variant="a get_unit b", confirmed=true)', "job-1")
    assert said == '`POST /api/v1/jobs/job-1/start {"variant": "a get_unit b", "confirmed": true}`'


async def test_a_plan_repeats_a_jobs_own_words_as_they_are(opened: Open) -> None:
    theirs = "call get_unit, then list_jobs"
    job = await created(opened, instructions=f"{theirs} {{{{ name }}}}", name=theirs)
    await opened.ask("POST", f"/jobs/{job}/start")

    async def waits() -> bool:
        return (await opened.ask("GET", f"/jobs/{job}?wait_s=5")).json["status"] == "review"

    await wait_until(waits, "the pilot has run", 60)
    plan = (await opened.ask("GET", f"/jobs/{job}/plan")).json["text"]
    message = (await opened.ask("POST", f"/jobs/{job}/start")).json["message"]
    assert plan.count(theirs) == 2 and message.startswith(plan)
    assert f'`POST /api/v1/jobs/{job}/start {{"confirmed": true}}`' in message


@pytest.mark.parametrize("name", ["get_unit", "a get_unit", "a/b c"])
async def test_what_is_not_there_is_named_as_it_was_asked_for(opened: Open, name: str) -> None:
    said = (await opened.ask("GET", f"/jobs/{quote(name, safe='')}/units/k")).json["detail"]
    assert said == f"no job {name!r}; see `GET /api/v1/jobs`"
    refused = problems.of(errors.WrongStatus(name, "ready", "x", "see get_status"), name).detail
    assert refused == f"job {name} is ready, so it cannot x; see `GET /api/v1/jobs/{quote(name, safe='')}`"


def test_an_advice_names_the_job_that_it_is_about() -> None:
    missing = errors.WrongStatus("job-1", "paused", "x", "call control_job(action=set, budget_usd=…)")
    assert problems.of(missing, "job-1").detail.endswith('`POST /api/v1/jobs/job-1/set {"budget_usd": …}`')
    odd = problems.of(errors.NotFound("job", "a\\1", "see get_status"), "a\\1")
    assert odd.detail.endswith("`GET /api/v1/jobs/a%5C1`")


def test_the_document_is_in_these_words() -> None:
    made = http_openapi.document()
    texts = [one for schema in made["components"]["schemas"].values() for one in _texts(schema)]
    assert [text for text in texts if OF_CHATS.search(text)] == []


async def test_no_answer_of_a_jobs_whole_life_speaks_of_tools(opened: Open) -> None:
    said: list[Any] = []

    async def ask(method: str, path: str, body: Any = b"") -> Any:
        answered = await opened.ask(method, path, body)
        said.append((f"{method} {path}", answered.json))
        return answered.json

    job = (await ask("POST", "/jobs", SPEC))["job_id"]
    await ask("POST", "/jobs/preview", SPEC)
    for verb in ("pause", "resume", "retry", "review", "export"):
        await ask("POST", f"/jobs/{job}/{verb}", {"path": "relative"} if verb == "export" else {})
    await ask("PATCH", f"/jobs/{job}", {})
    await ask("POST", f"/jobs/{job}/set", {})
    await ask("POST", f"/jobs/{job}/start", {"skip_pilot": True, "plan": "another"})
    await ask("POST", f"/jobs/{job}/start", {"skip_pilot": True})
    await ask("POST", f"/jobs/{job}/start")

    async def waits() -> bool:
        return (await ask("GET", f"/jobs/{job}?wait_s=5"))["status"] in {"review", "completed"}

    await wait_until(waits, "the pilot has run", 60)
    await ask("GET", f"/jobs/{job}/plan")
    await ask("POST", f"/jobs/{job}/start")
    await ask("POST", f"/jobs/{job}/start", {"confirmed": True})
    await wait_until(waits, "the job has run", 60)
    for path in ("", "/units", "/units/b", "/units/none", "/results", "/spec"):
        await ask("GET", f"/jobs/{job}{path}")
    await ask("POST", f"/jobs/{job}/review", {"n": 1})
    await ask("POST", f"/jobs/{job}/units/b/verdict", {"verdict": "reject"})
    await ask("POST", f"/jobs/{job}/query", {"sql": "SELECT 1"})
    await ask("POST", f"/jobs/{job}/source")
    await ask("POST", f"/jobs/{job}/set")
    await ask("DELETE", f"/jobs/{job}")
    for path in ("/jobs", "/jobs/none", "/health", "/ready", "/workers", "/approvals", "/logs"):
        await ask("GET", path)
    other = await created(opened, name="other")
    await ask("POST", f"/jobs/{other}/cancel")
    await ask("GET", f"/jobs/{other}")
    texts = [(where, text) for where, content in said for text in _texts(content)]
    assert [one for one in texts if OF_CHATS.search(one[1])] == []
    assert len({text for _, text in texts if REQUEST.search(text)}) > 8


def _texts(content: Any) -> list[str]:
    match content:
        case str():
            return [content]
        case dict():
            return [text for one in content.values() for text in _texts(one)]
        case list():
            return [text for one in content for text in _texts(one)]
        case _:
            return []


async def test_what_was_given_comes_back_as_it_was(opened: Open) -> None:
    """Also where it reads like an advice."""
    theirs = "call get_status(wait_s=45), then start_job when this chat closes"
    source = {"type": "list", "items": [{"name": theirs, "next": theirs, "message": theirs}], "key_field": "name"}
    job = await created(opened, instructions=f"{theirs} {{{{ name }}}}", enumerator=source, name=theirs)
    [unit] = (await opened.ask("GET", f"/jobs/{job}/units")).json["units"]
    assert unit["key"] == theirs and set(unit["payload"].values()) == {theirs}
    spec = (await opened.ask("GET", f"/jobs/{job}/spec")).json
    assert spec["name"] == theirs and spec["instructions"].startswith(theirs) and spec["enumerator"] == source
