"""The dead letter queue: what could not be fetched or parsed, kept until it can, or until it is lost for good.

The records (`letters`), how failures are made fit to be kept (`records`), the queue in PostgreSQL (`queue`,
`database`), the server for those who have none (`embedded`, `binaries`), and where letters wait while the queue is
away (`spool`). What to do about a letter does not belong here.
"""

from oss_datastore.dead_letters.database import LetterMissing, QueueError, QueueUnavailable, TransitionRefused
from oss_datastore.dead_letters.embedded import EmbeddedPostgres, PostgresUnavailable
from oss_datastore.dead_letters.letters import STATES, UNRESOLVED, Failure, Letter, Transition
from oss_datastore.dead_letters.queue import DeadLetterQueue
from oss_datastore.dead_letters.spool import SpoolingQueue

__all__ = [
    "STATES",
    "UNRESOLVED",
    "DeadLetterQueue",
    "EmbeddedPostgres",
    "Failure",
    "Letter",
    "LetterMissing",
    "PostgresUnavailable",
    "QueueError",
    "QueueUnavailable",
    "SpoolingQueue",
    "Transition",
    "TransitionRefused",
]
