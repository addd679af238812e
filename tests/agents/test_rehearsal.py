"""The rehearsal model as a server: the wire format, the faults, a process of its own."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rehearsal_support import run_cli

from batchproc.agents.rehearsal import Call, RehearsalModel, Reply
from batchproc.models import Tokens
from tests.conftest import wait_until

ASKED = {"model": "rehearsal", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
TITLE = {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {"title": {"type": "string"}}}}}
GONE = (httpx2.RemoteProtocolError, httpx2.ReadError)


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
        yield client


async def ask(client: httpx2.AsyncClient, model: RehearsalModel, **more: Any) -> httpx2.Response:
    return await client.post(
        f"{model.url}/v1/messages", json={**ASKED, **more}, headers={"X-Claude-Code-Session-Id": "s"}
    )


def events(response: httpx2.Response) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: ")]


async def test_a_stream_says_what_the_script_said_in_the_order_of_the_real_one(client: httpx2.AsyncClient) -> None:
    reply = Reply(
        thinking="hm", text="four", tools=[("Read", {"file_path": "/a"})], chunks=2, usage=Tokens(input=3, output=7)
    )
    async with RehearsalModel(lambda call: reply) as model:
        said = events(await ask(client, model, stream=True))
    deltas = [event["delta"] for event in said if event["type"] == "content_block_delta"]
    assert [event["type"] for event in said][:3] == ["message_start", "ping", "content_block_start"]
    assert [event["type"] for event in said][-2:] == ["message_delta", "message_stop"]
    assert "".join(delta.get("text", "") for delta in deltas) == "four"
    assert json.loads("".join(delta.get("partial_json", "") for delta in deltas)) == {"file_path": "/a"}
    assert sum(delta["type"] == "text_delta" for delta in deltas) == 2
    assert said[-2]["delta"]["stop_reason"] == "tool_use" and said[-2]["usage"]["output_tokens"] == 7
    assert said[0]["message"]["usage"]["input_tokens"] == 3


async def test_a_script_sees_the_call_and_may_take_its_time(client: httpx2.AsyncClient) -> None:
    async def script(call: Call) -> Reply:
        return Reply(text=f"{call.number} {call.prompt} {call.session_id} {call.turn}", delay_s=0.01)

    async with RehearsalModel(script) as model:
        replies = await asyncio.gather(*(ask(client, model) for _ in range(3)))
        assert sorted(reply.json()["content"][0]["text"] for reply in replies) == [f"{n} hello s 0" for n in (1, 2, 3)]
        assert replies[0].json()["usage"]["output_tokens"] == 0
        await wait_until(lambda: model.in_flight == 0, "no call in flight", 20)
        assert (model.count, model.max_in_flight, len(model.calls)) == (3, 3, 3)


async def test_an_error_of_the_api_has_its_status_headers_and_shape(client: httpx2.AsyncClient) -> None:
    reply = Reply(status=529, message="busy", headers={"Retry-After": "7"})
    async with RehearsalModel(lambda call: reply) as model:
        response = await ask(client, model, stream=True)
    assert (response.status_code, response.headers["retry-after"]) == (529, "7")
    assert response.json()["error"] == {"type": "overloaded_error", "message": "busy"}


async def test_faults_of_a_stream_come_after_its_start(client: httpx2.AsyncClient) -> None:
    replies = {"broken": Reply(sse_error="overloaded_error"), "garbled": Reply(text="x", malformed=True)}
    async with RehearsalModel(lambda call: replies[call.prompt]) as model:
        broken = events(await ask(client, model, stream=True, messages=[{"role": "user", "content": "broken"}]))
        garbled = await ask(client, model, stream=True, messages=[{"role": "user", "content": "garbled"}])
    assert [event["type"] for event in broken] == ["message_start", "ping", "error"]
    assert broken[-1]["error"]["type"] == "overloaded_error"
    with pytest.raises(ValueError):
        events(garbled)


@pytest.mark.parametrize(("point", "received"), [("accept", 0), ("headers", 0), ("mid", 4)])
@pytest.mark.parametrize("fault", ["cut", "stall"])
async def test_a_connection_breaks_or_goes_silent_at_that_point(
    client: httpx2.AsyncClient, tmp_path: Path, fault: str, point: Any, received: int
) -> None:
    reply = Reply(text="x", cut=point) if fault == "cut" else Reply(text="x", stall=point)
    log, lines, status = tmp_path / "log.jsonl", [], None
    async with RehearsalModel(lambda call: reply, log=log) as model:
        with pytest.raises(GONE if fault == "cut" else httpx2.ReadTimeout):
            url, limit = f"{model.url}/v1/messages", httpx2.Timeout(10, read=0.2)
            async with client.stream("POST", url, json={**ASKED, "stream": True}, timeout=limit) as response:
                status = response.status_code
                async for line in response.aiter_lines():
                    lines.append(line)
        await wait_until(lambda: model.in_flight == 0, "the call has ended", 20)
    assert status == (None if point == "accept" else 200)
    assert sum(line.startswith("data:") for line in lines) == received
    outcome = json.loads(log.read_text())["outcome"]
    assert outcome == f"{'cut' if fault == 'cut' else 'stalled'} at {point}"


async def test_it_stops_at_once_even_with_silent_streams(client: httpx2.AsyncClient) -> None:
    async with RehearsalModel(lambda call: Reply(stall="headers")) as model:
        waiting = [asyncio.create_task(ask(client, model, stream=True)) for _ in range(3)]
        await wait_until(lambda: model.in_flight == 3, "three calls in flight", 20)
        leaving = time.monotonic()
    assert time.monotonic() - leaving < 10, "they would be silent for ever"
    assert all(isinstance(end, GONE) for end in await asyncio.gather(*waiting, return_exceptions=True))


async def test_other_requests_are_answered_as_the_api_would(client: httpx2.AsyncClient) -> None:
    async with RehearsalModel() as model:
        probes = [(await client.head(f"{model.url}{path}")).status_code for path in ("/", "/api/hello")]
        count = await client.post(f"{model.url}/v1/messages/count_tokens", json=ASKED)
        unknown = await client.get(f"{model.url}/v1/models")
        broken = await client.post(f"{model.url}/v1/messages", content=b"[]")
        title = await ask(client, model, output_config=TITLE)
        assert (await client.get(f"{model.url}/rehearsal")).json()["side_count"] == 1
    assert probes == [200, 200] and count.json()["input_tokens"] > 0
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "not_found_error")
    assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_request_error")
    assert json.loads(title.json()["content"][0]["text"]) == {"title": "hello"}
    assert (model.count, model.calls, len(model.side_calls)) == (0, [], 1)


async def test_a_script_that_fails_says_so_in_the_answer(client: httpx2.AsyncClient) -> None:
    async with RehearsalModel(lambda call: Reply(text={}["no"])) as model:
        response = await ask(client, model)
    assert (response.status_code, "KeyError('no')" in response.text) == (400, True)


async def test_only_loopback_is_served() -> None:
    async with RehearsalModel(keep_calls=False) as model:
        port = int(model.url.rsplit(":", 1)[1])
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.2", port)


async def test_the_real_cli_repeats_a_call_that_failed_and_then_answers(tmp_path: Path) -> None:
    async with RehearsalModel(lambda call: Reply(status=529) if call.number == 1 else Reply(text="better")) as model:
        result = await run_cli(model, "go", tmp_path)
    assert (result["result"], result["is_error"], model.count) == ("better", False, 2)
    assert [message["error_status"] for message in result["messages"] if message.get("subtype") == "api_retry"] == [529]


async def test_a_process_of_its_own_prints_its_url_logs_each_call_and_ends_on_sigterm(
    client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    async with own_process("--log", str(log)) as (process, url):
        for text in ("first", "second"):
            asked = {**ASKED, "messages": [{"role": "user", "content": text}]}
            assert (await client.post(f"{url}/v1/messages", json=asked)).status_code == 200
        assert (await client.get(f"{url}/rehearsal")).json()["count"] == 2
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 5) == 0
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["number"], line["asked"], line["outcome"]) for line in logged] == [
        (1, "first", "answered"),
        (2, "second", "answered"),
    ]


@asynccontextmanager
async def own_process(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "batchproc.agents.rehearsal", *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        yield process, (await asyncio.wait_for(process.stdout.readline(), 10)).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
