"""What a table's program and whoever started it have in common: no more than this travels between them."""

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
