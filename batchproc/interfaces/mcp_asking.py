"""A person in front of the client is asked, in the client's own dialog; where it has none, nobody is."""

from typing import Generic, TypeVar

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult
from pydantic import BaseModel

from batchproc.approvals import Approval


class Approved(BaseModel):
    pass  # no field and no docstring: the client shows a plain dialog, accept or decline


class NotAsked(BaseModel):
    """There was nothing to ask, or the client cannot ask anybody."""


T = TypeVar("T")

MOST_CALLS = 100


class Shown(Generic[T]):
    """What was put before a person in a call, for the very call that gets the answer: nothing else is agreed to."""

    def __init__(self) -> None:
        self._by_call: dict[str, T] = {}

    def put(self, ctx: Context, what: T | None) -> None:
        if what is not None:
            self._by_call[ctx.request_id] = what
        while len(self._by_call) > MOST_CALLS:  # those that were never answered
            del self._by_call[next(iter(self._by_call))]

    def take(self, ctx: Context) -> T | None:
        """Once."""
        return self._by_call.pop(ctx.request_id, None)


Question = Elicit[Approved] | NotAsked


def question(ctx: Context, text: str | None) -> Question:
    """The question, if there is one and the client can ask it."""
    return NotAsked() if text is None or not can_ask(ctx) else Elicit(text, Approved)


def may(what: str, needed: Approval | None) -> str | None:
    """What a person is asked who has to allow something."""
    return None if needed is None else f"batchproc: may {what} do this?\n\n{needed.text}\n\n(approval {needed.hash})"


def yes(answer: ElicitationResult[Approved]) -> bool:
    return isinstance(answer, AcceptedElicitation) and isinstance(answer.data, Approved)


def can_ask(ctx: Context) -> bool:
    """Whether the client can show a form; the same rule as the SDK's: a bare declaration counts, URLs alone do not."""
    declared = ctx.client_capabilities.elicitation if ctx.client_capabilities else None
    return declared is not None and (declared.form is not None or declared.url is None)


def person(ctx: Context) -> str:
    """Who answered, as an approval keeps it."""
    params = ctx.session.client_params
    client = f"{params.client_info.name} {params.client_info.version}" if params else "an MCP client"
    return f"a person, asked by {client}"
