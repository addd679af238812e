"""What an enumerator is: it reads one kind of source and yields items, streamed."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from batchproc.models import Item


class Config(BaseModel):
    """Base of every enumerator's configuration: unknown keys are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Enumerator(Protocol):
    """Reads one source. Built from a validated config; touches nothing until `items` is called.

    `kind` is the word users write in `enumerator.type`; `about` says in one sentence what it finds; `example` is a
    config that shows the common case.
    """

    kind: ClassVar[str]
    about: ClassVar[str]
    config_model: ClassVar[type[Config]]
    example: ClassVar[Mapping[str, Any]]

    def __init__(self, config: Any) -> None: ...

    @property
    def place(self) -> str:
        """The noun for `Item.row` ("row", "line", "element", "file"), used in errors.

        Where the file itself decides (JSON or JSON Lines), it is right from the first item on.
        """
        ...

    @property
    def source(self) -> str:
        """The source's name for people: a path, a folder, or what the list is called. Holds no secret."""
        ...

    def items(self) -> Iterator[Item]:
        """Every item once, in a stable order, in constant memory.

        Keys are text of 1 to 1,024 characters (the store finds duplicates); payloads have text keys and can be written
        as JSON without loss. Raises `SourceError` that names the source, the place in it and the way out. What comes
        back is a generator: closing it releases files and processes. Runs on a worker thread; one reading at a time.
        """
        ...

    def warnings(self) -> list[str]:
        """What was passed over on purpose while `items` ran (a link that leaves the folder, for example)."""
        ...


def where(enumerator: Enumerator, row: int) -> str:
    """The place of an item for people: "row 3"; or what `at(row)` says, if the source has parts and that method."""
    at = getattr(enumerator, "at", None)
    return str(at(row)) if callable(at) else f"{enumerator.place} {row}"
