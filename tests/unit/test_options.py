"""A job's options: defaults filled in, and what cannot work refused with the way out."""

import hashlib
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from batchproc import options
from batchproc.errors import InvalidJob
from batchproc.models import JobOptions, Workspace
from batchproc.settings import Settings

PROGRAM = {"command": "x"}


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home").resolved()


@pytest.fixture
def data(tmp_path):
    for name in ("data/in/deeper", "more"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path / "data"


def resolve(settings, **given):
    return options.resolve(JobOptions(**given), settings)


def test_what_is_left_out_takes_the_default_of_the_settings(settings):
    found = resolve(replace(settings, stall_s=7.0, max_output_tokens=300, budget_usd=2.0, breaker=3))
    assert (found.stall_s, found.max_output_tokens, found.budget_usd, found.breaker) == (7.0, 300, 2.0, 3)
    assert (found.unit_budget_usd, found.unit_cap_usd) == (None, 0.2)
    assert (found.max_units, found.max_total_tokens, found.max_wall_s) == (None, None, None)
    assert (found.directories, found.allowed_tools, found.mcp_servers, found.resume) == ([], [], {}, True)


def test_what_is_given_stands(settings):
    given = {"stall_s": 20.0, "budget_usd": 3.0, "unit_budget_usd": 3.0, "max_units": 4, "breaker": 0, "resume": False}
    found = resolve(settings, **given)
    assert {name: getattr(found, name) for name in given} == given


@pytest.mark.parametrize(
    ("profile", "named", "workspace"),
    [
        ("edit", True, "shared"),
        ("full", True, "shared"),
        ("edit", False, "scratch"),
        ("read-only", True, "scratch"),
        ("answer", True, "scratch"),
    ],
)
def test_who_may_write_in_a_folder_works_there_unless_told_otherwise(profile, named, workspace, settings, data):
    folder = {"working_directory": str(data)} if named else {}
    assert resolve(settings, profile=profile, **folder).workspace == workspace
    assert resolve(settings, profile=profile, workspace="scratch", **folder).workspace is Workspace.SCRATCH


def test_directories_are_real_and_each_is_named_once(settings, data):
    (data.parent / "link").symlink_to(data.parent / "more")
    named = [str(data / "in/deeper"), str(data / "in"), str(data.parent / "link"), str(data.parent / "more")]
    found = resolve(settings, directories=named)
    assert found.directories == [str(data / "in"), str(data.parent / "more")]
    assert resolve(settings, directories=named, working_directory=str(data)).directories == [str(data.parent / "more")]


@pytest.mark.parametrize("field", ["working_directory", "directories"])
@pytest.mark.parametrize(
    ("name", "way_out"),
    [("docs", "absolute"), ("{tmp}/none", "no such folder"), ("{tmp}", "holds batchproc"), ("{tmp}/home", "holds")],
)
def test_a_folder_must_be_there_and_apart_from_the_store(field, name, way_out, settings, tmp_path):
    path = name.format(tmp=tmp_path)
    with pytest.raises(InvalidJob, match=rf"options\.{field} = .*{way_out}"):
        resolve(settings, **{field: [path] if field == "directories" else path})


def test_a_folder_inside_the_store_is_refused(settings):
    (settings.home / "agents").mkdir()
    with pytest.raises(InvalidJob, match="lies in batchproc's own store"):
        resolve(settings, directories=[str(settings.home / "agents")])


def test_what_is_shared_must_be_named(settings):
    with pytest.raises(InvalidJob, match=r"options\.workspace = 'shared': .*working_directory"):
        resolve(settings, profile="edit", workspace="shared")


def test_one_attempt_costs_no_more_than_the_job(settings):
    for given in ({"budget_usd": 1.0}, {}):
        with pytest.raises(InvalidJob, match=r"options\.unit_budget_usd = 6\.0: .*raise options\.budget_usd"):
            resolve(settings, unit_budget_usd=6.0, **given)


@pytest.mark.parametrize(
    ("rule", "way_out"),
    [
        ("", "write a tool's name"),
        ("Web Fetch", "write a tool's name"),
        ("WebFetch(", "write a tool's name"),
        ("WebFetch()", "write a tool's name"),
        ("WebFetch,Bash", "write a tool's name"),
        ("WebFetch(x)\n", "write a tool's name"),
        ("Bash", 'profile "full"'),
        ("Bash(ls:*)", 'profile "full"'),
        *((name, "other agents") for name in ("Agent", "Task", "TaskStop", "CronCreate", "Workflow", "SendMessage")),
        *((name, "other agents") for name in ("ScheduleWakeup", "Skill(x)", "Monitor", "ListAgents")),
        ("Frobnicate", "known are WebFetch, WebSearch"),
        ("Write", 'choose options.profile "edit"'),
        ("NotebookEdit", 'choose options.profile "edit"'),
        ("Read(//etc/**)", "options.directories"),
        ("Edit(//etc/**)", "options.directories"),
        ("mcp__b__x", "no such server"),
        ("mcp__ab", "no such server"),
        ("mcp__", "no such server"),
    ],
)
def test_a_tool_that_makes_no_sense_is_refused_with_the_reason(rule, way_out, settings):
    with pytest.raises(InvalidJob, match=r"options\.allowed_tools = ") as refusal:
        resolve(settings, allowed_tools=[rule], mcp_servers={"a": PROGRAM})
    assert way_out in str(refusal.value)


def test_tools_that_make_sense_are_kept_as_they_are_written(settings):
    named = ["WebFetch(domain:example.com)", "WebSearch", "Read", "mcp__a-1_b__x", "mcp__a-1_b"]
    unwanted = ["Grep", "Bash", "Agent", "Read(//data/x/**)", "mcp__a-1_b__y"]
    found = resolve(settings, allowed_tools=named, disallowed_tools=unwanted, mcp_servers={"a-1_b": PROGRAM})
    assert (found.allowed_tools, found.disallowed_tools) == (named, unwanted)
    with pytest.raises(InvalidJob, match="disallowed_tools"):
        resolve(settings, disallowed_tools=["Gr ep"])


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"command": ""},
        {"command": ["x"]},
        {"command": "x", "args": "y"},
        {"command": "x", "args": [1]},
        {"command": "x", "env": {"A": 1}},
        {"command": "x", "cwd": "/"},
        {"command": "x", "type": "http", "url": "http://x"},
        {"type": "sdk", "name": "x"},
        {"url": "https://x"},
        {"type": "http", "url": "ftp://x"},
        {"type": "http", "url": "https://"},
        {"type": "http", "url": "https://x", "headersHelper": "rm"},
        {"type": "sse", "url": "https://x", "headers": ["a"]},
    ],
)
def test_a_server_that_cannot_be_is_refused(config, settings):
    with pytest.raises(InvalidJob, match=r'options\.mcp_servers\.a = .*"command", "args", "env"'):
        resolve(settings, mcp_servers={"a": config})


