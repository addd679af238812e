"""A tab in which nothing goes wrong unseen: what the console, the policy, the network and the page complain of."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from tests.browser.serving import Dashboard

Theme = Literal["light", "dark"]
WIDE, PHONE = (1280, 800), (390, 844)
CANARY = """
window.__xss = [];
for (const name of ["alert", "confirm", "prompt", "print"])
  window[name] = (said) => {
    window.__xss.push([name, String(said)]);
    console.error(`a stranger's script ran: ${name}`);
  };
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
"""What a script of a stranger's would call, watched also after its page was left; and whatever the policy refuses."""


ASK = """
async ([method, path, body]) => {
  const headers = {"X-Batchproc-Key": localStorage.getItem("batchproc.key"), "Content-Type": "application/json"};
  const said = body === null ? {} : {body: JSON.stringify(body)};
  return await (await fetch(`/api/v1${path}`, {method, headers, ...said})).json();
}
"""


def quoted(key: str) -> str:
    """A key as one part of an address: what would be a step in the path has a `~` before it."""
    return quote(f"~{key}" if key in {".", ".."} or key.startswith("~") else key, safe="")


@dataclass
class Tab:
    """A page, and what was complained of while it was open."""

    page: Page
    context: BrowserContext
    dashboard: Dashboard
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)

    def forgive(self, pattern: str) -> None:
        """Expect a complaint like this one."""
        self.forgiven.append(pattern)

    def unforgiven(self) -> list[str]:
        return [one for one in self.complaints if not any(re.search(known, one) for known in self.forgiven)]

    async def executed(self) -> list[Any]:
        """What scripts of strangers called."""
        found: list[Any] = await self.page.evaluate("window.__xss")
        return found

    async def sign_in(self, link: str | None = None) -> None:
        """Open a one-time link, as it is printed in the terminal."""
        await self.page.goto(link or await self.dashboard.new_link())
        await self.page.get_by_role("navigation", name="Rooms").wait_for()

    async def go(self, path: str) -> None:
        await self.page.goto(self.dashboard.origin + path)
        await self.settled()

    async def settled(self) -> None:
        """Wait until nothing of the page is still on its way."""
        await self.page.locator("#app main").wait_for()
        await self.page.wait_for_function("() => !document.querySelector('[aria-busy=true], .loading')")

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the API, as the page itself does."""
        return await self.page.evaluate(ASK, [method, path, body if method == "GET" else body or {}])

    async def nodes(self) -> int:
        return int(await self.page.evaluate("document.querySelectorAll('*').length"))


@asynccontextmanager
async def opened(
    browser: Browser,
    dashboard: Dashboard,
    *,
    theme: Theme = "light",
    size: tuple[int, int] = WIDE,
    **more: Any,
) -> AsyncIterator[Tab]:
    """A browser of its own that has never been here; fails at the end if anything was complained of."""
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce", **more
    )
    await context.add_init_script(CANARY)
    page = await context.new_page()
    page.set_default_timeout(15_000)
    tab = Tab(page=page, context=context, dashboard=dashboard)
    _listen(tab)
    try:
        yield tab
        if not page.is_closed() and page.url != "about:blank":
            assert await tab.executed() == []
        assert tab.strangers == []
        assert tab.unforgiven() == []
    finally:
        await context.close()


def _listen(tab: Tab) -> None:
    def console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            tab.complaints.append(f"console {message.type}: {message.text}")

    def request(sent: Request) -> None:
        if not sent.url.startswith((f"{tab.dashboard.origin}/", f"blob:{tab.dashboard.origin}/", "data:")):
            tab.strangers.append(sent.url)

    def failed(sent: Request) -> None:
        if sent.failure != "net::ERR_ABORTED":  # what the page itself does not want any more
            tab.complaints.append(f"request failed: {sent.method} {sent.url}: {sent.failure}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            tab.complaints.append(f"answer {response.status}: {response.request.method} {response.url}")

    tab.page.on("console", console)
    tab.page.on("pageerror", lambda error: tab.complaints.append(f"page error: {error}"))
    tab.page.on("dialog", lambda dialog: tab.complaints.append(f"dialog: {dialog.message}"))
    tab.context.on("request", request)
    tab.context.on("requestfailed", failed)
    tab.context.on("response", answered)
