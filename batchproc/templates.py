"""Jinja templates over a unit's payload, in a sandbox. The payload is data, never template source."""

from functools import lru_cache
from typing import Any

import orjson
from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.runtime import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from batchproc.errors import InvalidJob


def _show(value: Any) -> Any:
    """How `{{ name }}` writes a value: text as it is, everything else as JSON."""
    if isinstance(value, str | StrictUndefined):
        return value
    return orjson.dumps(value, default=str).decode()


_ENVIRONMENT = SandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=_show, cache_size=0
)


@lru_cache(maxsize=64)
def compiled(text: str, field: str) -> Any:
    """The template, to be rendered with a payload. Raises `InvalidJob` for `field` if it does not parse."""
    try:
        return _ENVIRONMENT.from_string(text)
    except TemplateSyntaxError as error:
        raise InvalidJob(field, text.splitlines()[error.lineno - 1], f"line {error.lineno}: {error.message}") from None


NO_FIELDS: tuple[frozenset[str], frozenset[str], bool] = (frozenset(), frozenset(), True)


def fields(text: str) -> tuple[frozenset[str], frozenset[str], bool]:
    """Fields the template names, those it needs, and whether naming them is all it does with them."""
    tree = _ENVIRONMENT.parse(text)
    names = frozenset(meta.find_undeclared_variables(tree)) - frozenset(_ENVIRONMENT.globals)
    guarded = frozenset(_guarded(tree)) & names
    plain = all(isinstance(node, nodes.Name | nodes.TemplateData) for node in _printed(tree)) and len(tree.body) <= 1
    return names, names - guarded, plain


def _guarded(tree: nodes.Template) -> set[str]:
    """Names that the template tests or gives a default: they may be missing."""
    tests = [node.node for node in tree.find_all(nodes.Test) if node.name in {"defined", "undefined"}]
    defaults = [node.node for node in tree.find_all(nodes.Filter) if node.name in {"default", "d"}]
    return {node.name for node in (*tests, *defaults) if isinstance(node, nodes.Name)}


def _printed(tree: nodes.Template) -> list[nodes.Expr]:
    return [part for output in tree.find_all(nodes.Output) for part in output.nodes]
