"""The dashboard as a process: one per store, found again, ended at once, with files that nobody else reads."""

import asyncio
import hashlib
import json
import os
import signal
import socket
import stat
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from batchproc import app, dashboards, settings
from batchproc.dashboards import Dashboards
from batchproc.errors import BatchprocError, StoreError, SupervisorError
from batchproc.interfaces import http_listening, http_serving, http_tokens
from batchproc.launcher import Launcher
from batchproc.platform import processes
from tests.conftest import wait_until
from tests.e2e.conftest import environment, put_to_rest
from tests.interfaces.serving import Server, gone, serving, serving_in

CLI = (sys.executable, "-m", "batchproc", "dashboard")


@pytest.fixture
async def server(tmp_path: Path):
    async with serving_in(tmp_path) as found:
        yield found


async def shell(environ, *arguments: str) -> tuple[int, str, str]:
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*CLI, *arguments, env=dict(environ), **pipes)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


async def test_of_two_who_start_it_at_once_one_serves_and_both_meet_it(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    ways = [Dashboards(settings.load(environ), environ) for _ in range(2)]
    one, other = await asyncio.gather(*(way.ensure() for way in ways))
    assert (one["pid"], one["port"]) == (other["pid"], other["port"])
    log = settings.load(environ).home / "dashboard.log"
    await wait_until(lambda: log.read_text().count("serving http") == 1, "one serves", 5)
    await gone(ways[0])


async def test_of_two_shells_in_the_foreground_one_serves_and_the_other_gives_a_link_to_it(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    pipe = asyncio.subprocess.PIPE
    both = [
        await asyncio.create_subprocess_exec(*CLI, "--no-browser", "--json", env=environ, stdout=pipe, stderr=pipe)
        for _ in range(2)
    ]
    told = [json.loads(await asyncio.wait_for(one.stdout.readline(), 30)) for one in both]
    assert told[0]["pid"] == told[1]["pid"] and told[0]["url"] != told[1]["url"]
    [serves] = [one for one in both if one.pid == told[0]["pid"]]
    serves.send_signal(signal.SIGINT)
    for one in both:
        await asyncio.wait_for(one.communicate(), 10)
    assert [one.returncode for one in both] == [0, 0]


@pytest.mark.parametrize("how", [("--detach",), ()], ids=["detached", "foreground"])
async def test_an_empty_folder_of_the_user_becomes_the_store(how: tuple[str, ...], tmp_path: Path) -> None:
    environ = environment(tmp_path)
    home = settings.load(environ).home
    home.mkdir(mode=0o755, parents=True)
    home.chmod(0o755)
    pipe = asyncio.subprocess.PIPE
    command = (*CLI, "--no-browser", "--json", *how)
    process = await asyncio.create_subprocess_exec(*command, env=dict(environ), stdout=pipe, stderr=pipe)
    assert json.loads(await asyncio.wait_for(process.stdout.readline(), 30))["url"]
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    await gone(Dashboards(settings.load(environ), environ))
    await asyncio.wait_for(process.communicate(), 10)


async def test_a_folder_of_other_things_is_refused_and_nothing_is_put_there(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    home = settings.load(environ).home
    home.mkdir(mode=0o755, parents=True)
    home.chmod(0o755)
    (home / "letter.txt").write_text("mine")
    for how in ((), ("--detach",)):
        code, _, error = await shell(environ, "--no-browser", *how)
        assert code == 1 and "holds other things" in error
    assert [one.name for one in home.iterdir()] == ["letter.txt"]


async def test_nobody_else_reads_what_it_keeps(server: Server) -> None:
    await server.ask("GET", "/jobs")
    kept = [server.home, *server.home.rglob("*")]
    assert {path.name for path in kept} >= {"tokens", "api", "sessions", "dashboard.lock", "dashboard.sock"}
    for path in kept:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode & 0o077 == 0 or path.name == "agents", f"{path} has mode {mode:04o}"
    assert "code=" not in (server.home / "dashboard.log").read_text()


async def test_a_killed_dashboard_is_taken_over_at_the_same_port_with_its_sessions(server: Server) -> None:
    link = (await server.way.link())["link"]
    code = link.partition("#code=")[2]
    answered, opened = await server.ask("POST", "/session", {"code": code})
    assert answered == 200
    await server.kill()
    assert (server.home / "dashboard.sock").exists(), "the socket is left over"
    again = await server.way.ensure()
    assert again["port"] == server.hello["port"] and again["pid"] != server.hello["pid"]
    assert (await server.ask("GET", "/jobs"))[0] == 200, "the token of programs is the same"
    assert len(opened["key"]) == 64


async def test_ctrl_c_ends_it_in_a_moment_whoever_waits(server: Server) -> None:
    source = {"type": "list", "items": [{"name": "a"}]}
    spec = {"name": "n", "instructions": "do", "enumerator": source, "options": {"model": "rehearsal"}}
    _, job = await server.ask("POST", "/jobs", spec)
    who = processes.identity(server.hello["pid"])
    _, writer = await asyncio.open_connection("127.0.0.1", server.hello["port"])
    host = f"Host: 127.0.0.1:{server.hello['port']}\r\n"
    writer.write(f"GET /api/v1/jobs HTTP/1.1\r\n{host}".encode())  # a request that never ends
    idle = await asyncio.open_connection("127.0.0.1", server.hello["port"])
    viewers = [await viewer(server, host) for _ in range(5)]
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"
    asking = asyncio.create_task(server.ask("POST", f"/jobs/{job['job_id']}/query", {"sql": sql, "timeout_s": 60}))
    await asyncio.sleep(0.5)
    begun = time.monotonic()
    os.kill(server.hello["pid"], signal.SIGINT)
    await wait_until(lambda: not processes.is_alive(who), "it has ended", 10)
    took = time.monotonic() - begun
    for one in (writer, idle[1], *(viewer for _, viewer in viewers)):
        one.close()
    status, problem = await asking
    assert (status, problem["type"].rpartition("/")[2]) == (503, "ending")
    assert took < 10, f"it took {took:.2f} s; they would wait for a minute and more"
    assert "Traceback" not in (server.home / "dashboard.log").read_text()


async def test_whoever_opens_connections_and_asks_nothing_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        if scope["path"] == "/wait":
            await asyncio.sleep(2.5)
        await send({"type": "http.response.body", "body": b""})

    async def ask(path: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        try:
            return await reader.read()
        finally:
            writer.close()

    monkeypatch.setattr(http_listening, "HEAD_S", 2.0)
    monkeypatch.setattr(http_listening, "MOST_CONNECTIONS", 20)
    with http_listening.at_port(tmp_path, None) as listening:
        port = listening.getsockname()[1]
        async with http_listening.running(answer, [listening], asyncio.Event()):
            waits = asyncio.create_task(ask("/wait"))
            await asyncio.sleep(0.1)
            begun = time.monotonic()
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
            for _, writer in silent[40:]:
                writer.write(b"GET / HTTP/1.1\r\nHost: ")  # a head that does not end
            assert (await ask("/")).startswith(b"HTTP/1.1 204"), "there is room for who asks"
            assert time.monotonic() - begun < 2.0, "not by their time being over"
            ended = asyncio.gather(*(reader.read() for reader, _ in silent), return_exceptions=True)
            await asyncio.wait_for(ended, 20)
            assert (await waits).startswith(b"HTTP/1.1 204"), "who was asking is not let go"
            for _, writer in silent:
                writer.close()


async def viewer(server: Server, host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Somebody who listens to events."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.hello["port"])
    token = f"Authorization: {server.headers['Authorization']}\r\n"
    writer.write(f"GET /api/v1/events HTTP/1.1\r\n{host}{token}\r\n".encode())
    assert b"200" in await reader.readline()
    return reader, writer


async def test_a_taken_port_is_an_error_in_words(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, _, err = await shell(environ, "--port", str(port), "--no-browser")
        assert code == 1 and "another program listens there" in err and str(port) in err and "Traceback" not in err
        with pytest.raises(SupervisorError, match="another program listens there"):
            await Dashboards(settings.load(environ), environ).ensure(port)
    assert not Dashboards(settings.load(environ), environ).is_alive


async def test_the_port_of_last_time_is_given_up_if_somebody_has_it(tmp_path: Path) -> None:
    with http_listening.at_port(tmp_path, None) as first:
        port = first.getsockname()[1]
        with http_listening.at_port(tmp_path, None) as second:
            other = second.getsockname()[1]
            assert other != port
    with http_listening.at_port(tmp_path, None) as third:
        assert third.getsockname()[1] == other
    with http_listening.at_port(tmp_path, 0) as fourth:
        assert fourth.getsockname()[0] == "127.0.0.1"


async def test_an_answer_does_not_wait_for_an_acknowledgement(tmp_path: Path) -> None:
    listening = http_listening.at_port(tmp_path, 0)
    with listening, socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def test_a_socket_of_ones_own_serves_as_well(tmp_path: Path) -> None:
    where = tmp_path / "own.sock"
    environ = environment(tmp_path)
    async with serving(environ, socket=where) as server:
        assert stat.S_IMODE(where.stat().st_mode) == 0o600
        reader, writer = await asyncio.open_unix_connection(where)
        token = server.headers["Authorization"]
        writer.write(f"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        await server.kill()
        assert where.exists()
        await server.way.ensure(socket=where)  # one that nobody listens at is taken over
    assert not where.exists()
    where.write_text("mine")
    with pytest.raises(SupervisorError, match="something else is there"):
        await Dashboards(settings.load(environ), environ).ensure(socket=where)
    assert where.read_text() == "mine"


@pytest.mark.long
async def test_one_that_nobody_asks_for_anything_ends(tmp_path: Path) -> None:
    environ = environment(tmp_path, BATCHPROC_DASHBOARD_IDLE_S="1")
    way = Dashboards(settings.load(environ), environ)
    hello = await way.ensure()
    who = processes.identity(hello["pid"])
    await wait_until(lambda: not processes.is_alive(who), "it has ended", 20)
    assert "ended: idle" in (settings.load(environ).home / "dashboard.log").read_text()


@pytest.mark.long
async def test_one_whose_home_is_moved_ends(server: Server) -> None:
    who = processes.identity(server.hello["pid"])
    server.home.rename(server.home.with_name("elsewhere"))
    await wait_until(lambda: not processes.is_alive(who), "it has ended", 20)


async def test_the_shell_starts_links_and_stops_it(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    assert (await shell(environ, "--link"))[0] == 1
    assert (await shell(environ, "--stop"))[0] == 1
    code, out, err = await shell(environ, "--detach", "--no-browser")
    assert code == 0 and out.startswith("http://127.0.0.1:") and "/#code=" in out, err
    code, out, _ = await shell(environ, "--link", "--json")
    first = json.loads(out)
    assert code == 0 and first["pid"]
    code, out, _ = await shell(environ, "--no-browser", "--json")
    assert json.loads(out)["pid"] == first["pid"] and json.loads(out)["url"] != first["url"]
    code, _, err = await shell(environ, "--port", str(first["port"] + 1), "--no-browser")
    assert code == 1 and "already" in err and "--stop" in err
    assert (await shell(environ, "--stop"))[0] == 0
    who = processes.identity(first["pid"])
    await wait_until(lambda: who is None or not processes.is_alive(who), "it has ended", 10)


async def test_a_link_may_begin_at_a_job_and_brings_what_jobs_are_paid_with(tmp_path: Path) -> None:
    """The dashboard was started by somebody without a key; whoever opens it later has one."""
    bare = environment(tmp_path)
    async with serving(bare) as server:
        rich = {**bare, "ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
        found = (await server.ask("GET", "/doctor"))[1]["checks"]
        assert not next(one for one in found if one["name"] == "credential")["ok"]
        answer = await app.open_dashboard(settings.load(rich), rich, job_id="job/1")
        assert f":{server.hello['port']}/jobs/job%2F1#code=" in answer.url
        found = (await server.ask("GET", "/doctor"))[1]["checks"]
        assert next(one for one in found if one["name"] == "credential")["ok"]
        environ = Path(f"/proc/{server.hello['pid']}/environ")
        assert not environ.exists() or b"sk-test" not in environ.read_bytes()


@pytest.mark.parametrize("name", ["api", "sessions"])
def test_a_secret_that_others_may_read_is_none_any_more(tmp_path: Path, name: str) -> None:
    tokens = http_tokens.Tokens(tmp_path)
    tokens.open()
    first = tokens.secret(name)
    assert len(first) >= 43 and tokens.secret(name) == first
    (tmp_path / "tokens" / name).chmod(0o644)
    with pytest.raises(BatchprocError, match="others may read"):
        tokens.secret(name)
    (tmp_path / "tokens" / name).unlink()
    assert tokens.secret(name) != first
    (tmp_path / "tokens" / name).unlink()
    (tmp_path / "tokens" / name).symlink_to("/etc/hostname")
    with pytest.raises(BatchprocError, match="cannot be read"):
        tokens.secret(name)


@pytest.mark.parametrize("content", ["", "\n", "short\n", "a" * 31, "two words, and many letters after them", "ä" * 40])
def test_a_secret_that_anybody_may_guess_opens_nothing(tmp_path: Path, content: str) -> None:
    tokens = http_tokens.Tokens(tmp_path)
    tokens.open()
    for name in ("api", "sessions"):
        file = tmp_path / "tokens" / name
        file.touch(mode=0o600)
        file.write_text(content, "utf-8")
        with pytest.raises(BatchprocError, match="delete it"):
            tokens.secret(name)
        file.unlink()
        assert len(tokens.secret(name)) >= 43


def test_many_who_make_a_secret_at_once_have_the_same(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    tokens = http_tokens.Tokens(tmp_path)
    tokens.open()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: tokens.secret("api"), range(64)))) == 1
    assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["api"]


def test_a_folder_of_tokens_that_others_may_enter_is_closed(tmp_path: Path) -> None:
    (tmp_path / "tokens").mkdir(mode=0o755)
    http_tokens.Tokens(tmp_path).open()
    assert stat.S_IMODE((tmp_path / "tokens").stat().st_mode) == 0o700


def test_the_way_to_it_is_short_enough_for_a_socket(tmp_path: Path) -> None:
    far = tmp_path / ("x" * 100)
    assert len(os.fsencode(dashboards.address(far))) <= 100
    assert dashboards.address(far) != dashboards.address(tmp_path / ("y" * 100))


async def test_what_a_killed_dashboard_left_of_a_download_is_removed_by_the_next_one(server: Server) -> None:
    [folder] = [path for path in Path(tempfile.gettempdir()).glob("batchproc-downloads-*") if _is_of(path, server)]
    (folder / "half").mkdir()
    await server.kill()
    assert folder.exists()
    await server.way.ensure()
    assert not folder.exists()


def _is_of(path: Path, server: Server) -> bool:
    return hashlib.sha256(os.fsencode(server.home)).hexdigest()[:16] in path.name


@pytest.mark.long
async def test_a_dashboard_that_starts_wakes_a_supervisor_for_what_is_to_be_done(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    known = settings.load(environ)
    async with serving(environ) as server:
        source = {"type": "list", "items": [{"name": f"n{n}"} for n in range(20)]}
        spec = {"name": "n", "instructions": "do", "enumerator": source, "options": {"model": "rehearsal"}}
        _, job = await server.ask("POST", "/jobs", spec)
        await server.ask("POST", f"/jobs/{job['job_id']}/start", {"confirmed": True, "skip_pilot": True})
    launcher = Launcher(known, environ)
    await _killed(launcher)
    async with serving(environ):
        await wait_until(launcher.hello, "another one lives", 20)
        await _killed(launcher)
        await wait_until(launcher.hello, "and another one when it was killed, too", 20)
        await put_to_rest(launcher)


async def test_an_index_that_cannot_be_filled_is_told_of_once_and_tried_again(monkeypatch, caplog) -> None:
    tries = iter(["is damaged", "is damaged", "is locked", None, "is damaged"])
    is_over = asyncio.Event()

    async def take_in(seconds: float) -> bool:
        said = next(tries, "over")
        if said == "over":
            is_over.set()
            await asyncio.Event().wait()
        if said is not None:
            raise StoreError(said)
        return True

    monkeypatch.setattr(http_serving, "LOOK_S", 0.0)
    face = SimpleNamespace(service=SimpleNamespace(take_in_older_units=take_in))
    trying = asyncio.create_task(http_serving._take_in_older_units(face))  # type: ignore[arg-type]
    await asyncio.wait_for(is_over.wait(), 30)
    trying.cancel()
    assert caplog.messages == ["is damaged", "is locked", "is damaged"]


async def _killed(launcher: Launcher) -> None:
    os.kill((await launcher.hello())["pid"], signal.SIGKILL)  # type: ignore[index]
    await wait_until(lambda: not launcher.is_alive, "the supervisor is dead", 10)
