"""What an agent may touch: a task's profile in the CLI's own terms. Pure.

`tools` is the wall: what is not named does not exist for the agent. Under `dontAsk` everything that no rule allows is
denied, and a deny rule beats every other.

**One file, exactly.** A file unit without a working directory may read one path. A rule cannot say that. What the real
CLI (2.1.330) did with `Read(//abs/path)`:

| in the name | rule in --allowedTools | raw rule in settings | rule with escapes in settings | our hook |
| --- | --- | --- | --- | --- |
| letters, space, `'` `"` `$` `~` `%` `-` `@` `!` `#`, tab, newline, NFC, NFD, emoji | opens | opens | opens | opens |
| another case (`A.txt` for a rule `a.txt`) | opens the stranger | opens the stranger | opens the stranger | exact |
| `(` `)` | opens | opens | opens | opens |
| `,` with `(` `)`; `x),Read(b` | denied, or a second rule | opens | opens | opens |
| `{a,b}` | opens | opens | opens | opens |
| `[1]`, `[a-z]` | opens a1 instead | opens a1 instead | opens (`[[]`) | opens |
| `*`, `?` | and ab, axb | and ab, axb | exact only as a range with two denials | opens |
| backslash | denied | denied | opens (a class of four), not before a space | opens |
| a folder that ends in a dot or space (`Smith & Co./`), `~1`, `.CON`, `...` | denied | denied | denied | opens |
| a name that ends in white space | opens the name without it | the same | denied | denied |
| only U+FEFF | opens the folder | opens the folder | opens the folder | denied |

So one file is opened by a hook that compares the path (`Access.opens`, asked before every Read) and by no rule. Only a
name that ends in white space is refused here: the Read tool trims its argument, so it cannot be asked for. `add_dirs`
balks at the same folders as a rule (`Smith & Co./`, `~1`), so the hook also opens what lies in the working directory;
not for the profile `full`, whose shell could swap a link between our look and the tool's. Glob and Grep still balk.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from batchproc.errors import InvalidJob
from batchproc.models import AttemptTask, Profile

READ = ("Read", "Glob", "Grep")
WRITE = ("Write", "Edit")
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
"""What no shell of an agent may see."""
CREDENTIALS = (*LOGINS, "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
"""With one of these an attempt needs no stored login, and gets a configuration directory of its own."""
QUIET = {
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",  # units would instruct each other through it
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",  # an endless one keeps the run open
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",  # a broken stream would be paid twice
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_MAX_RETRIES": "2",  # the supervisor owns back-off
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "BUN_GC_TIMER_DISABLE": "1",  # an idle CLI otherwise burns CPU
}
_LONGEST_SOCKET_FOLDER = 50  # characters: the sandbox keeps sockets in TMPDIR, whose paths may have about a hundred
_TRIMMED = "\ufeff"  # what the tool trims besides what Python calls white space


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What one attempt may touch. Read may open `file` and what is `below`, although no rule names them."""

    cwd: Path
    tools: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    file: str | None = None
    root: Path | None = None
    below: Path | None = None
    sandbox: Mapping[str, Any] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The rules as CLI settings. Not as flags: `--allowedTools` splits rules at commas and spaces."""
        return {"permissions": {"allow": list(self.allow), "deny": list(self.deny)}}

    def opens(self, path: str) -> bool:
        """Whether Read may have it: the very path of `file`, unless it has become a link out of `root`; or any that
        truly lies `below`."""
        if path == self.file:
            return self.root is None or _is_below(path, self.root)
        return self.below is not None and path.startswith("/") and _is_below(path, self.below)


def _is_below(path: str, folder: Path) -> bool:
    return Path(path).resolve().is_relative_to(folder.resolve())


def access(task: AttemptTask) -> Access:
    """What the task's profile opens. InvalidJob when no means of the CLI's can open its file."""
    scratch, file = work(task), _readable(task.file)
    root = Path(task.root) if task.root else None
    folder = Path(task.options.working_directory) if task.options.working_directory else None
    deny = _own_files(task)
    match task.options.profile:
        case Profile.ANSWER:
            return Access(cwd=scratch)
        case Profile.READ_ONLY if folder:
            return Access(cwd=scratch, tools=READ, deny=deny, folders=(folder,), file=file, root=root, below=folder)
        case Profile.READ_ONLY:
            return Access(cwd=scratch, tools=READ[:1] if file else (), deny=deny, file=file, root=root)
        case Profile.EDIT | Profile.FULL:
            shell = task.options.profile is Profile.FULL
            return Access(
                cwd=folder or scratch,
                tools=(*READ, *WRITE, "Bash") if shell else (*READ, *WRITE),
                allow=("Edit(./**)",),
                deny=deny,
                folders=(scratch,) if folder else (),
                file=file,
                root=root,
                below=None if shell else folder,
                sandbox=_sandbox(task, folder, file) if shell else None,
            )
        case never:
            assert_never(never)


def work(task: AttemptTask) -> Path:
    """The attempt's scratch directory, and its working directory unless the job names one to write in."""
    return Path(task.directory) / "work"


