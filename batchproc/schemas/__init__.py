"""Pure: the schema of a structured answer: taken as JSON Schema or in short form, checked, cut to what the CLI takes,
and held against answers. The only place that knows `jsonschema`.

JSON Schema is Draft 2020-12, with `x-…` keywords: `x-evidence: "quote"` marks a text, or a list of texts, that has to
stand in the unit's own data. The short form is described in `short`.
"""

from batchproc.schemas.checks import expand
from batchproc.schemas.cli import for_cli
from batchproc.schemas.fit import fits, problems
from batchproc.schemas.parts import EVIDENCE, place_of, resolved, target

__all__ = ["EVIDENCE", "expand", "fits", "for_cli", "place_of", "problems", "resolved", "target"]
