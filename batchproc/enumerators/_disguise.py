"""The only place that knows files by their first bytes: what only has the name of a text, and how a text is encoded."""

import codecs

HEAD = 16
"""Bytes that tell."""

PACKED = "unpack it and name the file that comes out"
NO_TABLE = "name a file that holds text"
DISGUISED = (
    (b"\x1f\x8b", "a gzip file inside a gzip file", PACKED),
    (b"BZh91AY&SY", "a bzip2 file", PACKED),
    (b"\xfd7zXZ\0", "an xz file", PACKED),
    (b"\x28\xb5\x2f\xfd", "a zstd file", PACKED),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", PACKED),
    (b"PK\3\4", "a spreadsheet or a zip archive", f"use the enumerator type 'excel', or {PACKED}"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old spreadsheet or document", "use the enumerator type 'excel'"),
    (b"PAR1\x15", "a Parquet file", "use the enumerator type 'parquet'"),
    (b"SQLite format 3\0", "an SQLite database", "use the enumerator type 'sql'"),
    (b"%PDF-", "a PDF document", "use the enumerator type 'file' to process documents"),
    (b"\x89PNG\r\n", "an image", "use the enumerator type 'file' to process images"),
    (b"\xff\xd8\xff", "an image", "use the enumerator type 'file' to process images"),
    (b"\x7fELF", "a program", NO_TABLE),
    (b"\xcf\xfa\xed\xfe", "a program", NO_TABLE),
)
"""How a file begins that is no text, what it is, and the way out. None of these begins a text."""

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, in this order: the one of UTF-16 begins one of UTF-32."""


def unmasked(head: bytes) -> str | None:
    """What is wrong with a file that begins so, if it is no text, and the way out."""
    found = next(((what, way_out) for magic, what, way_out in DISGUISED if head.startswith(magic)), None)
    return found and f"is {found[0]}, whatever its name says; {found[1]}"


def encoding(head: bytes) -> str:
    """By its byte order mark; without one, by where the NUL bytes of its first two characters are; else UTF-8.

    A table or JSON begins with characters of ASCII more often than not, and a NUL is none of them.
    """
    marked = next((name for mark, name in MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    match [byte == 0 for byte in head[:4]]:
        case [False, True, False, True]:
            return "utf-16-le"
        case [True, False, True, False]:
            return "utf-16-be"
        case _:
            return "utf-8-sig"
