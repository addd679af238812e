"""What a test in a browser may use: the browser, seeded stores, a dashboard that serves them, a tab that is let in."""

import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

import hatch_build
from batchproc.models import Job
from batchproc.platform import doorbell, lock
from tests.browser import chromium, seeding, serving, watching
from tests.browser.seeding import Seed
from tests.browser.serving import Dashboard
from tests.browser.watching import Tab
from tests.e2e.conftest import environment

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of a browser share its event loop, as they share the browser."""
    for item in items:
        if HERE in item.path.parents and "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def built() -> None:
    """What is tested is the dashboard of the sources as they are."""
    hatch_build.Dashboard(ROOT).build()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(built: None) -> AsyncIterator[Browser]:
    async with chromium.launched(chromium.require()) as launched:
        yield launched


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[tuple[Dashboard, list[Job]]]]:
    """`async with serve(Seed(…), …) as (dashboard, jobs)`: a store with these jobs, and its dashboard."""

    def make(*seeds: Seed) -> AbstractAsyncContextManager[tuple[Dashboard, list[Job]]]:
        return seeded(tmp_path, *seeds)

    return make


@asynccontextmanager
async def seeded(place: Path, *seeds: Seed, answers: bool = False) -> AsyncIterator[tuple[Dashboard, list[Job]]]:
    """No supervisor takes the store over: it stays as it was made. With `answers` there seems to be one."""
    environ = environment(place)
    home = Path(environ["BATCHPROC_HOME"])
    found = await seeding.home_with(home, *seeds, now=time.time())
    held = lock.FileLock(home / "supervisor.lock")
    assert held.acquire()
    try:
        async with contextlib.AsyncExitStack() as stack:
            if answers:
                await stack.enter_async_context(doorbell.Doorbell(doorbell.address(home), _says_hello))
            yield await stack.enter_async_context(serving.served(environ)), found
    finally:
        held.release()


async def _says_hello(request: Mapping[str, Any]) -> Mapping[str, Any]:
    known = {"pid": os.getpid(), "epoch": 1, "since": datetime.now(UTC).isoformat(), "guard": "full"}
    return {**known, "slots": 8, "jobs": 1, "agents": 2, "trouble": None} if request.get("hello") else {}


@pytest.fixture
def open_tab(browser: Browser) -> Callable[..., AbstractAsyncContextManager[Tab]]:
    """`async with open_tab(dashboard, theme="dark") as tab`: a tab that a one-time link has let in."""

    @contextlib.asynccontextmanager
    async def make(dashboard: Dashboard, **how: object) -> AsyncIterator[Tab]:
        async with watching.opened(browser, dashboard, **how) as tab:
            await tab.sign_in()
            yield tab

    return make
