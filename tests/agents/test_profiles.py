"""A task's profile in the CLI's terms. What the CLI makes of them is tested in test_claude_files."""

from pathlib import Path

import pytest
from test_claude_support import task

from batchproc.agents import profiles
from batchproc.errors import InvalidJob
from batchproc.models import Profile, Workspace

A, F, D = Path("/store/u/1"), Path("/data/f (1).txt"), "/data"
SHARED = Workspace.SHARED


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
    beside = profiles.access(task(A, profile=profile, working_directory=D))
    assert (beside.cwd, beside.folders, beside.allow) == (A / "work", (Path(D),), ("Edit(./**)",))
    inside = profiles.access(task(A, profile=profile, working_directory=D, workspace=SHARED))
    assert (inside.cwd, inside.folders, inside.allow) == (Path(D), (A / "work",), ("Edit(./**)",))


def test_more_directories_are_read_by_whoever_reads() -> None:
    more = {"directories": ["/more"], "working_directory": D}
    assert profiles.access(task(A, profile=Profile.ANSWER, **more)).folders == ()
    alone = profiles.access(task(A, file=F, directories=["/more"]))
    assert (alone.tools, alone.folders, alone.below) == (("Read", "Glob", "Grep"), (Path("/more"),), (Path("/more"),))
    assert profiles.access(task(A, **more)).folders == (Path(D), Path("/more"))
    assert profiles.access(task(A, profile=Profile.EDIT, workspace=SHARED, **more)).folders == (
        Path("/more"),
        A / "work",
    )


@pytest.mark.parametrize("shared", [False, True])
def test_a_shell_writes_in_its_workspace_alone(shared: bool) -> None:
    workspace = SHARED if shared else Workspace.SCRATCH
    given = task(
        A, profile=Profile.FULL, file=F, working_directory=D, workspace=workspace, directories=["/more", "/m[1]"]
    )
    walls = profiles.access(given).sandbox["filesystem"]  # type: ignore[index]
    assert walls["allowWrite"] == [str(A / "work"), str(A / "tmp"), *([D] if shared else [])]
    assert walls["denyWrite"] == [*([] if shared else [D]), "/more", "/m[1]"]
    assert {D, "/more", "/m[1]", str(F)} <= set(walls["allowRead"])


def test_a_directory_around_a_shells_workspace_is_opened_by_a_rule() -> None:
    """To add it would make it writable, and to forbid that would make the workspace read-only."""
    inside = task(A, profile=Profile.FULL, working_directory="/d[1]/in", workspace=SHARED, directories=["/d[1]"])
    access = profiles.access(inside)
    assert (access.allow, access.folders) == (("Edit(./**)", "Read(//d[[]1]/**)"), (A / "work",))
    assert access.sandbox["filesystem"]["denyWrite"] == []  # type: ignore[index]
    wild = task(A, profile=Profile.FULL, working_directory="/d*/in", workspace=SHARED, directories=["/d*"])
    assert profiles.access(wild).allow == ("Edit(./**)",)


def test_named_tools_join_the_wall_by_name_and_are_approved_as_they_stand() -> None:
    named = ["WebFetch(domain:example.com)", "WebSearch", "Read", "NotebookEdit", "WebFetch(domain:a.org)"]
    access = profiles.access(task(A, profile=Profile.EDIT, allowed_tools=named))
    assert access.tools == ("Read", "Glob", "Grep", "Write", "Edit", "WebFetch", "WebSearch", "NotebookEdit")
    assert access.allow == ("Edit(./**)", named[0], "WebSearch", named[4])


def test_a_tool_that_is_not_wanted_is_gone_and_a_part_of_one_denied() -> None:
    unwanted = ["Grep", "WebSearch", "Read(//data/x/**)"]
    access = profiles.access(task(A, working_directory=D, allowed_tools=["WebSearch"], disallowed_tools=unwanted))
    assert access.tools == ("Read", "Glob")
    assert access.deny[-3:] == tuple(unwanted)


