"""What is in seeded stores: tickets of customers, answers, failures and conversations, each by its place alone."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol


class Words(Protocol):
    """What is in the units of a store, by their places: this module, or something of its shape."""

    def key(self, place: int) -> str: ...
    def ticket(self, place: int) -> Mapping[str, Any]: ...
    def answer(self, place: int) -> Mapping[str, Any]: ...
    def prose(self, place: int) -> str: ...
    def failure(self, place: int) -> tuple[str, str]: ...
    def flag(self, place: int) -> tuple[str, str]: ...
    def conversation(self, place: int) -> Iterator[tuple[str, dict[str, Any]]]: ...
    def log_lines(self) -> Sequence[tuple[str, str]]: ...


CATEGORIES = ("billing", "delivery", "account", "defect", "praise", "other")
TOWNS = ("Graz", "Lyon", "Porto", "Tartu", "Ghent", "Split", "Bergen", "Košice")
NAMES = (
    "Amelia Okafor",
    "Jonas Lindqvist",
    "María-José Núñez",
    "Wei Zhang",
    "Fatima el-Sayed",
    "Oisín Byrne",
    "Νίκος Παππάς",
)
SUBJECTS = (
    "Charged twice for order",
    "Parcel never arrived",
    "Cannot sign in since the update",
    "Screen flickers after an hour",
    "Thank you for the quick help",
    "Wrong size delivered, again",
    "Please delete my account",
)
BODIES = (
    "I was charged on the 3rd and again on the 5th. The second one must be a mistake; please send it back.",
    "The tracking page has said “out for delivery” for nine days. Nobody answers at the depot.",
    "After the update it asks for a code that never comes. I have tried two phones and a tablet.",
    "It works for about an hour, then the lower third flickers green. A restart helps for ten minutes.",
)
FAILURES = (
    ("API Error: 529 overloaded_error: Overloaded", "API Error: # overloaded_error: Overloaded"),
    ("error_max_turns: stopped after 30 turns without an answer", "error_max_turns: stopped after # turns"),
    ("the answer does not fit the schema: urgency: 7 is greater than 5", "the answer does not fit the schema: urgency"),
)
LOGS = (
    ("info", "job goes on: 4 of 8 slots taken"),
    ("warning", "retry in 5 s: 529 overloaded_error"),
    ("debug", "system: compact_boundary"),
    ("error", "the agent's process ended with 137 before its bill"),
)


def usual_end(place: int) -> str:
    """Most go well; of 100, four fail, two are flagged and one was cancelled."""
    match place % 100:
        case 7 | 33 | 61 | 90:
            return "failed"
        case 18 | 72:
            return "flagged"
        case 50:
            return "cancelled"
        case _:
            return "succeeded"


def each_end(place: int) -> str:
    """One of each, and then again."""
    return ("succeeded", "failed", "flagged", "cancelled", "succeeded")[(place - 1) % 5]


def key(place: int) -> str:
    return f"t-{place:06d}"


def ticket(place: int) -> dict[str, Any]:
    return {
        "id": key(place),
        "customer": NAMES[place % len(NAMES)],
        "town": TOWNS[place % len(TOWNS)],
        "subject": f"{SUBJECTS[place % len(SUBJECTS)]} {40_000 + place}",
        "body": BODIES[place % len(BODIES)],
        "amount": round(random.Random(place).random() * 400, 2),
        "vip": place % 11 == 0,
    }


def answer(place: int) -> dict[str, Any]:
    return {
        "category": CATEGORIES[place % len(CATEGORIES)],
        "urgency": 1 + place % 5,
        "refund": place % 3 == 0,
        "summary": f"{NAMES[place % len(NAMES)]} of {TOWNS[place % len(TOWNS)]}: {SUBJECTS[place % len(SUBJECTS)]}.",
    }


def prose(place: int) -> str:
    return f"""\
## {SUBJECTS[place % len(SUBJECTS)]}

{NAMES[place % len(NAMES)]} asks for **{round(random.Random(place).random() * 400, 2)} €** back.

1. The order was charged twice.
2. Nobody answered within `72 h`.

| what | when |
| --- | --- |
| first charge | 3 May |
| second charge | 5 May |
"""


def failure(place: int) -> tuple[str, str]:
    """What it failed of, and what that has in common with others."""
    return FAILURES[place % len(FAILURES)]


def flag(place: int) -> tuple[str, str]:
    return "tools were denied (Bash): the answer may rest on what it could not see", "denied tools"


def log_lines() -> Sequence[tuple[str, str]]:
    return LOGS * 20


def conversation(place: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an agent does for one ticket, as (kind, data)."""
    yield "unit.claimed", {}
    yield "agent.started", {"pid": 4_000 + place, "guard": "full"}
    yield "agent.init", {"model": "haiku", "tools": ["Read", "Grep"], "cwd": "/data", "session_id": f"s-{place}"}
    yield "agent.thinking", {"text": "The second charge may be a pre-authorisation. I look at the order first."}
    yield "agent.text", {"text": f"I look up the order of **{NAMES[place % len(NAMES)]}**."}
    yield "agent.tool_use", {"id": f"tool-{place}", "name": "Read", "input": {"file_path": f"/data/orders/{place}.md"}}
    content = "\n".join(f"{n:>5}\tline {n} of the order {40_000 + place}: charged" for n in range(1, 30))
    yield "agent.tool_result", {"id": f"tool-{place}", "content": content}
    yield "agent.text", {"text": prose(place)}
