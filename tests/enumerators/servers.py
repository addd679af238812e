"""Real database servers in folders of their own, for as long as a test module needs them."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

NOBODY = 65534


def find(name: str) -> str | None:
    """A server's program: on the PATH, or where Debian hides it."""
    places = [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return shutil.which(name, path=os.pathsep.join([*places, os.environ["PATH"], "/usr/sbin"]))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """The URL of the superuser of a fresh PostgreSQL on loopback."""
    with _folder() as folder:
        port, password = free_port(), folder / "password"
        password.write_text("s3cr/et@word")
        shutil.chown(password, NOBODY, NOBODY) if os.geteuid() == 0 else None
        data = str(folder / "data")
        arguments = ("-D", data, "-U", "boss", "-A", "scram-sha-256", f"--pwfile={password}", "-N", "-E", "UTF8")
        _as_nobody([find("initdb") or "", *arguments], folder)
        settings = ("-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-c", "fsync=off")
        with _running([find("postgres") or "", "-D", data, *settings], folder):
            yield f"postgresql://boss:s3cr%2Fet%40word@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def mariadb() -> Iterator[str]:
    """The URL of the superuser of a fresh MariaDB on loopback."""
    with _folder() as folder:
        port = free_port()
        data = f"--datadir={folder}/data"
        (folder / "data").mkdir()
        shutil.chown(folder / "data", NOBODY, NOBODY) if os.geteuid() == 0 else None
        (folder / "init.sql").write_text(
            "CREATE DATABASE shop;\n"
            "CREATE USER boss@'127.0.0.1' IDENTIFIED BY 's3cr/et@word';\n"
            "GRANT ALL ON *.* TO boss@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        install = [find("mariadb-install-db") or "", "--no-defaults", data, "--auth-root-authentication-method=normal"]
        _as_nobody([*install, "--skip-test-db"], folder)
        listening = (f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/s", "--skip-name-resolve")
        server = [find("mariadbd") or "", "--no-defaults", data, *listening, f"--init-file={folder}/init.sql"]
        with _running(server, folder):
            yield f"mysql://boss:s3cr%2Fet%40word@127.0.0.1:{port}/shop"


def wait_for(connect: Callable[[], object], limit_s: float = 60) -> None:
    until = time.monotonic() + limit_s
    while True:
        try:
            connect()
            return
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="batchproc-server-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        if os.geteuid() == 0:
            shutil.chown(name, NOBODY, NOBODY)
        yield Path(name)


def _command(program: Sequence[str]) -> list[str]:
    """Database servers refuse to run as root."""
    drop = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--"]
    return [*(drop if os.geteuid() == 0 else []), *program]


def _as_nobody(program: Sequence[str], folder: Path) -> None:
    done = subprocess.run(_command(program), cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout


@contextlib.contextmanager
def _running(program: Sequence[str], folder: Path) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(_command(program), cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
