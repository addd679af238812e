"""What may be asked, and how it is refused: in words, never by a fault."""

import asyncio
import inspect
import json

import pytest

from batchproc import errors
from batchproc.interfaces import http, http_calls, http_openapi
from batchproc.interfaces import http_problems as problems
from batchproc.interfaces.http_routes import PREFIX, TABLE
from batchproc.interfaces.http_rows import Route
from batchproc.service import BatchService
from tests.conftest import wait_until
from tests.interfaces.conftest import HOST, JSON, Open
from tests.interfaces.knocking import knock

SOURCE = {"type": "list", "items": [{"name": "a/b"}, {"name": "b"}], "key_field": "name"}
SPEC = {"name": "n", "instructions": "Greet {{ name }}", "enumerator": SOURCE, "options": {"model": "rehearsal"}}


async def created(opened: Open, **more) -> str:
    return (await opened.ask("POST", "/jobs", {**SPEC, **more})).json["job_id"]


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.handler is None], ids=lambda row: f"{row.method} {row.path}"
)
def test_every_row_says_what_its_verb_takes(row: Route) -> None:
    takes = inspect.signature(getattr(BatchService, row.verb)).parameters
    said = {part[1:-1] for part in row.path.split("/") if part.startswith("{")} | set(row.fixed)
    for model in (row.query, row.body):
        said |= set(model.model_fields) if model else set()
    is_open = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in takes.values())
    assert is_open or said <= takes.keys()
    needed = {name for name, one in takes.items() if one.default is one.empty and name != "self"}
    assert needed - {"changes"} <= said


async def test_a_key_may_hold_what_a_path_is_made_of(opened: Open) -> None:
    job = await created(opened)
    answered = await opened.ask("GET", f"/jobs/{job}/units/a%2Fb")
    assert answered.status == 200 and answered.json["key"] == "a/b"
    assert (await opened.ask("GET", f"/jobs/{job}/units/a/b")).status == 404


async def test_words_of_the_path_are_no_keys_and_keys_are_no_words(opened: Open) -> None:
    source = {"type": "list", "items": [{"name": "cancel"}, {"name": "preview"}], "key_field": "name"}
    job = await created(opened, enumerator=source)
    assert (await opened.ask("GET", f"/jobs/{job}/units/cancel")).json["key"] == "cancel"
    refused = await opened.ask("GET", "/jobs/preview")
    assert (refused.status, refused.json["type"]) == (404, "urn:batchproc:problem/not-found")
    assert (await opened.ask("POST", f"/jobs/{job}/units/cancel", {"keys": ["cancel"]})).status == 200


async def test_an_unknown_method_hears_which_ones_there_are(opened: Open) -> None:
    answered = await opened.ask("PATCH", "/jobs")
    assert answered.status == 405 and answered.headers["allow"] == "GET, POST"
    answered = await knock(opened.app, "PUT", f"{PREFIX}/jobs", [HOST, JSON, *opened.program()])
    assert answered.status == 405 and "PATCH" in answered.headers["allow"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=5&limit=6", "limit"),
        ("limit=abc", "limit"),
        ("limit=5.0", "limit"),
        ("limit=1_0", "limit"),
        ("limit=0", "limit"),
        ("limit=99999999999999999999999", "limit"),
        ("cursor=%00", "cursor"),
        ("status=nonsense", "status"),
        ("stauts=ready", "stauts"),
        ("_method=DELETE", "_method"),
    ],
)
async def test_a_parameter_that_cannot_be_so_is_named_with_the_way_out(opened: Open, query: str, field: str) -> None:
    answered = await opened.ask("GET", f"/jobs?{query}")
    assert answered.status == 422 and answered.headers["content-type"] == problems.MEDIA_TYPE
    [one] = answered.json["errors"]
    assert one["field"] == field and one["way_out"] and field in answered.json["detail"]


