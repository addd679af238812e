"""The rehearsal model: our offline, loopback stand-in for the Messages API. The real CLI talks to it; it is not Claude.

model      RehearsalModel: serves a script on 127.0.0.1, counts and logs the calls
calls      Call: a request as a script sees it; Reply: what a script answers, faults included
answers    the built-in script: reads the unit's file through the CLI's own Read tool, says what is true of it
reading    what the Read tool has shown of a file so far, and what to read next
text       what can be counted in a text
schema     a value that satisfies a JSON Schema, made of what was counted
stream     a reply in the wire format of the Messages API
http       the server and its faults; the only place that knows uvicorn
"""

from batchproc.agents.rehearsal.calls import Call, Reply, Script, ToolResult, ToolUse
from batchproc.agents.rehearsal.model import CLI_SETTINGS, RehearsalModel

__all__ = ["CLI_SETTINGS", "Call", "RehearsalModel", "Reply", "Script", "ToolResult", "ToolUse"]
