"""A task's profile in the CLI's terms. What the CLI makes of them is tested in test_claude_files."""

from pathlib import Path

import pytest
from test_claude_support import task

from batchproc.agents import profiles
from batchproc.errors import InvalidJob
from batchproc.models import Profile

A, F, D = Path("/store/a"), Path("/data/f (1).txt"), "/data"


def test_answers_have_no_tools_whatever_else_the_task_names() -> None:
    access = profiles.access(task(A, file=F, profile=Profile.ANSWER, working_directory=D))
    assert (access.tools, access.file, access.folders, access.sandbox) == ((), None, (), None)


@pytest.mark.parametrize(
    ("file", "folder", "tools"),
    [(F, None, ("Read",)), (None, None, ()), (None, D, ("Read", "Glob", "Grep")), (F, D, ("Read", "Glob", "Grep"))],
)
def test_reading_is_as_wide_as_what_is_named(file: Path | None, folder: str | None, tools: tuple[str, ...]) -> None:
    access = profiles.access(task(A, file=file, working_directory=folder))
    assert access.tools == tools
    assert access.cwd == A / "work"
    assert access.allow == ()
    assert access.folders == ((Path(D),) if folder else ())


@pytest.mark.parametrize("profile", [Profile.EDIT, Profile.FULL])
def test_writing_is_in_one_place(profile: Profile) -> None:
    assert profiles.access(task(A, profile=profile)).cwd == A / "work"
    inside = profiles.access(task(A, profile=profile, working_directory=D))
    assert (inside.cwd, inside.folders, inside.allow) == (Path(D), (A / "work",), ("Edit(./**)",))


def test_the_shell_is_in_no_rule_and_its_sandbox_must_be_there() -> None:
    access = profiles.access(task(A, profile=Profile.FULL, working_directory=D))
    assert "Bash" in access.tools
    assert not any("Bash" in rule for rule in access.allow)
    assert access.sandbox is not None
    assert (access.sandbox["failIfUnavailable"], access.sandbox["allowUnsandboxedCommands"]) == (True, False)
    assert access.sandbox["filesystem"]["denyRead"] == ["/"]
    assert str(A / "config") not in access.sandbox["filesystem"]["allowRead"]
    assert profiles.access(task(A, profile=Profile.EDIT)).sandbox is None


def test_nobodys_configuration_may_be_read() -> None:
    deny = profiles.access(task(Path("/s [1]/a"), file=F)).deny
    assert deny == (
        *("Read(~/.claude/**)", "Edit(~/.claude/**)"),
        *("Read(//s [[]1]/a/config/**)", "Edit(//s [[]1]/a/config/**)"),
    )


def test_a_file_that_cannot_be_asked_for_is_an_invalid_job_that_names_it() -> None:
    with pytest.raises(InvalidJob, match=r"file = '/data/a.txt '.*white space"):
        profiles.access(task(A, file=Path("/data/a.txt ")))


def test_the_hook_opens_the_very_path_and_what_truly_lies_below(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    access = profiles.access(task(A, file=F, working_directory=str(tmp_path)))
    assert access.opens(str(F))
    assert access.opens(f"{tmp_path}/x/../y")
    for other in ("/data/F (1).txt", f"{F}/", f"{tmp_path}/link/passwd", f"{tmp_path}/../x", f"{tmp_path}x", "y", ""):
        assert not access.opens(other), other


def test_a_credential_brings_its_own_configuration_and_a_login_does_not() -> None:
    given = task(A, timeout_s=60)
    own = profiles.environment(given, {"ANTHROPIC_API_KEY": "k"}, {"ANTHROPIC_AUTH_TOKEN": "t", "PATH": "p"})
    assert (own["CLAUDE_CONFIG_DIR"], own["ANTHROPIC_AUTH_TOKEN"], own["ANTHROPIC_API_KEY"]) == (
        "/store/a/config",
        "",
        "k",
    )
    assert "PATH" not in own
    assert "HOME" not in own
    for login in ({}, {"ANTHROPIC_BASE_URL": "u"}, {"ANTHROPIC_API_KEY": ""}):
        assert "CLAUDE_CONFIG_DIR" not in profiles.environment(given, login, {})
    assert own["API_TIMEOUT_MS"] == "60000"
    assert own["CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS"] == "20000"


def test_a_shell_has_a_home_without_a_bashrc_where_it_cannot_write_one() -> None:
    given = task(A, profile=Profile.FULL)
    assert profiles.environment(given, {"ANTHROPIC_API_KEY": "k"}, {})["HOME"] == str(A / "config")
    assert "HOME" not in profiles.environment(given, {}, {})
    assert str(A / "config") not in profiles.access(given).sandbox["filesystem"]["allowWrite"]  # type: ignore[index]


def test_the_shells_sockets_get_a_short_place_and_only_then_there_is_litter() -> None:
    long = Path("/store") / ("x" * 80)
    assert profiles.litter(task(long)) is None
    assert profiles.litter(task(A, profile=Profile.FULL)) is None
    given = task(long, profile=Profile.FULL)
    assert profiles.litter(given) == profiles.temporary(given)
    assert len(str(profiles.temporary(given))) < 50
    assert profiles.access(given).sandbox["filesystem"]["allowWrite"][1] == str(profiles.temporary(given))  # type: ignore[index]
