"""Nothing that an agent writes runs in the page, calls home, or takes the server's time."""

import json
import time
from collections import Counter
from collections.abc import Iterator

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from batchproc import markup
from tests import xss

TRIES = [*xss.payloads(), *xss.naughty()]
XHTML = "{http://www.w3.org/1999/xhtml}"


def elements(rendered: str) -> Iterator[tuple[str, dict[str, str]]]:
    """What a browser makes of it, by another parser than the sanitizer's."""
    for element in html5lib.parseFragment(rendered, treebuilder="etree").iter():
        if isinstance(element.tag, str) and element.tag != "DOCUMENT_FRAGMENT":
            yield element.tag.removeprefix(XHTML), dict(element.attrib)
        elif not isinstance(element.tag, str):
            yield "a comment", {}


def faults(rendered: str) -> list[str]:
    """What should not be in it."""
    return [f"{tag} {attributes}" for tag, attributes in elements(rendered) if not _is_allowed(tag, attributes)]


def _is_allowed(tag: str, attributes: dict[str, str]) -> bool:
    if tag not in markup.TAGS:
        return False
    if tag == "a":
        safe = attributes.get("href", "https://").partition(":")[0].lower() in ("http", "https", "mailto")
        named = attributes.pop("rel"), attributes.pop("target")
        return safe and named == (markup.REL, "_blank") and attributes.keys() <= {"href"}
    return attributes.keys() <= markup.ATTRIBUTES.get(tag, set())


def test_there_are_enough_payloads_and_always_the_same() -> None:
    assert len(xss.payloads()) >= 500
    assert xss.payloads() == xss.payloads()
    assert max(Counter(xss.payloads()).values()) == 1
    assert len(xss.naughty()) > 450


def test_only_listed_elements_attributes_and_links_come_out() -> None:
    assert {text: found for text in TRIES if (found := faults(markup.render(text)))} == {}


def test_what_the_sanitizer_would_allow_of_itself_is_not_allowed() -> None:
    assert "title" not in markup.render('[a](https://a.example "Signed by your bank")')
    assert markup.sanitise('<p title="t" lang="l" dir="rtl" id="i">a</p>') == "<p>a</p>"


def test_each_of_the_two_steps_would_do_alone() -> None:
    assert [text for text in TRIES if faults(markup.sanitise(text))] == []
    assert [text for text in TRIES if _is_dangerous(markup.to_html(text))] == []


def test_without_the_two_steps_most_payloads_get_through() -> None:
    """The negative control: what the tests above look for is there to be found."""
    careless = MarkdownIt("js-default", {"html": True})
    careless.validateLink = lambda url: True  # type: ignore[method-assign]
    through = [text for text in xss.payloads() if _is_dangerous(careless.render(text))]
    assert len(through) > len(xss.payloads()) / 2


def _is_dangerous(rendered: str) -> bool:
    for tag, attributes in elements(rendered):
        if tag not in markup.TAGS or any(name.lower().startswith("on") for name in attributes):
            return True
        if attributes.get("href", "").strip().lower().startswith(("javascript:", "data:", "vbscript:")):
            return True
    return False


@given(st.text(alphabet=st.sampled_from("<>\"'&;:/=!-[]()`*_~|#\\ \n\t\0axjsonimgvript{}1.😀\u2028")))
def test_no_mixture_of_signs_gets_through(text: str) -> None:
    assert faults(markup.render(text)) == []


@given(st.text())
def test_any_text_at_all_can_be_shown(text: str) -> None:
    assert faults(markup.render(text)) == []


def test_what_is_rendered_is_the_same_when_it_is_sanitised_again() -> None:
    for text in xss.payloads():
        once = markup.render(text)
        assert markup.sanitise(once) == once


def test_markdown_is_shown_as_its_writer_meant_it() -> None:
    text = (
        "# Title\n\nSome **bold**, *slanted* and ~~gone~~ text with `code`.\nNext line\n\n3. three\n4. four\n\n> said\n"
    )
    assert markup.render(text) == (
        "<h1>Title</h1>\n<p>Some <strong>bold</strong>, <em>slanted</em> and <s>gone</s> text with <code>code</code>."
        '<br>\nNext line</p>\n<ol start="3">\n<li>three</li>\n<li>four</li>\n</ol>\n'
        "<blockquote>\n<p>said</p>\n</blockquote>\n"
    )


def test_tables_are_aligned_without_style() -> None:
    rendered = markup.render("|a|b|c|\n|:-|:-:|-:|\n|1|2|3|\n")
    assert '<td align="left">1</td>\n<td align="center">2</td>\n<td align="right">3</td>' in rendered


def test_links_leave_nothing_behind_and_pictures_are_links() -> None:
    link = f'target="_blank" rel="{markup.REL}"'
    assert markup.render("[x](https://a.b/?c=1&d=2)") == f'<p><a href="https://a.b/?c=1&amp;d=2" {link}>x</a></p>\n'
    assert markup.render("![x](https://a.b/c.png)") == f'<p>!<a href="https://a.b/c.png" {link}>x</a></p>\n'
    assert markup.render("[x](out/report.md)") == "<p>[x](out/report.md)</p>\n"


