"""Malformed CSV files: what is in them, and what is said about them."""

import gzip
import io
import random
import zipfile

from malformed_help import Bad, Odd, huge, put

ROWS = [{"a": "1", "b": "é"}, {"a": "2", "b": "😀"}]
TEXT = "a,b\n1,é\n2,😀\n"


def a_zip(name: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, TEXT)
    return made.getvalue()


def a_bomb() -> bytes:
    """64 MB of NUL bytes in 64 kB, packed once more."""
    return gzip.compress(gzip.compress(bytes(64 << 20)))


BAD = [
    Bad(
        name="a row is short", make=put("csv.csv", "a,b\n1,2\n3\n"), place="row 2, line 3", says=("1 values", "mend it")
    ),
    Bad(name="a row is long", make=put("csv.csv", "a,b\n1,2,3\n"), place="row 1, line 2", says=("3 values", "quotes")),
    Bad(
        name="cut in a quote",
        make=put("csv.csv", 'a,b\n1,2\n3,"4'),
        place="row 2, line 3",
        says=("never closed", "close it"),
    ),
    Bad(
        name="a quote swallows the file",
        make=put("csv.csv", 'a,b\n1,"2\n' + "3,4\n" * 200_000),
        place="row 1, line 2",
        says=("never closed", "close it"),
    ),
    Bad(
        name="cut in a character",
        make=put("csv.csv", "a,b\n1,é".encode()[:-1]),
        place="line 2",
        says=("0xc3", "cut off"),
    ),
    Bad(
        name="latin-1 read as utf-8",
        make=put("csv.csv", "a,b\n1,2\n3,é\n".encode("latin-1")),
        place="line 3",
        says=("0xe9 is not utf-8", "set encoding", "cp1252"),
    ),
    Bad(name="utf-8 read as utf-16", make=put("csv.csv", TEXT, encoding="utf-16"), says=("utf-16", "set encoding")),
    Bad(
        name="utf-8 read as ascii",
        make=put("csv.csv", TEXT, encoding="ascii"),
        place="line 2",
        says=("0xc3 is not ascii", "set encoding"),
    ),
    Bad(
        name="utf-16 read as utf-8",
        make=put("csv.csv", TEXT.encode("utf-16"), encoding="utf-8"),
        place="line 1",
        says=("is not utf-8", "encoding"),
    ),
    Bad(
        name="utf-16 without a mark that begins beyond latin",
        make=put("csv.csv", "ñ☃,b\n".encode("utf-16-be")),
        place="line 1",
        says=("0x", "set encoding"),
    ),
    Bad(name="NUL bytes in the header", make=put("csv.csv", "a\0,b\n1,2\n"), place="line 1", says=("NUL", "encoding")),
    Bad(name="only NUL bytes", make=put("csv.csv", bytes(5000)), place="line 1", says=("NUL",)),
    Bad(
        name="NUL bytes after the rows",
        make=put("csv.csv", b"a,b\n1,2\n" + bytes(5000)),
        place="row 2, line 3",
        says=("NUL",),
    ),
    Bad(
        name="one line of 1 GB",
        make=huge("csv.csv", b"a,b\n1,2\n3,x"),
        place="row 2, line 3",
        says=("larger than 4 MiB", "close it"),
    ),
    Bad(
        name="one line of 1 GB that is all hole",
        make=huge("csv.csv", b"\0"),
        place="line 1",
        says=("larger than 4 MiB", "quote"),
    ),
    Bad(
        name="one line of 1 GB with many values",
        make=huge("csv.csv", b"a,b\n1,2\n3,"),
        place="row 2, line 3",
        says=("larger than 4 MiB", "quote"),
    ),
    Bad(
        name="one value of 1 GB in quotes",
        make=huge("csv.csv", b'a,b\n1,2\n3,"\n'),
        place="row 2, line 3",
        says=("larger than 4 MiB", "close it"),
    ),
    Bad(
        name="one value of 1 GB beyond latin",
        make=huge("csv.csv", b"a,b\n1,2\n3," + "😀".encode() * (10 << 20) + b"x"),
        place="row 2, line 3",
        says=("larger than 4 MiB", "close it"),
    ),
    Bad(
        name="a header of 1 GB",
        make=huge("csv.csv", b"a,b"),
        place="header, line 1",
        says=("larger than 4 MiB", "quote"),
    ),
    Bad(
        name="a name twice",
        make=put("csv.csv", "a,b,a\n1,2,3\n"),
        place="line 1",
        says=("'a' more than once", "its own name"),
    ),
    Bad(
        name="an empty name and the name it gets",
        make=put("csv.csv", "column_2,\n1,2\n"),
        place="line 1",
        says=("'column_2' more than once", "its own name"),
    ),
    Bad(
        name="the wrong delimiter, and a column that is not there",
        make=put("csv.csv", "id;b\n1;2\n", id_column="id"),
        says=("'id;b'", "delimiter", "';'"),
    ),
    Bad(
        name="the wrong delimiter, and columns that are not there",
        make=put("csv.csv", "a\tb\n1\t2\n", columns=["b"]),
        says=(r"'a\tb'", "delimiter", r"'\t'"),
    ),
    Bad(
        name="the wrong delimiter, and a comma in one row",
        make=put("csv.csv", "a;b\n1;2,5\n"),
        place="row 1, line 2",
        says=("2 values", "delimiter", "';'"),
    ),
    Bad(
        name="a title above the header",
        make=put("csv.csv", "Report of May\n\na,b\n1,2\n"),
        place="row 1, line 3",
        says=("2 values", "first row has 1"),
    ),
    Bad(
        name="white space below the rows",
        make=put("csv.csv", "a,b\n1,2\n  \n \n"),
        place="row 2, line 3",
        says=("1 values", "mend it"),
    ),
    Bad(name="only white space", make=put("csv.csv", "\n   \n  \n"), place="line 2", says=("no names", "has_header")),
    Bad(
        name="a header without names",
        make=put("csv.csv", ",,\n1,2,3\n"),
        place="line 1",
        says=("no names", "has_header"),
    ),
    Bad(name="a gzip bomb", make=put("csv.csv", a_bomb(), encoding="latin-1"), says=("gzip", "unpack")),
    Bad(name="a zip file", make=put("csv.csv", a_zip("t.csv")), says=("zip", "unpack")),
    Bad(name="a spreadsheet", make=put("csv.csv", a_zip("xl/workbook.xml")), says=("spreadsheet", "excel")),
    Bad(
        name="an old spreadsheet",
        make=put("csv.csv", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1000)),
        says=("spreadsheet", "excel"),
    ),
    Bad(
        name="a program",
        make=put("csv.csv", b"\x7fELF\x02\x01\x01" + random.Random(1).randbytes(5000)),
        says=("program",),
    ),
    Bad(
        name="random bytes",
        make=put("csv.csv", random.Random(2).randbytes(5000)),
        place="line 1",
        says=("0x", "encoding"),
    ),
    Bad(name="a database", make=put("csv.csv", b"SQLite format 3\0" + bytes(5000)), says=("SQLite", "'sql'")),
    Bad(
        name="a file that shrinks",
        make=put("csv.csv", "a,b\n" + "1,2\n" * 100_000),
        meanwhile="os.truncate(source.source, 200_000)",
        says=("changed while it was being read", "again"),
    ),
    Bad(
        name="a file that is emptied",
        make=put("csv.csv", "a,b\n" + "1,2\n" * 100_000),
        meanwhile="os.truncate(source.source, 0)",
        says=("changed while it was being read", "again"),
    ),
]

