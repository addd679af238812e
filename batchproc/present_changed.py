"""What a job says now, beside what it said in an earlier round → the fields that differ, and a line of words. Pure."""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from batchproc import answers, present_words
from batchproc.models import LIVE, AgentOptions, Trial

TOLD_OTHERWISE = frozenset({*LIVE, "output_schema", "mcp_servers", "check", "check_files"})
PLAIN = tuple(one.name for one in fields(AgentOptions) if one.name not in TOLD_OTHERWISE)
"""Options that may change what comes back, and are shown as they are."""
LONGEST = 4_000
"""Characters of a text that is shown whole; of a longer one, what differs and a little around it."""
AROUND = 300
SHORT = 60
"""Characters of a value that a line of words holds."""
SECRET, ANOTHER_SECRET = "(not shown)", "(not shown; another one)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A field, as update_job names it, that is not what it was; texts as they are, all else as JSON; None: not set."""

    field: str
    before: str | None
    after: str | None


def answer(since: Trial, now: Trial, *, whole: bool) -> answers.ChangedAnswer:
    """What differs in `now`; without `whole` only in a line of words."""
    found = differences(since, now)
    return answers.ChangedAnswer(
        since=since.round,
        words=words(since.round, found),
        differences=[_shown(one) for one in found] if whole else [],
    )


def differences(since: Trial, now: Trial) -> list[Difference]:
    was, is_ = since.options, now.options
    beside: dict[str, tuple[Any, Any]] = {
        "instructions": (since.instructions, now.instructions),
        "output_schema": (was.output_schema, is_.output_schema),
        **{f"options.{name}": (getattr(was, name), getattr(is_, name)) for name in PLAIN},
        "options.mcp_servers": (_masked(was.mcp_servers, {}), _masked(is_.mcp_servers, was.mcp_servers)),
        "options.check": (_check(was), _check(is_)),
    }
    texts = {field: (_text(before), _text(after)) for field, (before, after) in beside.items()}
    return [Difference(field=name, before=a, after=b) for name, (a, b) in texts.items() if a != b]


def words(since: int, found: Sequence[Difference]) -> str:
    """`changed since round 1: instructions (+3 −1 lines), model haiku → sonnet`."""  # noqa: RUF002 - a minus
    said = ", ".join(map(_in_words, found))
    return f"changed since round {since}: {said}" if said else f"nothing is changed since round {since}"


def _in_words(one: Difference) -> str:
    name = one.field.removeprefix("options.")
    values = [one.before or "not set", one.after or "not set"]
    if one.field != "instructions" and all(len(value) <= SHORT and "\n" not in value for value in values):
        return f"{name} {values[0]} → {values[1]}"
    was, is_ = (
        Counter((text or "").removesuffix("\n").split("\n") if text else ()) for text in (one.before, one.after)
    )
    added, gone = (is_ - was).total(), (was - is_).total()
    counts = " ".join(f"{sign}{n:,}" for sign, n in (("+", added), ("−", gone)) if n)  # noqa: RUF001 - a minus
    if not counts:
        return f"{name} (the order of its lines, or its end)"
    return f"{name} ({counts} {'line' if added + gone == 1 else 'lines'})"


def _text(value: Any) -> str | None:
    match value:
        case None | "" | []:
            return None
        case Mapping() if not value:
            return None
        case str():
            return str(value)
        case Mapping():
            return json.dumps(value, ensure_ascii=False, indent=2)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _check(options: AgentOptions) -> Any:
    """The command, with the fingerprints of the files that it names."""
    files = {name: said for name, said in (options.check_files or {}).items() if said}
    return {"command": options.check, "files": files} if files else options.check


def _masked(servers: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Servers without their secrets, the values of variables and headers: of these it says whether they are others than
    those that are `known`."""
    return {
        name: {part: _mask(part, value, known.get(name, {})) for part, value in config.items()}
        for name, config in servers.items()
    }


def _mask(part: str, value: Any, known: Mapping[str, Any]) -> Any:
    if part not in {"env", "headers"}:
        return value
    was = known.get(part, {})
    return {name: SECRET if was.get(name, said) == said else ANOTHER_SECRET for name, said in value.items()}


def _shown(one: Difference) -> answers.ChangedField:
    before, after = one.before, one.after
    if before is not None and after is not None and max(len(before), len(after)) > LONGEST:
        before, after = _window(before, after)
    return answers.ChangedField(
        field=one.field, before=present_words.cut(before, LONGEST), after=present_words.cut(after, LONGEST)
    )


def _window(one: str, other: str) -> tuple[str, str]:
    """Both from a little before the first character that differs to a little after the last one."""
    shorter = min(len(one), len(other))
    head = _alike(shorter, lambda n: one[:n] == other[:n])
    tail = _alike(shorter - head, lambda n: one[len(one) - n :] == other[len(other) - n :])
    head, tail = _from_line(one, max(0, head - AROUND)), max(0, tail - AROUND)
    return _middle(one, head, tail), _middle(other, head, tail)


def _alike(most: int, are_alike: Any) -> int:
    """The largest number of characters, up to `most`, at which two texts are alike."""
    return bisect_left(range(most + 1), True, key=lambda n: not are_alike(n)) - 1


def _from_line(text: str, at: int) -> int:
    """Where the line begins, if that is near."""
    begins = text.rfind("\n", 0, at) + 1
    return begins if at - begins <= AROUND else at


def _middle(text: str, head: int, tail: int) -> str:
    first = f"[… {head:,} characters that are the same]\n" if head else ""
    last = f"\n[… {tail:,} characters that are the same]" if tail else ""
    return f"{first}{text[head : len(text) - tail]}{last}"