@pytest.mark.parametrize("query", ["text=%ff", "text=%ed%a0%80", "text=\xff", "&".join("a=1" for _ in range(200))])
async def test_a_query_that_is_no_text_is_refused(opened: Open, query: str) -> None:
    assert (await opened.ask("GET", f"/jobs?{query}")).status == 400


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"1", b'"x"', b"\xff\xfe", b'{"name": "\\ud800"}', b'{"name": NaN}', b"{'name': 1}", b"[" * 5_000],
)
async def test_a_body_that_is_no_json_object_is_refused(opened: Open, body: bytes) -> None:
    answered = await opened.ask("POST", "/jobs", body)
    assert answered.status == 400 and answered.json["detail"]


async def test_fields_that_are_not_known_are_refused_at_any_depth(opened: Open) -> None:
    answered = await opened.ask("POST", "/jobs", {**SPEC, "options": {"modle": "x"}, "nmae": 1})
    assert answered.status == 422
    assert {one["field"] for one in answered.json["errors"]} == {"options.modle", "nmae"}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a\0b"},
        {"instructions": "do\0 {{ name }}"},
        {"enumerator": {"type": "list", "items": [{"name": "a\0b", "x\0": "\0"}], "key_field": "name"}},
        {"enumerator": {"type": "csv", "file_path": "/tmp/\0"}},
        {"enumerator": {"type": "list", "items": [{"n": 1 << 70}]}, "instructions": "do"},
        {"options": {"max_total_tokens": 1 << 63}},
        {"options": {"max_total_tokens": 1 << 200}},
        {"options": {"budget_usd": 1 << 2000}},
        {"output_schema": {"type": "object", "properties": {"a": {"const": 1 << 70}}}},
        {"options": {"system_prompt": "\0"}},
        {"output_schema": {"\0": "string"}},
        {"idempotency_key": "\0"},
    ],
    ids=str,
)
async def test_nothing_that_json_can_say_is_a_fault(opened: Open, change: dict) -> None:
    for path in ("/jobs", "/jobs/preview"):
        answered = await opened.ask("POST", path, json.dumps({**SPEC, **change}).encode())
        assert answered.status < 500, answered.body
        if answered.status == 201:
            job = answered.json["job_id"]
            for look in (f"/jobs/{job}", f"/jobs/{job}/spec", f"/jobs/{job}/units", "/jobs", f"/jobs/{job}/results"):
                assert (await opened.ask("GET", look)).status == 200


@pytest.mark.parametrize("path", ["/jobs", "/jobs/preview"])
@pytest.mark.parametrize("odd", ["\x1b", "\x7f", "\x9f", "\u202e", "\u2067"], ids=ascii)
async def test_a_name_with_what_is_not_seen_or_turns_the_writing_is_refused(opened: Open, odd: str, path: str) -> None:
    refused = await opened.ask("POST", path, {**SPEC, "name": f"live {odd}x"})
    [one] = refused.json["errors"]
    assert (refused.status, one["field"]) == (422, "name") and f"U+{ord(odd):04X}" in one["way_out"]
    assert (await opened.ask("GET", "/jobs")).json["jobs"] == []


async def test_a_name_may_have_lines_and_any_writing(opened: Open) -> None:
    names = ["two\nlines\tof it", "\u05e9\u05dc\u05d5\u05dd", "\U0001f468\u200d\U0001f469\u200d\U0001f467"]
    for one in names:
        await created(opened, name=one)
    kept = [job["name"] for job in (await opened.ask("GET", "/jobs")).json["jobs"]]
    assert sorted(kept) == sorted(["two lines of it", *names[1:]])


async def test_a_job_that_has_such_a_name_from_before_goes_on(opened: Open) -> None:
    job, odd = await created(opened), "live \u202ex\x1b"
    rename = "UPDATE jobs SET name = :name"
    await opened.service._store.write(lambda tx: tx.execute(rename, {"name": odd}).close())
    assert (await opened.ask("GET", f"/jobs/{job}/spec")).json["name"] == odd
    changed = await opened.ask("PATCH", f"/jobs/{job}", {"instructions": "Greet {{ name }} well"})
    assert changed.status == 200, changed.body
    assert (await opened.ask("GET", f"/jobs/{job}")).json["name"] == odd