@pytest.mark.parametrize("name", ["", "a b", "a__b", "_a", "a_", "ü", "ide", "workspace", "x" * 61])
def test_a_server_whose_tools_could_not_be_named_is_refused(name, settings):
    with pytest.raises(InvalidJob, match="another name"):
        resolve(settings, mcp_servers={name: PROGRAM})


def test_servers_that_can_be_are_kept_as_they_are(settings):
    servers = {
        "a": {"command": "npx", "args": ["-y", "@scope/batchprocessing-mcp"], "env": {"TOKEN": "${MY_TOKEN}"}},
        "b": {"type": "stdio", "command": "/opt/batchproc-data/server"},
        "c": {"type": "http", "url": "https://example.com/mcp", "headers": {"Authorization": "Bearer x"}},
        "d": {"type": "sse", "url": "http://127.0.0.1:1/sse"},
    }
    assert resolve(settings, mcp_servers=servers).mcp_servers == servers


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("batchproc-mcp", []),
        ("/usr/local/bin/batchproc", ["serve"]),
        ("uvx", ["batchproc-mcp"]),
        ("python", ["-m", "batchproc.interfaces.mcp"]),
        ("sh", ["-c", "exec 'python' -c 'from batchproc.interfaces.mcp import main; main()'"]),
        (sys.executable, [str(Path(__file__).parents[2] / "mcp_server.py")]),
    ],
)
def test_agents_never_get_batchproc_itself(command, args, settings):
    with pytest.raises(InvalidJob, match="agents never get batchproc itself"):
        resolve(settings, mcp_servers={"a": {"command": command, "args": args}})


