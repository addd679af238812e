"""How a unit's key stands in a path: the only place that knows.

Clients take segments that are `.` or `..` for steps, also where they are written %2E, and go them before they ask: a
call for the unit `..` would become one for its whole job. So such a key has a `~` before it; and those that begin with
`~` have one more, so that no two keys are written alike.
"""

from urllib.parse import quote

KEY = "key"
"""The parameter of the router that is a unit's key."""
ABOUT_KEY = (
    "The unit's key, percent-encoded (a `/` in it is `%2F`). With a `~` before it if it is `.` or `..`, which clients "
    "take out of a path, or begins with `~`: one `~` at the beginning is taken away"
)


def segment(key: str) -> str:
    """The key, to be written into a path."""
    return quote(f"~{key}" if key in {".", ".."} or key.startswith("~") else key, safe="")


def parameter(name: str, text: str) -> str:
    """What a decoded segment says, as the parameter of this name."""
    return text.removeprefix("~") if name == KEY else text