@pytest.mark.parametrize("number", [1 << 64, -(1 << 63) - 1, 10**29 + 1], ids=str)
async def test_a_whole_number_of_any_length_is_no_other_number(opened: Open, number: int) -> None:
    spec = {**SPEC, "enumerator": {"type": "list", "items": [{"name": "a", "n": number}]}}
    answered = await opened.ask("POST", "/jobs", json.dumps(spec).encode())
    assert answered.status == 422 and "write it as text" in answered.json["detail"]


async def test_what_is_nested_too_deeply_is_refused(opened: Open) -> None:
    deep: dict = {"type": "string"}
    for _ in range(400):
        deep = {"type": "object", "properties": {"a": deep}}
    assert (await opened.ask("POST", "/jobs", json.dumps({**SPEC, "output_schema": deep}).encode())).status in {
        201,
        422,
    }
    nested = b'{"a":' * 900 + b"1" + b"}" * 900
    answered = await opened.ask("POST", "/jobs", b'{"name":"n","instructions":"i","enumerator":' + nested + b"}")
    assert answered.status == 422


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(opened: Open) -> None:
    large = ("Content-Length", str(http_calls.LARGEST_BODY + 1))
    assert (await opened.ask("POST", "/jobs", b"{}", [large])).status == 413
    answered = await opened.ask("POST", "/jobs", b" " * (http_calls.LARGEST_BODY + 1))
    assert answered.status == 413 and "bytes" in answered.json["detail"]
    sent = b'{"code": "' + b"x" * http_calls.LARGEST_OPEN_BODY + b'"}'
    assert (await knock(opened.app, "POST", f"{PREFIX}/session", [HOST, JSON], sent)).status == 413


async def test_a_job_is_created_once_for_one_idempotency_key(opened: Open) -> None:
    key = ("Idempotency-Key", "mine")
    first, second = [await opened.ask("POST", "/jobs", SPEC, [key]) for _ in range(2)]
    assert (first.status, second.status) == (201, 201) and first.json["job_id"] == second.json["job_id"]
    other = await opened.ask("POST", "/jobs", {**SPEC, "name": "other"}, [key])
    assert other.status == 422 and "another description" in other.json["detail"]
    for twice in ([key, key], [key, ("Idempotency-Key", "yours")]):
        assert (await opened.ask("POST", "/jobs", SPEC, twice)).status == 422
    in_body = await opened.ask("POST", "/jobs", {**SPEC, "idempotency_key": "yours"}, [key])
    assert in_body.status == 422
    same = await opened.ask("POST", "/jobs", {**SPEC, "idempotency_key": "mine"}, [key])
    assert same.json["job_id"] == first.json["job_id"]
    assert (await opened.ask("POST", "/jobs", SPEC, [("Idempotency-Key", "")])).status == 422


@pytest.mark.parametrize(("kind", "status"), [(kind, status) for kind, status, _, _ in problems.KINDS])
def test_every_error_of_ours_is_a_problem_with_a_status(kind: type[Exception], status: int) -> None:
    made = {
        errors.InvalidJob: lambda: errors.InvalidJob("f", 1, "way out"),
        errors.SourceError: lambda: errors.SourceError("s", "wrong"),
        errors.NotFound: lambda: errors.NotFound("job", "x", "way out"),
        errors.WrongStatus: lambda: errors.WrongStatus("j", "s", "v", "w"),
        errors.PlanChanged: lambda: errors.PlanChanged("j", "text"),
        errors.NeedsApproval: lambda: errors.NeedsApproval("w", "name", "text", "then"),
    }.get(kind, lambda: kind() if kind is errors.CredentialMissing else kind("words"))()
    problem = problems.of(made)
    said = str(made).replace("here, if this client can ask", "in the dashboard")
    assert problem.status == status and problem.detail == said
    assert status in http_openapi.PROBLEMS


