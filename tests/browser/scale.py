"""What a page costs as a job grows: measured in the browser and at the API, a large job and a small one in turns."""

import asyncio
import statistics
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.serving import Dashboard
from tests.browser.watching import Tab

FIRST_ROW = """
addEventListener("DOMContentLoaded", () => {
  const look = () => {
    const row = document.querySelector("[role=row][data-index]");
    if (row && row.textContent.includes("t-")) { window.firstRowAt = performance.now(); watch.disconnect(); }
  };
  const watch = new MutationObserver(look);
  watch.observe(document, {subtree: true, childList: true, characterData: true});
});
"""
"""Notes when the first row of the table stands in the page, in milliseconds since the navigation began."""
SCROLL = """
async ({frames, step}) => {
  const grid = document.querySelector("[role=grid]");
  grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * 0.3;
  await new Promise((done) => setTimeout(done, 500));
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let n = 0; n < frames; n++) {
    grid.scrollTop += step;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}
"""
TO_DEPTH = """
(depth) => {
  const grid = document.querySelector("[role=grid]");
  grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * depth;
}
"""


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the table of a job."""

    first_rows_ms: float
    frames_ms: list[float]
    nodes: int
    nodes_deep: int


async def look(tab: Tab, job_id: str, total: int) -> Look:
    """Open the table anew, scroll in it, and jump to nine tenths of it."""
    await tab.go(f"/jobs/{job_id}/units")
    await tab.page.wait_for_function("() => window.firstRowAt")
    first_rows_ms = float(await tab.page.evaluate("window.firstRowAt"))
    nodes = await _nodes_at(tab, 0.5, total)
    frames: list[float] = await tab.page.evaluate(SCROLL, {"frames": 90, "step": 66})
    return Look(
        first_rows_ms=first_rows_ms,
        frames_ms=frames,
        nodes=nodes,
        nodes_deep=await _nodes_at(tab, 0.9, total),
    )


async def _nodes_at(tab: Tab, depth: float, total: int) -> int:
    """How many elements the page has once the rows at that depth stand in it."""
    await tab.page.evaluate(TO_DEPTH, depth)
    row = f"[role=row][data-index='{round(total * depth)}']"
    await tab.page.locator(row, has_text="t-").wait_for()
    await tab.settled()
    return await tab.nodes()


HEARD = """
(marker) => {
  window.heard = {};
  const look = () => {
    for (const [said] of document.querySelector("main").innerText.matchAll(new RegExp(`${marker} [0-9]+`, "g")))
      window.heard[said] ??= performance.timeOrigin + performance.now();
  };
  new MutationObserver(look).observe(document, {subtree: true, childList: true, characterData: true});
}
"""
MARKER = "said at last"


async def heard_ms(tab: Tab, say: Callable[[str], Awaitable[None]], times: int) -> list[float]:
    """How long after `say` had committed each of so many sentences it stood in the page."""
    await tab.page.evaluate(HEARD, MARKER)
    said: dict[str, float] = {}
    for n in range(times):
        await say(f"{MARKER} {n}")
        said[f"{MARKER} {n}"] = time.time() * 1000
        await asyncio.sleep(0.1 + n % 7 / 10)  # at every point of whatever beat the way there has
    await tab.page.wait_for_function("(n) => Object.keys(window.heard).length === n", arg=times)
    heard: dict[str, float] = await tab.page.evaluate("window.heard")
    return [heard[words] - at for words, at in said.items()]


class Api:
    """Pages of units, as a program asks for them."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._token = (Path(dashboard.home) / "tokens" / "api").read_text().strip()

    def page_ms(self, job_id: str, **query: Any) -> float:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        url = f"{self._dashboard.origin}/api/v1/jobs/{job_id}/units?{asked}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._token}"})
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert b'"units"' in answer.read()
        return (time.perf_counter() - began) * 1000


def in_turns(times: int, *contenders: Callable[[], float]) -> list[list[float]]:
    """What each came to, one after the other, so that whatever else the machine does hits all alike."""
    found: list[list[float]] = [[] for _ in contenders]
    for _ in range(times):
        for kept, contender in zip(found, contenders, strict=True):
            kept.append(contender())
    return found


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
