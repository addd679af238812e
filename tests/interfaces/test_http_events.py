"""What may be asked of a stream of events, and what is said to who asks wrongly."""

import asyncio

import pytest

from batchproc.interfaces import http_hub
from batchproc.interfaces.http_routes import PREFIX
from tests.interfaces.conftest import HOST, JSON
from tests.interfaces.knocking import knock


@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("/events?key=a", [], 422, "give job_id, too"),
        ("/events?after=x", [], 422, "write a whole number"),
        ("/events?ticks=1", [], 422, "write true or false"),
        ("/events?kind=", [], 422, "at least 1 character"),
        ("/events?since=1", [], 422, "there is no such field"),
        ("/events?job_id=job-none", [], 404, "no job 'job-none'"),
        ("/jobs/job-none/events", [], 404, "no job 'job-none'"),
        ("/events", [("Last-Event-ID", "12; x")], 422, "send the id of the last message"),
    ],
)
async def test_a_stream_that_cannot_be_is_refused_in_words(opened, path, headers, status, words):
    answered = await opened.ask("GET", path, headers=headers)
    assert answered.status == status
    assert words in answered.json["detail"]


async def test_a_stream_begins_with_how_to_come_back(opened):
    answered = await opened.ask("GET", "/events?ticks=true&kind=unit.&kind=job.")
    assert (answered.status, answered.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert answered.headers["cache-control"] == "no-store" and "content-length" not in answered.headers
    assert answered.body.startswith(b"retry: 1000\nid: 0\n\n")
    assert opened.face.hub.viewers == 0


async def test_one_viewer_too_many_is_told_so(opened, monkeypatch):
    monkeypatch.setattr(opened.face.hub, "_most", 0)
    answered = await opened.ask("GET", "/events")
    assert answered.status == 503 and answered.headers["retry-after"] == "5"
    assert "close a page" in answered.json["detail"]
    assert http_hub.MOST_VIEWERS == 200


async def test_who_has_signed_out_is_told_nothing_more(opened):
    who, said, begun = opened.person(), [], asyncio.Event()
    headers = [(name.lower().encode(), value.encode()) for name, value in (HOST, *who)]

    async def send(message):
        said.append(message.get("body", b""))
        if b"retry" in said[-1]:
            begun.set()

    path, never = f"{PREFIX}/events", asyncio.Event()
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    looking_on = asyncio.create_task(opened.app(scope, never.wait, send))
    await asyncio.wait_for(begun.wait(), 5)
    assert (await knock(opened.app, "DELETE", f"{PREFIX}/session", [HOST, JSON, *who])).status == 200
    source = {"type": "list", "items": [{"name": "a"}]}
    spec = {"name": "secret", "instructions": "do", "enumerator": source, "options": {"model": "rehearsal"}}
    assert (await opened.ask("POST", "/jobs", spec)).status == 201
    await asyncio.wait_for(looking_on, 5)
    assert b"secret" not in b"".join(said)
