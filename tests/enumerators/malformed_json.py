"""Malformed JSON arrays: what is in them, and what is said about them."""

from malformed_help import Bad, Odd, huge, put

ROWS = [{"a": 1, "b": "é"}, {"a": 2, "b": "😀"}]
ARRAY = '[{"a": 1, "b": "é"},\n{"a": 2, "b": "😀"}]'
DEEP = 100_000

BAD = [
    Bad(
        name="cut in an element",
        make=put("json.json", ARRAY[:30]),
        place="line 2, after element 1",
        says=("ends here, in the middle", "mend the file"),
    ),
    Bad(
        name="cut between elements",
        make=put("json.json", '[{"a": 1},\n'),
        place="line 2, after element 1",
        says=("ends here", "mend the file"),
    ),
    Bad(
        name="cut in a text",
        make=put("json.json", '[{"a": "x'),
        place="line 1",
        says=("ends here, in the middle", "mend"),
    ),
    Bad(
        name="cut in a character",
        make=put("json.json", '["é'.encode()[:-1]),
        place="line 1",
        says=("not UTF-8", "save it as UTF-8"),
    ),
    Bad(
        name="latin-1",
        make=put("json.json", ARRAY.replace("😀", "").encode("latin-1")),
        place="line 1",
        says=("not UTF-8", "save it as UTF-8"),
    ),
    Bad(
        name="cut utf-16",
        make=put("json.json", ARRAY.encode("utf-16")[:-3]),
        place="line 2",
        says=("not UTF-16", "cut off"),
    ),
    Bad(
        name="NUL bytes",
        make=put("json.json", b'[{"a": 1},\n\0\0\0]'),
        place="line 2, after element 1",
        says=("no JSON value", "mend the file"),
    ),
    Bad(
        name="a NUL in a text",
        make=put("json.json", b'["a\0b"]'),
        place="line 1",
        says=("control character", "mend the file"),
    ),
    Bad(
        name="a text of 1 GB",
        make=huge("json.json", b'[{"a": 1},\n"x'),
        place="line 2, after element 1",
        says=("larger than", "is a quote"),
    ),
    Bad(
        name="a text of 1 GB beyond latin",
        make=huge("json.json", b'[{"a": 1},\n"' + "😀".encode() * (16 << 20) + b"x"),
        place="line 2, after element 1",
        says=("larger than", "is a quote"),
    ),
    Bad(
        name="an element of 1 GB of arrays",
        make=huge("json.json", b'[{"a": 1},\n[' + b"[]," * (12 << 20) + b" "),
        place="line 2, after element 1",
        says=("larger than", "bracket"),
    ),
    Bad(
        name="an element of 1 GB of objects",
        make=huge("json.json", b'[{"a": 1},\n[' + b'{"a":{}},' * (4 << 20) + b" "),
        place="line 2, after element 1",
        says=("larger than", "bracket"),
    ),
    Bad(name="1 GB that is all hole", make=huge("json.json", b"\0"), says=("neither an array nor JSON Lines", "[ ]")),
    Bad(
        name="an object of 1 GB",
        make=huge("json.json", b'{"of": "x",\n "items": [\n' + b'{"a": 1, "b": "x"},\n' * (3 << 20) + b" "),
        says=("one single object", "items_path", "'items'"),
    ),
    Bad(
        name="a number of 1 GB",
        make=huge("json.json", b'[{"a": 1},\n1'),
        place="line 2, after element 1",
        says=("number", "mend"),
    ),
    Bad(
        name="deep nesting",
        make=put("json.json", "[" * DEEP + "]" * DEEP),
        place="line 1",
        says=("nested too deep", "flatten"),
    ),
    Bad(
        name="deep nesting of objects",
        make=put("json.json", '[{"a": 1},\n' + '{"a":' * DEEP + "1" + "}" * DEEP + "]"),
        place="line 2",
        says=("nested too deep", "flatten"),
    ),
    Bad(
        name="deep nesting beside the items",
        make=put("json.json", '{"x": ' + "[" * DEEP + "]" * DEEP + ', "items": [1]}', items_path="items"),
        place="line 1",
        says=("nested too deep", "flatten"),
    ),
    Bad(
        name="nesting that cannot be written",
        make=put("json.json", '[{"a": 1}, {"b": ' + "[" * 300 + "]" * 300 + "}]"),
        place="element 2",
        says=("250 levels", "flatten"),
    ),
    Bad(
        name="a number of 5,000 digits",
        make=put("json.json", f'[{{"a": 1}},\n{{"n": {"9" * 5000}}}]'),
        place="line 2, after element 1",
        says=("number", "text"),
    ),
    Bad(
        name="a number of 25 digits",
        make=put("json.json", f'[{{"n": {"9" * 25}}}]'),
        place="element 1",
        says=("'n'", "64 bits", "text"),
    ),
    Bad(
        name="a field twice",
        make=put("json.json", '[{"a": 1},\n{"a": 1, "b": 2, "a": 3}]'),
        place="line 2, after element 1",
        says=("'a' is there twice", "mend"),
    ),
    Bad(
        name="a field twice, deeper",
        make=put("json.json", '[{"x": [{"a": 1, "a": 1}]}]'),
        place="line 1",
        says=("'a' is there twice", "mend"),
    ),
    Bad(
        name="not a number",
        make=put("json.json", '[{"a": 1},\n{"a": NaN}]'),
        place="line 2, after element 1",
        says=("NaN is not JSON", "null"),
    ),
    Bad(
        name="half a surrogate pair",
        make=put("json.json", r'[{"a": "\ud800"}]'),
        place="element 1",
        says=("'a'", "surrogate", "mend"),
    ),
    Bad(name="an empty file", make=put("json.json", ""), says=("is empty", "[]")),
    Bad(name="only white space", make=put("json.json", " \n\t\n"), says=("is empty", "[]")),
    Bad(name="single quotes", make=put("json.json", "[{'a': 1}]"), place="line 1", says=("double quotes", "mend")),
    Bad(
        name="a comma too much",
        make=put("json.json", '[{"a": 1},\n]'),
        place="line 2, after element 1",
        says=("no JSON value", "mend"),
    ),
    Bad(
        name="a comment",
        make=put("json.json", '[{"a": 1}, // one\n2]'),
        place="line 1, after element 1",
        says=("no JSON value", "mend"),
    ),
    Bad(
        name="garbage after the array",
        make=put("json.json", ARRAY + "\nxyz"),
        place="line 3, after element 2",
        says=("something follows", "mend"),
    ),
    Bad(
        name="a second array",
        make=put("json.json", ARRAY + "\n" + ARRAY),
        place="line 3, after element 2",
        says=("something follows", "mend"),
    ),
    Bad(
        name="an object where an array is expected",
        make=put("json.json", '{"n": 2,\n"data": {"items": [1, 2]}}'),
        says=("one single object", "items_path", "'data.items'"),
    ),
    Bad(
        name="a path that leads nowhere",
        make=put("json.json", '{"data": {"items": [1]}}', items_path="data.rows"),
        says=("'data.rows'", "not there", "'data.items'"),
    ),
    Bad(
        name="a path to no array",
        make=put("json.json", '{"data": {"items": [1]}}', items_path="data"),
        says=("not an array", "'data.items'"),
    ),
    Bad(
        name="a path through an array",
        make=put("json.json", '{"data": [{"items": [1]}]}', items_path="data.items"),
        says=("not an object", "'data'"),
    ),
    Bad(name="a web page", make=put("json.json", "<!DOCTYPE html><html>"), says=("neither an array nor JSON Lines",)),
    Bad(
        name="an array that shrinks",
        make=put("json.json", "[" + "1,\n" * 500_000 + "1]"),
        meanwhile="os.truncate(source.source, 600_000)",
        says=("changed while it was being read", "again"),
    ),
]

ODD = [
    Odd(name="utf-8 with a mark", make=put("json.json", ARRAY.encode("utf-8-sig")), payloads=ROWS),
    Odd(name="utf-16 with a mark", make=put("json.json", ARRAY.encode("utf-16")), payloads=ROWS),
    Odd(name="utf-16 without a mark", make=put("json.json", ARRAY.encode("utf-16-be")), payloads=ROWS),
    Odd(name="utf-32 with a mark", make=put("json.json", ARRAY.encode("utf-32")), payloads=ROWS),
    Odd(name="an empty array", make=put("json.json", "[]"), payloads=[]),
]
