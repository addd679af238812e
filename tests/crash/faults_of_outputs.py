"""A supervisor that was broken on purpose: it puts what an agent wrote to its place at once, accepted or not."""

from collections.abc import Sequence
from pathlib import Path

from batchproc.models import PromisedFile
from batchproc.supervisor import staging


def publish_at_once() -> None:
    staged = staging.stage

    def stage(base: str, job: str, unit: int, n: int, work: Path, files: Sequence[PromisedFile]) -> tuple[str, ...]:
        hashes = staged(base, job, unit, n, work, files)
        for file in files:
            (Path(base) / file.path).write_bytes((work / file.path).read_bytes())
        return hashes

    staging.stage = stage  # type: ignore[assignment]
