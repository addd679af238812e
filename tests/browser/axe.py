"""What axe finds on a page: what would stand in the way of somebody who uses a screen reader or a keyboard."""

import json
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from hatch_build import DASHBOARD

SCRIPT = Path(__file__).parents[2] / DASHBOARD / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = {"serious", "critical"}
RUN = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"


async def findings(page: Page) -> list[str]:
    """Each grave one with the rule, and the elements that it is about. Our policy lets no script in: this one comes
    through the debugger."""
    await page.evaluate(SCRIPT.read_text("utf-8"))
    found: list[dict[str, Any]] = await page.evaluate(RUN)
    return [
        f"{one['impact']}: {one['id']}: {one['help']}: {json.dumps([node['html'][:160] for node in one['nodes'][:3]])}"
        for one in found
        if one["impact"] in GRAVE
    ]
