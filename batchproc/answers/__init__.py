"""What every face shows: the results of the service's verbs, as pydantic models with one meaning everywhere."""

from batchproc.answers.creating import CreatedJob, Sample, StartedJob
from batchproc.answers.house import EnumeratorAnswer, EnumeratorList, SupervisorAnswer
from batchproc.answers.jobs import (
    Cache,
    Change,
    ControlledJob,
    DeletedJob,
    Failure,
    JobLine,
    JobList,
    JobStatusAnswer,
    Running,
    Spending,
)
from batchproc.answers.pilot import (
    Earlier,
    FieldDisagreement,
    PilotAnswer,
    PilotResult,
    QuoteAnswer,
    Range,
    Reality,
    VariantAnswer,
    VariantTable,
)
from batchproc.answers.units import AttemptAnswer, EventAnswer, Result, Results, UnitAnswer

__all__ = [
    "AttemptAnswer",
    "Cache",
    "Change",
    "ControlledJob",
    "CreatedJob",
    "DeletedJob",
    "Earlier",
    "EnumeratorAnswer",
    "EnumeratorList",
    "EventAnswer",
    "Failure",
    "FieldDisagreement",
    "JobLine",
    "JobList",
    "JobStatusAnswer",
    "PilotAnswer",
    "PilotResult",
    "QuoteAnswer",
    "Range",
    "Reality",
    "Result",
    "Results",
    "Running",
    "Sample",
    "Spending",
    "StartedJob",
    "SupervisorAnswer",
    "UnitAnswer",
    "VariantAnswer",
    "VariantTable",
]
