"""The shell's own words and colours. What agents and data say is text: no control sequence of theirs gets through."""

import re
import sys
import unicodedata
from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape

from batchproc import present_words
from batchproc.ledger import ORDER, words

COLOURS = {
    "succeeded": "green",
    "completed": "green",
    "running": "cyan",
    "flagged": "yellow",
    "paused": "yellow",
    "review": "yellow",
    "pilot": "cyan",
    "failed": "red",
    "cancelled": "dim",
    "skipped": "dim",
}


def safe(text: str) -> str:
    """The text without control characters (but for newline and tab), bidirectional overrides and lone surrogates."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs", "Cf", "Co"})


def plain(text: object) -> str:
    """Safe, and not read as markup."""
    return escape(safe(str(text)))


SHELL = (
    (r"control_job\(action=resume\)|control_job\(resume\)", "`batchproc resume JOB`"),
    (r"control_job\(action=pause\)", "`batchproc pause JOB`"),
    (r"control_job\(action=pause, drain=false\)", "`batchproc pause JOB --now`"),
    (r"control_job\(action=set, budget_usd=…\)", "`batchproc set JOB --budget-usd …` (or the cap that it names)"),
    (r"control_job\(action=set, priority=…\)", "`batchproc set JOB --priority …`"),
    (r"control_job\((action=)?set\)|control_job", "`batchproc set JOB`"),
    (r"get_status\(wait_s=45\)( for news)?", "`batchproc status JOB --wait 45`"),
    (r"get_status", "`batchproc status JOB`"),
    (r"retry_units\(status=cancelled\)", "`batchproc retry JOB --status cancelled`"),
    (r"retry_units\(instructions=…\)", "`batchproc retry JOB --instructions …`"),
    (r"get_unit", "`batchproc unit JOB KEY`"),
    (r"start_job\(job_id, variant=…\)", "`batchproc start JOB --variant …`"),
    (r"start_job\(job_id, variant=\"([^\"]*)\", confirmed=true\)", r"`batchproc start JOB --variant \1 --yes`"),
    (r"retry_units\(keys=\[…\]\)", "`batchproc retry JOB --keys KEY`"),
    (r"retry_units", "`batchproc retry JOB`"),
    (r"get_results", "`batchproc results JOB`"),
    (r"query_results", "`batchproc query JOB`"),
    (r"export_results", "`batchproc export JOB PATH`"),
    (r"overwrite=true", "`--overwrite`"),
    (r"start_job\((job_id, )?confirmed=true\)", "`batchproc start JOB --yes`"),
    (r"start_job\((job_id, )?skip_pilot=true, confirmed=true\)", "`batchproc start JOB --skip-pilot --yes`"),
    (r"start_job(\(job_id\))?", "`batchproc start JOB`"),
    (r"update_job\(job_id, instructions or options\)", "`batchproc update JOB --instructions … --option …`"),
    (r"update_job\(options\.check\)", "`batchproc update JOB --option check=…`"),
    (r"update_job", "`batchproc update JOB`"),
    (r"update_source\(confirmed=true\)", "`batchproc refresh JOB --yes`"),
    (r"update_source", "`batchproc refresh JOB`"),
    (r"create_job without preview_only", "`batchproc create`"),
    (r"create_job", "`batchproc create`"),
    (r"cancel_job", "`batchproc cancel JOB`"),
    (r"list_enumerators", '"Where units come from" in the README'),
    (r"list_jobs", "`batchproc status`"),
    (r"review_units", "`batchproc review JOB`"),
    (r"record_verdict", "`batchproc judge JOB KEY accept|reject|correct`"),
    (r"open_dashboard", "`batchproc dashboard`"),
    (r"or in remove, what to take away", "or `none` in the place of a limit, to take it away"),
    (r"when this chat closes", "when this shell closes"),
)
"""What the tools of the MCP face are called here."""


def in_shell_words(text: str, job_id: str = "JOB") -> str:
    """An advice that names tools, in commands that can be typed."""
    for tool, command in SHELL:
        text = re.sub(rf"(?<!`)\b(?:call )?(?:{tool})(?!\w)", command.replace("JOB", job_id), text)
    return text


def console() -> Console:
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def status_word(status: str) -> str:
    return f"[{COLOURS.get(status, 'default')}]{status}[/]"


def ledger(counts: Mapping[str, int]) -> str:
    """The ledger, coloured."""
    return coloured(words(counts))


def coloured(text: str) -> str:
    """A ledger in words, each status in its colour."""
    return re.sub(rf"\b({'|'.join(ORDER)})\b", lambda found: status_word(found[0]), plain(text))


def duration(seconds: float | None) -> str:
    return "unknown" if seconds is None else present_words.duration(seconds)
