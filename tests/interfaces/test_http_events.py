"""What may be asked of a stream of events, and what is said to who asks wrongly."""

import pytest

from batchproc.interfaces import http_hub


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
