"""What the house advises names tools of the MCP face; in a shell there are commands, and nothing else is said."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import batchproc
from batchproc.interfaces.cli_words import in_shell_words

TOOLS = (
    "create_job|start_job|update_job|get_status|get_results|export_results|query_results|review_units|record_verdict|"
    "update_source|get_unit|control_job|cancel_job|cancel_units|retry_units|delete_job|open_dashboard|list_jobs|"
    "list_enumerators"
)
PACKAGE = Path(batchproc.__file__).parent
SPEAKS_TO_OTHERS = ("interfaces", "agents", "demo.py")  # other faces, agents, and a client of the MCP server


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module that is no documentation; what is filled in stands as X."""
    apart = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            apart.add(node.value)
        if isinstance(node, ast.JoinedStr):
            apart.update(node.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in apart:
            yield node.value


def advice() -> set[str]:
    """Sentences of the house that name a tool."""
    files = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in SPEAKS_TO_OTHERS]
    found = {text for path in files for text in texts(ast.parse(path.read_text("utf-8")))}
    return {text for text in found if " " in text.strip() and re.search(rf"\b(?:{TOOLS})\b", text)}


def test_no_advice_of_the_house_names_a_tool_in_a_shell():
    said = {text: in_shell_words(text, "job-1") for text in advice()}

    assert len(said) > 50
    assert {text: shell for text, shell in said.items() if re.search(rf"\b(?:{TOOLS})\b|`\(", shell)} == {}


@pytest.mark.parametrize(
    ("tools", "commands"),
    [
        ("control_job(action=set) changes its budget", "`batchproc set job-1` changes its budget"),
        ("control_job(action=pause, drain=false) stops it", "`batchproc pause job-1 --now` stops it"),
        ("get_status has them", "`batchproc status job-1` has them"),
        ("wait with get_status(wait_s=45)", "wait with `batchproc status job-1 --wait 45`"),
    ],
)
def test_a_tool_with_its_arguments_is_a_command_with_its_flags(tools, commands):
    assert in_shell_words(tools, "job-1") == commands
