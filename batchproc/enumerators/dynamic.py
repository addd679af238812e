"""The only place that knows sources that are programs: Python that the user wrote, with a function `enumerate_items`.

Building reads and runs nothing. `carried` is asked once, at the door: it reads a `code_file`, so that the code that a
person allowed is the code that runs; `items` runs what was carried, and never reads the file.
"""

import json
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import orjson
from pydantic import Field, ValidationInfo, field_validator

from batchproc.enumerators import _common, _dynamic_run
from batchproc.enumerators.base import Config
from batchproc.errors import InvalidJob, SourceError
from batchproc.models import Item
from batchproc.platform import jail

MAX_CODE = 200_000
MAX_CONTEXT = 1024 * 1024


class DynamicConfig(Config):
    """Which code, what it is given, and its limits."""

    code: str | None = Field(
        None, min_length=1, max_length=MAX_CODE, description="Python that defines enumerate_items(context)"
    )
    code_file: _common.AbsolutePath | None = Field(
        None, validate_default=True, description="Absolute path of a Python file, read once; beside code only a name"
    )
    context: dict[str, Any] = Field(default_factory=dict, description="What enumerate_items is given")
    read_directories: list[_common.AbsolutePath] = Field(
        default_factory=list, max_length=20, description="Absolute folders that the code may read; it sees no others"
    )
    key_field: str | None = Field(None, description="Field whose values are unique (default: the item's number)")
    timeout_s: float = Field(60.0, ge=1, le=3600, description="Seconds the code may run (default 60)")
    limit: _common.Limit = None

    @field_validator("code_file")
    @classmethod
    def _one_of_both(cls, path: str | None, info: ValidationInfo) -> str | None:
        if path is None and info.data.get("code", "") is None:
            raise ValueError("give code, or code_file with the absolute path of a Python file")
        return path

    @field_validator("context")
    @classmethod
    def _is_small(cls, context: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(context)) > MAX_CONTEXT:
            raise ValueError("it is larger than 1 MiB; write it to a file, and name its folder in read_directories")
        return context

    @field_validator("read_directories")
    @classmethod
    def _may_be_shown(cls, folders: list[str]) -> list[str]:
        for folder in folders:
            if jail.forbidden(folder):
                raise ValueError(f"{folder} holds or leads to what must stay hidden; name a folder with data")
        return folders


class DynamicEnumerator:
    """Runs the user's code, locked in, and takes what it returns or yields."""

    kind: ClassVar[str] = "dynamic"
    place: ClassVar[str] = "item"
    about: ClassVar[str] = (
        "What Python code of yours returns or yields: enumerate_items(context) gives objects, (key, object) pairs or "
        "plain values. It runs without network, programs or files but read_directories, and needs a person's approval"
    )
    config_model: ClassVar[type[Config]] = DynamicConfig
    example: ClassVar[Mapping[str, Any]] = {
        "code": "def enumerate_items(context):\n"
        "    for month in range(1, context['months'] + 1):\n"
        "        yield {'month': month, 'title': f'Report {month:02}'}\n",
        "context": {"months": 12},
        "key_field": "month",
    }

    def __init__(self, config: DynamicConfig) -> None:
        self._config = config
        self._logs: list[str] = []

    @property
    def source(self) -> str:
        return self._config.code_file or "dynamic code"

    def warnings(self) -> list[str]:
        return []

    def logs(self) -> list[str]:
        """What the code printed and logged, line by line, and the traceback of what it raised."""
        return self._logs

    def carried(self) -> dict[str, Any]:
        """The spec with its code read in, its folders resolved and every default written out: what a person is shown,
        what is kept, and what runs. Raises `InvalidJob`."""
        config = self._config
        carried = {"type": self.kind, **config.model_dump()}
        if config.code is None:
            assert config.code_file is not None  # noqa: S101 - one of both is there
            carried["code"] = _read(config.code_file)
        carried["read_directories"] = [_folder(path) for path in config.read_directories]
        return carried

    def items(self) -> Generator[Item, None, None]:
        return _common.limited(self._items(), self._config.limit)

    def _items(self) -> Generator[Item, None, None]:
        config = self._config
        if config.code is None:
            raise SourceError(self.source, "the code was not read when the job was described; create the job again")
        for folder in config.read_directories:
            if os.path.realpath(folder) != folder or not Path(folder).is_dir():
                raise SourceError(folder, "is no folder any more, or a link by now; create the job again")
        order = {"code": config.code, "filename": config.code_file or "<code>", "context": config.context}
        run = _dynamic_run.Run(self.source, order, read=config.read_directories, timeout_s=config.timeout_s)
        self._logs = run.logs
        with run:
            for row, line in enumerate(run.lines(), 1):
                value = self._parsed(line)
                if isinstance(value, dict):
                    run.listen_out()
                    return self._finish(value)
                yield self._item(value, row)

    def _parsed(self, line: bytes) -> Any:
        """A line of the code's process; the code could write there too, so nothing about it is taken for granted."""
        try:
            value = orjson.loads(line)
        except ValueError:
            value = None
        match value:
            case [None | str(), dict()] | dict():
                return value
            case _:
                raise SourceError(self.source, "the code wrote where only items are written; print is for its words")

    def _item(self, pair: list[Any], row: int) -> Item:
        key, payload = pair
        field = self._config.key_field if key is None else None
        item = _common.json_item(payload, row, self.source, self.place, "key_field", field)
        if key is None:
            return item
        return item._replace(key=_common.key_text(key, self.source, self.place, row, "key", "key"))

    def _finish(self, last: Mapping[str, Any]) -> None:
        if "error" in last:
            raise SourceError(self.source, str(last["error"]), str(last.get("place", "")))


def _read(path: str) -> str:
    try:
        with _common.open_binary(path) as file:
            content = file.read(MAX_CODE + 1)
        if len(content) > MAX_CODE:
            raise ValueError(f"it has more than {MAX_CODE} bytes; is it the right file?")
        code = content.decode("utf-8-sig").replace("\r\n", "\n")
        if not code.strip():
            raise ValueError("it is empty; write enumerate_items(context)")
    except UnicodeDecodeError:
        raise InvalidJob("enumerator.code_file", path, "it is not UTF-8; save it as UTF-8") from None
    except (SourceError, ValueError) as error:
        raise InvalidJob("enumerator.code_file", path, str(error)) from None
    return code


def _folder(path: str) -> str:
    real = os.path.realpath(path)
    if not Path(real).is_dir():
        raise InvalidJob("enumerator.read_directories", path, "no such folder; check the path")
    if jail.forbidden(real):
        raise InvalidJob("enumerator.read_directories", path, f"it leads to {real}, which must stay hidden")
    return real
