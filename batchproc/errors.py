"""Every error a user can meet, in the user's words and with the way out.

    BatchprocError
    ├── InvalidJob             a job description that cannot work
    │   ├── UnknownEnumerator  `enumerator.type` names nothing we have
    │   └── UnknownField       the template asks for a field that the items do not have
    ├── SourceError            a source that cannot be read, by place
    │   └── DuplicateKey       two items with one key
    ├── NotFound               no such job, unit or page
    ├── WrongStatus            the verb does not fit the status the job is in
    ├── PlanChanged            somebody agreed to a plan that is another one by now
    ├── NeedsApproval          a person has to allow what the job names, before it runs
    ├── CredentialMissing      nothing to pay with: no key, no login, no rehearsal
    ├── StoreError             the store cannot be opened or written
    ├── SupervisorError        the supervisor does not start or does not answer
    ├── TakenOver              somebody newer owns this work; whoever sees this does nothing more
    └── WorkerLost             the worker that carried an attempt is gone

The text of an error is what a tool returns and what the shell prints.
"""

from collections.abc import Collection


class BatchprocError(Exception):
    """Base of all errors that are meant for the user."""


class InvalidJob(BatchprocError):
    """A job description that cannot work: names the field, the value and the way out."""

    def __init__(self, field: str, value: object, way_out: str) -> None:
        shown = repr(value)
        shown = shown if len(shown) <= 120 else shown[:117] + "..."
        super().__init__(f"{field} = {shown}: {way_out}")
        self.field, self.shown, self.way_out = field, shown, way_out


class UnknownEnumerator(InvalidJob):
    """`enumerator.type` names nothing we have."""

    def __init__(self, kind: object, known: Collection[str]) -> None:
        super().__init__("enumerator.type", kind, f"known types are {', '.join(sorted(known))}; see list_enumerators")


class UnknownField(InvalidJob):
    """The template asks for fields that the items do not have."""

    def __init__(self, fields: Collection[str], known: Collection[str]) -> None:
        names = ", ".join(f"{{{{ {f} }}}}" for f in sorted(fields))
        super().__init__("instructions", names, f"no such field; the items have: {', '.join(sorted(known)) or 'none'}")


class SourceError(BatchprocError):
    """A source that cannot be read: `source`, the place in it (row, line), what is wrong and what to do."""

    def __init__(self, source: object, problem: str, place: str = "") -> None:
        where = f"{source}, {place}" if place else str(source)
        super().__init__(f"{where}: {problem}")


class DuplicateKey(SourceError):
    """Two items of one source have the same key."""

    def __init__(self, source: object, key: str, first: str, second: str) -> None:
        shown = key if len(key) <= 80 else key[:77] + "..."
        super().__init__(
            source,
            f"key {shown!r} stands in both {first} and {second}; "
            "choose an id column or field whose values are unique, or leave it out to use the row number",
        )


class NotFound(BatchprocError):
    """No such job, unit or page."""

    def __init__(self, what: str, name: str, way_out: str) -> None:
        super().__init__(f"no {what} {name!r}; {way_out}")
        self.way_out = way_out


class WrongStatus(BatchprocError):
    """The verb does not fit the status the job is in."""

    def __init__(self, job_id: str, status: str, verb: str, way_out: str) -> None:
        super().__init__(f"job {job_id} is {status}, so it cannot {verb}; {way_out}")
        self.way_out = way_out


class PlanChanged(BatchprocError):
    """Somebody agreed to a plan that is another one by now. Says the one that it is."""

    def __init__(self, job_id: str, text: str) -> None:
        super().__init__(
            f"the plan of job {job_id} is another one since you agreed, and nothing was started. It is now: {text}"
        )


class NeedsApproval(BatchprocError):
    """A person has to allow what a job, or its source, names. Says what that is, and how a person does it: no argument
    can. `name` is what `batchproc approve` takes."""

    def __init__(self, what: str, name: str, text: str, then: str) -> None:
        super().__init__(
            f"{what} waits for a person's approval. It would allow this:\n{text}\n"
            f"A person allows it in a terminal of this machine with `batchproc approve {name}`, or here, if this "
            f"client can ask. Then {then} again."
        )
        self.name = name


class CredentialMissing(BatchprocError):
    """Nothing to pay with. Says what was looked for and the ways out."""

    def __init__(self) -> None:
        super().__init__(
            "no credential for Claude was found: set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in the environment "
            "of this server (in Claude Desktop: the `env` of its entry), or log in once with `claude` in a terminal; "
            'to try the job for free, create it with options {"model": "rehearsal"}, which is not Claude'
        )


class StoreError(BatchprocError):
    """The store cannot be opened or written."""


class SupervisorError(BatchprocError):
    """The supervisor does not start or does not answer; its log says why."""


class TakenOver(BatchprocError):
    """Somebody newer owns this work: whoever sees this stops and changes nothing."""


class WorkerLost(BatchprocError):
    """The worker that carried an attempt is gone; the attempt's end is unknown."""
