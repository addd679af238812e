"""What became of an export."""

from pydantic import Field

from batchproc.answers.base import Answer


class ExportAnswer(Answer):
    job_id: str
    ledger: str
    format: str
    path: str
    rows: int
    bytes: int
    ledger_path: str | None = Field(description="Where the ledger is, if it is not in the file itself")
    warnings: list[str]
