"""What an administrator is told, and by which way.

What is judged (`letters`, `ledger`, `failed_runs`), how it is worded (`message`), what was told already (`memory`, and
`queue_away` where the queue cannot keep it), by which ways (`notifiers`), and the one function that joins them
(`evaluation`): sensors and the end of a command use it alike. Nothing here imports Dagster or reads the warehouse.
"""

from oss_datastore.alerts.evaluation import evaluate
from oss_datastore.alerts.failed_runs import FailedRun
from oss_datastore.alerts.message import Alert, Concern, Severity
from oss_datastore.alerts.notifiers import NotDelivered, Notifier, notifiers
from oss_datastore.alerts.queue_away import tell_away, tell_back

__all__ = [
    "Alert",
    "Concern",
    "FailedRun",
    "NotDelivered",
    "Notifier",
    "Severity",
    "evaluate",
    "notifiers",
    "tell_away",
    "tell_back",
]
