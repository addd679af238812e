"""What the API can do to an agent's first attempt, and what `retry.TABLE` is to make of it."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchproc.agents.rehearsal import Call, Reply
from batchproc.models import Cause


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`reply` is what every request of the first attempt gets; `causes` what that may be taken for. `elsewhere`: there
    is nobody at the address. `is_login`: a subscription pays, whose limits the CLI tells of."""

    name: str
    causes: frozenset[Cause]
    reply: Reply = field(default_factory=Reply)
    options: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: bool = False
    is_login: bool = False


QUOTA = {
    "anthropic-ratelimit-unified-status": "rejected",
    "anthropic-ratelimit-unified-reset": str(int(time.time()) + 3600),
    "anthropic-ratelimit-unified-representative-claim": "five_hour",
    "retry-after": "3600",
}


def _fault(name: str, *causes: Cause, options: Mapping[str, Any] | None = None, **reply: Any) -> Fault:
    return Fault(name=name, causes=frozenset(causes), reply=Reply(**reply), options=options or {})


FAULTS = (
    _fault("429-later", Cause.RATE_LIMIT, status=429, headers={"retry-after": "61"}),
    _fault("429", Cause.RATE_LIMIT, status=429),
    _fault("429-words", Cause.RATE_LIMIT, Cause.QUOTA, status=429, message="Too many requests"),
    _fault("529", Cause.OVERLOADED, status=529, message="Overloaded"),
    _fault("500", Cause.SERVER, status=500, message="Internal server error"),
    _fault("401", Cause.AUTHENTICATION, status=401, message="invalid x-api-key"),
    _fault("400", Cause.INVALID_REQUEST, status=400, message="bad request"),
    _fault("reset", Cause.NETWORK, text="half an answer", cut="mid"),
    _fault("stall", Cause.STALLED, text="half", stall="mid", options={"stall_s": 10}),
    _fault("silence", Cause.TIMEOUT, text="half", stall="accept", options={"timeout_s": 4}),
    _fault("truncated", Cause.SERVER, text="half", malformed=True),
    _fault("cut-short", Cause.OVERLOADED, Cause.SERVER, sse_error="overloaded_error"),
    Fault(name="refused", causes=frozenset({Cause.NETWORK}), elsewhere=True, options={"max_attempts": 2}),
    _fault("prose", Cause.EMPTY, text="You've hit your session limit · resets 3am"),
    Fault(name="quota", causes=frozenset({Cause.QUOTA}), reply=Reply(status=429, headers=QUOTA), is_login=True),
)
"""`prose` is what a model says, and so stops no other unit; `quota` is the CLI's own word. `429-later` says
retry-after 61: the CLI waits itself for anything up to a minute."""


class Faulty:
    """A script for the rehearsal model. Each job pays with a key of its own, by which it is known here: the first
    session of a key meets the fault of that name, all later ones an answer."""

    def __init__(self) -> None:
        self._faults = {fault.name: fault for fault in FAULTS}
        self._first: dict[str, str | None] = {}

    def __call__(self, call: Call) -> Reply:
        key = call.headers.get("x-api-key") or call.headers["authorization"].rpartition("-")[2]
        if self._first.setdefault(key, call.session_id) == call.session_id:
            return self._faults[key].reply
        return Reply(text="RESULT: ok")


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"
