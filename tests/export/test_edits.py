"""Files that hold their own ledger: an edit of one shows, by whatever program it was made."""

import contextlib
import sqlite3

import pyarrow.parquet
import pytest

from batchproc.columns import Kind
from batchproc.errors import InvalidJob
from tests.export.support import READ, ending, made, write


def in_sqlite(path):
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE results SET key = 'not'")


def in_wal(path):
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE results SET key = 'not'")


def in_parquet(path):
    """Metadata stay, the ledger and what is said of the content."""
    table = pyarrow.parquet.read_table(path)
    kept = pyarrow.parquet.read_metadata(path).metadata
    assert {b"batchproc.ledger", b"batchproc.content"} <= kept.keys()
    new = pyarrow.array(["not" if key == "old" else key for key in table["key"].to_pylist()])
    changed = table.set_column(0, table.schema.field(0), new).replace_schema_metadata(kept)
    pyarrow.parquet.write_table(changed, path, compression="zstd")


def in_text(path):
    path.write_text(path.read_text().replace('"old"', '"not"'))


def with_more(path):
    path.write_text(path.read_text() + "<!-- seen -->\n")


EDITS = [("sqlite", in_sqlite), ("sqlite", in_wal), ("parquet", in_parquet), ("html", in_text), ("html", with_more)]


@pytest.mark.parametrize("n", [1, 2_000])
@pytest.mark.parametrize(("name", "edit"), EDITS)
def test_an_edit_shows_in_the_file_itself_where_no_ledger_is_beside_it(name, edit, n, tmp_path):
    path, columns = tmp_path / f"out{ending(name)}", {"key": Kind.TEXT, "text": Kind.TEXT}
    rows = [["old", f"{k}{'x' * 5_000}"] for k in range(n)]
    write(name, path, made(tmp_path, columns, rows, block=100))
    before = READ[name](path, columns)
    write(name, path, made(tmp_path, columns, rows, block=100))
    edit(path)
    if edit is not with_more:
        assert READ[name](path, columns) == [["not", text] for _, text in before]
    edited = path.read_bytes()
    with pytest.raises(InvalidJob, match="changed since"):
        write(name, path, made(tmp_path, columns, [["new", "x"]]))
    assert path.read_bytes() == edited