async def test_a_fault_says_nothing_of_the_house(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(call):
        raise RuntimeError("a secret path")

    row = Route(method="GET", path="/breaks", about="", answer=None, handler=breaks)
    opened.app._app = http.build(opened.face, opened.app._app, [row])
    answered = await opened.ask("GET", "/breaks")
    assert answered.status == 500 and b"secret" not in answered.body
    assert "a secret path" in caplog.text


async def test_what_takes_too_long_is_said_to(opened: Open) -> None:
    async def sleeps(call):
        await asyncio.sleep(60)

    row = Route(method="GET", path="/sleeps", about="", answer=None, handler=sleeps, limit_s=0.05)
    opened.app._app = http.build(opened.face, opened.app._app, [row])
    answered = await opened.ask("GET", "/sleeps")
    assert answered.status == 504 and "0.05 s" in answered.json["detail"]


async def test_events_say_whether_a_person_or_a_program_did_it(opened: Open) -> None:
    job = await created(opened)
    path = f"{PREFIX}/jobs/{job}/set"
    for who, by in ((opened.person(), "dashboard: test"), (opened.program(), "api")):
        priority = 3 if by == "api" else 2
        body = json.dumps({"priority": priority, "why": "because"}).encode()
        assert (await knock(opened.app, "POST", path, [HOST, JSON, *who], body)).status == 200
        [change, *_] = (await opened.service.get_status(job)).changes
        assert (change.by, change.why) == (by, "because")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "sqlite", "html"])
async def test_a_download_is_the_export_and_leaves_nothing(opened: Open, form: str) -> None:
    job = await created(opened)
    await opened.ask("POST", f"/jobs/{job}/units/b/cancel")
    answered = await opened.ask("GET", f"/jobs/{job}/download?format={form}")
    assert answered.status == 200 and len(answered.body) == int(answered.headers["content-length"]) > 0
    assert answered.headers["content-disposition"] == f'attachment; filename="{job}.{form}"'
    assert list(opened.face.downloads.iterdir()) == []
    assert (await opened.ask("GET", "/jobs/none/download?format=csv")).status == 404
    assert list(opened.face.downloads.iterdir()) == []


async def test_what_agents_said_comes_as_html_that_is_safe_and_everything_else_as_text(opened: Open) -> None:
    job = await created(opened)
    await opened.ask("POST", f"/jobs/{job}/start", {"confirmed": True, "skip_pilot": True})

    async def done():
        return (await opened.ask("GET", f"/jobs/{job}?wait_s=5")).json["status"] == "completed"

    await wait_until(done, "the job has ended", 60)
    unit = (await opened.ask("GET", f"/jobs/{job}/units/a%2Fb")).json
    assert unit["text_html"].startswith("<p>[rehearsal model") and unit["text"].startswith("[rehearsal")
    page = (await opened.ask("GET", f"/jobs/{job}/units/a%2Fb/events?limit=1000")).json
    said = [event for event in page["events"] if event["kind"] == "agent.text"]
    assert said and all(event["html"].startswith("<p>") for event in said)
    assert all(event["html"] is None for event in page["events"] if event["kind"].startswith("unit."))


async def test_the_house_says_how_it_is(opened: Open) -> None:
    job = await created(opened)
    for path in ("/health", "/workers", "/stats", f"/stats?job_id={job}", "/logs?level=warning"):
        assert (await opened.ask("GET", path)).status == 200, path
    assert (await opened.ask("GET", "/stats?job_id=none")).status == 404
    assert (await opened.ask("GET", "/logs?level=loud")).status == 422
    ready = await opened.ask("GET", "/ready")
    assert ready.status == (200 if ready.json["ready"] else 503)