ODD = [
    Odd(name="utf-8 with a mark", make=put("csv.csv", TEXT.encode("utf-8-sig")), payloads=ROWS),
    Odd(name="utf-16 with a mark", make=put("csv.csv", TEXT.encode("utf-16")), payloads=ROWS),
    Odd(name="utf-16 of the other order", make=put("csv.csv", b"\xfe\xff" + TEXT.encode("utf-16-be")), payloads=ROWS),
    Odd(name="utf-32 with a mark", make=put("csv.csv", TEXT.encode("utf-32")), payloads=ROWS),
    Odd(
        name="an order named and a mark",
        make=put("csv.csv", TEXT.encode("utf-16"), encoding="utf-16-le"),
        payloads=ROWS,
    ),
    Odd(name="an empty file", make=put("csv.csv", ""), payloads=[]),
    Odd(name="a header only", make=put("csv.csv", "a,b\n"), payloads=[]),
    Odd(name="only blank lines", make=put("csv.csv", "\n\r\n\n"), payloads=[]),
    Odd(name="utf-16 without a mark", make=put("csv.csv", TEXT.encode("utf-16-le")), payloads=ROWS),
    Odd(name="utf-16 without a mark of the other order", make=put("csv.csv", TEXT.encode("utf-16-be")), payloads=ROWS),
    Odd(name="mixed line ends", make=put("csv.csv", "a,b\r\n1,é\n2,😀\r"), payloads=ROWS),
    Odd(
        name="empty names", make=put("csv.csv", "a,,\n1,2,3\n"), payloads=[{"a": "1", "column_2": "2", "column_3": "3"}]
    ),
    Odd(name="a NUL in a value", make=put("csv.csv", "a,b\n1,x\0y\n"), payloads=[{"a": "1", "b": "x\0y"}]),
    Odd(
        name="the wrong delimiter",
        make=put("csv.csv", "a;b\n1;2\n"),
        payloads=[{"a;b": "1;2"}],
        warns="set delimiter to ';'",
    ),
    Odd(name="a file that is removed", make=put("csv.csv", TEXT), meanwhile="os.unlink(source.source)", payloads=ROWS),
]