def test_a_stranger_of_the_same_name_is_no_kin(settings, tmp_path):
    (tmp_path / "mcp_server.py").write_text("print()")
    resolve(settings, mcp_servers={"a": {"command": "python", "args": [str(tmp_path / "mcp_server.py")]}})


@pytest.mark.parametrize(
    "config",
    [
        {"command": "x", "env": {"K": "${ANTHROPIC_API_KEY}"}},
        {"command": "x", "args": ["--k=${CLAUDE_CODE_OAUTH_TOKEN:-none}"]},
        {"type": "http", "url": "https://x/${AWS_SECRET_ACCESS_KEY}"},
        {"type": "http", "url": "https://x", "headers": {"A": "Bearer ${ANTHROPIC_AUTH_TOKEN}"}},
    ],
)
def test_what_pays_for_agents_is_for_no_server(config, settings):
    with pytest.raises(InvalidJob, match="the credential"):
        resolve(settings, mcp_servers={"a": config})


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"profile": "full"}, "profile"),
        ({"mcp_servers": {"a": PROGRAM}}, r"mcp_servers\.a"),
        ({"allowed_tools": ["WebFetch"]}, "allowed_tools"),
        ({"check": ("sh", "-c", "exit")}, "check"),
    ],
)
def test_where_programs_are_off_a_job_that_names_one_is_refused_with_the_way_out(given, field, settings):
    resolve(settings, **given)
    with pytest.raises(InvalidJob, match=rf"options\.{field} = .*BATCHPROC_PROGRAMS=ask"):
        resolve(replace(settings, programs="off"), **given)


def test_where_programs_are_off_everything_else_is_as_before(settings, data):
    off = replace(settings, programs="off")
    resolve(off, profile="edit", working_directory=str(data), allowed_tools=["Read", "Write"])
    resolve(off, mcp_servers={"a": {"type": "http", "url": "https://example.com"}})


def test_a_check_is_kept_with_the_absolute_path_of_its_program(settings):
    found = resolve(settings, check=("sh", "-c", "exit 0"))
    assert Path(found.check[0]).is_absolute() and found.check[0].endswith("/sh") and found.check[1:] == ["-c", "exit 0"]
    assert found.check_timeout_s == 60 and resolve(settings).check == []
    assert resolve(settings, check=(sys.executable,), check_timeout_s=5).check == [sys.executable]


def test_the_files_that_a_check_names_have_fingerprints_and_the_systems_own_have_none(settings, data):
    script, link = data / "check.py", data / "link"
    script.write_text("exit(0)")
    link.symlink_to("/bin/sh")
    known = hashlib.sha256(b"exit(0)").hexdigest()
    found = resolve(settings, check=(sys.executable, str(script), str(data), "/no/such/file", "-c", "check.py"))
    assert found.check_files == {str(script): known, str(data): "", "/no/such/file": ""}
    assert resolve(settings, check=("sh", "-c", "exit 0")).check_files == {}
    assert list(resolve(settings, check=(str(link),)).check_files) == [str(link)], "it may lead elsewhere tomorrow"
    assert resolve(settings, check=("sh", f"/usr/..{script}")).check_files == {f"/usr/..{script}": known}
    assert resolve(settings).check_files is None


def test_a_check_that_is_named_again_has_the_fingerprints_of_today(settings, data):
    script = data / "check.py"
    script.write_text("exit(0)")
    known = resolve(settings, check=("sh", str(script)))
    script.write_text("exit(1)")
    now = options.revise(known, JobOptions(check=("sh", str(script))), settings)
    assert now.check == known.check and now.check_files == {str(script): hashlib.sha256(b"exit(1)").hexdigest()}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_check_that_nobody_can_read_is_refused(settings, data):
    script = data / "check.py"
    script.write_text("exit(0)")
    script.chmod(0)
    with pytest.raises(InvalidJob, match=r"options\.check = .*check\.py.*make it readable"):
        resolve(settings, check=("sh", str(script)))


@pytest.mark.parametrize("program", ["", "no-such-program", "./sh", "bin/sh", "/nowhere/sh", "/etc/passwd", "s\0h"])
def test_a_check_that_is_no_program_is_refused(program, settings):
    with pytest.raises(InvalidJob, match=r"options\.check = .*(absolute path|PATH)"):
        resolve(settings, check=(program,))


