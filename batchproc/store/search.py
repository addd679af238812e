"""Full text: which units of a job have some words in their key, their answer or their error.

The index is kept by triggers (schema_5.sql). Units of an older store are taken into it later, a step at a time.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from batchproc.models import Job
from batchproc.store import browsing, engine, rows
from batchproc.store.browsing import Page, Place, Wanted

STEP = 1_000
"""Units of one step of taking in older ones: it takes a few hundredths of a second, and the writer waits for it."""
MOST = 100_000
"""Units that are found at most: what has more is not looked through by pages, but narrowed."""
MOST_WORDS = 32
SAYS = "LN"
"""Letters and numbers (general categories): a word that has none of them, nor a private sign, is none to the index."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hits:
    """The numbers of the units that were found, in the order of the source. `is_cut`: there are more than `MOST`.
    `missing`: older units of the job are not in the index yet."""

    numbers: Sequence[int]
    is_cut: bool
    missing: bool


FOUND = "SELECT rowid AS number FROM said WHERE said MATCH :query"
NAMED = r"""
SELECT number FROM units INDEXED BY sqlite_autoindex_units_1 WHERE job = :job AND key LIKE :like ESCAPE '\'
"""
HITS = """
SELECT number FROM ({found}) WHERE {narrowed} ORDER BY number LIMIT :most
"""
# The plus keeps the index of texts from being asked once for each of these.
THESE = "+number IN (SELECT number FROM units INDEXED BY {index} WHERE job = :job AND {narrowed})"
NOT_YET = """
SELECT 1 FROM units INDEXED BY units_in_order
WHERE job = :job AND number <= (SELECT upto FROM unsaid WHERE one = 1) LIMIT 1
"""


def find(tx: engine.Tx, job: Job, text: str, wanted: Wanted) -> Hits:
    """Units whose key contains the text, or which have words that begin with each of its words."""
    query = asked(job.number, text)
    known = {**browsing.values(job, wanted), "query": query, "like": rows.like(text), "most": MOST + 1}
    found = browsing.plain(tx, hits(query is not None, wanted), known)
    missing = tx.execute(NOT_YET, known).fetchone() is not None
    return Hits(numbers=found[:MOST], is_cut=len(found) > MOST, missing=missing)


def page(tx: engine.Tx, job: Job, text: str, wanted: Wanted, place: Place, *, limit: int) -> tuple[Page, Hits]:
    """Up to `limit` of the units that are found, in the order of the source, and how it was looked for them."""
    found = find(tx, job, text, wanted)
    return browsing.of_hits(tx, found.numbers, place, limit=limit), found


def hits(has_words: bool, wanted: Wanted) -> str:
    """The statement that finds them."""
    narrowed = "TRUE" if wanted == Wanted() else THESE.format(**browsing.narrowed(wanted))
    return HITS.format(found=f"{FOUND} UNION {NAMED}" if has_words else NAMED, narrowed=narrowed)


def asked(job: int, text: str) -> str | None:
    """The text as a query of FTS5 (https://sqlite.org/fts5.html#full_text_query_syntax); None if it has no words.

    Each word is a string that begins a word of the unit; all have to be there. No sign in it means anything else.
    """
    words = [word.replace('"', '""') for word in rows.clean(text).replace("\0", " ").split() if _says(word)][
        :MOST_WORDS
    ]
    if not words:
        return None
    strings = " AND ".join(f'"{word}"*' for word in words)
    return f'job : "job{job}" AND {{key answer error}} : ({strings})'


def _says(word: str) -> bool:
    kinds = map(unicodedata.category, word)
    return any(kind[0] in SAYS or kind == "Co" for kind in kinds)


# Older units.

LOWEST = """
SELECT MIN(number) AS number FROM (SELECT number FROM units WHERE number <= :upto ORDER BY number DESC LIMIT :limit)
"""
TAKE_IN = """
INSERT OR REPLACE INTO said (rowid, job, key, answer, error)
SELECT number, job, key, answer, error FROM sayings WHERE number BETWEEN :lowest AND :upto
"""
UPTO = "SELECT upto FROM unsaid WHERE one = 1"
GET_ON = "UPDATE unsaid SET upto = :upto WHERE one = 1"


def take_in_some(tx: engine.Tx) -> bool:
    """Take a step of older units into the index, the newest first. False: all are in it."""
    upto = tx.execute(UPTO).fetchone()["upto"]
    if not upto:
        return False
    lowest = tx.execute(LOWEST, {"upto": upto, "limit": STEP}).fetchone()["number"]
    if lowest is not None:
        tx.execute(TAKE_IN, {"lowest": lowest, "upto": upto})
    tx.execute(GET_ON, {"upto": 0 if lowest is None else lowest - 1})
    return True


def is_whole(tx: engine.Tx) -> bool:
    """Whether all units are in the index that should be."""
    return not tx.execute(UPTO).fetchone()["upto"]
