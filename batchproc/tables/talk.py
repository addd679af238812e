"""What a table's program and whoever started it have in common: no more than this travels between them."""

from datetime import timedelta
from typing import NamedTuple

TOO_LARGE = "memory"
"""What is refused if a table does not fit in the memory that the order allows: who gave the order words it."""


class Refused(Exception):
    """A fault of the source in the user's words, and the place where it is."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(problem)
        self.place = place


class Note(NamedTuple):
    """What was read otherwise than it stands in the file: how many, what, and the first example."""

    number: int
    reason: str
    first: str


def duration(value: timedelta) -> str:
    """In the form of ISO 8601, to the millisecond: "PT30H", "-PT1M0.5S"."""
    total = round(value.total_seconds(), 3)
    minutes, seconds = divmod(abs(total), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = (f"{hours}H" if hours else "", f"{minutes}M" if minutes else "", f"{seconds:.6g}S" if seconds else "")
    return ("-" if total < 0 else "") + "PT" + ("".join(parts) or "0S")
