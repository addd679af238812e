"""Unknown values: what has the shape of a secret, and of nothing else."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from batchproc.redaction.spans import Span


class _Shape(NamedTuple):
    kind: str
    needles: tuple[str, ...]  # in lower case; without any of them in the text the pattern is not tried
    pattern: re.Pattern[str]  # its group, if it has one, is the secret


_PEM = r"""
    -----BEGIN\ (?:[A-Z0-9]{1,12}\ ){0,3}PRIVATE\ KEY(?:\ BLOCK)?-----
    (?:
        (?=(?:(?!-----)[\s\S]){0,400}?[A-Za-z0-9+/=]{16})  # prose about the two markers has no key between them
        [^-]*+(?:-(?!----)[^-]*+)*+-----END\ [A-Z0-9 ]{0,40}PRIVATE\ KEY(?:\ BLOCK)?-----
      |
        (?:(?:\s|\\[nr])*+[A-Za-z0-9+/=]{24,}+)++          # cut off before its end, maybe within a line
        (?:(?:\s|\\[nr])++[A-Za-z0-9+/=]++(?=\Z|[^\s\w]))?
    )"""
_HEADER = r"""
    (?:authorization\\?["']?\s{0,8}[:=]\s{0,8}\\?["']?(?:bearer|basic|token)\s{1,8}
      |x-api-key\\?["']?\s{0,8}[:=]\s{0,8}\\?["']?)
    ((?=[a-z._~+/=-]{0,200}\d)[a-z0-9._~+/=-]{8,}+|[a-z]{24,}+(?![\w-]))"""

_SHAPES = (
    _Shape(
        "anthropic key",
        ("sk-ant-",),
        re.compile(r"(?<![A-Za-z0-9])sk-ant-(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{20,}+"),
    ),
    _Shape("aws key", ("akia", "asia"), re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])")),
    _Shape(
        "github token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        re.compile(r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{30,}+|github_pat_[A-Za-z0-9_]{22,}+)"),
    ),
    _Shape(
        "slack token",
        ("xox",),
        re.compile(r"(?<![A-Za-z0-9])xox[abeoprs]-(?=[A-Za-z-]{0,40}\d)[A-Za-z0-9-]{10,}+"),
    ),
    _Shape("google key", ("aiza",), re.compile(r"(?<![A-Za-z0-9+/_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
    _Shape("private key", ("private key",), re.compile(_PEM, re.X)),
    _Shape("authorization", ("authorization", "x-api-key"), re.compile(_HEADER, re.X | re.I)),
)


def found(text: str) -> Iterator[Span]:
    lowered = text.lower()
    for shape in _SHAPES:
        if any(needle in lowered for needle in shape.needles):
            for match in shape.pattern.finditer(text):
                start, end = match.span(match.lastindex or 0)
                yield Span(start, end, f"[redacted: {shape.kind}]")
