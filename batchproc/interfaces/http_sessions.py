"""Who may come in: one-time links, the sessions that they open, and the token of programs. Pure but for `Door`."""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from batchproc.interfaces import http_tokens
from batchproc.interfaces.http_tokens import Tokens

LINK_S = 600.0
MOST_LINKS = 100
SESSION_S = 30 * 86_400
AT_TERMINAL, ELSEWHERE = "terminal-", "link-"
"""How the names of sessions begin: they say where the link was given, and are sealed with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A browser that came in by a link. `name` is in the cookie, for the revocation."""

    name: str
    until: int

    @property
    def may_approve(self) -> bool:
        """Whether its link was given at a terminal: any other may have been a program's."""
        return self.name.startswith(AT_TERMINAL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """What a browser gets: the cookie, which no script sees, and the key, which no other server sees."""

    cookie: str
    key: str
    until: int


def opened(secret: str, place: str, session: Session) -> Opened:
    """The two halves of a session at one place; neither opens anything without the other, or elsewhere."""
    mark = f"{session.name}.{session.until}"
    return Opened(
        cookie=f"{mark}.{_mac(secret, 'cookie', place, mark)}",
        key=_mac(secret, "key", place, mark),
        until=session.until,
    )


def read(secret: str, place: str, cookie: str, key: str, now: float) -> Session | None:
    """The session that cookie and key are of; None if they are not ours, do not belong together, or are too old."""
    name, _, rest = cookie.partition(".")
    until, _, _ = rest.partition(".")
    if not (until.isascii() and until.isdecimal() and len(until) <= 12):
        return None
    session = Session(name=name, until=int(until))
    ours = opened(secret, place, session)
    are_ours = same(cookie, ours.cookie) & same(key, ours.key)  # both are compared, whatever the first one says
    return session if are_ours and session.until > now else None


def same(one: str, other: str) -> bool:
    """In a time that does not tell how much of it was right."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _mac(secret: str, *words: str) -> str:
    return hmac.new(secret.encode(), "\0".join(words).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


class Door:
    """The keeper of links and sessions of one server, at one place (its port)."""

    def __init__(self, tokens: Tokens, place: str, clock: Callable[[], float] = time.time) -> None:
        self._tokens, self.place, self._clock = tokens, place, clock
        self._links: dict[str, tuple[float, str]] = {}
        self._turn = threading.Lock()

    def open(self) -> None:
        """Read, or make, what is kept. Raises `StoreError`."""
        self._tokens.open()
        self._api = self._tokens.secret(http_tokens.API)
        self._secret = self._tokens.secret(http_tokens.SESSIONS)
        self._signed_out = self._tokens.signed_out(self._clock())

    def link(self, *, at_terminal: bool = False) -> str:
        """A code that opens one session, once, within ten minutes. Only its digest is kept."""
        now = self._clock()
        self._links = {digest: given for digest, given in self._links.items() if given[0] > now}
        while len(self._links) >= MOST_LINKS:
            del self._links[next(iter(self._links))]
        code = secrets.token_urlsafe(32)
        self._links[_digest(code)] = (now + LINK_S, AT_TERMINAL if at_terminal else ELSEWHERE)
        return code

    def open_session(self, code: str) -> Opened | None:
        """None: there is no such link, it was used, or it is too old."""
        until, where = self._links.pop(_digest(code), (0.0, ELSEWHERE))
        now = self._clock()
        if until <= now:
            return None
        session = Session(name=where + secrets.token_hex(16), until=int(now + SESSION_S))
        return opened(self._secret, self.place, session)

    def session(self, cookies: list[str], key: str) -> Session | None:
        """Whose cookie and key these are. There may be several cookies of our name: other servers of this host can set
        some, too."""
        for cookie in cookies[:8]:
            found = read(self._secret, self.place, cookie, key, self._clock())
            if found is not None and not self.is_over(found):
                return found
        return None

    def is_over(self, session: Session) -> bool:
        """Whether it was signed out, or is too old, since it was let in."""
        return session.name in self._signed_out or session.until <= self._clock()

    def is_program(self, token: str) -> bool:
        return same(token, self._api)

    def sign_out(self, session: Session) -> None:
        """For good, also for the next server: on the disk when this returns. May be called from several threads."""
        with self._turn:  # or one writes what another has not told it of
            now = self._clock()
            known = {name: until for name, until in self._signed_out.items() if until > now}
            self._signed_out = {**known, session.name: session.until}
            self._tokens.keep_signed_out(self._signed_out)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
