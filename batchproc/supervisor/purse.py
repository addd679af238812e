"""What each job pays with, in memory only; and the rehearsal model, for jobs that asked for it."""

import hashlib
from collections.abc import Mapping
from contextlib import AsyncExitStack

from batchproc import credentials
from batchproc.agents.rehearsal import RehearsalModel
from batchproc.models import REHEARSAL, AttemptTask, Credential, Job
from batchproc.redaction import Redactor

_SALT = b"batchproc: who pays"


class Purse:
    """An async context manager. The rehearsal model starts with the first task that needs it, and ends with it."""

    def __init__(self) -> None:
        self._variables: dict[str, Mapping[str, str]] = {}
        self._rehearsal: RehearsalModel | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Purse":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def put(self, job_id: str, variables: Mapping[str, str]) -> None:
        self._variables[job_id] = dict(variables)

    def holds(self, job_id: str) -> bool:
        """Whether a client's variables for this job are here."""
        return job_id in self._variables

    def can_pay(self, job: Job) -> bool:
        """Whether agents of this job have what they need; a new supervisor knows no client's environment."""
        return job.credential is not Credential.ENVIRONMENT or job.job_id in self._variables

    def fingerprint(self, job: Job) -> str:
        """Tells who pays from who else might, without telling the secret."""
        variables = self._variables.get(job.job_id)
        if job.credential is not Credential.ENVIRONMENT or not variables:
            return str(job.credential)
        digest = hashlib.blake2b(digest_size=8, key=_SALT)
        for name in sorted(variables.keys() & {*credentials.PAYS, "ANTHROPIC_BASE_URL"}):
            digest.update(f"{name}={variables[name]}\0".encode())
        return digest.hexdigest()

    def redactor(self, job: Job) -> Redactor:
        """Takes out of what agents say what only their credential's owner may see."""
        return Redactor.of_environment(self._variables.get(job.job_id, {}))

    def discreet(self, text: str) -> str:
        """The text without what any of the credentials here would give away."""
        for variables in self._variables.values():
            text = Redactor.of_environment(variables).text(text)
        return Redactor().text(text)

    async def pays(self, task: AttemptTask) -> Mapping[str, str]:
        """The variables that a task's agent needs; empty for a stored login."""
        if task.options.model != REHEARSAL:
            return self._variables.get(task.job_id, {})
        if self._rehearsal is None:
            self._rehearsal = RehearsalModel(keep_calls=False)
            await self._stack.enter_async_context(self._rehearsal)
        return self._rehearsal.environment()
