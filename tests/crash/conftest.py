"""Every run of this folder ends with one line of JSON, and fails if that line says anything was lost or done twice."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.scripted_house import ScriptedHouse, scripted_house
from tests.crash.totals import Totals
from tests.e2e.conftest import house

__all__ = ["house"]

KEY = pytest.StashKey[Totals]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[KEY] = Totals()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.config.stash[KEY].is_clean:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last thing of all, after pytest's own summary."""
    if config.option.markexpr == "crash" and not config.option.collectonly:
        print(config.stash[KEY].line(), flush=True, file=sys.stdout)


@pytest.fixture
def totals(request: pytest.FixtureRequest) -> Totals:
    return request.config.stash[KEY]


@pytest.fixture
async def scripted(tmp_path: Path) -> AsyncIterator[ScriptedHouse]:
    """A house whose supervisor is the real one and whose agents follow a script."""
    async with scripted_house(tmp_path) as house:
        yield house
