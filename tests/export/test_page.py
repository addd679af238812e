"""The HTML page: whatever is in it is text, to a parser and to the real browser."""

import base64
import hashlib
import re
import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from batchproc.columns import Kind
from batchproc.export import transcripts
from batchproc.export.base import Said, Transcript
from batchproc.models import Event
from tests.export.support import LEDGER, Page, made, write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = [
    "<script>document.title = 'owned'</script>",
    "</script><script>document.title = 'owned'</script>",
    "<!--<script>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    "\" onmouseover=\"document.title = 'owned'",
    "javascript:document.title='owned'",
    "a\u2028document.title = 'owned'\u2029b",
    "</style><script>document.title = 'owned'</script>",
    "&lt;b&gt;",
    "{policy} {title} %s",
    "__proto__",
]


TITLE = "</title><script>document.title = 'owned'</script>"


def hostile(tmp_path, n=1):
    """A page in which every text is hostile."""
    columns = {"key": Kind.TEXT, "status": Kind.TEXT, "out_</script><b>": Kind.TEXT, "any": Kind.JSON}
    rows = [[text, "failed", text, {text: text}] for text in HOSTILE] * n
    said = [Said(at="2026-01-01T00:00:00+00:00", attempt=1, kind=text, text=text) for text in HOSTILE]
    told = [Transcript(key=text, status="failed", error=text, said=said) for text in HOSTILE]
    ledger = LEDGER | dict.fromkeys(
        ("name", "ledger", "job_id", "model"), "</title><script>document.title = 'owned'</script>"
    )
    write("html", tmp_path / "x.html", made(tmp_path, columns, rows, transcripts=told, ledger=ledger))
    return tmp_path / "x.html"


def test_nothing_that_was_put_in_is_markup(tmp_path):
    page = Page(hostile(tmp_path).read_text("utf-8"))
    scripts = [attrs for tag, attrs in page.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}]
    assert not {"img", "b", "a", "iframe", "object", "link"} & {tag for tag, _ in page.elements}
    assert not [
        name for _, attrs in page.elements for name in attrs if name.startswith("on") or name in {"style", "src"}
    ]
    assert [row[0] for row in page.data["rows"]] == HOSTILE
    assert [one["said"][0]["text"] for one in page.data["transcripts"]] == [HOSTILE[0]] * len(HOSTILE)
    assert page.texts["title"] == page.texts["h1"] == [TITLE]


def test_the_policy_lets_the_pages_own_script_and_style_run_and_nothing_else(tmp_path):
    page = Page(hostile(tmp_path).read_text("utf-8"))
    [policy] = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert set(rules) == {"default-src", "script-src", "style-src", "base-uri", "form-action"}
    for rule, [text] in (("script-src", page.texts["script"][1:]), ("style-src", page.texts["style"])):
        assert rules[rule] == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(", page.texts["script"][1])


@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser (Debian: chromium)")
@pytest.mark.long
def test_the_browser_shows_it_all_as_text_and_runs_none_of_it(tmp_path):
    path = hostile(tmp_path, 20)
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    start = [CHROMIUM, *quiet, "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}"]
    ended = subprocess.run([*start, "--dump-dom", f"file://{path}"], capture_output=True, timeout=120, check=True)
    shown = ended.stdout.decode()
    page = Page(shown)
    assert page.texts["title"] == [TITLE]
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert not {"img", "b", "a"} & {tag for tag, _ in page.elements}
    cells = "".join(page.texts["td"])
    assert all(text in cells for text in HOSTILE)
    assert 0 < [tag for tag, _ in page.elements].count("tr") < 80, "only what is seen is drawn"
    assert f"{20 * len(HOSTILE)} of {20 * len(HOSTILE)} results" in "".join(page.texts["span"])


def event(kind, **data):
    return Event(seq=1, at=datetime(2026, 1, 1, tzinfo=UTC), kind=kind, attempt=2, data=data)


SAID = [
    (event("agent.text", text="hello"), "text", "hello"),
    (event("agent.tool_use", id="x", name="Bash", input={"command": "ls"}), "tool_use", 'Bash {"command":"ls"}'),
    (event("agent.tool_result", id="x", content="done"), "tool_result", "done"),
    (
        event("agent.tool_result", id="x", content=[{"type": "text", "text": "a"}, {"n": 1}]),
        "tool_result",
        'a\n{"n":1}',
    ),
    (event("agent.stderr", line="oops"), "stderr", "oops"),
    (event("attempt.failed", error="no"), "attempt.failed", '{"error":"no"}'),
    (event("unit.claimed"), "unit.claimed", ""),
    (event("agent.text", text="x" * 2_500), "text", "x" * 2_000 + "… [500 more characters]"),
]


@pytest.mark.parametrize(("given", "kind", "text"), SAID)
def test_what_an_agent_did_is_told_in_words_of_a_length(given, kind, text):
    said = transcripts.said(given)
    assert (said.kind, said.text, said.attempt, said.at) == (kind, text, 2, "2026-01-01T00:00:00+00:00")
