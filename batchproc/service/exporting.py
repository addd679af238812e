"""Results as a file, on this machine: in one of five formats, on one snapshot, beside everything else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchproc import __version__, answers, export, ledger
from batchproc import present_words as words
from batchproc.errors import InvalidJob, NotFound
from batchproc.export import transcripts
from batchproc.models import FINAL, Job, UnitStatus
from batchproc.service.base import Service
from batchproc.service.looking import final_status
from batchproc.store import engine, results
from batchproc.store import jobs as rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is to be exported, and where it may go."""

    job_id: str
    form: export.Format
    path: str
    status: UnitStatus | None
    overwrite: bool
    user_home: Path
    roots: tuple[Path, ...]
    store: Path
    at: float


class Exporting(Service):
    """export_results."""

    async def export_results(
        self,
        job_id: str,
        format: str | None,
        path: str,
        status: str | None = None,
        *,
        overwrite: bool = False,
        passing: Path | None = None,
    ) -> answers.ExportAnswer:
        """Write the final units of a job, or those with `status`, to a file: csv, jsonl, parquet, sqlite or html; None:
        as the path's ending says. It goes below the user's home, the job's working directory or a folder that
        `Settings.export_roots` names, and replaces nothing but an earlier export unless `overwrite`;
        or below `passing`, a folder of the caller's from which it is sent on.

        Cancelled, it leaves what was there. Raises `NotFound`, `InvalidJob`, `StoreError`.
        """
        job = await self._job(job_id)
        home = Path(self._environ.get("HOME") or Path.home())
        own = [Path(folder) for folder in (job.options.working_directory, passing) if folder]
        wanted = Wanted(
            job_id=job_id,
            form=export.chosen(format, path),
            path=path,
            status=None if status is None else final_status(status),
            overwrite=overwrite,
            user_home=home,
            roots=(home, *own, *self._settings.export_roots),
            store=self._settings.home,
            at=self._clock(),
        )
        return await self._store.read_apart(_export, wanted)


def _export(tx: engine.Tx, wanted: Wanted) -> answers.ExportAnswer:
    """On a thread of its own, with everything from one snapshot: the ledger says what is in the file."""
    job = rows.by_id(tx, wanted.job_id)
    if job is None:
        raise NotFound("job", wanted.job_id, "see list_jobs")
    counts = rows.ledger(tx, job.number)
    n = counts[wanted.status] if wanted.status else sum(counts[status] for status in FINAL)
    _require_room(wanted.form, n)
    with export.opened(wanted.path, home=wanted.user_home, roots=wanted.roots, forbidden=wanted.store) as place:
        export.require_free(wanted.form, place, overwrite=wanted.overwrite)
        table = results.table(tx, job, wanted.status)
        made = export.Export(
            columns=table.columns,
            blocks=(table.values(block) for block in results.stream(tx, job.number, wanted.status)),
            ledger=_ledger(job, counts, wanted, n),
            transcripts=lambda: _transcripts(tx, job, wanted.status),
            scratch=wanted.store,
            warnings=_warnings(job, counts, wanted, n),
        )
        written = export.write(wanted.form, made, place, overwrite=wanted.overwrite)
    return answers.ExportAnswer(
        job_id=job.job_id,
        ledger=ledger.words(counts, job),
        format=wanted.form.name,
        path=written.path,
        rows=n,
        bytes=written.bytes,
        ledger_path=written.ledger,
        warnings=made.warnings,
    )


def _require_room(form: export.Format, n: int) -> None:
    if form.most_rows is not None and n > form.most_rows:
        others = ", ".join(name for name, one in export.FORMATS.items() if one.most_rows is None)
        raise InvalidJob(
            "format", form.name, f"it takes at most {form.most_rows:,} results, and there are {n:,}; choose {others}"
        )


def _ledger(job: Job, counts: Mapping[str, int], wanted: Wanted, n: int) -> dict[str, Any]:
    """What stands beside the results, or among them."""
    return {
        "made_by": export.MARK,
        "version": __version__,
        "exported_at": words.stamp(datetime.fromtimestamp(wanted.at, UTC)),
        "job_id": job.job_id,
        "name": job.name,
        "status": job.status,
        "model": words.model_name(job.options),
        "ledger": ledger.words(counts, job),
        "counts": dict(counts),
        "total_units": job.total_units,
        "rows": n,
        "only": wanted.status,
        "cost_usd": round(job.cost_usd, 6),
        "tokens": job.tokens,
    }


def _warnings(job: Job, counts: Mapping[str, int], wanted: Wanted, n: int) -> list[str]:
    said = words.of_a_change(job)
    if (open_units := job.total_units - sum(counts[status] for status in FINAL)) and wanted.status is None:
        said.append(f"{ledger.units(open_units)} not final yet, and not in it")
    if n == 0:
        said.append("there are no such results: the file has only its head")
    troubled = sum(counts[s] for s in (UnitStatus.FLAGGED, UnitStatus.FAILED) if wanted.status in {None, s})
    if wanted.form.name == "html" and troubled > transcripts.MOST_UNITS:
        said.append(f"the page has the transcripts of the first {transcripts.MOST_UNITS:,} of {troubled:,} units")
    return said


def _transcripts(tx: engine.Tx, job: Job, status: UnitStatus | None) -> Iterator[export.Transcript]:
    most = {"limit": transcripts.MOST_UNITS, "events_limit": transcripts.MOST_EVENTS}
    for unit in results.troubled(tx, job.number, status, **most):
        said = [transcripts.said(event) for event in unit.events]
        yield export.Transcript(key=unit.key, status=unit.status, error=unit.error, said=said)
