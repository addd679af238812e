"""The browser of the machine, without a window. Without one its tests are skipped; or fail, where it is required."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"  # it finds nobody but us, and finds that out at once
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", ALONE]
REQUIRED = "BATCHPROC_BROWSER"


def program() -> str | None:
    """Where it is installed."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


def require() -> str:
    """Where it is; skips the test that has no browser, unless BATCHPROC_BROWSER=required."""
    found = program()
    if found is None:
        missing = f"no browser on this machine: none of {', '.join(PROGRAMS)} is installed"
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@asynccontextmanager
async def launched(executable: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()
