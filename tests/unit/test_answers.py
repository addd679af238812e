"""What the tools answer says of each value what it may be: strict clients complain of a schema that says nothing."""

import pytest

from batchproc import answers
from batchproc.answers.base import Answer

SAYING = {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"}
ANSWERS = [
    one for name in answers.__all__ if isinstance(one := getattr(answers, name), type) and issubclass(one, Answer)
]


def silent(schema, path=""):
    """The places of all properties and items that anything fits."""
    match schema:
        case dict():
            inner = [(f"{path}.{name}", one) for name, one in schema.get("properties", {}).items()]
            inner += [(f"{path}[]", schema["items"])] if "items" in schema else []
            inner += [(f"{path}|{n}", one) for n, one in enumerate(schema.get("anyOf", ()))]
            inner += [(name, one) for name, one in schema.get("$defs", {}).items()]
            return [*([] if SAYING & schema.keys() else [path]), *(at for way, one in inner for at in silent(one, way))]
        case _:
            return [path]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda one: one.__name__)
def test_every_value_of_an_answer_has_a_type(answer):
    assert len(ANSWERS) > 20
    assert silent(answer.model_json_schema(mode="serialization")) == []


def test_a_value_without_a_type_is_found():
    assert silent({"type": "object", "properties": {"a": {"type": "array", "items": {"title": "A"}}}}) == [".a[]"]
