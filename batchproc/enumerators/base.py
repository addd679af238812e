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

    `kind` is the word users write in `enumerator.type`; `place` is the noun for `Item.row` ("row", "line", "element",
    "file"), used in errors; `example` is a config that shows the common case.
    """

    kind: ClassVar[str]
    place: ClassVar[str]
    about: ClassVar[str]
    config_model: ClassVar[type[Config]]
    example: ClassVar[Mapping[str, Any]]

    def __init__(self, config: Any) -> None: ...

    @property
    def source(self) -> str:
        """The source's name for people: a path, a folder, or what the list is called."""
        ...

    def items(self) -> Iterator[Item]:
        """Every item once, in a stable order, in constant memory.

        Raises `SourceError` that names the source, the place in it and the way out. Closing the iterator releases
        files and processes. Runs on a worker thread.
        """
        ...

    def warnings(self) -> list[str]:
        """What was passed over on purpose while `items` ran (a link that leaves the folder, for example)."""
        ...