def test_a_code_block_says_its_language_if_it_is_a_word() -> None:
    assert markup.render("```c++ x\n<b>\n```") == '<pre><code class="language-c++">&lt;b&gt;\n</code></pre>\n'
    assert markup.render('```x\u00e9"y\n1\n```') == "<pre><code>1\n</code></pre>\n"


def test_plain_text_stays_readable() -> None:
    assert markup.render("first line\nsecond line") == "<p>first line<br>\nsecond line</p>\n"
    assert markup.render("a < b && c > d; snake_case_name; 2 * 3 * 4") == (
        "<p>a &lt; b &amp;&amp; c &gt; d; snake_case_name; 2 * 3 * 4</p>\n"
    )


def test_json_is_laid_out_and_not_changed() -> None:
    text = '{"a": [1, 2.50, {"b": "x,{y\\" \\u00e9"}], "big": 123456789012345678901234567890, "c": {}, "d": []}'
    rendered = markup.render(text)
    assert rendered.startswith('<pre><code class="language-json">{\n  "a": [\n    1,\n    2.50,')
    shown = "".join(html5lib.parseFragment(rendered, treebuilder="etree").itertext())
    assert json.loads(shown) == json.loads(text)
    assert "123456789012345678901234567890" in shown and "2.50" in shown and "\\u00e9" in shown


@given(st.recursive(st.none() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)))
def test_any_json_says_the_same_when_it_is_laid_out(value: object) -> None:
    shown = "".join(html5lib.parseFragment(markup.render(json.dumps([value])), treebuilder="etree").itertext())
    assert json.loads(shown) == [value]


def _tangles(n: int) -> dict[str, str]:
    return {
        "brackets": "[" * n,
        "pictures": "![" * (n // 2),
        "half links": "[a](" * (n // 4),
        "quotes": "> " * (n // 2),
        "lazy quotes": "> " * 60 + "a\n" + "b\n" * (n // 2),
        "stars": "*" * n,
        "loose stars": "**a " * (n // 4),
        "stars in words": "a**b" * (n // 4),
        "mixed stars": "*a_b" * (n // 4),
        "backticks": "`" * n,
        "growing backticks": "".join("`" * i + "a" for i in range(1, int((2 * n) ** 0.5))),
        "lists in lists": "".join("  " * i + "- a\n" for i in range(int(n**0.5))),
        "lists and quotes": "> - " * (n // 4),
        "a wide table": "|" + "a|" * (n // 4) + "\n|" + "-|" * (n // 4) + "\n",
        "a table to fill": "|" + "a|" * 1000 + "\n|" + "-|" * 1000 + "\n" + "|\n" * (n // 2 - 2000),
        "a long table": "|a|b|\n|-|-|\n" + "|x|y|\n" * (n // 6),
        "references": "[a]: x\n" * (n // 7),
        "entities": "&" * n,
        "tags": "<a b='" * (n // 6),
        "waves": "~~a " * (n // 4),
        "lines": "a\n" * (n // 2),
        "nothing": "\0" * n,
        "deep json": "[" * (n // 2) + "]" * (n // 2),
        "flat json": "[" + "1," * (n // 2 - 1) + "1]",
    }


@pytest.mark.parametrize("size", [pytest.param(20_000, marks=pytest.mark.long), markup.LONGEST, 250_000])
@pytest.mark.parametrize("name", list(_tangles(1000)))
def test_tangled_text_takes_no_seconds_and_is_shown_all_the_same(name: str, size: int) -> None:
    text = _tangles(size)[name]
    begun = time.thread_time()
    rendered = markup.render(text)
    assert (
        time.thread_time() - begun < 2.5
    )  # twice what the slowest takes on a busy machine; unbounded, some take hours
    assert len(rendered) < 40 * size
    assert faults(rendered[:20_000]) == []


def test_text_too_long_or_too_deep_comes_as_it_was_written() -> None:
    long = "**a** <b>\n" * 10_001
    assert markup.render(long) == "<pre>" + long.replace("<", "&lt;").replace(">", "&gt;") + "</pre>"
    deep = "> " * 60 + "a"
    assert markup.render(deep) == "<pre>" + deep.replace(">", "&gt;") + "</pre>"


def test_markdown_alone_is_bounded_by_its_guard_only() -> None:
    """The negative control: without it, the same text takes many times as long."""
    text = _tangles(20_000)["lazy quotes"]
    begun = time.thread_time()
    MarkdownIt("js-default", {"html": False}).render(text)
    unbounded = time.thread_time() - begun
    begun = time.thread_time()
    markup.render(text)
    assert unbounded > 3 * (time.thread_time() - begun)
