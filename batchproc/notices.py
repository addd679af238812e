"""Pure: what the text of an answer is besides an answer: a notice of a limit, or a placeholder that nobody filled in.

The templates are those of Claude Code 2.1.330, read from the bundled CLI, and of its predecessors since 1.0, as users
have reported them. Only a text that is such a notice from end to end counts: whoever quotes one is honest.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONGEST = 600  # characters, of any notice
WORDS = 40  # a text of so many words or more is an answer, whatever it says
LATE_S = 600.0  # a moment that passed so recently is the one that is meant, and not its like of tomorrow
FARTHEST_S = 45 * 86_400.0  # no limit lasts longer: the longest are monthly

# When a limit ends.

_MOMENT = r"""
    resets?(?:\s+(?:at|on))?\s+
    (?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s+(?P<day>\d{1,2})
       (?:,\s*(?P<year>\d{4})\b)?(?:,?\s+(?:at\s+)?)?)?
    (?:(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s?(?P<half>[ap])\.?m\b\.?|(?P<hour24>\d{1,2}):(?P<minute24>\d\d)\b)?
    (?:\s*\((?P<zone>[^()\"\n]{1,60})\))?"""
_SPAN = r"resets?\s+in\s+(?=\d)(?:(?P<d>\d{1,3})\s?d\w*,?\s*)?(?:(?P<h>\d{1,3})\s?h\w*,?\s*)?(?:(?P<m>\d{1,4})\s?m\w*)?"
_EPOCH = re.compile(r"\|\s*(\d{10})(?:\d{3})?\b")
_AT = re.compile(_MOMENT, re.X | re.I)
_IN = re.compile(_SPAN, re.I)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def resets_at(text: str, now: datetime) -> float | None:
    """Seconds since 1970 when the limit ends, if the notice says so in a way we know.

    A time without a zone is taken in the zone of `now`, and means the next such moment there, over any change of the
    clocks. It may lie up to ten minutes back, and an epoch anywhere: then the limit is already over.
    """
    text, now = text[:LONGEST], now if now.tzinfo else now.astimezone()
    if epoch := _EPOCH.search(text):
        return float(epoch[1])
    if span := _IN.search(text):
        return now.timestamp() + _seconds(span)
    return next((_next(moment, now) for moment in _AT.finditer(text) if moment["day"] or _has_time(moment)), None)


def _seconds(span: re.Match[str]) -> float:
    days, hours, minutes = (int(span[part] or 0) for part in "dhm")
    return timedelta(days=days, hours=hours, minutes=minutes).total_seconds()


def _has_time(moment: re.Match[str]) -> bool:
    return bool(moment["hour"] or moment["hour24"])


def _next(moment: re.Match[str], now: datetime) -> float | None:
    try:
        zone = ZoneInfo(moment["zone"]) if moment["zone"] else now.tzinfo
        clock = _clock(moment)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return None
    days = _days(moment, now.astimezone(zone).date())
    earliest = now.timestamp() - LATE_S
    ahead = [at for day in days for at in _instants(day, clock, zone) if earliest <= at <= earliest + FARTHEST_S]
    return min(ahead, default=None)


def _clock(moment: re.Match[str]) -> time:
    """Midnight if only a day is named. Raises `ValueError` for what no clock shows."""
    if moment["half"] is None:
        return time(int(moment["hour24"] or 0), int(moment["minute24"] or 0))
    hour = int(moment["hour"])
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return time(hour % 12 + 12 * (moment["half"].lower() == "p"), int(moment["minute"] or 0))


def _days(moment: re.Match[str], today: date) -> Iterator[date]:
    if moment["day"] is None:
        yield from (today + timedelta(days=days) for days in (-1, 0, 1))
        return
    month = _MONTHS.index(moment["month"].lower()) + 1
    for year in [int(moment["year"])] if moment["year"] else range(today.year - 1, today.year + 2):
        try:
            yield date(year, month, int(moment["day"]))
        except ValueError:
            continue


def _instants(day: date, clock: time, zone: tzinfo | None) -> tuple[float, float]:
    """The moment, twice over when the clock shows it twice that day; one that it skips is counted from before."""
    first = datetime.combine(day, clock, tzinfo=zone)
    return first.timestamp(), max(first.timestamp(), first.replace(fold=1).timestamp())


# Notices: a head, and what may follow it.

_MODEL = r"(?:opus|sonnet|haiku|fable|mythos)"
_WINDOW = rf"(?:(?:\d+|five)[- ]hour|session|weekly|{_MODEL})"
_KIND = (
    rf"(?:{_WINDOW}|(?:org|organization|channel|team|group)'s|individual|pooled|group|monthly|fast|rate|claude"
    r"|(?:extra )?usage|usage credits?|spend(?:ing)?|\d+(?:\.\d+)?)"
)
_LIMIT = re.compile(
    rf"""you(?:'ve|\ have)\ (?:hit|reached|exceeded)\ your\ (?:{_KIND}\ ){{0,4}}(?:limit|budget)
      (?:\ for\ (?:claude(?:\ \w+)?|this\ (?:week|session)))?
    |you(?:'re|\ are)\ out\ of\ (?:extra\ usage|usage(?:\ credits)?)
    |claude(?:\ ai|\ code)?\ (?:{_KIND}\ )?limit\ reached
    |(?:{_MODEL}\ )?{_WINDOW}\ (?:usage\ )?limit\ reached
    |your\ account\ has\ hit\ a\ rate\ limit
    |this\ request\ would\ exceed\ your\ (?:account|organization)'s\ rate\ limit""",
    re.X | re.I,
)
_LIMIT_THAT_RESETS = re.compile(
    r"you(?:'ve| have) (?:hit|reached|exceeded) your (?:[\w'.-]+ ){0,5}(?:limit|budget|cap|allowance)s?"
    r"|(?:[\w-]+ ){0,3}(?:limit|cap) reached",
    re.I,
)
"""What might as well be an honest answer, unless it is said when the limit resets."""
_LIMIT_AS_ERROR = re.compile(
    rf"(?:{_KIND} ){{0,4}}limit (?:reached|exceeded)|request rejected \(429\)|rate[- ]limited"
    r"|server is temporarily limiting requests(?: \(not your usage limit\))?",
    re.I,
)
"""What might as well be an honest answer, unless it calls itself an error of the API."""
_UNPAID = re.compile(
    rf"""(?:your\ )?credit\ balance\ is\ too\ low(?:\ to\ access\ the\ (?:anthropic|claude)\ api)?
    |your\ org(?:anization)?\ is\ out\ of\ usage(?:\ credits)?
    |your\ seat\ type\ doesn't\ include\ (?:extra\ usage|usage(?:\ credits)?)
    |your\ usage\ allocation\ has\ been\ disabled\ by\ your\ admin
    |your\ group's\ usage\ limit\ is\ set\ to\ \$0
    |{_MODEL}(?:\ [\w.]+){{0,3}}\ requires\ usage\ credits
    |usage\ is\ paused\ for\ your\ organization
    |this\ service\ is\ disabled\ for\ your\ org
    |usage\ credits\ ran\ out\ before\ the\ response\ was\ finished""",
    re.X | re.I,
)

_PREFIX = re.compile(r"(?:claude code returned an error result: )?(?P<api>(?:api error: )?)(?P<rest>.*)", re.I | re.S)
_RAW_LIMIT = re.compile(r'(?:429 )?\{"type": ?"error".*"rate_limit_error".*\}', re.I)
_RESET = re.compile(
    rf"""(?:(?:your|the|this|it)\ )?(?:{_KIND}\ ){{0,3}}(?:limits?\ )?(?:will\ )?
    (?:{_MOMENT}|{re.sub("[?]P<.>", "?:", _SPAN)}|resets\ (?:soon|next\ \w+))|\d{{10}}(?:\d{{3}})?""",
    re.X | re.I,
)
_WAY_OUT = re.compile(
    r"""progress\ saved|out\ of\ usage\ credits|/?(?:upgrade|usage-credits|extra-usage|model)\b|run\ /|rate\ limited
    |(?:for\ help,\ )?(?:please\ )?(?:visit\ http|try\ |wait\ |contact\ (?:your\ |support)|ask\ your\ )|trying\ again
    |an\ (?:org|admin)\b|manage\ |raise\ it\ |add\ funds|(?:or\ )?switch\ |view\ |see\ |learn\ more|buy\ more
    |if\ it\ persists|request\ an\ increase|this\ (?:may\ be\ a\ temporary|request\ would\ exceed)""",
    re.X | re.I,
)
_LATER = re.compile(r"[^\"“”:.]{1,80}")
"""What a version to come may add after a dot; prose has no such dots."""

_DOTS = re.compile(r"\s*(?:[·∙•]|\|(?=\s*\d{10}))\s*")
_SENTENCES = re.compile(r"\.(?:\s+|$)|\s*\n\s*| [\u2013\u2014] |(?<=reached)\s+(?=resets)")


class _Notice(NamedTuple):
    head: str
    resets: bool  # says when
    as_error: bool  # calls itself an error of the API


def limit_notice(text: str) -> bool:
    """Whether the whole text is a notice that a usage or rate limit is reached, and no answer.

    False for what waiting does not mend (see `unpaid_notice`), for warnings that a limit is near, for honest text that
    quotes or tells of a notice, and for any text of 40 words or more.
    """
    notice = _notice(text)
    return notice is not None and bool(
        _LIMIT.fullmatch(notice.head)
        or _RAW_LIMIT.fullmatch(notice.head)
        or (notice.resets and _LIMIT_THAT_RESETS.fullmatch(notice.head))
        or (notice.as_error and _LIMIT_AS_ERROR.fullmatch(notice.head))
    )


def unpaid_notice(text: str) -> bool:
    """Whether the whole text is a notice that nobody pays for the account ("Credit balance is too low"), or may not.

    Only a person can mend it. False for honest text, as with `limit_notice`.
    """
    notice = _notice(text)
    return notice is not None and _UNPAID.fullmatch(notice.head) is not None


def _notice(text: str) -> _Notice | None:
    """The text as a notice; None if what follows its head is not what follows in notices."""
    said = text.strip().lstrip("⎿⚠\ufe0f \n").replace("\u2019", "'")
    prefix = _PREFIX.fullmatch(said)
    if prefix is None or not is_short(said):
        return None
    if _RAW_LIMIT.fullmatch(prefix["rest"]):
        return _Notice(prefix["rest"], resets=False, as_error=True)
    first, *parts = [_sentences(part) for part in _DOTS.split(prefix["rest"])]
    head, *rest = first or [""]
    if not (all(map(_follows, rest)) and all(map(_may_follow_a_dot, parts))):
        return None
    resets = any(_RESET.fullmatch(sentence) for part in (rest, *parts) for sentence in part)
    return _Notice(head, resets=resets, as_error=bool(prefix["api"]))


def is_short(text: str) -> bool:
    """Whether a text is short enough for a notice, or a placeholder."""
    return len(text) <= LONGEST and len(text.split()) < WORDS


def _sentences(part: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCES.split(part) if sentence.strip()]


def _may_follow_a_dot(part: list[str]) -> bool:
    return (len(part) == 1 and _LATER.fullmatch(part[0]) is not None) or all(map(_follows, part))


def _follows(sentence: str) -> bool:
    return bool(_RESET.fullmatch(sentence) or _WAY_OUT.match(sentence))
