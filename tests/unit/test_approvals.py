"""What a person must allow: said in full, and the same hash only for the same thing."""

from dataclasses import replace

import pytest

from batchproc import approvals
from batchproc.errors import InvalidJob
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


def test_a_check_is_described_by_its_command_line():
    said = approvals.needed(replace(OPTIONS, check=["/opt/my check", "a b"])).text
    assert "'/opt/my check' 'a b'" in said and "on every answer, OUTSIDE any sandbox" in said


PRINT = "ab" * 32


def test_the_content_of_a_checks_files_is_part_of_what_is_allowed():
    check = replace(OPTIONS, check=["/usr/bin/python3", "/my checks/a.py"])
    known = replace(check, check_files={"/my checks/a.py": PRINT, "/gone": ""})
    said = approvals.needed(known).text
    assert f"    '/my checks/a.py', whose content has the fingerprint {PRINT} (SHA-256)" in said.splitlines()
    assert "may change without anybody being asked again" in said and "/gone" not in said
    others = [check, replace(check, check_files={"/my checks/a.py": "cd" * 32}), replace(check, check_files={})]
    assert approvals.needed(known).hash not in {approvals.needed(one).hash for one in others}


def test_a_check_that_was_approved_before_its_files_had_fingerprints_stays_so():
    assert approvals.needed(replace(OPTIONS, check=["/bin/check"])).hash == "08d1e4c153d80e572859494dc298be23"


def test_what_was_approved_before_there_were_checks_stays_approved():
    assert approvals.needed(FULL).hash == "e45e882cc78941f89b03c8ab8db2e179"


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
    {"check": ["/bin/check"]},
    {"check": ["/bin/check", "-v"]},
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


SOURCE = {
    "type": "dynamic",
    "code": "import os\n\n\ndef enumerate_items(context):\n    return [os.getpid()]\n",
    "code_file": None,
    "context": {"months": 12, "name": "Ünal"},
    "read_directories": ["/data/in"],
    "key_field": None,
    "timeout_s": 60.0,
    "limit": None,
}


@pytest.mark.parametrize("kind", ["file", "csv", "json", "sql", "list", None])
def test_a_source_that_is_data_needs_nobody(kind):
    assert approvals.for_source({**SOURCE, "type": kind}) is None


def test_a_program_is_shown_in_full_with_what_it_is_given_and_what_it_may():
    said = approvals.for_source({**SOURCE, "limit": 9, "key_field": "id", "code_file": "/home/me/x.py"}).text
    lines = said.splitlines()
    assert lines[-6:] == [
        "    1 | import os",
        "    2 | ",
        "    3 | ",
        "    4 | def enumerate_items(context):",
        "    5 |     return [os.getpid()]",
        "    6 | ",
    ]
    assert '{"months": 12, "name": "Ünal"}' in said
    assert "/data/in, with everything below" in said
    assert "60 seconds, or when it has given 9 items" in said
    assert "field 'id'" in said and "/home/me/x.py" in said
    assert "no folder of yours" in approvals.for_source({**SOURCE, "read_directories": []}).text


def test_no_character_of_code_or_context_disguises_what_is_allowed():
    tricky = "def enumerate_items(c):\r    hidden()\x1b[2K\n    return []  # \u202e\u2066 x\u2028\x85\x0cevil()\tand"
    context = {"a\n\x1b]0;x": "\u200b\ud800\r"}
    said = approvals.for_source({**SOURCE, "code": tricky, "context": context, "read_directories": ["/a\nb"]}).text
    assert all(c.isprintable() or c == "\n" for c in said)
    assert r"\r    hidden()\x1b[2K" in said and r"\u202e\u2066 x\u2028\x85\x0cevil()\tand" in said
    assert r"/a\nb" in said
    assert len([line for line in said.split("\n") if " | " in line]) == 2


def test_the_hash_of_a_program_is_bound_to_all_of_it():
    changes = [
        {"code": SOURCE["code"] + " "},
        {"code_file": "/x.py"},
        {"context": {"months": 13, "name": "Ünal"}},
        {"context": {}},
        {"read_directories": ["/data"]},
        {"key_field": "id"},
        {"timeout_s": 61.0},
        {"limit": 1},
    ]
    known = approvals.for_source(SOURCE).hash
    hashes = [approvals.for_source({**SOURCE, **change}).hash for change in changes]
    assert len({known, *hashes}) == len(changes) + 1
    assert len(known) == 32
    turned = {**dict(reversed(SOURCE.items())), "context": dict(reversed(SOURCE["context"].items()))}
    assert approvals.for_source(turned).hash == known


def test_code_that_was_not_read_in_cannot_be_allowed():
    with pytest.raises(InvalidJob, match="read in"):
        approvals.for_source({**SOURCE, "code": None, "code_file": "/x.py"})
