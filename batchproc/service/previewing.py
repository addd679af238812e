"""A job is looked at before it is there: its source is read into a store that is thrown away."""

import asyncio
import tempfile
from pathlib import Path

from batchproc import answers, jobs, present_definition
from batchproc import options as options_
from batchproc.enumerators.base import Enumerator
from batchproc.models import AgentOptions, Job, JobSpec
from batchproc.service.allowing import Allowing
from batchproc.store import db, units
from batchproc.store import jobs as rows

SAMPLE = 3


class Previewing(Allowing):
    """preview_job."""

    async def preview_job(self, spec: JobSpec) -> answers.CreatedJob:
        """What create_job would say of this description: units, sample prompts, warnings. Keeps nothing.

        A source that takes longer than `enumerate_s` is counted so far. Raises what create_job raises.
        """
        spec = await self._admitted(spec)
        source = jobs.check(spec)
        options = options_.resolve(spec.options, self._settings, output_schema=spec.output_schema)
        with tempfile.TemporaryDirectory(prefix="batchproc-preview-", ignore_cleanup_errors=True) as place:
            async with db.Database(Path(place) / "store") as store:
                job, warnings, whole = await self._read_into(store, spec, options, source)
                sample = await store.read(units.first, job.number, limit=SAMPLE)
        return present_definition.previewed(job, sample, [*warnings, *self._no_credential(options.model)], whole=whole)

    async def _read_into(
        self, store: db.Database, spec: JobSpec, options: AgentOptions, source: Enumerator
    ) -> tuple[Job, list[str], bool]:
        """The job as far as it was read, its source's warnings, and whether that is all of it."""
        job, _ = await store.write(rows.create, spec, options, reader=jobs.me(), now=self._clock())
        reading = jobs.Reading(store, job, source, token=rows.FIRST_READING, clock=self._clock)
        try:
            async with asyncio.timeout(self._settings.enumerate_s):
                return await reading.run(), reading.warnings, True
        except TimeoutError:
            return await store.read(rows.by_number, job.number), reading.warnings, False
