"""A job with answers beside another one, and the service to ask it."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from batchproc.launcher import Launcher
from batchproc.models import Job
from batchproc.service import BatchService
from batchproc.settings import Settings
from batchproc.store import db
from tests.conftest import OPTIONS
from tests.store.results_support import answer, job_of, judge

SECRET = "xK9secretQ7"
"""Stands in all that is not of the job that is asked."""

VENDORS = {"type": "object", "properties": {"vendor": {"type": "string"}, "total": {"type": "number"}}}
OTHERS = """
INSERT INTO logs (at, source, level, text) VALUES (1, 'service', 'info', '{secret}');
INSERT INTO events (at, kind, data) VALUES (1, 'x', '"{secret}"');
INSERT INTO sources (job, enumerator) VALUES (99, '{secret}');
INSERT INTO approvals VALUES ('{secret}', '{secret}', 1, 'x');
INSERT INTO limits (credential, model, ceiling) VALUES ('{secret}', '{secret}', 1);
UPDATE jobs SET name = '{secret}', instructions = '{secret}';
UPDATE verdicts SET note = '{secret}', judged_by = '{secret}', fingerprint = '{secret}';
UPDATE units SET fingerprint = '{secret}', reason = '{secret}', note = '{secret}';
"""


@pytest.fixture
def service(store: db.Database) -> BatchService:
    chosen = Settings(home=store.home)
    return BatchService(store, Launcher(chosen, os.environ), chosen)


@pytest.fixture
def ask(service: BatchService) -> Callable[..., Awaitable[list[list[Any]]]]:
    """The rows of an answer."""

    async def ask(job: Job, sql: str | None = None, **more: Any) -> list[list[Any]]:
        return (await service.query_results(job.job_id, sql, **more)).rows

    return ask


@pytest.fixture
async def job(store: db.Database) -> Job:
    """Twelve bills of four vendors, one not final; one corrected; and another job, with its own verdict."""
    options = replace(OPTIONS, output_schema=VENDORS)
    made = await job_of(store, [{"page": n, "title": f"Bill {n}"} for n in range(1, 13)], options)
    for n in range(1, 12):
        said = {"vendor": f"Vendor {n % 4}", "total": n + 0.5, "lines": [n, {"of": n}], "paid": n % 2 == 0}
        await answer(store, made, f"u{n}", text=f"bill {n}", output=said)
    await judge(store, made, "u3", "correct", {"vendor": "Vendor 1", "total": 300})
    other = await job_of(store, [{"page": SECRET, "title": SECRET}] * 3, options, key="other")
    for n in (1, 2, 3):
        await answer(store, other, f"u{n}", text=SECRET, output={"vendor": SECRET})
    await judge(store, other, "u1", "correct", {"vendor": SECRET})
    await store.write(_add_others)
    return made


def _add_others(tx: Any) -> None:
    tx.execute("PRAGMA defer_foreign_keys = 1")
    for statement in OTHERS.format(secret=SECRET).strip().split(";\n"):
        if "sources" not in statement:
            tx.execute(statement.rstrip(";"))
