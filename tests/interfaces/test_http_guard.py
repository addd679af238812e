"""No route is outside the door: each refuses every forged request. Without the door some come through."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from batchproc.interfaces import http_sessions
from batchproc.interfaces.http_guard import HEADERS, Admitted, Visitor
from batchproc.interfaces.http_routes import PREFIX, TABLE
from tests.interfaces.conftest import HOST, JSON, PORT, Open
from tests.interfaces.knocking import Headers, knock
from tests.interfaces.serving import serving_in

OPEN = {
    ("GET", "/"),
    ("GET", "/jobs/job-1?status=failed"),
    ("GET", "/assets/index-0123abcd.js"),
    ("GET", "/favicon.ico"),
    ("POST", f"{PREFIX}/session"),
}
"""All that may be asked for without credentials. What a stranger could forge of these is refused all the same."""

SHELL = {one for one in OPEN if one[0] == "GET"}


def routes() -> Iterator[tuple[str, str]]:
    for row in TABLE:
        path = row.path.replace("{job_id}", "job-1").replace("{key}", "a%2Fb").replace("{name}", "job-1")
        yield row.method, PREFIX + path
    yield from SHELL


@dataclass
class Forged:
    """A request with one thing wrong. `headers` is all that it sends; `is_stranger`: what is wrong is who asks."""

    headers: Headers
    is_stranger: bool = False
    only: set[str] = field(default_factory=lambda: {"GET", "POST", "PATCH", "DELETE"})
    bodies: bytes = b"{}"


def forged(house: Open) -> dict[str, Forged]:
    who = list(house.person())
    cookie, key = who
    wrong = "0" * 64
    used = house.door.link()
    assert house.door.open_session(used)
    known = [HOST, JSON, *who]
    changes = {"POST", "PATCH", "DELETE"}
    return {
        "a wrong Host": Forged([("Host", "evil.example"), JSON, *who]),
        "a Host that only looks like ours": Forged([("Host", f"127.0.0.1:{PORT}.evil.example"), JSON, *who]),
        "a Host with another port": Forged([("Host", "127.0.0.1:4001"), JSON, *who]),
        "a Host without a port": Forged([("Host", "127.0.0.1"), JSON, *who]),
        "no Host": Forged([JSON, *who]),
        "two Hosts": Forged([*known, ("Host", "evil.example")]),
        "a foreign Origin": Forged([*known, ("Origin", "http://evil.example")]),
        "our Origin with another port": Forged([*known, ("Origin", "http://127.0.0.1:4001")]),
        "our other name as Origin": Forged([*known, ("Origin", f"http://localhost:{PORT}")]),
        "our Origin by https": Forged([*known, ("Origin", f"https://127.0.0.1:{PORT}")]),
        "no Origin that can be told": Forged([*known, ("Origin", "null")]),
        "a cross-site request": Forged([*known, ("Sec-Fetch-Site", "cross-site")]),
        "a same-site request": Forged([*known, ("Sec-Fetch-Site", "same-site")]),
        "a change from nowhere": Forged([*known, ("Sec-Fetch-Site", "none")], only=changes),
        "a frame on another site": Forged(
            [*known, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")]
        ),
        "no token": Forged([HOST, JSON], is_stranger=True),
        "a wrong token": Forged([HOST, JSON, ("Authorization", f"Bearer {wrong}")], is_stranger=True),
        "a wrong token beside a right session": Forged(
            [*known, ("Authorization", f"Bearer {wrong}")], is_stranger=True
        ),
        "a token by another scheme": Forged(
            [HOST, JSON, ("Authorization", "Basic " + house.program()[0][1].split()[1])], is_stranger=True
        ),
        "a wrong cookie": Forged([HOST, JSON, ("Cookie", f"batchproc_{PORT}={wrong}"), key], is_stranger=True),
        "a cookie without its key": Forged([HOST, JSON, cookie], is_stranger=True),
        "a key without its cookie": Forged([HOST, JSON, key], is_stranger=True),
        "a cookie with the key of another session": Forged([HOST, JSON, cookie, house.person()[1]], is_stranger=True),
        "a session of another port": Forged([HOST, JSON, *session_at(house, "4001")], is_stranger=True),
        "an expired session": Forged([HOST, JSON, *expired(house)], is_stranger=True),
        "a session that signed out": Forged([HOST, JSON, *signed_out(house)], is_stranger=True),
        "a link that was used, as a cookie": Forged(
            [HOST, JSON, ("Cookie", f"batchproc_{PORT}={used}"), ("X-Batchproc-Key", used)], is_stranger=True
        ),
        "a simple POST": Forged([HOST, ("Content-Type", "text/plain"), *who], only=changes),
        "a form": Forged(
            [HOST, ("Content-Type", "application/x-www-form-urlencoded"), *who], only=changes, bodies=b"why=x"
        ),
        "a form with files": Forged([HOST, ("Content-Type", "multipart/form-data; boundary=x"), *who], only=changes),
        "no Content-Type": Forged([HOST, *who], only=changes),
        "a method by a header": Forged([*known, ("X-HTTP-Method-Override", "DELETE")]),
    }


def session_at(house: Open, place: str) -> Headers:
    door = http_sessions.Door(house.door._tokens, place, house.clock)
    door.open()
    opened = door.open_session(door.link())
    assert opened is not None
    return [("Cookie", f"batchproc_{PORT}={opened.cookie}"), ("X-Batchproc-Key", opened.key)]


def expired(house: Open) -> Headers:
    house.clock.now -= http_sessions.SESSION_S + 10
    who = house.person()
    house.clock.now += http_sessions.SESSION_S + 10
    return who


def signed_out(house: Open) -> Headers:
    who = house.person()
    session = house.door.session([who[0][1].partition("=")[2]], who[1][1])
    assert session is not None
    house.door.sign_out(session)
    return who


async def test_every_route_refuses_every_forged_request(opened: Open) -> None:
    tried = 0
    for name, request in forged(opened).items():
        for method, path in routes():
            if method not in request.only or (request.is_stranger and (method, path) in OPEN):
                continue
            answered = await knock(opened.app, method, path, request.headers, request.bodies)
            assert answered.status in {400, 401, 403, 415, 421}, f"{name}: {method} {path} gave {answered.status}"
            assert answered.headers["content-type"] == "application/problem+json"
            tried += 1
    assert tried >= 13 * len(list(routes()))


def test_the_router_leads_where_the_table_says_and_nowhere_else(opened: Open) -> None:
    """The walk above takes the table; this walks the router that is served."""
    found = {(method, route.path) for route in opened.bare.routes for method in route.methods or {"ANY"}}
    assert found == {*((row.method, PREFIX + row.path) for row in TABLE), ("ANY", "/api{rest:path}")}


async def test_the_server_that_people_start_has_the_door_before_every_route(tmp_path: Path) -> None:
    """Over its own port: a stranger, and whoever was let in but asks for another host."""
    async with serving_in(tmp_path) as server:
        token = server.headers.pop("Authorization")
        for method, path in routes():
            if (method, path) in OPEN:
                continue
            asked = path.removeprefix(PREFIX)
            assert (await server.ask(method, asked))[0] == 401, f"{method} {path}"
            status, said = await server.ask(method, asked, Authorization=token, Host="evil.example")
            assert (status, said["type"]) == (421, "urn:batchproc:problem/host"), f"{method} {path}"


async def test_without_the_door_forged_requests_come_through(opened: Open) -> None:
    """So the test above finds what it looks for."""

    async def without_door(scope, receive, send):
        scope["state"]["admitted"] = Admitted(visitor=Visitor.ANYBODY)
        await opened.bare(scope, receive, send)

    through = 0
    for request in forged(opened).values():
        for path in (f"{PREFIX}/jobs", f"{PREFIX}/enumerators"):
            answered = await knock(without_door, "GET", path, request.headers)
            through += answered.status == 200
    assert through >= 2 * 13


@pytest.mark.parametrize("who", ["person", "program"])
async def test_whoever_was_let_in_comes_in_by_either_name_of_this_machine(opened: Open, who: str) -> None:
    for host in (f"127.0.0.1:{PORT}", f"localhost:{PORT}"):
        for more in ([], [("Origin", f"http://{host}"), ("Sec-Fetch-Site", "same-origin")]):
            headers = [("Host", host), *getattr(opened, who)(), *more]
            assert (await knock(opened.app, "GET", f"{PREFIX}/jobs", headers)).status == 200


async def test_nothing_but_the_shell_and_the_link_is_open(opened: Open) -> None:
    for method, path in routes():
        answered = await knock(opened.app, method, path, [HOST, JSON], b"{}")
        assert (answered.status != 401) == ((method, path) in OPEN), f"{method} {path}"


async def test_every_answer_has_the_headers_that_keep_a_browser_from_harm(opened: Open) -> None:
    for method, path in [*routes(), ("PUT", "/"), ("GET", "/api/nothing")]:
        for who in ([], opened.program()):
            answered = await knock(opened.app, method, path, [HOST, JSON, *who], b"{}")
            assert HEADERS.items() <= answered.headers.items(), f"{method} {path}"
            assert not any(name.startswith("access-control") for name in answered.headers)
    assert "unsafe" not in HEADERS["content-security-policy"]


async def test_a_link_that_is_clicked_on_another_site_opens_the_page_and_nothing_else(opened: Open) -> None:
    clicked = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]
    assert (await knock(opened.app, "GET", "/jobs/job-1", [HOST, *clicked])).status in {200, 503}
    answered = await knock(opened.app, "GET", f"{PREFIX}/jobs", [HOST, *opened.person(), *clicked])
    assert answered.status == 403


async def test_a_link_opens_one_session_once_and_for_ten_minutes(opened: Open) -> None:
    async def open_with(code: str):
        body = f'{{"code": "{code}"}}'.encode()
        return await knock(opened.app, "POST", f"{PREFIX}/session", [HOST, JSON], body)

    code, late = opened.door.link(), opened.door.link()
    first = await open_with(code)
    cookie = first.headers["set-cookie"]
    assert first.status == 200 and "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert (await open_with(code)).status == 401
    opened.clock.now += http_sessions.LINK_S + 1
    assert (await open_with(late)).status == 401
    assert (await open_with("x" * 43)).status == 401
    who = [("Cookie", cookie.partition(";")[0]), ("X-Batchproc-Key", first.json["key"])]
    assert (await knock(opened.app, "GET", f"{PREFIX}/jobs", [HOST, *who])).status == 200


async def test_a_session_outlives_the_server_until_it_signs_out(opened: Open) -> None:
    def next_server():
        door = http_sessions.Door(opened.door._tokens, str(PORT), opened.clock)
        door.open()
        return door

    who = opened.person()
    cookie, key = who[0][1].partition("=")[2], who[1][1]
    assert next_server().session([cookie], key) is not None
    answered = await knock(opened.app, "DELETE", f"{PREFIX}/session", [HOST, JSON, *who])
    assert answered.status == 200 and "Max-Age=0" in answered.headers["set-cookie"]
    assert (await knock(opened.app, "GET", f"{PREFIX}/jobs", [HOST, *who])).status == 401
    assert next_server().session([cookie], key) is None


async def test_of_many_who_sign_out_at_once_none_is_in_with_the_next_server(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, pauses = opened.door._tokens.keep_signed_out, [0.0, 0.0, 0.3]

    def keep_late(known: dict[str, float]) -> None:
        time.sleep(pauses.pop() if pauses else 0.0)  # the first one is overtaken by the others, if it can be
        keep(known)

    monkeypatch.setattr(opened.door._tokens, "keep_signed_out", keep_late)
    many = [opened.person() for _ in range(8)]
    asked = [knock(opened.app, "DELETE", f"{PREFIX}/session", [HOST, JSON, *who]) for who in many]
    assert {answered.status for answered in await asyncio.gather(*asked)} == {200}
    door = http_sessions.Door(opened.door._tokens, str(PORT), opened.clock)
    door.open()
    assert not any(door.session([cookie[1].partition("=")[2]], key[1]) for cookie, key in many)


async def test_over_a_unix_socket_the_host_is_localhost(opened: Open) -> None:
    for host, status in (("localhost", 200), (f"127.0.0.1:{PORT}", 421), ("evil.example", 421)):
        headers = [("Host", host), *opened.program()]
        path = f"{PREFIX}/jobs"
        answered = await knock(opened.app, "GET", path, headers, server=("/run/x.sock", None))
        assert answered.status == status


async def test_cookies_that_other_servers_of_this_host_set_do_not_sign_anybody_out(opened: Open) -> None:
    cookie, key = opened.person()
    headers = [HOST, ("Cookie", f"batchproc_{PORT}=theirs; other=1; {cookie[1]}"), key]
    assert (await knock(opened.app, "GET", f"{PREFIX}/jobs", headers)).status == 200
