"""Pure: text and JSON → the same without secrets. Known values go in every usual spelling, others by their shape.

It sees one value at a time: a secret that is split over two strings, or wrapped over lines in base64, is not found.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, quote_plus, unquote

from batchproc.models import Json

SHORTEST = 8  # characters: what is shorter turns up in honest text by chance
DEEPEST = 100  # levels of nesting; what lies deeper is cut off unread, so that no answer can exhaust our stack
KNOWN = "[redacted]"
TOO_DEEP = "[redacted: nested too deeply]"


class _Span(NamedTuple):
    start: int
    end: int
    label: str


class Redactor:
    """Takes known secrets, and what has the shape of one, out of whatever leaves this machine's memory.

    Promises: no known value of 8 characters or more survives, as it is, JSON-escaped, URL-encoded or in base64, alone
    or inside a longer text. Nothing else changes, and what held no secret comes back as the very same object. Time is
    linear in the size of what is read.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms = _all_forms(secrets)

    @classmethod
    def of_environment(cls, variables: Mapping[str, str]) -> "Redactor":
        """Knows the values of those variables whose names hold secrets, and passwords within URLs."""
        return cls(secret for name, value in variables.items() for secret in _secrets_in(name, value.strip()))

    def text(self, text: str) -> str:
        """The text with `[redacted]` for each known value and `[redacted: kind]` for what has the shape of a secret."""
        spans = [*self._known(text), *_suspicious(text)]
        return _cut(text, spans) if spans else text

    def data(self, value: Json) -> Json:
        """The JSON value with each of its strings redacted, keys too; keys that become alike are numbered apart."""
        return self._data(value, DEEPEST)

    def _known(self, text: str) -> Iterator[_Span]:
        for form in self._forms:
            at = text.find(form)
            while at >= 0:
                yield _Span(at, at + len(form), KNOWN)
                at = text.find(form, at + len(form))

    def _data(self, value: Json, levels: int) -> Json:
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return self._mapping(value, levels - 1) if levels else TOO_DEEP
            case list() | tuple():
                return self._sequence(value, levels - 1) if levels else TOO_DEEP
        return value

    def _mapping(self, value: Mapping[Json, Json], levels: int) -> Mapping[Json, Json]:
        clean = [(self._key(key), self._data(item, levels)) for key, item in value.items()]
        same = all(new[0] is key and new[1] is item for new, (key, item) in zip(clean, value.items(), strict=True))
        return value if same else _distinct(clean)

    def _sequence(self, value: Sequence[Json], levels: int) -> Sequence[Json]:
        clean = [self._data(item, levels) for item in value]
        if all(new is old for new, old in zip(clean, value, strict=True)):
            return value
        return tuple(clean) if isinstance(value, tuple) else clean

    def _key(self, key: Json) -> Json:
        return self.text(key) if isinstance(key, str) else key


def _distinct(pairs: Iterable[tuple[Json, Json]]) -> dict[Json, Json]:
    result: dict[Json, Json] = {}
    for key, item in pairs:
        result[f"{key} ({len(result) + 1})" if key in result else key] = item
    return result


def _cut(text: str, spans: Iterable[_Span]) -> str:
    pieces, at = [], 0
    for span in _merged(sorted(spans, key=lambda span: span.start)):
        pieces += [text[at : span.start], span.label]
        at = span.end
    return "".join([*pieces, text[at:]])


def _merged(spans: Iterable[_Span]) -> Iterator[_Span]:
    """Spans that touch become one, under the label of the widest; among equals the first, which is the known one."""
    start, end, widest = -1, -1, _Span(0, 0, KNOWN)
    for span in spans:
        if span.start > end:
            if end >= 0:
                yield _Span(start, end, widest.label)
            start, end, widest = span.start, span.end, span
        end = max(end, span.end)
        widest = max(widest, span, key=lambda one: one.end - one.start)
    yield _Span(start, end, widest.label)


# Known values: how one value may be spelled.


def _all_forms(secrets: Iterable[str]) -> tuple[str, ...]:
    values = {secret.strip() for secret in secrets}
    forms = {form for value in values if len(value) >= SHORTEST for form in _forms(value)}
    return tuple(sorted(form for form in forms if len(form) >= SHORTEST))


def _forms(value: str) -> Iterator[str]:
    yield value
    yield repr(value)[1:-1]
    yield from _json_forms(value)
    yield from _url_forms(value)
    yield from _base64_forms(value)


def _json_forms(value: str) -> Iterator[str]:
    """Once escaped, and once more: JSON within JSON, as logs of tool calls have it."""
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield from (once, once.replace("/", "\\/"), json.dumps(once, ensure_ascii=ascii_only)[1:-1])


def _url_forms(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "surrogatepass")
    for encoded in (quote(raw, safe=""), quote(raw), quote(raw, safe="!'()*"), quote_plus(raw)):
        yield from (encoded, re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), encoded))


_FIRST_OWN_CHARACTER = (0, 2, 3)
"""After 0, 1 or 2 foreign bytes: the first character of base64 that holds no bit of them."""


