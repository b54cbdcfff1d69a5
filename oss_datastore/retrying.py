"""Retrying letters as the command and the job do it: choose, claim, fetch or parse again, and name the days to load."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from oss_datastore.catalogue import ANSWER_SET_OF
from oss_datastore.connections import open_fetcher, open_queue, open_store
from oss_datastore.dead_letters import DeadLetterQueue, Letter, QueueError, SpoolingQueue
from oss_datastore.settings import Settings
from oss_datastore.staging.fetch import Progress

LEASE_SECONDS = 900.0


@dataclass(frozen=True)
class Choice:
    """Which letters: those numbered, else all that can still be had; of a dataset, UTC day or error class if given."""

    ids: tuple[int, ...] = ()
    dataset: str | None = None
    day: date | None = None
    error_class: str | None = None
    limit: int = 1000


@dataclass(frozen=True)
class Retried:
    """What became of letters, by number; `skipped` were not open, or are another's.

    `days` must be loaded anew, and what is said of the `datasets` in their staged assets said again.
    """

    resolved: tuple[int, ...]
    open: tuple[int, ...]
    expired: tuple[int, ...]
    skipped: tuple[int, ...]
    days: tuple[date, ...]
    datasets: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every letter that was chosen is resolved."""
        return not (self.open or self.expired or self.skipped)


def retry_chosen(
    settings: Settings, choice: Choice, *, lease_seconds: float = LEASE_SECONDS, progress: Progress | None = None
) -> Retried:
    """Claims the chosen letters and retries them; nobody else gets them meanwhile. `progress` hears of each unit.

    Raises QueueError where the queue is away, and what ends a fetch; the leases then end by themselves.
    """
    from oss_datastore.dead_letters.retry import retry

    queue = open_queue(settings)
    # What failed while the queue was away is to be retried, too.
    SpoolingQueue(lambda: queue, open_store(settings), clock=settings.clock).drain()
    who = f"{os.environ.get('USER', 'someone')}@{socket.gethostname()}:{os.getpid()}"
    letters: list[Letter] = queue.claim(
        ids=list(choice.ids) or None,
        dataset=choice.dataset,
        day=choice.day,
        error_class=choice.error_class,
        limit=choice.limit,
        lease_seconds=lease_seconds,
        together={dataset: answer_set.name for dataset, answer_set in ANSWER_SET_OF.items()},
        who=who,
    )
    fetcher = open_fetcher(settings, progress=progress)
    try:
        with _leased(queue, [letter.id for letter in letters], who, lease_seconds):
            report = retry(letters, queue, fetcher, who=who)
    finally:
        fetcher.github.close()
    skipped = tuple(sorted(set(choice.ids) - {letter.id for letter in letters}))
    datasets = tuple(sorted({letter.dataset for letter in letters}))
    return Retried(report.resolved, report.open, report.expired, skipped, report.days, datasets)


@contextmanager
def _leased(queue: DeadLetterQueue, ids: Sequence[int], who: str, seconds: float) -> Iterator[None]:
    """Renews the leases while the work lasts: a long retry is not taken for a killed one."""
    done = threading.Event()

    def keep() -> None:
        while not done.wait(seconds / 3):
            try:
                queue.renew(ids, who=who, lease_seconds=seconds)
            except QueueError:
                continue  # the queue is away for a moment; the lease still runs

    keeper = threading.Thread(target=keep, name="leases", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
