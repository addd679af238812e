"""One HTML page that needs nothing else: the ledger, a table to search and sort, what failed and why.

What units and agents wrote is data in the page, put in as text by its one script. The policy in its head lets no other
script or style run, and nothing load: whatever is in that data, it can neither do nor send anything.
"""

import base64
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from html import escape
from importlib.resources import files
from typing import IO, Any, ClassVar

import orjson

from batchproc.columns import Kind
from batchproc.errors import InvalidJob
from batchproc.export.base import MARK, Export, json_texts, sha256_of

MOST_ROWS = 50_000
MOST_BYTES = 128 << 20
NO_DIGEST = "0" * 64
EXACT = 1 << 53
"""JavaScript has no larger integers."""
TOO_LARGE = "choose jsonl, parquet or sqlite, which have no bound, or only one status"


class Html:
    name: ClassVar[str] = "html"
    suffixes: ClassVar[tuple[str, ...]] = (".html", ".htm")
    most_rows: ClassVar[int | None] = MOST_ROWS
    beside: ClassVar[bool] = False
    logs: ClassVar[tuple[str, ...]] = ()

    def pages(self, export: Export) -> Iterator[bytes]:
        size, digest = 0, hashlib.sha256()
        for page in _pages(export):
            size += len(page)
            digest.update(page)
            if size > MOST_BYTES:
                said = f"the page would be larger than {MOST_BYTES >> 20} MiB, too large for a browser; {TOO_LARGE}"
                raise InvalidJob("format", self.name, said)
            yield page
        yield _seal(digest.hexdigest())

    def is_ours(self, file: IO[bytes]) -> bool:
        if GENERATOR.encode() not in file.read(4096):
            return False
        content = file.seek(0, os.SEEK_END) - len(_seal(NO_DIGEST))
        seal = _seal(sha256_of(file, content))
        return file.read() == seal


def _seal(sha256: str) -> bytes:
    """The last line: by the digest of all before it, a page shows whether it was edited."""
    return f"<!-- {MARK}, sha256 {sha256} -->\n".encode()


def _pages(export: Export) -> Iterator[bytes]:
    script, style = _asset("page.js"), _asset("page.css")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    )
    yield HEAD.format(
        policy=policy, generator=GENERATOR, style=style, title=escape(str(export.ledger["name"])), **_told(export)
    ).encode("utf-8", "replace")
    yield from _data(export)
    yield f"</script>\n<script>{script}</script>\n</body>\n</html>\n".encode()


def _told(export: Export) -> dict[str, str]:
    """What stands on top."""
    ledger = export.ledger
    about = [ledger["job_id"], f"{ledger['rows']:,} results{' ' + ledger['only'] if ledger['only'] else ''}"]
    about += [
        f"${ledger['cost_usd']:.4f} (estimated)",
        f"model: {ledger['model']}",
        f"exported {ledger['exported_at'][:10]} at {ledger['exported_at'][11:16]} UTC",
    ]
    return {"ledger": escape(str(ledger["ledger"])), "about": escape(" · ".join(map(str, about)))}


def _data(export: Export) -> Iterator[bytes]:
    """The JSON of all rows and transcripts, some at a time."""
    columns = [{"name": column.name, "kind": column.kind} for column in export.columns]
    yield b'{"columns":' + _inert(columns) + b',"counts":' + _inert(export.ledger["counts"]) + b',"rows":['
    between = b""
    for made in json_texts(export):
        exact = [_exact(values, column.kind) for values, column in zip(made, export.columns, strict=True)]
        rows = _inert(list(zip(*exact, strict=True)))[1:-1]
        yield between + rows
        between = b"," if rows or between else b""
    yield b'],"transcripts":['
    between = b""
    for transcript in export.transcripts():
        yield between + _inert(asdict(transcript))
        between = b","
    yield b"]}"


def _exact(values: Sequence[Any], kind: Kind) -> Sequence[Any]:
    """Integers that JavaScript would round as text."""
    if kind is not Kind.INTEGER:
        return values
    return [value if value is None or -EXACT <= value <= EXACT else str(value) for value in values]


def _inert(value: Any) -> bytes:
    """JSON that ends no script and begins no comment, wherever in a page it stands."""
    text = orjson.dumps(value)
    for risky, harmless in INERT:
        text = text.replace(risky, harmless)
    return text


INERT = (
    (b"<", rb"\u003c"),
    (b">", rb"\u003e"),
    (b"&", rb"\u0026"),
    ("\u2028".encode(), rb"\u2028"),
    ("\u2029".encode(), rb"\u2029"),
)
GENERATOR = f'<meta name="generator" content="{MARK}">'


def _asset(name: str) -> str:
    return files("batchproc.export").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
{generator}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="ledger">{ledger}</p>
<div class="bar" id="bar" aria-hidden="true"></div>
<p class="about">{about}</p>
<noscript><p class="note">The table needs JavaScript, which is off here.</p></noscript>
</header>
<main>
<div class="tools" role="search">
<input id="search" type="search" placeholder="Search all columns" aria-label="Search all columns">
<select id="only" aria-label="Only this status"><option value="">every status</option></select>
<span id="found" role="status"></span>
</div>
<div class="table" id="view" tabindex="0" role="grid" aria-label="Results; arrow keys move, Enter opens one">
<table role="presentation"><thead id="head"></thead><tbody id="rows"></tbody></table>
</div>
<p class="note" id="more"></p>
<section id="troubles" hidden>
<h2>What failed or was flagged</h2>
<p class="note">The end of each conversation, as far as it was kept.</p>
<div id="told"></div>
</section>
</main>
<dialog id="one" aria-labelledby="which">
<header><strong id="which"></strong><button id="close" type="button">Close</button></header>
<dl id="fields"></dl>
</dialog>
<script type="application/json" id="data">"""
