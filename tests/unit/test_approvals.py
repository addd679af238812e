"""What a person must allow: said in full, and the same hash only for the same thing."""

from dataclasses import replace

import pytest

from batchproc import approvals
from batchproc.models import Profile, Workspace
from tests.conftest import OPTIONS

SERVER = {"command": "/opt/my tool/server", "args": ["--port", "80; rm"], "env": {"TOKEN": "secret-1", "A": "secret-2"}}
WEB = {"type": "http", "url": "https://example.com/mcp", "headers": {"Authorization": "Bearer secret-3"}}
FULL = replace(OPTIONS, profile=Profile.FULL, working_directory="/data", directories=["/more"])


@pytest.mark.parametrize("profile", [Profile.ANSWER, Profile.READ_ONLY, Profile.EDIT])
def test_ordinary_jobs_need_nobody(profile):
    ordinary = replace(OPTIONS, profile=profile, working_directory="/data", workspace=Workspace.SHARED)
    assert approvals.needed(ordinary) is None
    assert (
        approvals.needed(replace(ordinary, allowed_tools=["Read", "NotebookEdit"], disallowed_tools=["Grep"])) is None
    )


def test_a_shell_is_described_with_what_it_reads_and_where_it_writes():
    beside = approvals.needed(FULL).text
    assert "shell" in beside and "reads" in beside
    assert "/data, /more, with everything below" in beside and "nowhere else" in beside
    inside = approvals.needed(replace(FULL, workspace=Workspace.SHARED)).text
    assert "and in /data, with everything below it" in inside
    assert "no folder of yours" in approvals.needed(replace(OPTIONS, profile=Profile.FULL)).text


def test_a_server_is_described_by_its_command_line_and_never_by_its_secrets():
    said = approvals.needed(replace(OPTIONS, mcp_servers={"a": SERVER, "b": WEB}, allowed_tools=["mcp__b__x"])).text
    assert "'/opt/my tool/server' --port '80; rm'" in said and "OUTSIDE any sandbox" in said
    assert "A, TOKEN" in said and "https://example.com/mcp" in said and "Authorization" in said
    assert "all its tools" in said and "mcp__b__x" in said
    assert "secret" not in said


def test_each_tool_is_described_once():
    said = approvals.needed(replace(OPTIONS, allowed_tools=["WebFetch(domain:example.com)", "Read"])).text
    assert said == "Agents may use the tool WebFetch(domain:example.com)."


def test_no_character_disguises_what_is_allowed():
    tricky = {"command": "x", "args": ["\x1b[2K\rharmless", "a\nb", "\u202egpj.exe", "ü"]}
    said = approvals.needed(replace(OPTIONS, mcp_servers={"a": tricky})).text
    assert all(c.isprintable() or c == "\n" for c in said)
    assert len(said.splitlines()) == 3
    assert r"\x1b[2K\rharmless" in said and r"a\nb" in said and r"\u202e" in said and "ü" in said


CHANGES = [
    {"profile": Profile.EDIT},
    {"working_directory": "/other"},
    {"workspace": Workspace.SHARED},
    {"directories": ["/more", "/evermore"]},
    {"allowed_tools": ["WebFetch"]},
    {"mcp_servers": {"a": {**SERVER, "args": []}}},
    {"mcp_servers": {"a": {**SERVER, "env": {"TOKEN": "another", "A": "secret-2"}}}},
    {"mcp_servers": {"b": SERVER}},
]


def test_whatever_widens_or_changes_it_changes_the_hash_and_nothing_else_does():
    base = replace(FULL, mcp_servers={"a": SERVER})
    hashes = [approvals.needed(replace(base, **change)).hash for change in CHANGES]
    known = approvals.needed(base).hash
    assert len({known, *hashes}) == len(CHANGES) + 1
    assert len(known) == 32
    for change in ({"model": "opus"}, {"timeout_s": 9.0}, {"budget_usd": 1.0}, {"disallowed_tools": ["Grep"]}):
        assert approvals.needed(replace(base, **change)).hash == known
    turned = {"a": {"env": dict(reversed(SERVER["env"].items())), "args": SERVER["args"], "command": SERVER["command"]}}
    assert approvals.needed(replace(base, mcp_servers=turned)).hash == known