@pytest.mark.parametrize("profile", ["edit", "full"])
def test_a_check_in_a_folder_that_agents_write_is_refused(profile, settings, data, tmp_path):
    program = data / "check"
    program.write_text("#!/bin/sh")
    program.chmod(0o700)
    (tmp_path / "link").symlink_to(data)
    folder = {"profile": profile, "working_directory": str(data)}
    for check in (
        (str(program),),
        ("sh", str(program)),
        ("sh", "-c", f"cd {data} && ./check"),
        ("sh", f"{tmp_path}/link/check"),
        ("make", f"--directory={data}") if shutil.which("make") else ("sh", f"--directory={data}"),
    ):
        with pytest.raises(InvalidJob, match=r"options\.check = .*agents write in that folder"):
            resolve(settings, check=check, **folder)
    assert resolve(settings, check=(str(program),), workspace="scratch", **folder).check == [str(program)]
    assert resolve(settings, check=("sh", "/opt/check"), **folder).check[1] == "/opt/check"


def test_the_schema_of_an_answer_is_expanded_and_checked(settings):
    found = options.resolve(JobOptions(), settings, output_schema={"n": "integer?"})
    assert found.output_schema["properties"] == {"n": {"type": ["integer", "null"]}}
    with pytest.raises(InvalidJob, match=r"output_schema\.n = 'int'"):
        options.resolve(JobOptions(), settings, output_schema={"n": "int"})


# Outputs.


def outputs(settings, data, **more):
    return resolve(settings, **{"profile": "edit", "outputs": ["{{ a }}.md"], "output_directory": str(data), **more})


def test_outputs_are_written_in_a_folder_of_each_attempts_own(settings, data):
    found = outputs(settings, data, working_directory=str(data.parent / "more"))
    assert (found.workspace, found.outputs, found.output_base) == (Workspace.SCRATCH, ["{{ a }}.md"], str(data))
    assert found.overwrite_outputs is False


def test_the_working_directory_takes_the_outputs_if_no_other_folder_is_named(settings, data):
    found = outputs(settings, data, working_directory=str(data), output_directory=None)
    assert found.output_base == str(data) and found.output_directory is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"profile": "read-only"}, "options.profile"),
        ({"profile": "full"}, "options.profile"),
        ({"workspace": "shared", "working_directory": "."}, "options.workspace"),
        ({"output_directory": None}, "options.output_directory"),
        ({"output_directory": "relative"}, "options.output_directory"),
        ({"output_directory": "/nowhere/at/all"}, "options.output_directory"),
        ({"outputs": []}, "options.output_directory"),
        ({"outputs": ["{{ a"]}, "options.outputs"),
        ({"outputs": ["same.md"]}, "options.outputs"),
        ({"disallowed_tools": ["Write"]}, "options.disallowed_tools"),
    ],
)
def test_outputs_that_cannot_work_are_refused_with_the_option_that_is_wrong(settings, data, given, field):
    if given.get("working_directory"):
        given = given | {"working_directory": str(data)}
    with pytest.raises(InvalidJob) as refused:
        outputs(settings, data, **given)
    assert refused.value.field == field


def test_outputs_may_not_go_into_the_store(settings, data):
    with pytest.raises(InvalidJob, match="batchproc's own store"):
        outputs(settings, data, output_directory=str(settings.home))


def test_a_folder_that_is_a_link_is_followed_once_when_the_job_is_made(settings, data):
    (data.parent / "link").symlink_to(data)
    assert outputs(settings, data, output_directory=str(data.parent / "link")).output_base == str(data)


def test_a_job_that_is_given_outputs_later_leaves_the_shared_workspace(settings, data):
    known = resolve(settings, profile="edit", working_directory=str(data))
    assert known.workspace is Workspace.SHARED
    new = options.revise(known, JobOptions(outputs=["{{ a }}.md"]), settings)
    assert (new.workspace, new.output_base) == (Workspace.SCRATCH, str(data))
    moved = options.revise(new, JobOptions(working_directory=str(data.parent / "more")), settings)
    assert moved.output_base == str(data.parent / "more")
