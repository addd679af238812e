"""What every face shows: the results of the service's verbs, as pydantic models with one meaning everywhere."""

from batchproc.answers.creating import CreatedJob, Sample, StartedJob
from batchproc.answers.exports import ExportAnswer
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
from batchproc.answers.query import QueryResults
from batchproc.answers.review import (
    Evidence,
    GoldAnswer,
    GoldDifference,
    JudgedUnit,
    ReviewAnswer,
    ReviewUnit,
    ReviewUnits,
    RiskyAnswer,
    VerdictAnswer,
)
from batchproc.answers.units import AttemptAnswer, EarlierAnswer, EventAnswer, Result, Results, UnitAnswer
from batchproc.answers.updating import SourceCounts, SourceUpdate

__all__ = [
    "AttemptAnswer",
    "Cache",
    "Change",
    "ControlledJob",
    "CreatedJob",
    "DeletedJob",
    "Earlier",
    "EarlierAnswer",
    "EnumeratorAnswer",
    "EnumeratorList",
    "EventAnswer",
    "Evidence",
    "ExportAnswer",
    "Failure",
    "FieldDisagreement",
    "GoldAnswer",
    "GoldDifference",
    "JobLine",
    "JobList",
    "JobStatusAnswer",
    "JudgedUnit",
    "PilotAnswer",
    "PilotResult",
    "QueryResults",
    "QuoteAnswer",
    "Range",
    "Reality",
    "Result",
    "Results",
    "ReviewAnswer",
    "ReviewUnit",
    "ReviewUnits",
    "RiskyAnswer",
    "Running",
    "Sample",
    "SourceCounts",
    "SourceUpdate",
    "Spending",
    "StartedJob",
    "SupervisorAnswer",
    "UnitAnswer",
    "VariantAnswer",
    "VariantTable",
    "VerdictAnswer",
]
