"""What the docs list is what there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from batchproc.interfaces import mcp_control, mcp_house, mcp_results, mcp_tools
from batchproc.models import Cause, JobOptions, JobStatus, Pause, UnitStatus
from batchproc.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FACES = (mcp_tools.Tools, mcp_control.ControlTools, mcp_results.ResultTools, mcp_house.HouseTools)


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda field: field.name)
def test_each_setting_is_told_with_its_default_and_with_who_reads_it(setting):
    table, who = text("docs/settings.md").split("## Who reads them, and when")
    [told] = re.findall(rf"^\| `BATCHPROC_{setting.name.upper()}` \| `?([^`|]+)`? \|", table, re.M)
    default = setting.default
    assert float(told) == default if isinstance(default, int | float) else told.strip() == (str(default or "none"))
    assert f"`{setting.name.upper()}`" in who


def test_each_option_of_a_job_is_told():
    options = text("docs/settings.md").split("## Options of a job")[1].split("## The store and its files")[0]
    told = {*re.findall(r"`(\w+)`", options), "profile"}  # a table of its own
    assert set(JobOptions.model_fields) <= told


@pytest.mark.parametrize("words", [UnitStatus, JobStatus, Pause, Cause])
def test_each_status_reason_and_cause_is_told(words):
    assert {word.value for word in words} <= set(re.findall(r"`(\w+)`", text("docs/statuses.md")))


def test_each_tool_is_told():
    tools = {tool.name for face in FACES for tool in face(None).table()}
    assert tools <= set(re.findall(r"`(\w+)`", text("README.md")))
