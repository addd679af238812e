"""Results as files. Pure but for the file that it makes; knows neither the store nor who asks.

base         what every format is given, and has to do
csv, jsonl, parquet, sqlite, html   one format each
transcripts  what agents said, in words
place        where a file goes: below allowed roots, through no link, whole or not at all
writing      makes the file and lets it take its place
"""

from batchproc.errors import InvalidJob
from batchproc.export.base import MARK, Export, Format, Transcript
from batchproc.export.csv import Csv
from batchproc.export.html import Html
from batchproc.export.jsonl import JsonLines
from batchproc.export.parquet import Parquet
from batchproc.export.place import opened
from batchproc.export.sqlite import Sqlite
from batchproc.export.writing import Written, require_free, write

FORMATS: dict[str, Format] = {form.name: form for form in (Csv(), JsonLines(), Parquet(), Sqlite(), Html())}


def chosen(name: str | None, path: str) -> Format:
    """The format that is called so, or that the path's ending says. Raises `InvalidJob` if the two do not fit."""
    ending = path.lower()
    if name is None:
        found = next((form for form in FORMATS.values() if ending.endswith(form.suffixes)), None)
        if found is None:
            known = ", ".join(suffix for form in FORMATS.values() for suffix in form.suffixes)
            raise InvalidJob("path", path, f"its ending says no format; known ones are {known}")
        return found
    if name not in FORMATS:
        raise InvalidJob("format", name, f"known ones are {', '.join(FORMATS)}")
    if not ending.endswith(FORMATS[name].suffixes):
        raise InvalidJob("path", path, f"a {name} file ends in {' or '.join(FORMATS[name].suffixes)}")
    return FORMATS[name]


__all__ = ["FORMATS", "MARK", "Export", "Format", "Transcript", "Written", "chosen", "opened", "require_free", "write"]
