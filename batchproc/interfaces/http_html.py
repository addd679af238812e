"""What agents wrote, as HTML that is safe to show, in the answers that a page is made of."""

import time
from collections.abc import Iterable
from typing import TypeVar

import orjson
from pydantic import BaseModel

from batchproc import answers, markup
from batchproc import present_words as words
from batchproc.models import RawEvent

T = TypeVar("T", bound=BaseModel)

SAID = frozenset({"agent.text", "agent.thinking"})
"""Events in which an agent speaks: their `text` is markdown."""
PAGE_S = 1.5
"""Of processor time for one answer; what is left then has no HTML, and is shown as the text that it is."""


def shown(answer: T) -> T:
    """The answer with its HTML fields filled. Takes a while: use a thread."""
    until = time.thread_time() + PAGE_S
    match answer:
        case answers.UnitDetail():
            return answer.model_copy(update={"text_html": html(answer.text, until)})
        case answers.EventPage():
            return answer.model_copy(update={"events": [_event(event, until) for event in answer.events]})
        case _:
            return answer


def _event(event: answers.EventLine, until: float) -> answers.EventLine:
    text = event.data.get("text") if event.kind in SAID else None
    return event if not isinstance(text, str) else event.model_copy(update={"html": html(text, until)})


def lines(events: Iterable[RawEvent]) -> list[bytes]:
    """Each as the JSON of an `answers.EventLine`. Takes a while: use a thread."""
    until = time.thread_time() + PAGE_S
    return [_line(event, until) for event in events]


def _line(event: RawEvent, until: float) -> bytes:
    text = orjson.loads(event.data).get("text") if event.kind in SAID else None
    return orjson.dumps(
        {
            "seq": event.seq,
            "at": words.stamp(event.at),
            "kind": event.kind,
            "job_id": event.job_id,
            "key": event.key,
            "attempt": event.attempt,
            "data": orjson.Fragment(event.data),
            "html": html(text, until) if isinstance(text, str) else None,
        }
    )


def html(text: str | None, until: float) -> str | None:
    return None if text is None or time.thread_time() > until else markup.render(text)
