"""The walls of an agent's shell: what it may reach, in the CLI's terms; and whether such walls stand on this machine.

The CLI (2.1.330) builds them anew for each command, with bubblewrap: an empty directory over every top-level folder
that it may not read, all else read-only but what it may write, namespaces of its own for processes, network and users.
It also hides what a rule denies to Read, and lets a shell *write* in every directory that is added for the tools to
read, unless `denyWrite` says no. `denyWrite` beats `allowWrite`, in whatever order they lie in each other.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SYSTEM = (
    *("/usr", "/bin", "/lib", "/lib64", "/sbin", "/dev", "/proc"),
    *("/etc/alternatives", "/etc/ld.so.cache", "/etc/passwd", "/etc/ssl"),
)
LOGINS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
SECRETS = (
    *(*LOGINS, "ANTHROPIC_FOUNDRY_API_KEY", "ANTHROPIC_CUSTOM_HEADERS"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_SECRET"),
)
"""What no program of an agent may see."""

PROBE_S = 5.0
_ATTACK = """
cat "$1/hidden/canary" >/dev/null 2>&1 && printf 'read '
{ echo x > "$1/written"; } 2>/dev/null && printf 'wrote '
socat -u OPEN:/dev/null "TCP4:127.0.0.1:$2" 2>/dev/null && printf 'connected '
echo end
"""
_PROBE = """
printf 'open: '; /bin/sh -c "$1" sh "$2" "$3"
printf 'walled: '; bwrap --new-session --die-with-parent --unshare-net --ro-bind / / --tmpfs "$2/hidden" --dev /dev \
    --unshare-pid --unshare-user --cap-drop ALL --cap-add CAP_SETFCAP --proc /proc -- /bin/sh -c "$1" sh "$2" "$3"
"""
_STANDS = "open: read wrote connected end\nwalled: end\n"


def walls(*, written: Sequence[str], read: Sequence[str], fixed: Sequence[str]) -> dict[str, Any]:
    """As the SDK's `sandbox`. `read` may be read and `written` also written, but nothing in `fixed`.

    `Bash` stands in no rule: without a working sandbox it is denied, not run in the open.
    """
    return {
        "enabled": True,
        "failIfUnavailable": True,
        "autoAllowBashIfSandboxed": True,
        "allowUnsandboxedCommands": False,
        "filesystem": {
            "denyRead": ["/"],
            "allowRead": [*written, *read, *SYSTEM],
            "allowWrite": list(written),
            "denyWrite": list(fixed),
        },
        "credentials": {"envVars": [{"name": name, "mode": "deny"} for name in SECRETS]},
        "network": {"allowedDomains": []},
    }


async def stands(shell: Path, environment: Mapping[str, str]) -> bool:
    """Whether such walls stand for what `shell`, a guarded /bin/sh, starts: outside them a canary is read, a file
    written and a port of loopback reached, and inside the same attempts fail."""
    if shutil.which("bwrap") is None or shutil.which("socat") is None:
        return False
    with tempfile.TemporaryDirectory(prefix="batchproc-") as place, socket.create_server(("127.0.0.1", 0)) as listening:
        _plant(Path(place))
        port = str(listening.getsockname()[1])
        return await _said([shell, "-c", _PROBE, "sh", _ATTACK, place, port], environment) == _STANDS


def _plant(place: Path) -> None:
    (place / "hidden").mkdir()
    (place / "hidden/canary").write_text("x")


async def _said(command: Sequence[str | Path], environment: Mapping[str, str]) -> str | None:
    """What it wrote, or None if it takes too long."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PROBE_S):
            return (await process.communicate())[0].decode()
    except TimeoutError:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
