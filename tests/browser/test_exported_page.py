"""The page that an export makes is as safe as the dashboard: nothing that a stranger wrote runs in it or calls home."""

from pathlib import Path

import pytest

from batchproc.columns import Kind
from batchproc.export import html
from batchproc.export.base import Said, Transcript
from tests import xss
from tests.browser import watching
from tests.export.support import LEDGER, made, write

COLUMNS = {"key": Kind.TEXT, "status": Kind.TEXT, "error": Kind.TEXT, "in_name": Kind.TEXT, "out_said": Kind.JSON}
LOOK = """
async () => {
  const touch = () => {
    for (const one of document.querySelectorAll("body *")) {
      for (const kind of ["mouseover", "pointerenter"]) one.dispatchEvent(new MouseEvent(kind, {bubbles: true}));
    }
  };
  const frame = () => new Promise(requestAnimationFrame);
  for (const one of document.querySelectorAll("details")) one.open = true;
  await frame();
  touch();
  let shown = 0;
  for (let place = 0; place < order.length; place++) {
    if (place % 10 === 0) go(place);
    else here = place;
    show();
    if (place % 10 === 0) { touch(); await frame(); }
    shown += 1;
    document.getElementById("one").close();
  }
  await new Promise((done) => setTimeout(done, 300));
  return {shown, told: document.querySelectorAll("#told li").length};
}
"""


def page_of(place: Path, tries: list[str]) -> Path:
    rows = [[f"{n} {text}", "failed", text, text, {text: [text]}] for n, text in enumerate(tries)]
    said = [[Said(at=text, attempt=1, kind=text, text=text)] for text in tries]
    told = [Transcript(key=text, status="failed", error=text, said=one) for text, one in zip(tries, said, strict=True)]
    ledger = LEDGER | dict.fromkeys(("name", "ledger", "job_id", "model"), tries[0])
    write("html", place / "x.html", made(place, COLUMNS, rows, transcripts=told, ledger=ledger))
    return place / "x.html"


async def looked_at(browser, page_file: Path, **how) -> tuple[dict[str, int], list[str], list[str]]:
    """How much was shown; what ran, or was refused; what was asked for elsewhere."""
    context = await browser.new_context(**how)
    try:
        await context.add_init_script(watching.CANARY)
        page = await context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        context.on("request", lambda request: asked.append(request.url))
        await page.goto(page_file.as_uri())
        shown = await page.evaluate(LOOK)
        return shown, said, [url for url in asked if url != page_file.as_uri()]
    finally:
        await context.close()


def tries() -> list[str]:
    return [one.replace("\0", "") for one in (*xss.payloads(), *xss.naughty())]


@pytest.mark.long
async def test_nothing_runs_in_an_exported_page_and_nothing_is_asked_for(browser, tmp_path):
    some = tries()[::2]
    assert len(some) > 500
    shown, said, asked = await looked_at(browser, page_of(tmp_path, some))
    assert shown == {"shown": len(some), "told": len(some)}
    assert (said, asked) == ([], [])


@pytest.mark.long
async def test_where_the_page_put_in_markup_and_had_no_policy_some_of_it_would_run(browser, tmp_path, monkeypatch):
    real = html._asset
    monkeypatch.setattr(
        html, "_asset", lambda name: real(name).replace("element.textContent = text", "element.innerHTML = text")
    )
    calls = [one for one in tries() if "location" not in one]  # whoever goes away shows no more
    _, said, asked = await looked_at(browser, page_of(tmp_path, calls[:40]), bypass_csp=True)
    assert any("script ran" in one for one in said), "the canary is blind"
    assert asked, "nobody would notice a call home"
