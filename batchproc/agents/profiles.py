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
balks at the same folders as a rule (`Smith & Co./`, `~1`), so the hook also opens what lies in the job's folders;
not for the profile `full`, whose shell could swap a link between our look and the tool's. Glob and Grep still balk.
"""

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, assert_never

from batchproc.agents import sandbox
from batchproc.errors import InvalidJob
from batchproc.models import AgentOptions, AttemptTask, Profile, Workspace
from batchproc.models.tools import FILES, READ, SERVER, WRITE, approves, bare

CREDENTIALS = (*sandbox.LOGINS, "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
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
_WRITABLE = ("Edit(./**)",)
_OWN = (
    *(".*", "*.json", "projects/*/*.jsonl", "projects/*/memory/**"),
    *(f"{name}/**" for name in ("backups", "plans", "plugins", "sessions", "shell-snapshots", "tasks", "todos")),
)
_TRIMMED = "\ufeff"  # what the tool trims besides what Python calls white space


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What one attempt may touch. Read may open `file` and what is `below`, although no rule names them.

    `tools` is the wall, `allow` what is approved of it. `folders` may be read beside `cwd`.
    """

    cwd: Path
    tools: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    file: str | None = None
    root: Path | None = None
    below: tuple[Path, ...] = ()
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
        return path.startswith("/") and any(_is_below(path, folder) for folder in self.below)


def _is_below(path: str, folder: Path) -> bool:
    return Path(path).resolve().is_relative_to(folder.resolve())


def access(task: AttemptTask, private: Iterable[Path] = ()) -> Access:
    """What the task's profile and options open; nothing in `private`, whatever else they name.

    A server's tools are approved all, unless `allowed_tools` names some of them: then those only. A tool on files that
    is named there joins the wall and stays within the folders. InvalidJob when no means of the CLI's can open its file.
    """
    options = task.options
    base = _of_profile(task, _readable(task.file), Path(task.root) if task.root else None)
    return replace(
        base,
        tools=_wall(base.tools, options),
        allow=(*base.allow, *_approved(options)),
        deny=(*_own_files(task, private), *options.disallowed_tools),
    )


def _of_profile(task: AttemptTask, file: str | None, root: Path | None) -> Access:
    cwd, folders = _cwd(task), _folders(task)
    beside = tuple(folder for folder in folders if folder != cwd)
    match task.options.profile:
        case Profile.ANSWER:
            return Access(cwd=cwd)
        case Profile.READ_ONLY:
            held: tuple[str, ...] = READ if folders else READ[:1] if file else ()
            return Access(cwd=cwd, tools=held, folders=beside, file=file, root=root, below=folders)
        case Profile.EDIT:
            held, beside = (*READ, *WRITE), _with_scratch(task, beside)
            return Access(cwd=cwd, tools=held, allow=_WRITABLE, folders=beside, file=file, root=root, below=folders)
        case Profile.FULL:
            return _with_shell(task, Access(cwd=cwd, folders=beside, file=file, root=root))
        case never:
            assert_never(never)


def _with_shell(task: AttemptTask, base: Access) -> Access:
    """A shell may write wherever `add_dirs` lets tools read, and forbidding that would win over a `cwd` further down:
    what lies around `cwd` is opened by a rule instead, where a rule can say its name."""
    around = [folder for folder in base.folders if base.cwd.is_relative_to(folder)]
    rules = [f"Read(/{_escaped(folder)}/**)" for folder in around if not set("*?") & set(str(folder))]
    beside = [folder for folder in base.folders if folder not in around]
    own = dict.fromkeys((str(work(task)), str(temporary(task)), str(base.cwd)))
    return replace(
        base,
        tools=(*READ, *WRITE, "Bash"),
        allow=(*_WRITABLE, *rules),
        folders=_with_scratch(task, tuple(beside)),
        sandbox=sandbox.walls(
            written=list(own),
            read=[*map(str, base.folders), *([base.file] if base.file else [])],
            fixed=list(map(str, beside)),
        ),
    )


def _with_scratch(task: AttemptTask, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    return folders if _cwd(task) == work(task) else (*folders, work(task))


def _cwd(task: AttemptTask) -> Path:
    named = task.options.working_directory
    return Path(named) if named and task.options.workspace is Workspace.SHARED else work(task)


def _folders(task: AttemptTask) -> tuple[Path, ...]:
    """The user's folders, for tools that read."""
    named = task.options.working_directory
    return tuple(map(Path, [*([named] if named else []), *task.options.directories]))


def _wall(held: tuple[str, ...], options: AgentOptions) -> tuple[str, ...]:
    """By name alone: a rule in the wall is no tool to the CLI. Servers' tools are there by themselves."""
    asked = [bare(rule) for rule in options.allowed_tools if not rule.startswith(SERVER)]
    return tuple(tool for tool in dict.fromkeys((*held, *asked)) if tool not in options.disallowed_tools)


def _approved(options: AgentOptions) -> tuple[str, ...]:
    rules = [rule for rule in options.allowed_tools if rule not in FILES]
    silent = [name for name in options.mcp_servers if not any(approves(rule, name) for rule in rules)]
    return (*rules, *(f"{SERVER}{name}" for name in silent))


def work(task: AttemptTask) -> Path:
    """The attempt's scratch directory, and where it works unless the job's workspace is shared."""
    return Path(task.directory) / "work"


def config(task: AttemptTask) -> Path:
    """The CLI's configuration and conversations of this unit, where no stored login is needed: beside its attempts, so
    that a later one can go on with the conversation of an earlier one."""
    return Path(task.directory).parent / "config"


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
        "CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(task.options.max_output_tokens),
        "API_TIMEOUT_MS": str(min(timeout_ms, 600_000)),  # for the headers of one answer
        "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": str(min(max(timeout_ms // 3, 10_000), 120_000)),
    }


def _readable(file: str | None) -> str | None:
    if file is not None and file != file.rstrip().rstrip(_TRIMMED).rstrip():
        raise InvalidJob("file", file, "its name ends in white space, which agents cannot ask for; rename the file")
    return file


def _own_files(task: AttemptTask, private: Iterable[Path]) -> tuple[str, ...]:
    """Nobody's configuration: not the user's, not the unit's. It holds memory, histories and logins.

    Of the unit's own only what is denied by name: the CLI puts an answer of a tool that is too long for the
    conversation into `projects/*/*/tool-results` there, and lets the agent read it.
    """
    own = f"/{_escaped(config(task))}"
    theirs = ["~/.claude/**", *(f"/{_escaped(folder)}/**" for folder in private)]
    denied = [*theirs, *(f"{own}/{part}" for part in _OWN)]
    return (*(f"Read({place})" for place in denied), *(f"Edit({place})" for place in (*theirs, f"{own}/**")))


def _escaped(path: Path) -> str:
    """For a rule. `*` and `?` stay as they are, and may mean more than they say."""
    return "".join({"[": "[[]", "\\": "[\\\\\\\\]"}.get(c, c) for c in str(path))