def _base64_forms(value: str) -> Iterator[str]:
    """Whole, and the middle that stays the same wherever the value lies within longer data, as in `user:secret`."""
    raw = value.encode("utf-8", "surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode()
        yield encode(raw).decode().rstrip("=")
        for lead, first in enumerate(_FIRST_OWN_CHARACTER):
            yield encode(bytes(lead) + raw).decode()[first : (lead + len(raw)) * 8 // 6]


# Known values: which variables hold them.

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:API|ACCESS|PG)?(?:KEYS?|TOKENS?|SECRETS?|PAT|PASS(?:WD|WORDS?|PHRASE)?|CREDENTIALS?|COOKIES?"
    r"|AUTHORIZATION)(?:_|$)|^MYSQL_PWD$"
)
_ABOUT_ONE = re.compile(  # the value is a thing about a secret, and not one
    r"(?:^|_)MAX_|_(?:FILE|PATH|DIR|UR[LI]|ENDPOINT|HOST|PORT|SOCK|REGION|NAME|TYPE|HELPER|DESCRIPTOR|FD|TTL|MS)$"
)
_PASSWORD_NAME = re.compile(r"PASS|PWD")
_HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
_HARMLESS_HEADER = re.compile(r"(?:anthropic-|accept|content-|user-agent)", re.I)
_SCHEME = re.compile(r"(?:bearer|basic|token)\s+", re.I)
_PLAIN = re.compile(r"[A-Za-z]+(?:[-_. /][A-Za-z]+)*|[\d.,]+|https?://\S+")
_FILE = re.compile(r"(?:~|\.{1,2})?/[^\s=+]*\.[A-Za-z]{2,5}")
_PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")


def _secrets_in(name: str, value: str) -> Iterator[str]:
    if name.upper() == _HEADERS:
        yield from _header_secrets(value)
    elif _holds_a_secret(name) and not _is_a_word(name, value) and not _FILE.fullmatch(value):
        yield value
    for password in _PASSWORD_IN_URL.findall(value):
        yield from (password, unquote(password))


def _holds_a_secret(name: str) -> bool:
    return _SECRET_NAME.search(_spelled(name)) is not None and not _ABOUT_ONE.search(_spelled(name))


def _is_a_word(name: str, value: str) -> bool:
    """Whether the value is a stand-in like `rehearsal`: a bare word is no key, though it may be a password."""
    return value.isalpha() and value.islower() and len(value) < 16 and not _PASSWORD_NAME.search(_spelled(name))


def _spelled(name: str) -> str:
    return name.upper().replace("-", "_")


def _header_secrets(lines: str) -> Iterator[str]:
    """The values of headers like `X-Key: value`, one a line, without their scheme; words, numbers and URLs are none."""
    for line in lines.splitlines():
        name, colon, value = line.partition(":")
        secret = _SCHEME.sub("", (value if colon else name).strip(), count=1)
        if _holds_a_secret(name.strip()) or not (_HARMLESS_HEADER.match(name) or _PLAIN.fullmatch(secret)):
            yield secret


# Unknown values: what has the shape of a secret, and of nothing else.


class _Shape(NamedTuple):
    kind: str
    needles: tuple[str, ...]  # in lower case; without any of them in the text the pattern is not tried
    pattern: re.Pattern[str]  # its group, if it has one, is the secret


_PEM = r"""
    -----BEGIN\ (?:[A-Z0-9]{1,12}\ ){0,3}PRIVATE\ KEY(?:\ BLOCK)?-----
    (?:
        (?=(?:(?!-----)[\s\S]){0,400}?[A-Za-z0-9+/=]{16})  # prose about the two markers has no key between them
        [^-]*+(?:-(?!----)[^-]*+)*+-----END\ [A-Z0-9 ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----
      |
        (?:(?:\s|\\[nr])*+[A-Za-z0-9+/=]{24,}+)++          # cut off before its end, maybe within a line
        (?:(?:\s|\\[nr])++[A-Za-z0-9+/=]++(?=\Z|[^\s\w]))?
    )"""
_HEADER = r"""
    (?:authorization\\?["']?\s{0,8}[:=]\s{0,8}\\?["']?(?:bearer|basic|token)\s{1,8}
      |x-api-key\\?["']?\s{0,8}[:=]\s{0,8}\\?["']?)
    ((?=[a-z._~+/=-]{0,200}\d)[a-z0-9._~+/=-]{8,}+|[a-z]{24,}+(?![\w-]))"""

_SHAPES = (
    _Shape(
        "anthropic key",
        ("sk-ant-",),
        re.compile(r"(?<![A-Za-z0-9])sk-ant-(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{20,}+"),
    ),
    _Shape("aws key", ("akia", "asia"), re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])")),
    _Shape(
        "github token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        re.compile(r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{30,}+|github_pat_[A-Za-z0-9_]{22,}+)"),
    ),
    _Shape(
        "slack token",
        ("xox",),
        re.compile(r"(?<![A-Za-z0-9])xox[abeoprs]-(?=[A-Za-z-]{0,40}\d)[A-Za-z0-9-]{10,}+"),
    ),
    _Shape("google key", ("aiza",), re.compile(r"(?<![A-Za-z0-9+/_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
    _Shape("private key", ("private key",), re.compile(_PEM, re.X)),
    _Shape("authorization", ("authorization", "x-api-key"), re.compile(_HEADER, re.X | re.I)),
)


def _suspicious(text: str) -> Iterator[_Span]:
    lowered = text.lower()
    for shape in _SHAPES:
        if any(needle in lowered for needle in shape.needles):
            for match in shape.pattern.finditer(text):
                start, end = match.span(match.lastindex or 0)
                yield _Span(start, end, f"[redacted: {shape.kind}]")
