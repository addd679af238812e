"""A person in front of the client is asked, in the client's own dialog; where it has none, nobody is."""

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult
from pydantic import BaseModel

from batchproc.approvals import Approval


class Approved(BaseModel):
    pass  # no field and no docstring: the client shows a plain dialog, accept or decline


class NotAsked(BaseModel):
    """There was nothing to ask, or the client cannot ask anybody."""


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