def config(task: AttemptTask) -> Path:
    """The CLI's configuration and conversation of this attempt, where no stored login is needed."""
    return Path(task.directory) / "config"


def temporary(task: AttemptTask) -> Path:
    """Its TMPDIR. Elsewhere, and short, where the sandbox could not make its sockets."""
    usual = Path(task.directory) / "tmp"
    if task.options.profile is Profile.FULL and len(os.fsencode(usual)) > _LONGEST_SOCKET_FOLDER:
        return Path("/tmp") / f"batchproc-{task.session_id[:18]}"  # noqa: S108 - a random name, made anew with 0700
    return usual


def litter(task: AttemptTask) -> Path | None:
    """What an attempt leaves outside its directory, to be removed when it ends."""
    return None if temporary(task).is_relative_to(task.directory) else temporary(task)


def environment(task: AttemptTask, given: Mapping[str, str], inherited: Collection[str]) -> dict[str, str]:
    """What is put over the `inherited` environment, whose credentials are not the job's: `given` holds those."""
    timeout_ms = int(task.options.timeout_s * 1000)
    own = {"CLAUDE_CONFIG_DIR": str(config(task))} if any(given.get(name) for name in CREDENTIALS) else {}
    if own and task.options.profile is Profile.FULL:
        # The CLI runs ~/.bashrc, outside the sandbox, before an agent's first command: seconds of somebody's set-up,
        # killed halfway if we stop the attempt. This home has none, and the agent cannot write one there.
        own["HOME"] = str(config(task))
    return {
        **{name: "" for name in (*CREDENTIALS, "ANTHROPIC_BASE_URL") if name in inherited},
        **given,
        **QUIET,
        **own,
        "TMPDIR": str(temporary(task)),
        "CLAUDE_CODE_TMPDIR": str(temporary(task)),
        "API_TIMEOUT_MS": str(min(timeout_ms, 600_000)),  # for the headers of one answer
        "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": str(min(max(timeout_ms // 3, 10_000), 120_000)),
    }


def _readable(file: str | None) -> str | None:
    if file is not None and file != file.rstrip().rstrip(_TRIMMED).rstrip():
        raise InvalidJob("file", file, "its name ends in white space, which agents cannot ask for; rename the file")
    return file


def _own_files(task: AttemptTask) -> tuple[str, ...]:
    """Nobody's configuration: not the user's, not the attempt's. It holds memory, histories and logins."""
    own = "".join(
        {"[": "[[]", "\\": "[\\\\\\\\]"}.get(c, c) for c in str(config(task))
    )  # `*` and `?` may deny too much
    return tuple(f"{verb}({place}/**)" for place in ("~/.claude", f"/{own}") for verb in ("Read", "Edit"))


def _sandbox(task: AttemptTask, folder: Path | None, file: str | None) -> dict[str, Any]:
    """The shell's own walls. `Bash` stands in no rule: without a working sandbox it is denied, not run in the open."""
    mine = [str(work(task)), str(temporary(task)), *([str(folder)] if folder else [])]
    return {
        "enabled": True,
        "failIfUnavailable": True,
        "autoAllowBashIfSandboxed": True,
        "allowUnsandboxedCommands": False,
        "filesystem": {
            "denyRead": ["/"],
            "allowRead": [*mine, *([file] if file else []), *SYSTEM],
            "allowWrite": mine,
        },
        "credentials": {"envVars": [{"name": name, "mode": "deny"} for name in SECRETS]},
        "network": {"allowedDomains": []},
    }
