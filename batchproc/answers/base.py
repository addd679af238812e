"""What all answers have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Output = dict[str, Any] | None
"""A structured answer: a JSON object."""


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)
