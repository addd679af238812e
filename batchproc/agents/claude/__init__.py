"""The only room that knows the Claude Agent SDK: one fresh CLI process for every attempt.

The SDK is imported when the first attempt starts (0.7 s), or before by `warm_up`.
"""

from batchproc.agents.claude.agent import ClaudeAgent

__all__ = ["ClaudeAgent"]
