"""Pure: whether a quote stands in a text. No model is asked.

Both are made alike in these ways, and in no other: white space and line breaks of any kind and number are one space;
invisible characters (soft hyphens, zero-width ones, byte order marks) are nothing; Unicode is in its compatible form
(NFKC), except that superscripts, subscripts, fractions and circled numbers stay what they are (10² is not 102);
typographic quotation marks, apostrophes and dashes are the plain ones. Case counts, and so do markup and punctuation.

A quote begins and ends where words and numbers do: "able to pay" does not stand in "unable to pay", nor 500 in 1,500.
Quotation marks around it, and an ellipsis before or after it, are taken for the quoting and not for the quote. An
ellipsis within it joins what does not stand together, and is no evidence unless the text itself has it.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator

_PLAIN = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", ""),
}
_KEPT_TAGS = ("<super>", "<sub>", "<fraction>", "<circle>")
_KEPT = frozenset(
    char for char in map(chr, range(0x80, 0x1F300)) if unicodedata.decomposition(char).startswith(_KEPT_TAGS)
)
_ASIDE = 0xF0000  # where characters for private use begin: there they are kept from being made alike
_NUMBER = re.compile(r"\d+(?:[.,']\d+)*")
_ELLIPSES = ("...", "[...]")
_BESIDE = 3  # characters that say whether a quote begins or ends within a number
_LONGEST_WORD = 1 << 16  # a text is cut at a space, unless none comes for so long


def normal(text: str) -> str:
    """The text as it is compared. A space at either end stays one: the text may go on."""
    if not text.isascii():
        kept = _KEPT & set(text)
        for char in kept:
            text = text.replace(char, chr(_ASIDE + ord(char)))
        text = _plain(unicodedata.normalize("NFKC", _plain(text)))
        for char in kept:
            text = text.replace(chr(_ASIDE + ord(char)), char)
    if not text:
        return ""
    before, after = (" " if char.isspace() else "" for char in (text[0], text[-1]))
    return f"{before}{' '.join(text.split())}{after}" if not text.isspace() else " "


def _plain(text: str) -> str:
    for char in _PLAIN.keys() & set(text):
        text = text.replace(char, _PLAIN[char])
    return text


def readings(quote: str) -> list[str]:
    """The quote as it is looked for: as it stands, and without what only quotes it. Empty if it says nothing."""
    said = normal(quote).strip()
    bare = _bare(said)
    return [one for one in dict.fromkeys((said, bare)) if any(char.isalnum() for char in one)]


def _bare(said: str) -> str:
    while True:
        before = said
        for mark in _ELLIPSES:
            said = said.removeprefix(mark).removesuffix(mark).strip()
        if len(said) > 1 and said[0] == said[-1] and said[0] in "\"'" and said[0] not in said[1:-1]:
            said = said[1:-1].strip()
        if said == before:
            return said


def is_joined(quote: str) -> bool:
    """Whether it leaves something out in the middle."""
    return any(mark in _bare(normal(quote).strip()) for mark in _ELLIPSES)


def found_in(quotes: Collection[str], pieces: Iterable[str]) -> set[str]:
    """Those of the quotes that stand in a text, which comes in pieces of any size; it is not kept."""
    wanted = {quote: readings(quote) for quote in quotes}
    left = {quote: ways for quote, ways in wanted.items() if ways}
    found: set[str] = set()
    longest = max((len(way) for ways in left.values() for way in ways), default=0)
    for window, is_first, is_last in _windows(pieces, longest + 3 * _BESIDE):
        now = {q for q, ways in left.items() if any(_is_in(way, window, is_first, is_last) for way in ways)}
        found |= now
        left = {quote: ways for quote, ways in left.items() if quote not in now}
        if not left:
            break
    return found


def _windows(pieces: Iterable[str], kept: int) -> Iterator[tuple[str, bool, bool]]:
    """The text as it is compared, in parts that overlap by `kept` characters; whether nothing came before each, and
    whether nothing comes after it."""
    window, rest, is_first = "", "", True
    for piece in pieces:
        cut = _last_space(rest + piece)
        text, rest = (rest + piece)[:cut], (rest + piece)[cut:]
        if text:
            window = _joined(window, normal(text))
            yield window, is_first, False
            is_first = is_first and len(window) <= kept
            window = window[-kept:]
    yield _joined(window, normal(rest)), is_first, True


def _last_space(text: str) -> int:
    """Where to cut it: behind its last space, so that nothing that is compared as one is cut in two."""
    at = len(text)
    while at and not text[at - 1].isspace():
        at -= 1
    return at or (len(text) if len(text) > _LONGEST_WORD else 0)


def _joined(before: str, after: str) -> str:
    return before + (after[1:] if before.endswith(" ") and after.startswith(" ") else after)


def _is_in(way: str, window: str, is_first: bool, is_last: bool) -> bool:
    """Whether it stands there as a whole. At the seams of a text the window before or after knows."""
    first = 0 if is_first else _BESIDE
    end = len(window) if is_last else len(window) - _BESIDE
    at = window.find(way, first, end)
    while at >= 0:
        if not (_is_within(window, at) or _is_within(window, at + len(way))):
            return True
        at = window.find(way, at + 1, end)
    return False


def _is_within(text: str, at: int) -> bool:
    """Whether a place in the text lies within a word or a number."""
    if not 0 < at < len(text):
        return False
    if _spells(text[at - 1]) and _spells(text[at]):
        return True
    start = max(0, at - _BESIDE)
    numbers = _NUMBER.finditer(text, start, at + _BESIDE)
    return any(number.start() < at < number.end() for number in numbers)


def _spells(char: str) -> bool:
    """Whether words made of such characters stand apart: not so in Chinese, Japanese, Thai."""
    return char.isdigit() or char.lower() != char.upper()
