"""How a store file comes to the current schema: step by step, in one transaction each, after a backup."""

from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from batchproc.errors import StoreError
from batchproc.store import engine

SCRIPTS = {1: "schema.sql", 2: "schema_2.sql", 3: "schema_3.sql", 4: "schema_4.sql", 5: "schema_5.sql"}


def steps() -> Mapping[int, str]:
    """Version → the SQL that leads to it from the version before."""
    here = resources.files("batchproc.store")
    return {version: here.joinpath(name).read_text("utf-8") for version, name in SCRIPTS.items()}


def migrate(connection: engine.Tx, path: Path, plan: Mapping[int, str] | None = None) -> None:
    """Bring the file to the newest version of `plan`. A file that holds data is copied beside itself first.

    Raises `StoreError` for a file written by a newer batchproc, or where SQLite is too old; it is left untouched.
    """
    if engine.version() < engine.OLDEST:
        oldest = ".".join(map(str, engine.OLDEST))
        found = engine.sqlite.sqlite_version
        raise StoreError(f"SQLite {found} is too old for the store, which needs {oldest}; install pysqlite3 0.6.1")
    plan = plan or steps()
    now, newest = current(connection), max(plan)
    if now > newest:
        raise StoreError(f"{path} was written by a newer batchproc (version {now}, this one knows {newest}); upgrade")
    if 0 < now < newest:
        back_up(connection, path.with_name(f"{path.name}.v{now}.backup"))
    for version in range(now + 1, newest + 1):
        apply(connection, version, plan[version])


def is_older(connection: engine.Tx) -> bool:
    """Whether the file holds data in a schema before the newest."""
    return 0 < current(connection) < max(SCRIPTS)


def newer(connection: engine.Tx) -> int | None:
    """The version of a file that a newer batchproc has written or upgraded meanwhile; None: we know it."""
    found = current(connection)
    return found if found > max(SCRIPTS) else None


def current(connection: engine.Tx) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def back_up(connection: engine.Tx, target: Path) -> None:
    """A consistent copy of the whole store at `target`, readable by its owner only."""
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    connection.execute("VACUUM INTO ?", (str(target),))


def apply(connection: engine.Tx, version: int, script: str) -> None:
    """One step. References between tables are checked at its end only: a table may be made anew under its name
    (https://sqlite.org/lang_altertable.html#otheralter)."""
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements(script):
            connection.execute(statement)
        if (broken := connection.execute("PRAGMA foreign_key_check").fetchone()) is not None:
            raise StoreError(f"version {version} of the store would leave rows of {broken[0]} that belong to nothing")
        connection.execute(f"PRAGMA user_version = {version:d}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def statements(script: str) -> Iterator[str]:
    """The script's statements; a trigger's body counts as one."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if engine.sqlite.complete_statement(pending):
            yield pending
            pending = ""
