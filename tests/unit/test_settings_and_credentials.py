"""What is read from the environment, and what stays behind."""

from pathlib import Path

import pytest

from batchproc import credentials, settings
from batchproc.errors import CredentialMissing, InvalidJob
from batchproc.launcher import scrubbed
from batchproc.models import REHEARSAL, Credential


def test_every_default_can_be_set(tmp_path):
    found = settings.load({"BATCHPROC_HOME": str(tmp_path), "BATCHPROC_SLOTS": "3", "BATCHPROC_PROGRAMS": "OFF"})
    assert (found.home, found.slots, found.programs, found.max_attempts) == (tmp_path.resolve(), 3, "off", 4)


@pytest.mark.parametrize(("name", "value"), [("SLOTS", "many"), ("SLOTS", "0"), ("PROGRAMS", "maybe")])
def test_a_bad_setting_is_named_with_its_value(name, value):
    with pytest.raises(InvalidJob, match=f"BATCHPROC_{name} = '{value}'"):
        settings.load({f"BATCHPROC_{name}": value})


def test_folders_for_exports_are_a_list_of_absolute_paths(tmp_path):
    found = settings.load({"BATCHPROC_HOME": str(tmp_path), "BATCHPROC_EXPORT_ROOTS": "/data:/mnt/out:"})
    assert found.export_roots == (Path("/data"), Path("/mnt/out"))
    with pytest.raises(InvalidJob, match="BATCHPROC_EXPORT_ROOTS = 'out': write absolute paths, with : between"):
        settings.load({"BATCHPROC_EXPORT_ROOTS": "/data:out"})


def test_what_pays_is_chosen_in_order(tmp_path):
    none = {"HOME": str(tmp_path)}
    with pytest.raises(CredentialMissing, match="ANTHROPIC_API_KEY"):
        credentials.choose(None, none)
    with pytest.raises(CredentialMissing):
        credentials.choose(None, {**none, "ANTHROPIC_API_KEY": ""})
    assert credentials.choose(REHEARSAL, none) is Credential.REHEARSAL
    assert credentials.choose("opus", {**none, "CLAUDE_CODE_OAUTH_TOKEN": "t"}) is Credential.ENVIRONMENT
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/.credentials.json").write_text("{}")
    assert credentials.choose(None, none) is Credential.LOGIN


def test_a_supervisor_starts_without_secrets_and_without_its_starters_traces():
    environ = {
        "HOME": "/h", "PATH": "/bin", "LC_ALL": "C", "BATCHPROC_HOME": "/s",
        "ANTHROPIC_API_KEY": "k", "AWS_SECRET_ACCESS_KEY": "k", "CLAUDECODE": "1", "CLAUDE_CODE_SSE_PORT": "1",
        "MCP_TOKEN": "t", "GITHUB_TOKEN": "t", "BATCHPROC_AGENT": "tag",
    }  # fmt: skip
    assert set(scrubbed(environ)) == {"HOME", "PATH", "LC_ALL", "BATCHPROC_HOME"}
    assert credentials.variables(environ) == {"ANTHROPIC_API_KEY": "k", "AWS_SECRET_ACCESS_KEY": "k"}


def test_nothing_is_read_at_import():
    assert Path("~/.batchproc") == settings.Settings().home