async def test_only_a_person_allows_what_a_job_names_and_only_what_was_read(opened: Open) -> None:
    job = await created(opened, options={"model": "rehearsal", "profile": "full"})
    path = f"/jobs/{job}/start"
    refused = await opened.ask("POST", path, {"confirmed": True, "skip_pilot": True})
    assert refused.status == 409 and refused.json["type"].endswith("/approval-needed") and refused.json["name"] == job
    [waiting] = (await opened.ask("GET", "/approvals")).json["approvals"]
    assert waiting["name"] == job and "shell" in waiting["text"]

    async def person(method: str, digest: str, *, at_terminal: bool = True):
        headers = [HOST, JSON, *opened.person(at_terminal=at_terminal)]
        body = json.dumps({"hash": digest}).encode()
        return await knock(opened.app, method, f"{PREFIX}/approvals/{job}", headers, body)

    by_program = await opened.ask("POST", f"/approvals/{job}", {"hash": waiting["hash"]})
    assert by_program.status == 403 and by_program.json["type"].endswith("/people-only")
    by_link_of_a_chat = await person("POST", waiting["hash"], at_terminal=False)
    assert by_link_of_a_chat.status == 403 and "batchproc dashboard" in by_link_of_a_chat.json["detail"]
    assert (await person("POST", "another")).status == 422
    assert (await person("DELETE", waiting["hash"])).json["done"] is True
    assert (await opened.ask("GET", "/approvals")).json["approvals"] == []
    await opened.ask("POST", path, {"confirmed": True, "skip_pilot": True})  # asked for again
    assert (await person("POST", waiting["hash"])).json["done"] is True
    assert (await person("POST", waiting["hash"])).json["done"] is False
    assert await opened.service.needed_approval(job) is None


async def test_a_plan_says_what_a_person_agrees_to(opened: Open) -> None:
    job = await created(opened)
    plan = (await opened.ask("GET", f"/jobs/{job}/plan?skip_pilot=true")).json
    assert "2 units" in plan["text"] and plan["needs_choice"] is False
    assert (await opened.ask("GET", f"/jobs/{job}/plan")).json["text"] is None


async def test_a_start_that_names_its_plan_is_refused_where_that_is_another_one(opened: Open) -> None:
    job = await created(opened)
    path = f"/jobs/{job}/start"
    read = (await opened.ask("GET", f"/jobs/{job}/plan?skip_pilot=true")).json
    assert read["plan"] == (await opened.ask("GET", f"/jobs/{job}/plan?skip_pilot=true")).json["plan"]
    assert (await opened.ask("POST", f"/jobs/{job}/set", {"budget_usd": 900})).status == 200
    agreed = {"skip_pilot": True, "confirmed": True, "plan": read["plan"]}
    assert (await opened.ask("POST", path, {**agreed, "plan": ""})).status == 409
    refused = await opened.ask("POST", path, agreed)
    now = (await opened.ask("GET", f"/jobs/{job}/plan?skip_pilot=true")).json
    assert (refused.status, refused.json["type"]) == (409, "urn:batchproc:problem/plan-changed")
    assert now["text"] in refused.json["detail"] and now["plan"] != read["plan"]
    assert (await opened.ask("GET", f"/jobs/{job}")).json["status"] == "ready"
    started = [await opened.ask("POST", path, {**agreed, "plan": now["plan"]}) for _ in range(2)]
    assert [one.status for one in started] == [200, 200], "saying it again is no fault"


async def test_what_the_service_refuses_names_its_field_as_the_door_does(opened: Open) -> None:
    answered = await opened.ask("POST", "/jobs", {**SPEC, "options": {"model": "rehearsal", "working_directory": "x"}})
    assert answered.status == 422
    [one] = answered.json["errors"]
    assert one["field"] == "options.working_directory" and one["value"] == "'x'" and one["way_out"]
