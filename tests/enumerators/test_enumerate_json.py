"""JSON: arrays streamed, JSON Lines line by line, exact values, faults told by their place."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from enumerate_help import complaint, keys, payloads, read, refusal
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batchproc.enumerators import _jsonfast, _jsonstream, build
from batchproc.errors import SourceError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


def put(folder: Path, data: Any, name: str = "a.json") -> str:
    raw = data if isinstance(data, bytes) else data.encode() if isinstance(data, str) else json.dumps(data).encode()
    (folder / name).write_bytes(raw)
    return str(folder / name)


def as_payload(value: Any) -> Any:
    return value if isinstance(value, dict) else {"value": value}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(VALUES, max_size=8),
    indent=st.sampled_from([None, 0, 2]),
    escaped=st.booleans(),
    chunk=st.sampled_from([1, 2, 7, 33, 1 << 18]),
)
def test_any_array_is_read_back_exactly_however_the_file_is_cut(
    tmp_path: Path, values: list[Any], indent: int | None, escaped: bool, chunk: int
) -> None:
    path = put(tmp_path, json.dumps({"x": values, "data": {"items": values}}, indent=indent, ensure_ascii=escaped))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_jsonstream, "CHUNK", chunk)
        found = payloads("json", file_path=path, items_path="data.items")

    assert repr(found) == repr([as_payload(value) for value in values])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES, min_size=1, max_size=8))
def test_any_lines_are_read_back_exactly(tmp_path: Path, values: list[Any]) -> None:
    path = put(tmp_path, "\n".join(json.dumps(value) for value in values), "a.ndjson")

    assert repr(payloads("json", file_path=path)) == repr([as_payload(value) for value in values])


ODD = ["18446744073709551616", "1e400", r'"\ud800"', "NaN", "1, ", "]", "[" * 300, '{"a": 1, "a": 2}', r'"\u003a"']
FINE = ["1", "1.0", "18446744073709551615", '"a:b"', r'"}, {\"a\": 1"', '[{"a": 1}, {"a": 2}]', '{"a": {"a": 1}}']
PIECES = st.sampled_from([*ODD, *FINE, *FINE])
OBJECTS = st.lists(st.lists(PIECES | st.just("1"), min_size=1, max_size=3), min_size=3, max_size=8)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=OBJECTS, lines=st.booleans(), chunk=st.sampled_from([20, 60, 1 << 15]))
def test_reading_many_at_once_gives_what_reading_one_by_one_gives(
    tmp_path: Path, rows: list[list[str]], lines: bool, chunk: int
) -> None:
    objects = [
        "{" + ", ".join(f'"{name}": {piece}' for name, piece in zip("abc", row, strict=False)) + "}" for row in rows
    ]
    text = "\n".join(objects) if lines else "[" + ", ".join(objects) + "]"
    spec = {"type": "json", "file_path": put(tmp_path, text, "a.jsonl" if lines else "a.json")}

    def outcome() -> tuple[list[Any], str]:
        found = []
        try:
            for item in build(spec).items():
                found.append(item)
        except SourceError as error:
            return found, str(error)
        return found, ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_jsonstream, "CHUNK", chunk)
        at_once = outcome()
        patch.setattr(_jsonfast, "lines", lambda _: None)
        patch.setattr(_jsonfast, "elements", lambda _: None)
        assert repr(at_once) == repr(outcome())


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_objects_of_one_shape_are_read_many_at_once(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": n, "time": "10:30", "tags": [{"of": n}]} for n in range(5000)]
    path = put(tmp_path, rows if name == "a.json" else "\n".join(map(json.dumps, rows)), name)
    scan, scanned = _jsonstream._scan, []
    monkeypatch.setattr(_jsonstream, "_scan", lambda text, at: scanned.append(at) or scan(text, at))

    assert payloads("json", file_path=path, id_field="id") == rows
    assert len(scanned) < 50


@settings(max_examples=300, deadline=None)
@given(text=st.text('[]{}",:\\u0019ed.-+ntrf \n', max_size=24), chunk=st.sampled_from([1, 3, 1 << 18]))
def test_the_reader_takes_what_the_standard_library_takes(text: str, chunk: int) -> None:
    """A second opinion: an array that json.loads reads gives the same elements, and any other text is refused."""
    try:
        expected = json.loads(f"[{text}]")
    except ValueError:
        expected = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_jsonstream, "CHUNK", chunk)
        reader = _jsonstream.Reader(io.StringIO(f"[{text}]"))
        try:
            found = list(reader.elements())
            reader.end()
        except _jsonstream.Malformed:
            found = None

    assert found == expected


@settings(max_examples=300, deadline=None)
@given(value=VALUES, cut=st.integers(0, 200), chunk=st.sampled_from([1, 3, 1 << 18]))
@example(value={"": None, "next": None}, cut=0, chunk=1)
def test_reading_over_a_value_ends_where_it_ends(value: Any, cut: int, chunk: int) -> None:
    text = json.dumps([value, "next"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_jsonstream, "CHUNK", chunk)
        reader = _jsonstream.Reader(io.StringIO(json.dumps(value) + ' "next"'))
        reader.skip()
        assert reader.value() == "next"
        broken = _jsonstream.Reader(io.StringIO(text[: min(cut, len(text) - 1)]))
        with pytest.raises(_jsonstream.Malformed):
            broken.skip()


def test_an_array_at_the_top_is_the_items(tmp_path: Path) -> None:
    path = put(tmp_path, ' \n[ {"a": 1} , 2, "x", null, [3] ]\n')

    found = read("json", file_path=path)

    assert [item.payload for item in found] == [{"a": 1}, {"value": 2}, {"value": "x"}, {"value": None}, {"value": [3]}]
    assert [(item.key, item.row) for item in found] == [(str(n), n) for n in range(1, 6)]


@pytest.mark.parametrize("text", ["[]", " [ ] ", "\ufeff[]"])
def test_an_empty_array_has_no_items(tmp_path: Path, text: str) -> None:
    assert read("json", file_path=put(tmp_path, text)) == []


def test_large_numbers_and_exotic_floats_survive(tmp_path: Path) -> None:
    numbers = [2**63, 2**64 - 1, -(2**63), 0.1, 1e22, 5e-324, 1.7976931348623157e308, -0.0, 100000000000000000000.5]
    for name in ("a.json", "a.jsonl"):
        path = put(tmp_path, numbers if name == "a.json" else "\n".join(map(repr, numbers)), name)
        assert repr([item["value"] for item in payloads("json", file_path=path)]) == repr(numbers)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('{"a": {"b": [1, 18446744073709551616]}}', "field 'a.b[1]' is a whole number beyond 64 bits"),
        ('{"a": -9223372036854775809}', "field 'a' is a whole number beyond 64 bits"),
        ('{"a": 1e400}', "field 'a' is inf"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ("NaN", "NaN is not JSON"),
        ('{"a": "\\ud800"}', "field 'a' holds half of a surrogate pair"),
        ('{"a": "x\\udc00y"}', "field 'a' holds half of a surrogate pair"),
        ('{"a": "\\ud800\\u0041"}', "field 'a' holds half of a surrogate pair"),
        ('{"\\ud800": 1}', "is not valid text"),
        ("[" * 300 + "]" * 300, "nested more than 250 levels"),
        ("[" * 100_000 + "]" * 100_000, "nested too deep"),
    ],
)
def test_what_json_cannot_carry_is_told_with_its_place(tmp_path: Path, name: str, value: str, told: str) -> None:
    path = put(tmp_path, f"[\n1,\n{value}\n]" if name == "a.json" else f"1\n{value}\n", name)

    complaint_ = complaint("json", file_path=path)

    assert told in complaint_
    assert any(place in complaint_ for place in ("element 2", "line 2", "line 3")), complaint_


def test_a_surrogate_pair_is_a_character(tmp_path: Path) -> None:
    assert payloads("json", file_path=put(tmp_path, '["\\ud83d\\ude00", "\\\\ud800"]')) == [
        {"value": "😀"},
        {"value": "\\ud800"},
    ]


def test_a_path_leads_to_the_items_past_everything_else(tmp_path: Path) -> None:
    data = {
        "meta": {"items": [9], "n": [[1, {"x": "]}"}]]},
        "s": 'a"b',
        "data": {"x": 1, "items": [{"id": "k"}]},
        "z": [1],
    }

    found = read("json", file_path=put(tmp_path, data), items_path="data.items", id_field="id")

    assert [(item.key, item.payload) for item in found] == [("k", {"id": "k"})]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("data.rows", "asks for 'rows', which is not there; arrays in it: 'data.items', 'tags'"),
        ("data", "leads to something that is not an array"),
        ("name.first", "asks for 'first' of something that is not an object"),
        ("tags.items", "asks for 'items' of something that is not an object"),
    ],
)
def test_a_path_that_leads_nowhere_is_told_with_the_arrays_there_are(tmp_path: Path, path: str, told: str) -> None:
    file_path = put(tmp_path, {"name": "x", "data": {"n": 1, "items": [1]}, "tags": ["a"]})

    assert told in complaint("json", file_path=file_path, items_path=path)


def test_a_field_of_the_path_that_is_there_twice_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, '{"items": [1], "items": [2]}')

    assert "'items' of items_path is there twice" in complaint("json", file_path=path, items_path="items")


def test_a_path_into_an_array_is_told(tmp_path: Path) -> None:
    assert "is itself an array; leave items_path out" in complaint("json", file_path=put(tmp_path, [1]), items_path="a")


def test_a_path_and_json_lines_do_not_go_together() -> None:
    assert "each line is an item" in refusal("json", file_path="/a.jsonl", items_path="a")


@pytest.mark.parametrize("indent", [None, 2])
def test_a_single_object_is_told_with_its_arrays(tmp_path: Path, indent: int | None) -> None:
    path = put(tmp_path, json.dumps({"n": 1, "items": [1], "data": {"rows": []}}, indent=indent))

    told = complaint("json", file_path=path)

    assert "is one single object" in told
    assert "set items_path to one of its arrays: 'items', 'data.rows'" in told


def test_a_single_object_without_arrays_is_told(tmp_path: Path) -> None:
    assert "put it in [ ]" in complaint("json", file_path=put(tmp_path, '{\n"a": 1\n}\n'))


def test_several_objects_on_several_lines_each_are_told(tmp_path: Path) -> None:
    assert "several values, each on several lines" in complaint(
        "json", file_path=put(tmp_path, '{\n"a": 1\n}\n{\n"a": 2\n}')
    )


@pytest.mark.parametrize("name", ["a.json", "a.txt", "a.JSONL", "a.ndjson"])
def test_lines_are_known_by_name_or_by_their_first_character(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, '\ufeff{"id": 1}\n\n  \r\n{"id": 2, "x": [1]}\r\n{"id": 3}', name)
    enumerator = build({"type": "json", "file_path": path, "id_field": "id"})

    assert [(item.key, item.row) for item in enumerator.items()] == [("1", 1), ("2", 4), ("3", 5)]
    assert enumerator.place == "line"


def test_one_line_may_be_all(tmp_path: Path) -> None:
    assert payloads("json", file_path=put(tmp_path, '{"a": 1}\n')) == [{"a": 1}]
    assert payloads("json", file_path=put(tmp_path, '{"a": [1]}\n', "a.jsonl")) == [{"a": [1]}]


def test_lines_may_hold_any_value(tmp_path: Path) -> None:
    assert payloads("json", file_path=put(tmp_path, '[1]\n"x"\n2\n', "a.jsonl")) == [
        {"value": [1]},
        {"value": "x"},
        {"value": 2},
    ]


@pytest.mark.parametrize("line", ['{"a": 1', '{"a": 1} x', "x", '{"a": 1}{"a": 2}', "{'a': 1}", '{"a": "\t"}'])
def test_a_broken_line_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    path = put(tmp_path, f'{{"a": 0}}\n\n{line}\n{{"a": 2}}\n', "a.jsonl")

    assert ", line 3: " in complaint("json", file_path=path)


def test_an_array_under_the_name_of_lines_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, json.dumps([{"a": 1}], indent=2), "a.jsonl")

    assert "name the file .json if it is one array" in complaint("json", file_path=path)


def test_an_empty_file_is_told_and_empty_lines_are_no_items(tmp_path: Path) -> None:
    assert "is empty" in complaint("json", file_path=put(tmp_path, " \n"))
    assert read("json", file_path=put(tmp_path, "\n \n", "a.jsonl")) == []


@pytest.mark.parametrize("text", ["5", '"x"', "hello", "null"])
def test_a_file_that_is_no_array_is_told(tmp_path: Path, text: str) -> None:
    assert "neither an array nor JSON Lines" in complaint("json", file_path=put(tmp_path, text))


@pytest.mark.parametrize("cut", ["", ",", ', {"a": 4', ', {"a": "x', ", 1", ", tr", ', "x\\'])
def test_a_cut_off_array_is_told_with_its_last_whole_element(tmp_path: Path, cut: str) -> None:
    told = complaint("json", file_path=put(tmp_path, '[{"a": 1},\n{"a": 2},\n{"a": 3}' + cut))

    assert "line 3, after element " in told
    assert "after element 3" in told or "after element 4" in told
    assert "the file ends here" in told or cut == ", tr"


def test_a_cut_off_object_around_the_array_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, '{"items": [1, 2]')

    assert "after element 2" in complaint("json", file_path=path, items_path="items")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1,\n,2]", "line 2, after element 1: no JSON value here"),
        ("[1\n2]", "line 2, after element 1: expected ',' or ']'"),
        ("[1]\n]", "line 2, after element 1: something follows the end"),
        ("[1,]", "line 1, after element 1: no JSON value here"),
        ('[{"a" 1}]', "line 1: expecting ':' delimiter"),
        ("[{'a': 1}]", "line 1: expecting property name enclosed in double quotes"),
        ('["a\nb"]', "line 1: invalid control character"),
    ],
)
def test_broken_json_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert told in complaint("json", file_path=put(tmp_path, text))


def test_a_fault_deep_in_a_large_file_is_told_without_reading_on(tmp_path: Path) -> None:
    path = put(tmp_path, '[{"a": 1},\n{"a" 2},\n' + '{"a": 3},\n' * 200_000)
    items = build({"type": "json", "file_path": path}).items()
    next(items)

    with pytest.raises(Exception, match="line 2, after element 1"):
        next(items)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_bad_bytes_are_told_with_their_line(tmp_path: Path, name: str) -> None:
    body = b'"x"' if name == "a.jsonl" else b'["x",'
    assert "line 2: is not UTF-8" in complaint("json", file_path=put(tmp_path, body + b'\n"caf\xe9"\n', name))
    utf16 = "\n\n".encode("utf-16") + b"[\0\0\xd8"
    assert "line 3: is not UTF-16" in complaint("json", file_path=put(tmp_path, utf16, name))


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_any_encoding_of_unicode_is_read(tmp_path: Path, name: str, encoding: str) -> None:
    text = '["é",\n"😀"]' if name == "a.json" else '"é"\n"😀"\n'

    found = payloads("json", file_path=put(tmp_path, text.encode(encoding), name))

    assert found == [{"value": "é"}, {"value": "😀"}]


@pytest.mark.parametrize(
    ("element", "told"),
    [
        ('{"b": 1}', "element 2: has no field 'id', only 'b'"),
        ('{"id": null}', "element 2: 'id' is empty"),
        ('{"id": " "}', "element 2: 'id' is empty"),
        ('{"id": {}}', "element 2: 'id' holds a list or an object"),
        ("5", "element 2: has no field 'id', only 'value'"),
    ],
)
def test_an_element_without_a_key_is_told(tmp_path: Path, element: str, told: str) -> None:
    assert told in complaint("json", file_path=put(tmp_path, f'[{{"id": 1}}, {element}]'), id_field="id")


def test_keys_are_the_fields_value_as_text(tmp_path: Path) -> None:
    path = put(tmp_path, [{"id": 1}, {"id": "01"}, {"id": 1.5}, {"id": False}])

    assert keys("json", file_path=path, id_field="id") == ["1", "01", "1.5", "false"]


def test_a_value_larger_than_4_mib_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a smaller measure, to save the test's time."""
    monkeypatch.setattr(_jsonstream, "MAX_VALUE", 1 << 20)
    monkeypatch.setattr("batchproc.enumerators._common.MAX_VALUE", 1 << 20)

    assert "this value is larger than 1 MiB" in complaint("json", file_path=put(tmp_path, '["' + "x" * (3 << 20)))
    assert "line 1: is larger than 1 MiB" in complaint("json", file_path=put(tmp_path, "x" * (3 << 20), "a.jsonl"))


PROGRAM = """
import re, sys
from batchproc.enumerators import build
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
spec = {"type": "json", "file_path": sys.argv[1]}
items = build(spec | ({} if len(sys.argv) < 3 else {"items_path": sys.argv[2]})).items()
for _ in range(1000): next(items)
early = peak()
print(1000 + sum(1 for _ in items), peak() - early)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("shape", ["array", "lines", "beside a large neighbour"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, shape: str) -> None:
    rows = [orjson.dumps({"id": n, "name": f"name {n}", "text": "lorem ipsum " * 4}) for n in range(200_000)]
    array = b"[" + b",\n".join(rows) + b"]"
    arguments = ["items"] if shape.startswith("beside") else []
    data = {"array": array, "lines": b"\n".join(rows)}.get(shape, b'{"other": ' + array + b', "items": ' + array + b"}")
    path = put(tmp_path, data, "a.jsonl" if shape == "lines" else "a.json")

    count, grown = subprocess.check_output([sys.executable, "-c", PROGRAM, path, *arguments]).split()

    assert int(count) == 200_000
    assert int(grown) < 4096
