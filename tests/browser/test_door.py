"""Who is let into the page: whoever has a link that is fresh, once; and nobody through another page."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from tests.browser import serving, watching
from tests.browser.seeding import Seed

CLOSED = "This page needs a link that lets you in"
SHORT_LINKS = """
from batchproc.interfaces import http_sessions
http_sessions.LINK_S = 0.2
"""
REFUSED = r"console error: Failed to load resource.* (401|403)|answer (401|403): "


async def test_a_link_lets_in_once_and_the_browser_is_known_afterwards(serve, browser):
    async with serve(Seed()) as (dashboard, _), watching.opened(browser, dashboard) as tab:
        await tab.sign_in(dashboard.link)
        assert "code" not in tab.page.url
        await tab.page.reload()
        await tab.page.get_by_role("link", name="Support tickets: triage").wait_for()
        async with watching.opened(browser, dashboard) as other:
            other.forgive(REFUSED)
            await other.page.goto(dashboard.link)
            await other.page.get_by_role("heading", name=CLOSED).wait_for()
            assert "batchproc dashboard" in await other.page.inner_text("main")
            assert "tickets" not in await other.page.content()


async def test_without_a_link_nothing_is_shown_and_nothing_is_asked_for(serve, browser):
    async with serve(Seed()) as (dashboard, jobs), watching.opened(browser, dashboard) as tab:
        asked = []
        tab.page.on("request", lambda request: asked.append(request.url))
        await tab.page.goto(f"{dashboard.origin}/jobs/{jobs[0].job_id}")
        await tab.page.get_by_role("heading", name=CLOSED).wait_for()
        assert asked and not any("/api/" in url for url in asked)


async def test_a_link_that_is_too_old_says_so(serve, browser):
    async with serve(Seed()) as (first, _):
        await first.end()
        async with serving.served(first.environ, prelude=SHORT_LINKS) as dashboard:
            await asyncio.sleep(0.3)  # as long as this server's links hold
            async with watching.opened(browser, dashboard) as tab:
                tab.forgive(REFUSED)
                await tab.page.goto(dashboard.link)
                await tab.page.get_by_role("heading", name=CLOSED).wait_for()
                assert await tab.page.locator("main .failed").inner_text() != ""


async def test_who_signed_out_is_out_in_every_tab(serve, open_tab):
    async with serve(Seed()) as (dashboard, _), open_tab(dashboard) as tab:
        tab.forgive(REFUSED)
        assert (await tab.ask("DELETE", "/session"))["done"]
        await tab.page.reload()
        await tab.page.get_by_role("heading", name=CLOSED).wait_for()


async def test_who_signs_out_in_one_tab_sees_nothing_more_in_any_and_a_new_link_lets_all_in(serve, open_tab):
    async with serve(Seed()) as (dashboard, _), open_tab(dashboard) as tab:
        tab.forgive(REFUSED)
        job = tab.page.get_by_role("link", name="Support tickets: triage")
        other = await tab.context.new_page()
        await other.goto(dashboard.origin)
        await other.get_by_role("link", name="Support tickets: triage").wait_for()
        await tab.page.get_by_role("button", name="Sign out").click()
        await tab.page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
        for page in (tab.page, other):
            await page.get_by_role("heading", name="You are signed out").wait_for()
            assert "tickets" not in await page.content()
            assert await page.evaluate("localStorage.getItem('batchproc.key')") is None
        await other.goto(await dashboard.new_link())
        await job.wait_for()


ATTACKS = """
async ({api, job}) => {
  const tries = {};
  const ask = async (name, path, options) => {
    try {
      const answer = await fetch(api + path, {credentials: "include", ...options});
      tries[name] = answer.type === "opaque" ? "opaque" : `read ${answer.status}`;
    } catch (error) { tries[name] = "no"; }
  };
  const json = {"Content-Type": "application/json"};
  await ask("read", "/api/v1/jobs");
  await ask("read blindly", "/api/v1/jobs", {mode: "no-cors"});
  await ask("cancel", `/api/v1/jobs/${job}/cancel`, {method: "POST", headers: json, body: "{}"});
  await ask("cancel simply", `/api/v1/jobs/${job}/cancel`, {method: "POST", mode: "no-cors", body: "{}"});
  await ask("delete", `/api/v1/jobs/${job}`, {method: "DELETE", headers: json, body: "{}"});
  const form = Object.assign(document.createElement("form"),
    {method: "post", action: `${api}/api/v1/jobs/${job}/cancel`, enctype: "text/plain", target: "inner"});
  const inner = Object.assign(document.createElement("iframe"), {name: "inner"});
  const frame = Object.assign(document.createElement("iframe"), {src: `${api}/jobs/${job}`});
  document.body.append(inner, form, frame);
  await Promise.all([frame, inner].map((one) => new Promise((done) => { one.onload = done;
    if (one === inner) form.submit(); setTimeout(done, 3000); })));
  return tries;
}
"""


async def test_a_page_of_another_server_on_this_machine_gets_nothing_and_does_nothing(serve, open_tab):
    """It is of the same site: the cookie comes along with whatever it asks for."""
    async with (
        serve(Seed(state="paused", pending=2)) as (dashboard, jobs),
        open_tab(dashboard) as tab,
        bystander() as at,
    ):
        tab.forgive("")
        other = await tab.context.new_page()
        answers = []
        other.on("response", lambda answer: answers.append(answer))
        await other.goto(at)
        tries = await other.evaluate(ATTACKS, {"api": dashboard.origin, "job": jobs[0].job_id})
        assert set(tries.values()) <= {"no", "opaque"} and tries["read"] == "no" and len(tries) == 5
        ours = [answer for answer in answers if answer.url.startswith(f"{dashboard.origin}/api/")]
        assert ours and all(answer.status in {403, 405, 415} for answer in ours)
        for frame in other.frames:
            assert "tickets" not in await frame.content()
        await other.close()
        tab.strangers.clear()  # the page of the other server itself
        status = (await tab.ask("GET", f"/jobs/{jobs[0].job_id}"))["status"]
        assert status == "paused"


@contextlib.asynccontextmanager
async def bystander() -> AsyncIterator[str]:
    """Some other server at another port, with a page of its own."""
    page = b"<!doctype html><title>another</title><body>another</body>"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head.encode() + page)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_the_key_is_nowhere_but_where_this_origin_keeps_it(serve, open_tab):
    async with serve(Seed()) as (dashboard, _), open_tab(dashboard) as tab:
        (cookie,) = await tab.context.cookies()
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["path"] == "/"
        key = await tab.page.evaluate("localStorage.getItem('batchproc.key')")
        assert key and key not in json.dumps(cookie) and key not in tab.page.url
        assert await tab.page.evaluate("document.cookie") == ""
