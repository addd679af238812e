"""Questions to a job's results → answers for people and models: rows, columns, and what is wrong in words. Pure."""

import difflib
import re
from collections.abc import Iterable, Mapping

from batchproc import answers
from batchproc import present_words as words
from batchproc.columns import Kind, quoted
from batchproc.errors import InvalidJob
from batchproc.models import FINAL, Job
from batchproc.queries import Failed, Found, Limits
from batchproc.store.questions import Known

NAMES = 40
"""Columns that are named in an error."""
SAMPLES = 3

TYPES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "integer",
    Kind.REAL: "real",
    Kind.BOOLEAN: "0 or 1",
    Kind.JSON: "JSON text, or of several types",
}
WAY_OUT = "Write one SELECT or WITH query of results"
FEWER = "SELECT * FROM results LIMIT 10000"
TABLE = "there is one table, results, with one row for each final unit of this job; it is only read"


def answer(
    job: Job, known: Known, found: Found, limits: Limits, question: str, counts: Mapping[str, int]
) -> answers.QueryResults:
    said = [*_more(found, limits), *_about(known, question), *_missing(counts), *words.of_a_change(job)]
    return answers.QueryResults(
        columns=list(found.columns),
        rows=[list(row) for row in found.rows],
        truncated=found.more is not None or found.cut is not None,
        message="; ".join(said) or None,
        model=words.model_name(job.options),
    )


def _more(found: Found, limits: Limits) -> Iterable[str]:
    if found.more == "rows":
        yield (
            f"these are the first {len(found.rows):,} rows, and there are more: ask for groups or a narrower WHERE, go "
            "on with ORDER BY … LIMIT … OFFSET, or pass a larger limit"
        )
    elif found.more == "bytes":
        yield (
            f"these are the first {len(found.rows):,} rows; the next one does not fit in {limits.bytes // 1000:,} kB: "
            "select fewer columns, or substr(text, 1, 200), and go on with LIMIT … OFFSET"
        )
    if found.cut is not None:
        yield f"cells end after {found.cut:,} characters; substr(column, {found.cut + 1}) gives the rest"


def _about(known: Known, question: str) -> Iterable[str]:
    """What the table has that the question may not expect."""
    if not known.is_complete and re.search(r"\*\s*(?:,|FROM\b)|\.\s*\*", question, re.IGNORECASE):
        yield (
            f"* has the fields of {known.seen:,} of {known.of:,} units; a field that only others have is there if "
            "it is named"
        )
    used = [name for name in sorted(known.numbers) if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", question, re.I)]
    if used and not re.search(r"\bCAST\b", question, re.IGNORECASE):
        yield (
            f"{', '.join(used)}: text from the source, although numbers stand in it; to compare or sort them as such, "
            f"write CAST({quoted_if_needed(used[0])} AS REAL)"
        )


def _missing(counts: Mapping[str, int]) -> Iterable[str]:
    unfinished = sum(n for status, n in counts.items() if status not in FINAL)
    if unfinished:
        yield f"{unfinished:,} of {sum(counts.values()):,} units are not final yet, and not in the table"


def table(job: Job, known: Known, found: Found, counts: Mapping[str, int]) -> answers.QueryResults:
    """The columns, one in a row, with their types and the first units' values."""
    values = [*zip(*found.rows, strict=True)] or [()] * len(known.table.columns)
    rows = [
        [quoted_if_needed(column.name), _type(column.kind, column.name in known.numbers), *of_column]
        for column, of_column in zip(known.table.columns, values, strict=True)
    ]
    said = [f"{TABLE}; write its columns as they stand here", *_about(known, "* FROM"), *_missing(counts)]
    said += words.of_a_change(job)
    return answers.QueryResults(
        columns=["column", "type", *(f"row {n}" for n in range(1, len(found.rows) + 1))],
        rows=rows,
        truncated=False,
        message="; ".join(said),
        model=words.model_name(job.options),
    )


def _type(kind: Kind, is_number: bool) -> str:
    return "text, all numbers: CAST(… AS REAL)" if is_number else TYPES[kind]


def quoted_if_needed(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else quoted(name)


def unknown_column(question: str, failed: Failed | None, known: Known) -> str | None:
    """The column that the question names and that is not known, if that is what it failed for.

    SQLite takes a name in double quotes that is no column for a text: one that begins like ours is a mistake.
    """
    if failed is not None:
        found = re.match(r"no such column: (?:results\.)?\"?(.*?)\"?(?: - should this be .*)?$", failed.text, re.DOTALL)
        return found[1] if failed.kind == "sql" and found else None
    names = {column.name.lower() for column in known.table.columns}
    aliases = {name.lower() for name in re.findall(r'\bAS\s+"([^"]*)"', question, re.IGNORECASE)}
    for name in re.findall(r'"((?:in|out)_(?:[^"]|"")*)"', _without_texts(question), re.IGNORECASE):
        plain = name.replace('""', '"').lower()
        if plain not in names | aliases:
            return str(name.replace('""', '"'))
    return None


def _without_texts(question: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "''", question)


def refusal(question: str, failed: Failed, known: Known, limits: Limits) -> InvalidJob:
    return InvalidJob("sql", question, _in_words(question, failed, known, limits))


def _in_words(question: str, failed: Failed, known: Known, limits: Limits) -> str:
    match failed.kind:
        case "refused":
            return f"it {failed.text}, and that is refused: {TABLE}. {WAY_OUT}"
        case "time":
            return (
                f"it took longer than {limits.timeout_s:g} s and was stopped; filter with WHERE, leave out joins and "
                f"ORDER BY, or look at fewer units: FROM ({FEWER})"
            )
        case "memory":
            return f"it needs more than {failed.text} MiB; sort or group less at a time, or select fewer columns"
    if (name := unknown_column(question, failed, known)) is not None:
        return no_column(name, known)
    return _of_sqlite(failed.text)


def _of_sqlite(text: str) -> str:
    if text.startswith("no such table"):
        return f"{text}; {TABLE}"
    if text.startswith("cannot modify"):
        return f"it would change something: {TABLE}. {WAY_OUT}"
    if "one statement" in text:
        return f"there is more than one statement. {WAY_OUT}"
    if "bindings" in text:
        return "it has parameters (?, :name); write the values into it"
    if text == "circular reference: results":
        return f"{text}: a WITH of that name hides the table; call it otherwise"
    return f"SQLite says: {text}. {WAY_OUT}"


def no_column(name: str, known: Known) -> str:
    """The known columns, those first that are written alike."""
    names = [column.name for column in known.table.columns]
    bare = name.rpartition(".")[2]
    by_low = {one.lower(): one for one in reversed(names)}
    guesses = [bare.lower(), f"out_{bare}".lower(), f"in_{bare}".lower()]
    close = [by_low[one] for guess in guesses for one in difflib.get_close_matches(guess, by_low, n=3, cutoff=0.7)]
    ordered = list(dict.fromkeys([*close, *names]))
    shown = ", ".join(map(quoted_if_needed, ordered[:NAMES]))
    rest = f", and {len(ordered) - NAMES:,} more" if len(ordered) > NAMES else ""
    if bare.lower() in by_low:
        return f"{name} is a column of results, and not of what it is taken from here; {TABLE}"
    return f"results has no column {name}; it has {shown}{rest}"
