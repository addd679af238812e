"""What pays for agents: found in a client's environment, handed to the supervisor, kept in memory only."""

from collections.abc import Mapping
from pathlib import Path

from batchproc.errors import CredentialMissing
from batchproc.models import REHEARSAL, Credential

PAYS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
)
"""Any one of these, not empty, is a credential or names where one is."""

PREFIXES = ("ANTHROPIC_", "AWS_", "GOOGLE_", "CLOUD_ML_", "VERTEX_", "GCLOUD_", "AZURE_")
EXACT = frozenset({*PAYS, "CLAUDE_CODE_SKIP_BEDROCK_AUTH", "CLAUDE_CODE_SKIP_VERTEX_AUTH", "CLAUDE_CONFIG_DIR"})


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that an agent needs in order to pay and to find its API."""
    return {name: value for name, value in environ.items() if value and is_secret(name)}


def is_secret(name: str) -> bool:
    """Whether a variable belongs to a credential, so that no process but an agent may have it."""
    return name in EXACT or name.startswith(PREFIXES)


def choose(model: str | None, environ: Mapping[str, str]) -> Credential:
    """What will pay for a job of this model, from this environment. Raises `CredentialMissing`."""
    if model == REHEARSAL:
        return Credential.REHEARSAL
    if any(environ.get(name) for name in PAYS):
        return Credential.ENVIRONMENT
    if has_login(environ):
        return Credential.LOGIN
    raise CredentialMissing


def has_login(environ: Mapping[str, str]) -> bool:
    """Whether the CLI has a stored login: a credentials file, or on macOS an account whose token is in the keychain."""
    home = Path(environ.get("HOME") or "~").expanduser()
    folder = Path(environ["CLAUDE_CONFIG_DIR"]) if environ.get("CLAUDE_CONFIG_DIR") else home / ".claude"
    if (folder / ".credentials.json").is_file():
        return True
    account = home / ".claude.json"
    try:
        return '"oauthAccount"' in account.read_text("utf-8", "replace")
    except OSError:
        return False
