"""Pure: answers that are only a placeholder, which nobody filled in."""

import re
from collections.abc import Iterator

from batchproc.notices import is_short

_NOTHING = frozenset(
    {"n/a", "n.a", "todo", "tbd", "tba", "tbc", "fixme", "null", "undefined", "placeholder"}
    | {"no response requested", "to be determined", "to be done", "to be added", "placeholder text"}
)
VAGUE = frozenset({"unknown", "not specified", "none"})
"""Honest as the answer to a question of one's own; in every text of a structured answer they are placeholders."""
_BLANK = r"(?:(?:the\ |final\ )?(?:answer|result|response|output|summary|text|content|value|name|description))"
_TO_DO = (
    r"(?:(?:insert|enter|add|put|write|type|fill\ in|your|placeholder)\ [^\[\]<>{}()=\"\n]{1,80}|placeholder|todo|tbd)"
)
_NONE = r"(?:n/?a|none|empty|blank|no\ (?:content|output|response|answer|text))"
_PLACEHOLDER = re.compile(
    rf"""\[\s*(?:{_TO_DO}|{_BLANK}|{_BLANK}\ (?:goes\ )?here|{_NONE}|\.\.\.|…)\s*\]
    |<\s*(?:{_TO_DO}|{_BLANK}|{_BLANK}\ (?:goes\ )?here|{_NONE})\s*/?>
    |\$?\{{\s*(?:{_BLANK}|{_BLANK}\ (?:goes\ )?here|your\ [\w\ ]{{1,40}})\s*\}}
    |\{{\{{[\w\s.|-]*\}}\}}
    |\((?:{_NONE}|todo|tbd)\)
    |\[request\ interrupted\ by\ user[\w\s]*\]
    |(?:your|the|my|final)\ (?:\w+\ )?{_BLANK}\ (?:goes\ )?here|{_BLANK}\ goes\ here
    |[-\u2013\u2014.…_*\s]+""",
    re.X | re.I,
)
_LOREM = """
    lorem ipsum dolor sit amet consectetur adipiscing adipisicing elit sed do eiusmod tempor incididunt ut labore et
    dolore magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo
    consequat duis aute irure in reprehenderit voluptate velit esse cillum eu fugiat nulla pariatur excepteur sint
    occaecat cupidatat non proident sunt culpa qui officia deserunt mollit anim id est laborum
"""
_WRAPPINGS = tuple(
    re.compile(pattern, re.S)
    for pattern in (
        r"```\w*\s(.*)```",
        r"(?:\#{1,6}|>|[-*+•]|\d{1,2}\.)\s+(.+)",
        r"\*\*(.+)\*\*|__(.+)__|\*(.+)\*|_(.+)_|`(.+)`|~~(.+)~~",
        r"\"(.+)\"|'(.+)'|“(.+)”|\u2018(.+)\u2019|«(.+)»",
        r"<(?P<tag>\w+)>(.+)</(?P=tag)>",
    )
)
_HEADED = re.compile(r"\#{1,6} [^\n]*\n(.+)", re.S)


def is_placeholder(text: str) -> bool:
    """Whether the whole answer is a placeholder, in whatever markdown or quotes, and says nothing else.

    False for "0", "No" and the like, for a placeholder with its reason ("N/A: it has no end"), and for labelled ones
    ("RESULT: n/a", or a heading with "None" below), which may be honest. True below a heading for what is a blank to
    fill in, as "[insert summary here]".
    """
    said = text.strip()
    if said[:11].lower() == "lorem ipsum":
        return set(re.findall(r"\w+", said.lower())) <= set(_LOREM.split())
    if not said or not is_short(said):
        return False
    headed = _HEADED.fullmatch(said)
    return any(map(_says_nothing, _layers(said))) or (
        headed is not None and any(map(_is_blank, _layers(headed[1].strip())))
    )


def _layers(said: str) -> Iterator[str]:
    """The text, and what is left as its wrappings are taken off, from the outside in."""
    while said:
        yield said
        inner = (match for wrapping in _WRAPPINGS if (match := wrapping.fullmatch(said)))
        match = next(inner, None)
        said = match[match.lastindex or 0].strip() if match else ""


def _says_nothing(said: str) -> bool:
    return said.rstrip(".!:; ").lower() in _NOTHING or _is_blank(said)


def _is_blank(said: str) -> bool:
    return _PLACEHOLDER.fullmatch(said) is not None or _PLACEHOLDER.fullmatch(said.rstrip(".!:; ")) is not None
