"""Malformed JSON Lines: what is in them, and what is said about them."""

from malformed_help import Bad, Odd, huge, put
from malformed_json import ARRAY, DEEP, ROWS

LINES = '{"a": 1, "b": "é"}\n{"a": 2, "b": "😀"}\n'

BAD = [
    Bad(
        name="a line cut in a character",
        make=put("json.jsonl", LINES.encode()[:-5]),
        place="line 2",
        says=("not UTF-8", "save it as UTF-8"),
    ),
    Bad(name="a line cut in an object", make=put("json.jsonl", LINES[:30]), place="line 2", says=("mend the line",)),
    Bad(
        name="lines in latin-1",
        make=put("json.jsonl", b'{"a": 1}\n{"a": "\xe9"}\n'),
        place="line 2",
        says=("not UTF-8", "save it as UTF-8"),
    ),
    Bad(
        name="NUL bytes after the lines",
        make=put("json.jsonl", b'{"a": 1}\n' + bytes(5000)),
        place="line 2",
        says=("no JSON value", "mend the line"),
    ),
    Bad(
        name="a line of 1 GB",
        make=huge("json.jsonl", b'{"a": 1}\n{"a": "x'),
        place="line 2",
        says=("larger than", "split it"),
    ),
    Bad(
        name="1 GB of brackets on one line",
        make=huge("json.jsonl", b'{"a": 1}\n['),
        place="line 2",
        says=("larger than", "split it"),
    ),
    Bad(
        name="deep nesting on one line",
        make=put("json.jsonl", '{"a": 1}\n' + "[" * DEEP + "]" * DEEP),
        place="line 2",
        says=("nested too deep", "flatten"),
    ),
    Bad(
        name="nesting on a line that cannot be written",
        make=put("json.jsonl", '{"a": 1}\n{"b": ' + "[" * 300 + "]" * 300 + "}"),
        place="line 2",
        says=("250 levels", "flatten"),
    ),
    Bad(
        name="a number of 5,000 digits on a line",
        make=put("json.jsonl", f'{{"a": 1}}\n{{"n": {"9" * 5000}}}'),
        place="line 2",
        says=("number", "text"),
    ),
    Bad(
        name="a number of 25 digits on a line",
        make=put("json.jsonl", f'{{"a": 1}}\n{{"n": [{"9" * 25}]}}'),
        place="line 2",
        says=("'n[0]'", "64 bits", "text"),
    ),
    Bad(
        name="a number beyond all",
        make=put("json.jsonl", '{"a": 1}\n{"n": -1e999}'),
        place="line 2",
        says=("'n' is -inf", "null"),
    ),
    Bad(
        name="a field twice on a line",
        make=put("json.jsonl", '{"a": 1}\n{"a": 1, "a": 3}\n'),
        place="line 2",
        says=("'a' is there twice", "mend"),
    ),
    Bad(
        name="a field twice on a line with colons",
        make=put("json.jsonl", '{"a": 1}\n{"t": "1:2", "x": {"a": 1, "a": 3}}\n'),
        place="line 2",
        says=("'a' is there twice", "mend"),
    ),
    Bad(
        name="infinity on a line",
        make=put("json.jsonl", '{"a": 1}\n{"a": -Infinity}\n'),
        place="line 2",
        says=("-Infinity is not JSON", "null"),
    ),
    Bad(
        name="half a surrogate pair on a line",
        make=put("json.jsonl", '{"a": 1}\n' r'{"\udc00": 1}'),
        place="line 2",
        says=("field name", "rename"),
    ),
    Bad(
        name="garbage after a line",
        make=put("json.jsonl", '{"a": 1}\n{"a": 2} {"a": 3}\n'),
        place="line 2",
        says=("something follows", "mend"),
    ),
    Bad(
        name="an array under the name of lines",
        make=put("json.jsonl", ARRAY),
        place="line 1",
        says=("name the file .json",),
    ),
    Bad(
        name="a field that is not there",
        make=put("json.jsonl", '{"id": 1}\n{"nr": 2}\n', id_field="id"),
        place="line 2",
        says=("no field 'id'", "add it"),
    ),
    Bad(
        name="lines that shrink",
        make=put("json.jsonl", LINES * 100_000),
        meanwhile="os.truncate(source.source, len('''" + LINES + "'''.encode()) * 50_000)",
        says=("changed while it was being read", "again"),
    ),
]

ODD = [
    Odd(name="lines in utf-8 with a mark", make=put("json.jsonl", LINES.encode("utf-8-sig")), payloads=ROWS),
    Odd(name="lines in utf-16 with a mark", make=put("json.jsonl", LINES.encode("utf-16")), payloads=ROWS),
    Odd(name="lines in utf-16 by their first character", make=put("json.json", LINES.encode("utf-16")), payloads=ROWS),
    Odd(
        name="lines with mixed ends", make=put("json.jsonl", LINES.replace("\n", "\r\n", 1) + "\r\n \n"), payloads=ROWS
    ),
    Odd(
        name="lines that are no objects",
        make=put("json.jsonl", '1\n"x"\n[2]\nnull\n'),
        payloads=[{"value": 1}, {"value": "x"}, {"value": [2]}, {"value": None}],
    ),
    Odd(name="an empty file of lines", make=put("json.jsonl", ""), payloads=[]),
    Odd(
        name="colons in texts and one name in several objects",
        make=put("json.jsonl", '{"a": "x:y", "b": {"a": 1}}\n'),
        payloads=[{"a": "x:y", "b": {"a": 1}}],
    ),
    Odd(
        name="the largest whole numbers",
        make=put("json.jsonl", f'{{"n": {2**64 - 1}, "m": {-(2**63)}}}\n'),
        payloads=[{"n": 2**64 - 1, "m": -(2**63)}],
    ),
    Odd(
        name="lines that are removed",
        make=put("json.jsonl", LINES),
        meanwhile="os.unlink(source.source)",
        payloads=ROWS,
    ),
]
