"""What a person makes of answers: verdicts, and the gold set that they become."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from batchproc.models.words import Json, UnitStatus


class Decision(StrEnum):
    """What a person says of an answer."""

    ACCEPT = "accept"  # it is right
    REJECT = "reject"  # it is wrong
    CORRECT = "correct"  # it is wrong, and this is what it should be


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The newest verdict on a unit. `status`, `text` and `output` are the answer that was judged; it `holds` while that
    is the unit's answer. A `correction` is an object where answers are structured, else a text."""

    decision: Decision
    correction: Json
    note: str | None
    by: str
    at: datetime
    status: UnitStatus
    text: str | None
    output: Json
    holds: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Gold:
    """What a person said of a unit's answer, whatever the unit's answer is by now. `said` is what was judged."""

    unit: int
    key: str
    decision: Decision
    correction: Json
    status: UnitStatus
    said: Mapping[str, Any] | str | None

    @property
    def expected(self) -> Mapping[str, Any] | str | None:
        """What the answer should be; None where it is only known what it should not be."""
        known: Mapping[str, Any] | str | None = self.correction if self.decision is Decision.CORRECT else self.said
        return None if self.decision is Decision.REJECT else known
