"""Pure: what in a job's instructions will probably not do what was meant. It warns, and never refuses.

Every rule knows a way of going wrong; what none of them knows is let pass, in whatever language it is written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from batchproc.lint import schema, templates, wording
from batchproc.models import AgentOptions, Profile
from batchproc.prompts import Prompt

Sample = Sequence[tuple[str, Mapping[str, Any]]]
"""Keys and payloads of the first units."""


def warnings(
    instructions: str,
    *,
    options: AgentOptions,
    source: str,
    sample: Sample,
    total: int = 0,
    output_schema: Mapping[str, Any] | None = None,
) -> list[str]:
    """What a person should look at before the job starts. `source` is the enumerator's type, `total` how many units it
    found, `output_schema` JSON Schema. Raises `InvalidJob` if a template does not parse."""
    prompt = Prompt(instructions)
    said = templates.without(instructions)
    fields = frozenset(name for _, payload in sample for name in payload)
    return [
        *templates.warnings(prompt, sample, source),
        *_unreadable(prompt, options, source),
        *wording.batch(said, source, total),
        *([] if output_schema or options.system_prompt else wording.vague(said)),
        *(schema.warnings(said, output_schema, fields) if output_schema else []),
    ]


def _unreadable(prompt: Prompt, options: AgentOptions, source: str) -> list[str]:
    """Files that nobody may read."""
    can_read = options.profile is not Profile.ANSWER or options.allowed_tools or options.mcp_servers
    if source != "file" or can_read or (prompt.is_template and "file_path" not in prompt.names):
        return []
    return [
        "agents of profile answer have no tools, so they cannot read their file and see only its name; "
        "use options.profile read-only"
    ]
