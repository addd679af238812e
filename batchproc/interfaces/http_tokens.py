"""The secrets of the door, in files that only their owner may read: the programs' token, and what sessions derive
from."""

import os
import re
import secrets
import stat
from pathlib import Path

from batchproc.errors import StoreError

API = "api"
SESSIONS = "sessions"
SIGNED_OUT = "signed-out"
BYTES = 32
LEAST = 32
"""Characters of a secret: those that somebody else wrote there may be others than ours, but not fewer."""
SECRET = re.compile(rf"[!-~]{{{LEAST},}}")


class Tokens:
    """The folder `tokens` in the store's home (0700), and the files in it (0600). Each secret is made once."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "tokens"

    def open(self) -> None:
        """See that the folder is there and ours alone. Raises `StoreError`."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        known = self._folder.lstat()
        if not stat.S_ISDIR(known.st_mode) or known.st_uid != os.geteuid():
            raise StoreError(f"{self._folder} is no folder of yours; move it away, and start again")
        if stat.S_IMODE(known.st_mode) != 0o700:
            self._folder.chmod(0o700)

    def secret(self, name: str) -> str:
        """What is in the file, made if there is none. Of many who make it at once one is first, and all read his.

        Raises `StoreError` if others may read it, or guess it: then it is no secret any more.
        """
        if (known := self._secret(name)) is not None:
            return known
        self._place(name, secrets.token_urlsafe(BYTES).encode() + b"\n")
        made = self._secret(name)
        if made is None:
            raise StoreError(f"{self._folder / name} went away while it was made; start again")
        return made

    def _secret(self, name: str) -> str | None:
        """One that is there. An empty file, as whoever wants a new token may leave it, would be everybody's."""
        known = self._read(name)
        if known is not None and not SECRET.fullmatch(known):
            way_out = "delete it, and a new one is made at the next start"
            raise StoreError(f"{self._folder / name} is no secret of {LEAST} characters or more; {way_out}")
        return known

    def signed_out(self, now: float) -> dict[str, float]:
        """Sessions that were ended before their time, and when that would have been."""
        text = self._read(SIGNED_OUT) or ""
        lines = [line.split() for line in text.splitlines()]
        known = {line[0]: float(line[1]) for line in lines if len(line) == 2 and line[1].isdecimal()}
        return {name: until for name, until in known.items() if until > now}

    def keep_signed_out(self, known: dict[str, float]) -> None:
        """On the disk when this returns."""
        text = "".join(f"{name} {int(until)}\n" for name, until in known.items())
        new = self._write_aside(SIGNED_OUT, text.encode())
        new.replace(self._folder / SIGNED_OUT)
        self._sync()

    def _read(self, name: str) -> str | None:
        path = self._folder / name
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} cannot be read ({error.strerror}); delete it, and a new one is made") from None
        with os.fdopen(fd, "rb") as file:
            _require_private(path, os.fstat(fd))
            return file.read(1 << 20).decode("ascii", "replace").strip()

    def _place(self, name: str, content: bytes) -> None:
        """A new file, whole from its first moment; one that is there stays."""
        new = self._write_aside(name, content)
        try:
            os.link(new, self._folder / name)
        except FileExistsError:
            pass
        finally:
            new.unlink()
        self._sync()

    def _write_aside(self, name: str, content: bytes) -> Path:
        new = self._folder / f".{name}.{secrets.token_hex(8)}"
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(fd)
        return new

    def _sync(self) -> None:
        fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _require_private(path: Path, known: os.stat_result) -> None:
    mode = stat.S_IMODE(known.st_mode)
    if stat.S_ISREG(known.st_mode) and known.st_uid == os.geteuid() and not mode & 0o077:
        return
    raise StoreError(f"others may read {path} (mode {mode:04o}); delete it, and a new one is made at the next start")