@pytest.mark.parametrize(
    ("named", "approved"),
    [
        ([], ("mcp__a", "mcp__b")),
        (["mcp__a__x"], ("mcp__a__x", "mcp__b")),
        (["mcp__b", "mcp__a__x"], ("mcp__b", "mcp__a__x")),
    ],
)
def test_a_servers_tools_are_approved_all_unless_some_are_named(named: list[str], approved: tuple[str, ...]) -> None:
    servers = {name: {"command": "x"} for name in ("a", "b")}
    access = profiles.access(task(A, profile=Profile.ANSWER, allowed_tools=named, mcp_servers=servers))
    assert (access.tools, access.allow) == ((), approved)


def test_the_shell_is_in_no_rule_and_its_sandbox_must_be_there() -> None:
    access = profiles.access(task(A, profile=Profile.FULL, working_directory=D, workspace=SHARED))
    assert "Bash" in access.tools
    assert not any("Bash" in rule for rule in access.allow)
    assert access.sandbox is not None
    assert (access.sandbox["failIfUnavailable"], access.sandbox["allowUnsandboxedCommands"]) == (True, False)
    assert access.sandbox["filesystem"]["denyRead"] == ["/"]
    assert "/store/u/config" not in access.sandbox["filesystem"]["allowRead"]
    assert profiles.access(task(A, profile=Profile.EDIT)).sandbox is None


def test_nobodys_configuration_may_be_read() -> None:
    deny = profiles.access(task(Path("/s [1]/1"), file=F), [Path("/home/u/.claude")]).deny
    for place in ("~/.claude/**", "//home/u/.claude/**"):
        assert {f"Read({place})", f"Edit({place})"} <= set(deny)
    assert {"Edit(//s [[]1]/config/**)", "Read(//s [[]1]/config/projects/*/memory/**)"} <= set(deny)


def test_attempts_of_one_unit_share_its_configuration() -> None:
    one, two, other = (profiles.config(task(Path(f"/store/j/{place}"))) for place in ("7/1", "7/2", "8/1"))
    assert one == two == Path("/store/j/7/config")
    assert one != other


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
    assert (own["CLAUDE_CONFIG_DIR"], own["ANTHROPIC_API_KEY"]) == ("/store/u/config", "k")
    assert own["ANTHROPIC_AUTH_TOKEN"] == ""
    assert "PATH" not in own
    assert "HOME" not in own
    for login in ({}, {"ANTHROPIC_BASE_URL": "u"}, {"ANTHROPIC_API_KEY": ""}):
        assert "CLAUDE_CONFIG_DIR" not in profiles.environment(given, login, {})
    assert own["API_TIMEOUT_MS"] == "60000"
    assert own["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "16000"
    assert own["CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS"] == "20000"


def test_a_shell_has_a_home_without_a_bashrc_where_it_cannot_write_one() -> None:
    given = task(A, profile=Profile.FULL)
    assert profiles.environment(given, {"ANTHROPIC_API_KEY": "k"}, {})["HOME"] == "/store/u/config"
    assert "HOME" not in profiles.environment(given, {}, {})
    assert "/store/u/config" not in profiles.access(given).sandbox["filesystem"]["allowWrite"]  # type: ignore[index]


def test_the_shells_sockets_get_a_short_place_and_only_then_there_is_litter() -> None:
    long = Path("/store") / ("x" * 80)
    assert profiles.litter(task(long)) is None
    assert profiles.litter(task(A, profile=Profile.FULL)) is None
    given = task(long, profile=Profile.FULL)
    assert profiles.litter(given) == profiles.temporary(given)
    assert len(str(profiles.temporary(given))) < 50
    assert profiles.access(given).sandbox["filesystem"]["allowWrite"][1] == str(profiles.temporary(given))  # type: ignore[index]
