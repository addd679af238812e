"""Known values: which variables hold secrets, and in how many spellings each may turn up in a text."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote

from batchproc.redaction.spans import LABEL, Span

SHORTEST = 8  # characters: what is shorter turns up in honest text by chance


def forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """How the secrets may be spelled in a text."""
    values = {secret.strip() for secret in secrets}
    spelled = {form for value in values if len(value) >= SHORTEST for form in _forms(value)}
    return tuple(sorted(form for form in spelled if len(form) >= SHORTEST))


def found(text: str, forms: Iterable[str]) -> Iterator[Span]:
    for form in forms:
        at = text.find(form)
        while at >= 0:
            yield Span(at, at + len(form), LABEL)
            at = text.find(form, at + len(form))


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


# Which variables hold them.

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


def secrets_in(name: str, value: str) -> Iterator[str]:
    """What is secret of the variable's value."""
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
