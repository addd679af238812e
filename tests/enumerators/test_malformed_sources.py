"""Malformed sources: each is told with its place and the way out, soon and in little memory, or read if it can be."""

import os
from collections.abc import Iterator
from pathlib import Path

import malformed_csv
import malformed_databases
import malformed_json
import malformed_lines
import malformed_places
import pytest
from malformed_help import LIMIT_MB, LIMIT_S, Bad, Odd, path_of, put, reading

from batchproc import app, settings
from batchproc.errors import BatchprocError
from batchproc.launcher import scrubbed
from batchproc.models import JobOptions, JobSpec

TABLES = (malformed_csv, malformed_json, malformed_lines, malformed_places, malformed_databases)
BAD = [bad for table in TABLES for bad in table.BAD]
ODD = [odd for table in TABLES for odd in table.ODD]

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc"),
]


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    """Locks that a source holds."""
    yield
    while malformed_databases.HELD:
        malformed_databases.HELD.pop().close()


def is_busy() -> bool:
    """Whether others take so much of the machine that a clock measures them, not us."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_a_malformed_source_is_told_with_its_place_and_the_way_out(case: Bad, tmp_path: Path) -> None:
    spec = case.make(tmp_path)

    told = reading(spec, meanwhile=case.meanwhile, reader=case.reader)

    assert told.error and told.ours, told
    assert path_of(spec) in told.error or repr(path_of(spec))[1:-1] in told.error
    assert [words for words in (case.place, *case.says) if words not in told.error] == [], told.error
    assert told.cpu_s <= LIMIT_S and told.mb <= LIMIT_MB, told
    assert told.wall_s <= LIMIT_S or is_busy(), told


@pytest.mark.parametrize("case", ODD, ids=lambda case: case.name)
def test_a_source_that_is_only_odd_is_read(case: Odd, tmp_path: Path) -> None:
    told = reading(case.make(tmp_path), meanwhile=case.meanwhile)

    assert told.error is None
    assert told.payloads == case.payloads
    assert case.warns in " ".join(told.warnings)


def test_there_are_thirty_sources_and_more() -> None:
    names = [case.name for case in BAD]

    assert set(THROUGH_A_JOB) <= set(names)
    assert len(BAD) >= 30


@pytest.mark.parametrize(
    ("what", "code"), [("mb", "x = b'x' * (400 << 20)"), ("cpu_s", "while sum(os.times()[:2]) < 6: sum(range(10**6))")]
)
def test_the_measures_notice_a_reading_beyond_the_limits(tmp_path: Path, what: str, code: str) -> None:
    """Negative control of the tests above."""
    told = reading(put("csv.csv", "a\n1\n")(tmp_path), meanwhile=code)

    assert getattr(told, what) > {"mb": LIMIT_MB, "cpu_s": LIMIT_S}[what]


THROUGH_A_JOB = (
    "a row is short",
    "one line of 1 GB",
    "a quote swallows the file",
    "cut in an element",
    "a field twice on a line",
    "a pipe for a csv file",
    "a file for a folder",
    "a database with a damaged page",
)


@pytest.mark.parametrize("name", THROUGH_A_JOB)
async def test_a_malformed_source_leaves_a_failed_job_without_units_and_with_the_same_words(
    name: str, tmp_path: Path
) -> None:
    case = next(case for case in BAD if case.name == name)
    spec = case.make(tmp_path)
    environ = {**scrubbed(os.environ), "HOME": str(tmp_path), "BATCHPROC_HOME": str(tmp_path / "store")}
    async with app.open_service(settings.load(environ), environ) as service:
        with pytest.raises(BatchprocError) as told:
            await service.create_job(JobSpec(name="a job", instructions="do", enumerator=spec, options=JobOptions()))
        [job] = (await service.list_jobs()).jobs
        status = await service.get_status(job.job_id)

    assert (status.status, status.total_units, sum(status.counts.values())) == ("failed", 0, 0)
    assert status.reason == str(told.value) == reading(spec).error
