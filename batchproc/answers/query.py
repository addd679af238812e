"""What a question to a job's results answers."""

from pydantic import Field

from batchproc.answers.base import Answer


class QueryResults(Answer):
    columns: list[str]
    rows: list[list[str | int | float | None]]
    truncated: bool = Field(description="There is more than stands here; message says what, and how to get it")
    message: str | None
    model: str
