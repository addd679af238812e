"""The verbs that every face calls. A face parses, calls one of these, and presents what it gets.

base       what they all stand on: the store, the way to the supervisor
creating   create_job: a job is defined and its source read
looking    get_status, get_results, get_unit, list_jobs, list_enumerators
allowing   approve, and what has to be there before a job may run
control    start_job, control_job, cancel_job, cancel_units, delete_job
retrying   retry_units
"""

from batchproc.service.control import Controlling
from batchproc.service.creating import Creating
from batchproc.service.looking import Looking
from batchproc.service.retrying import Retrying


class BatchService(Creating, Looking, Controlling, Retrying):
    """What can be done with jobs, whichever face asks. Holds no state of its own: everything is in the store."""


__all__ = ["BatchService"]
