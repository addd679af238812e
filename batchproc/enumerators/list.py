"""The only place that knows lists: items that the user wrote into the job itself."""

from collections.abc import Generator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from batchproc.enumerators import _common
from batchproc.enumerators.base import Config
from batchproc.models import Item


class ListConfig(Config):
    """The items themselves."""

    items: list[Any] = Field(
        min_length=1, max_length=100_000, description='Objects; anything else becomes {"value": …}'
    )
    key_field: str | None = Field(None, description="Field whose values are unique (default: the element's number)")


class ListEnumerator:
    """Yields what it was given."""

    kind: ClassVar[str] = "list"
    place: ClassVar[str] = "element"
    source: ClassVar[str] = "list"
    about: ClassVar[str] = "Items written into the job itself; for a few hundred, not for what is in a file"
    config_model: ClassVar[type[Config]] = ListConfig
    example: ClassVar[Mapping[str, Any]] = {
        "items": [{"city": "Lisbon", "country": "Portugal"}, {"city": "Oslo", "country": "Norway"}],
        "key_field": "city",
    }

    def __init__(self, config: ListConfig) -> None:
        self._config = config

    def items(self) -> Generator[Item, None, None]:
        for row, value in enumerate(self._config.items, 1):
            yield _common.json_item(value, row, self.source, self.place, "key_field", self._config.key_field)

    def warnings(self) -> list[str]:
        return []
