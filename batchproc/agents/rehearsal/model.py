"""RehearsalModel: serves a script on 127.0.0.1, counts the calls and logs them."""

import asyncio
import inspect
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from batchproc.agents.rehearsal import answers
from batchproc.agents.rehearsal.calls import Call, Reply, Script
from batchproc.agents.rehearsal.exchange import Exchange, Message, Receive, Send
from batchproc.models import REHEARSAL

CLI_SETTINGS = {"modelOverrides": {"claude-haiku-4-5": REHEARSAL}}
"""Settings with which the CLI takes `--model rehearsal` for one it knows, and does not warn on stderr."""

PROBES = {f"{verb} {path}" for verb in ("HEAD", "GET") for path in ("/", "/api/hello")}
"""What the CLI asks to see whether anybody is there."""

ELSEWHERE = (
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_VERTEX",
    "ALL_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
)
"""Variables that would send an agent, or a person's credential, somewhere else. An empty value switches them off."""


class RehearsalModel:
    """An async context manager. Inside it the model answers at `url`; `environment()` leads an agent to it.

    `calls` are the calls a script answered, all of them unless `keep_calls` is False; `side_calls` are those the CLI
    makes for itself, answered without the script. `count` and `side_count` always count. `log` gets one JSON line for
    each call when it has ended.
    """

    def __init__(
        self, script: Script = answers.answer, *, port: int = 0, log: Path | None = None, keep_calls: bool = True
    ) -> None:
        self._script, self._log_path, self._keep_calls = script, log, keep_calls
        self._port = port
        self._log: TextIO | None = None
        self.calls: list[Call] = []
        self.side_calls: list[Call] = []
        self.count = self.side_count = self.in_flight = self.max_in_flight = 0

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`"""
        return f"http://127.0.0.1:{self._port}"

    def environment(self) -> dict[str, str]:
        """The variables that lead an agent here and nowhere else."""
        return {
            **dict.fromkeys(ELSEWHERE, ""),
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": REHEARSAL,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_TELEMETRY": "1",
        }

    async def __aenter__(self) -> Self:
        from batchproc.agents.rehearsal import http  # here, because uvicorn takes a while to import

        self._open_log()
        listening = http.listen(self._port)
        self._port = listening.getsockname()[1]
        self._connections = http.Connections()
        self._server = http.Server(self._serve, self._connections)
        self._serving = asyncio.create_task(self._server.serve([listening]), name="rehearsal model")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        await self._serving
        if self._log:
            self._log.close()

    def _open_log(self) -> None:
        self._log = self._log_path.open("a", buffering=1) if self._log_path else None

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """The whole of the ASGI app."""
        exchange = Exchange(scope, receive, send, lambda: self._connections.close(scope["client"]))
        match exchange.route:
            case "POST /v1/messages":
                await self._answer(exchange, await exchange.body())
            case "POST /v1/messages/count_tokens":
                await exchange.send_json(200, {"input_tokens": max(1, len(await exchange.body()) // 4)})
            case "GET /rehearsal":
                await exchange.send_json(200, self.counts())
            case route if route in PROBES:
                await exchange.send_json(200, {})
            case route:
                await exchange.send_error(404, f"the rehearsal model does not serve {route}")

    def counts(self) -> dict[str, int]:
        """What `GET /rehearsal` tells a process that cannot see this object."""
        names = ("count", "side_count", "in_flight", "max_in_flight")
        return {name: getattr(self, name) for name in names}

    async def _answer(self, exchange: Exchange, body: bytes) -> None:
        try:
            call = self._receive(json.loads(body), exchange.headers)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            return await exchange.send_error(400, f"not a request for a message: {problem!r}")
        record = _record(call)
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            await exchange.unless_client_leaves(self._reply(exchange, call, record))
        finally:
            self.in_flight -= 1
            self._write_log(record)
        return None

    def _receive(self, body: dict[str, Any], headers: dict[str, str]) -> Call:
        """Counts it. Raises KeyError, TypeError or AttributeError if it is not what the Messages API takes."""
        call = Call(body=body, headers=headers, number=0)
        _ = call.prompt, call.tools, call.tool_uses, call.tool_results
        if call.is_main:
            self.count += 1
        else:
            self.side_count += 1
        call = replace(call, number=self.count if call.is_main else self.side_count)
        if self._keep_calls:
            (self.calls if call.is_main else self.side_calls).append(call)
        return call

    async def _reply(self, exchange: Exchange, call: Call, record: dict[str, Any]) -> None:
        reply = await self._decide(call)
        record["outcome"] = _fault(reply) or record["outcome"]
        record["outcome"] = await exchange.send_reply(reply, call)

    async def _decide(self, call: Call) -> Reply:
        try:
            reply = self._script(call) if call.is_main else answers.answer_side_call(call)
            return await reply if inspect.isawaitable(reply) else reply
        except Exception as problem:  # the script's own fault: said where whoever wrote it will see it
            return Reply(status=400, message=f"the rehearsal script failed: {problem!r}")

    def _write_log(self, record: dict[str, Any]) -> None:
        if self._log:
            seconds = round(time.monotonic() - record.pop("began"), 3)
            self._log.write(json.dumps({**record, "duration_s": seconds}) + "\n")


def _record(call: Call) -> dict[str, Any]:
    """A line of the log, as far as it is known when the call comes in."""
    return {
        "at": datetime.now(UTC).isoformat(),
        "began": time.monotonic(),
        "number": call.number,
        "session_id": call.session_id,
        "main": call.is_main,
        "turn": call.turn,
        "asked": call.asked_last,
        "outcome": "client gone",
    }


def _fault(reply: Reply) -> str | None:
    if reply.cut:
        return f"cut at {reply.cut}"
    return f"stalled at {reply.stall}" if reply.stall else None
