"""What can be counted in a text."""

import re
from collections import Counter
from dataclasses import dataclass

TERMS = 5
APOSTROPHES = "'\u2019"
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*[ \t\r]*$", re.MULTILINE)
SENTENCE_END = re.compile(r"[.!?…][\"')\]»”\u2019]*(?=\s|$)|[。\uff01\uff1f]")
TERM = re.compile(r"[^\W\d_][\w'\u2019]+")
_STOP_WORDS = """
a about above after again against all also am an and any are as at be because been before being below between both but
by can cannot could did do does doing down during each either else every few for from further had has have having he
her here hers herself him himself his how i if in into is it its itself just like may me might more most must my myself
neither no nor not now of off on once only or other our ours ourselves out over own per same shall she should so some
such than that the their theirs them themselves then there these they this those through to too under until up upon us
very was we were what when where which while who whom whose why will with within without would yet you your yours
yourself yourselves it's don't doesn't isn't aren't wasn't can't
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is true of a text. `words` is what `wc -w` counts; `terms` are the most frequent, with their counts."""

    text: str
    title: str
    words: int
    sentence: str
    terms: tuple[tuple[str, int], ...]


def facts(text: str) -> Facts:
    return Facts(
        text=text, title=title(text), words=len(text.split()), sentence=first_sentence(text), terms=frequent_terms(text)
    )


def title(text: str) -> str:
    """The first markdown heading that says something, else the first line that does."""
    headings = (match.group(1) for match in HEADING.finditer(text))
    return next((shorten(line.strip(), 200) for line in (*headings, *text.splitlines()) if line.strip()), "")


def first_sentence(text: str) -> str:
    """Of the first paragraph that is not a heading, in one line."""
    paragraphs = (HEADING.sub("", paragraph).strip() for paragraph in re.split(r"\n[ \t\r]*\n", text))
    words = " ".join(next((paragraph for paragraph in paragraphs if paragraph), title(text)).split())
    end = SENTENCE_END.search(words)
    return shorten(words[: end.end()] if end else words, 300)


def frequent_terms(text: str) -> tuple[tuple[str, int], ...]:
    """The most frequent words that carry meaning, lower-case; ties in alphabetical order."""
    words = (match.group().strip(APOSTROPHES) for match in TERM.finditer(text.lower()))
    counts = Counter(word for word in words if len(word) > 1 and word.replace("\u2019", "'") not in STOP_WORDS)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TERMS])


def shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
