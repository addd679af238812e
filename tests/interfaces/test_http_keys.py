"""Any text is a unit's key, and none makes a call reach something else than its unit."""

import json
from urllib.parse import unquote, urljoin, urlsplit

import httpx2
import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchproc.interfaces import http_openapi, http_paths
from batchproc.interfaces.http_routes import PREFIX, TABLE
from tests.interfaces.conftest import Open

STEPS = [".", "..", "~", "~~", "~.", "~..", "~a", "%2E%2E", "%2e", "%7E..", "..%2F..", "../..", "a/..", "..."]
KEYS = st.one_of(
    st.sampled_from(STEPS),
    st.text(alphabet="~./%2EeF\\", min_size=1, max_size=6),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
)
SERVER = "http://127.0.0.1:4000"
CLIENTS = {
    "as it is": lambda url: url,
    "urllib": lambda url: urljoin(SERVER, url.removeprefix(SERVER)),
    "httpx": lambda url: str(httpx2.URL(url)),
    "httpx, from a base": lambda url: str(httpx2.URL(SERVER).join(url.removeprefix(SERVER))),
    "requests": lambda url: str(requests.Request("GET", url).prepare().url),
}


def segments(url: str) -> list[str]:
    return urlsplit(url).path.split("/")


@pytest.mark.parametrize("client", CLIENTS)
@settings(deadline=None, database=None)
@given(key=KEYS)
@example(key=".")
@example(key="..")
@example(key="~..")
def test_every_key_comes_back_whatever_a_client_does_to_its_url(client: str, key: str) -> None:
    url = f"{SERVER}{PREFIX}/jobs/J/units/{http_paths.segment(key)}/cancel"
    *before, part, last = segments(CLIENTS[client](url))
    assert (before, last) == (segments(url)[:-2], "cancel")
    assert http_paths.parameter("key", unquote(part)) == key


@given(one=KEYS, other=KEYS)
def test_no_two_keys_are_written_alike(one: str, other: str) -> None:
    assert (http_paths.segment(one) == http_paths.segment(other)) == (one == other)


def test_a_step_that_is_not_marked_is_what_clients_take_away() -> None:
    """Which is why it has to be marked."""
    for client in ("urllib", "httpx", "requests"):
        assert CLIENTS[client](f"{SERVER}/jobs/J/units/../cancel").endswith("/jobs/J/cancel"), client


async def test_a_unit_whose_key_is_a_step_is_cancelled_alone(opened: Open) -> None:
    keys = [".", "..", "~", "~..", "~.", "a"]
    source = {"type": "list", "items": [{"name": key} for key in keys], "key_field": "name"}
    spec = {"name": "n", "instructions": "Greet {{ name }}", "enumerator": source, "options": {"model": "rehearsal"}}
    job = (await opened.ask("POST", "/jobs", spec)).json["job_id"]
    for n, key in enumerate(keys[:-1], 1):
        path = f"/jobs/{job}/units/{http_paths.segment(key)}"
        assert (await opened.ask("GET", path)).json["key"] == key
        assert (await opened.ask("POST", f"{path}/cancel")).json["counts"]["cancelled"] == n
        assert (await opened.ask("GET", path)).json["status"] == "cancelled"
    assert (await opened.ask("GET", f"/jobs/{job}/units/a")).json["status"] == "pending"
    assert (await opened.ask("GET", f"/jobs/{job}/units/%7E..")).json["key"] == ".."


def test_only_keys_are_marked_and_the_document_says_how() -> None:
    assert http_paths.parameter("job_id", "~..") == "~.."
    parts = {part[1:-1] for row in TABLE for part in row.path.split("/") if part.startswith("{")}
    assert parts == {"job_id", "key", "name"}
    made = http_openapi.document()["paths"]
    of_keys = [
        one
        for path in made.values()
        for operation in path.values()
        for one in operation.get("parameters", ())
        if one["in"] == "path" and one["name"] == "key"
    ]
    assert len(of_keys) == 5 and all("`~`" in one["description"] for one in of_keys)
    assert "~" in json.dumps(http_openapi.document()["info"])
