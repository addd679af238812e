"""The verbs that every face calls. A face parses, calls one of these, and presents what it gets.

base       what they all stand on: the store, the way to the supervisor
creating   create_job: a job is defined and its source read
previewing preview_job: the same, and nothing is kept
querying   query_results: questions to the results
looking    get_status, get_results, get_unit, get_spec, list_jobs, list_enumerators
listening  unit_events, read_events, changed_jobs, last_event, list_logs
following  changes, follow: events, as they become true
browsing   browse_jobs, browse_units, unit_detail: for somebody who looks around
housekeeping   workers, stats, health, ready
waiting    list_approvals, approve_named, decline_approval, plan_answer: for a person to decide
allowing   approve, and what has to be there before a job may run
starting   start_job: a pilot first, then the rest
describing, changing   update_job: described anew, and tried again
control    control_job, cancel_job, cancel_units, delete_job
retrying   retry_units
drawing, reviewing    review_units, record_verdict: a person looks at some answers
refreshing update_source
exporting  export_results
"""

from batchproc.service.browsing import Browsing
from batchproc.service.changing import Changing
from batchproc.service.control import Controlling
from batchproc.service.exporting import Exporting
from batchproc.service.following import Following
from batchproc.service.housekeeping import Housekeeping
from batchproc.service.looking import Looking
from batchproc.service.previewing import Previewing
from batchproc.service.querying import Querying
from batchproc.service.refreshing import Refreshing
from batchproc.service.retrying import Retrying
from batchproc.service.reviewing import Reviewing
from batchproc.service.waiting import Waiting


class BatchService(
    Refreshing,
    Previewing,
    Browsing,
    Looking,
    Following,
    Changing,
    Controlling,
    Waiting,
    Retrying,
    Reviewing,
    Querying,
    Exporting,
    Housekeeping,
):
    """What can be done with jobs, whichever face asks. Holds no state of its own: everything is in the store."""


__all__ = ["BatchService"]
