"""The index of what was said, where it is broken: all of it can be read again, so it keeps no unit from ending."""

import logging
import re

from batchproc.store import engine, migrations

log = logging.getLogger(__name__)

NAMED = re.compile(r"\bfts5\b|: (main\.)?said(_(data|idx|docsize|config))?$", re.IGNORECASE)
"""How errors of the index name it."""
CORRUPT = 11
BARE = frozenset({"constraint failed", "SQL logic error"})
"""What it says where it has no words of its own. Errors of our statements and constraints have a name."""


def may_be_broken(error: BaseException) -> bool:
    """Whether the error may come from the index. Some do not say whose they are; they may be the file's."""
    if not isinstance(error, engine.sqlite.DatabaseError):
        return False
    code, said = getattr(error, "sqlite_errorcode", 0) & 0xFF, str(error)
    return code == CORRUPT or said in BARE or NAMED.search(said) is not None


CONFIG = "CREATE TABLE IF NOT EXISTS said_config (k PRIMARY KEY, v) WITHOUT ROWID"
VERSION = "INSERT OR REPLACE INTO said_config (k, v) VALUES ('version', 4)"
"""Without it the index cannot even be dropped."""


def is_all_that_is_broken(tx: engine.Tx) -> bool:
    """Whether the rest of the file is sound: what is dropped from one that is not may take other rows with it.

    It reads all of the file, and keeps nobody from writing meanwhile.
    """
    try:
        tx.execute(CONFIG)
        tx.execute(VERSION)
        found = [row[0] for row in tx.execute("PRAGMA quick_check")]
    except engine.sqlite.Error as error:
        found = [str(error)]
    wrong = [line for line in found if line != "ok" and "fts5" not in line.lower()]
    if wrong:
        log.error("the store's file is damaged, and not only its index of what was said: %s", "; ".join(wrong[:3]))
    return not wrong


TO_BE_READ = "UPDATE unsaid SET upto = (SELECT COALESCE(MAX(number), 0) FROM units) WHERE one = 1"


def make_anew(tx: engine.Tx) -> None:
    """Put an empty index in the place of the broken one, and all units on the list of those that are to be taken in."""
    tx.execute("DROP TABLE IF EXISTS said")
    tx.execute("DROP TABLE IF EXISTS said_config")  # left alone where there was no index any more
    for statement in definition():
        tx.execute(statement)
    tx.execute(TO_BE_READ)


def definition() -> list[str]:
    """The statements of the schema that make the index."""
    statements = [one for step in migrations.steps().values() for one in migrations.statements(step)]
    return [one for one in statements if MAKES.search(one)]


MAKES = re.compile(r"^(CREATE VIRTUAL TABLE said |INSERT INTO said \(said, )", re.MULTILINE)
