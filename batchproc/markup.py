"""What an agent wrote, as HTML that is safe to show. Pure, and the only place that knows markdown and the sanitizer.

Two steps, each of which would do alone: markdown that knows no HTML, no images and no links but absolute ones, then an
allow-list of elements and attributes. Whatever takes too long to understand is shown as it was written.
"""

import html
import re
import time
from typing import Any

import nh3
import orjson
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline

LONGEST = 100_000  # characters that are read as markdown
PARSE_S = 0.4  # of this thread's processor time: 100 kB of usual text take 0.13, 50 kB of nothing but markup 0.26
DEEPEST = 40  # quotes and lists in each other, as levels of blocks
MOST_TOKENS = 40_000  # blocks: a few bytes of a table may stand for thousands of cells
LONGEST_JSON, DEEPEST_JSON = 50_000, 12  # beyond it JSON is shown in the lines that it has

LINK_SCHEMES = frozenset({"http", "https", "mailto"})
REL = "noopener noreferrer nofollow"
_TAGS = "p br hr h1 h2 h3 h4 h5 h6 strong em s blockquote ul ol li pre code a table thead tbody tr th td"
TAGS = frozenset(_TAGS.split())
ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # else the sanitizer adds title and lang
    "a": {"href"},
    "code": {"class"},
    "ol": {"start"},
    "th": {"align"},
    "td": {"align"},
}

_LINK = re.compile(r"(?:https?://|mailto:)[^\s\\/]", re.IGNORECASE)
_VALUES = {
    "class": re.compile(r"language-[A-Za-z0-9][A-Za-z0-9+#._-]{0,30}"),
    "start": re.compile(r"[0-9]{1,9}"),
    "align": re.compile(r"left|center|right"),
}
_ALIGNED = re.compile(r"text-align:(left|center|right)")
_JSON = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def render(text: str) -> str:
    """Markdown, or JSON, or plain text, as HTML of `TAGS` and `ATTRIBUTES` only. Takes under a second, whatever it is
    given: what is too long, too deep or too tangled comes as it was written, in a `<pre>`."""
    return sanitise(to_html(text.encode("utf-8", "replace").decode()))


def sanitise(markup: str) -> str:
    """Any HTML without what is not on the list. Text in it stays, but for that of scripts and styles."""
    return _CLEANER.clean(markup)


def to_html(text: str) -> str:
    if (indented := _json(text)) is not None:
        return f'<pre><code class="language-json">{html.escape(indented)}</code></pre>'
    if len(text) > LONGEST:
        return _as_written(text)
    try:
        return str(_MARKDOWN.render(text, {"until": time.thread_time() + PARSE_S}))
    except (_GivenUp, RecursionError):
        return _as_written(text)


def _as_written(text: str) -> str:
    return f"<pre>{html.escape(text)}</pre>"


def _json(text: str) -> str | None:
    """An object or a list in JSON, laid out in lines; None if it is none. What stands in it is not changed."""
    bare = text.strip()
    if len(bare) > LONGEST or bare[:1] + bare[-1:] not in ("{}", "[]"):
        return None
    try:
        orjson.loads(bare)
    except orjson.JSONDecodeError:
        return None
    return bare if "\n" in bare or len(bare) > LONGEST_JSON else _laid_out(bare)


def _laid_out(flat: str) -> str:
    depth, said, tokens = 0, [""], _JSON.findall(flat)
    for here, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if here in "]}" and said[-1] not in ("[", "{"):
            said.append("\n" + "  " * (depth - 1))
        depth += (here in "[{") - (here in "]}")
        if depth > DEEPEST_JSON:
            return flat
        said.append(": " if here == ":" else here)
        if here == "," or (here in "[{" and following not in "]}"):
            said.append("\n" + "  " * depth)
    return "".join(said)


class _GivenUp(Exception):
    """The text is too deep, stands for too much, or takes too long."""


def _guard_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A rule that matches nothing: asked before all others, and of each line that might end a block."""
    if state.level > DEEPEST or len(state.tokens) > MOST_TOKENS:
        raise _GivenUp
    return _guard_time(state.env)


def _guard_inline(state: StateInline, silent: bool) -> bool:
    return _guard_time(state.env)


def _guard_time(env: Any) -> bool:
    if time.thread_time() > env["until"]:
        raise _GivenUp
    return False


def _align(state: StateCore) -> None:
    """Columns are aligned by an attribute: the page takes no style that stands in it."""
    for token in state.tokens:
        if token.type in ("th_open", "td_open") and (aligned := _ALIGNED.fullmatch(str(token.attrs.get("style")))):
            token.attrs = {"align": aligned[1]}


def _kept(tag: str, name: str, value: str) -> str | None:
    pattern = _VALUES.get(name)
    return value if pattern is None or pattern.fullmatch(value) else None


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        """What is no link stays as it was written."""
        return _LINK.match(url) is not None


def _markdown() -> MarkdownIt:
    options = {"html": False, "linkify": False, "typographer": False, "breaks": True, "maxNesting": 2 * DEEPEST}
    made = _Markdown("js-default", options).disable("image")
    ends = ["paragraph", "reference", "blockquote", "list"]
    made.block.ruler.before("table", "guard", _guard_block, {"alt": ends})
    made.inline.ruler.before("text", "guard", _guard_inline)
    made.core.ruler.push("align", _align)
    return made


_MARKDOWN = _markdown()
_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags={"script", "style"},
    attributes=ATTRIBUTES,
    attribute_filter=_kept,
    link_rel=REL,
    set_tag_attribute_values={"a": {"target": "_blank"}},
    url_schemes=set(LINK_SCHEMES),
    url_relative="deny",
)
