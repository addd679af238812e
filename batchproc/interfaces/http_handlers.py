"""What a row of the table cannot say: requests that are more than one verb of the service."""

import asyncio
import os
import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from batchproc import __version__, answers, doctor
from batchproc.interfaces import http_advice as advice
from batchproc.interfaces import http_problems as problems
from batchproc.interfaces import http_words as words
from batchproc.interfaces.http_calls import Call
from batchproc.interfaces.http_guard import Visitor
from batchproc.interfaces.http_problems import FieldProblem, Problem, Refused
from batchproc.interfaces.http_sessions import SESSION_S
from batchproc.models import JobSpec

BLOCK = 1 << 18
NOTHING_WAITS = "nothing waits under this name (any more)"
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "sqlite": "application/vnd.sqlite3",
    "html": "text/html; charset=utf-8",
}


async def open_session(call: Call) -> Response:
    """A one-time link becomes a session."""
    opened = call.face.door.open_session(call.body.code)
    if opened is None:
        detail = "this link was used, or is older than ten minutes; open a new one with `batchproc dashboard`"
        raise Refused(Problem(status=401, kind="used-link", title="This link opens nothing", detail=detail))
    until = datetime.fromtimestamp(opened.until, UTC).isoformat()
    cookie = _cookie(call, opened.cookie, int(SESSION_S))
    return as_response(words.SignedIn(key=opened.key, until=until), headers={"set-cookie": cookie})


async def close_session(call: Call) -> Response:
    """The session is over, for good."""
    if call.admitted.session is None:
        detail = "a program has no session; to end its access delete the file tokens/api, and start the dashboard again"
        raise Refused(Problem(status=403, kind="no-session", title="There is no session", detail=detail))
    await asyncio.to_thread(call.face.door.sign_out, call.admitted.session)
    said = words.Done(done=True, message="signed out; `batchproc dashboard` gives a new link")
    return as_response(said, headers={"set-cookie": _cookie(call, "", 0)})


def _cookie(call: Call, value: str, seconds: int) -> str:
    name = f"batchproc_{call.face.door.place}"
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}"


async def create_job(call: Call) -> answers.CreatedJob:
    keys = call.request.headers.getlist("idempotency-key")
    if not all(re.fullmatch(words.IDEMPOTENCY_KEY, key) for key in keys):
        raise Refused(problems.invalid((_of_header(keys, "1 to 200 characters from ! to ~, without spaces"),)))
    said = {*keys, call.body.idempotency_key} - {None}
    if len(keys) > 1 or len(said) > 1:
        raise Refused(problems.invalid((_of_header(keys, "say it once: as a header, or in the body"),)))
    spec = call.body if not keys else _with_key(call, keys[0])
    return await call.service.create_job(spec)


def _of_header(keys: list[str], way_out: str) -> FieldProblem:
    return FieldProblem(field="Idempotency-Key", value=problems.shown(", ".join(keys)), way_out=way_out)


def _with_key(call: Call, key: str) -> JobSpec:
    return JobSpec.model_validate({**call.body.model_dump(exclude_unset=True), "idempotency_key": key})


async def preview_job(call: Call) -> answers.CreatedJob:
    return await call.service.preview_job(call.body)


async def retry_unit(call: Call) -> answers.ControlledJob:
    body: words.RetryUnit = call.body
    how = {"instructions": body.instructions, "continue_session": body.continue_session, "why": body.why}
    return await call.service.retry_units(call.path["job_id"], keys=[call.path["key"]], **how)  # type: ignore[arg-type]


async def cancel_unit(call: Call) -> answers.ControlledJob:
    return await call.service.cancel_units(call.path["job_id"], [call.path["key"]], why=call.body.why)


async def approve(call: Call) -> words.Done:
    """Only a person comes here: the table says so, and the door knows who is one."""
    done = await call.service.approve_named(call.path["name"], call.body.hash, by=call.face.person)
    return words.Done(done=done, message="allowed; start it, or create it, again" if done else NOTHING_WAITS)


async def decline(call: Call) -> words.Done:
    by = call.face.person if call.admitted.visitor is Visitor.PERSON else "api"
    done = await call.service.decline_approval(call.path["name"], call.body.hash, by=by)
    return words.Done(
        done=done, message="declined; nothing of it runs until it is asked for again" if done else NOTHING_WAITS
    )


async def examine(call: Call) -> answers.Doctor:
    """One at a time: it starts programs."""
    async with call.face.alone:
        found = await doctor.examine(call.face.settings, call.face.environ)
    checks = [answers.DoctorCheck(**check.model_dump()) for check in found]
    return answers.Doctor(version=__version__, checks=checks)


async def ready(call: Call) -> Response:
    answer = await call.service.ready()
    return as_response(answer, 200 if answer.ready else 503)


async def download(call: Call) -> Response:
    """An export that nobody keeps: when the first byte is sent, its file has no name any more."""
    job_id, form = call.path["job_id"], call.query.format
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=call.face.downloads))
    try:
        path = folder / f"results.{form}"
        await call.service.export_results(job_id, form, str(path), call.query.status, passing=folder)
        file = await asyncio.to_thread(path.open, "rb")
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    headers = {
        "content-disposition": f'attachment; filename="{job_id}.{form}"',
        "content-length": str(os.fstat(file.fileno()).st_size),
        "content-type": TYPES[form],
    }
    return _Download(file, headers)


class _Download(StreamingResponse):
    """Gives the file back whatever becomes of the sending."""

    def __init__(self, file: BinaryIO, headers: dict[str, str]) -> None:
        super().__init__(iter(lambda: file.read(BLOCK), b""), headers=headers)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)


async def openapi(call: Call) -> Response:
    from batchproc.interfaces import http_openapi  # which is made of the table that has this handler

    made = http_openapi.document(port=call.face.door.place)
    return Response(problems.as_json(made), media_type="application/json")


def as_response(answer: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = problems.as_json(advice.content(answer))
    return Response(content, status, headers=headers, media_type="application/json")
