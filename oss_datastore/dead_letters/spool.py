"""Where letters wait while the queue cannot be written: objects in the raw store.

`SpoolingQueue` is what a run writes to. A failure of the queue never fails the run: what was to be written goes to
the store, in the order of time, and is taken in at the next successful contact, by this process or any other.
Each entry has a number of its own that the queue remembers, so that an entry that was written although the answer
was lost, or that two processes take in at once, counts once.

Reading and retrying letters needs the queue itself and does not belong here.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from oss_datastore.clock import Clock
from oss_datastore.dead_letters.binaries import PostgresUnavailable
from oss_datastore.dead_letters.database import QueueError, QueueUnavailable
from oss_datastore.dead_letters.letters import Failure
from oss_datastore.dead_letters.queue import DeadLetterQueue
from oss_datastore.dead_letters.records import clean, row_of
from oss_datastore.staging.store import ObjectMissing, RawStore, StoreUnavailable

SPOOL = "dead_letter_queue/spool/"
# Entries that the queue refuses: kept for a person to look at, out of the way of the others.
REFUSED = "dead_letter_queue/refused/"
_PAUSE = 5.0  # seconds of real time between two tries to reach a queue that is away

_log = logging.getLogger(__name__)


class SpoolingQueue:
    """Puts and closes letters, in the queue if it can be written, else in the spool."""

    def __init__(
        self, open_queue: Callable[[], DeadLetterQueue], store: RawStore, *, clock: Clock | None = None
    ) -> None:
        """`open_queue` is called at first need and whenever the queue was away: it may start a server again.

        Failures are dated by `clock`, by default the queue's own (real time while it was never reached).
        """
        self._open_queue = open_queue
        self._queue: DeadLetterQueue | None = None
        self._store = store
        self._clock = clock
        self._lock = threading.RLock()
        self._away_until = 0.0
        self._looked = False
        self._waiting = False

    def put(self, failure: Failure, *, who: str = "run") -> int | None:
        """The letter's number; None while it waits in the spool."""
        numbers = self.put_many([failure], who=who)
        return numbers[0] if numbers else None

    def put_many(self, failures: Sequence[Failure], *, who: str = "run") -> list[int]:
        """The letters' numbers; [] while they wait in the spool."""
        if not failures:
            return []
        now = self._now()
        rows = [row_of(failure, now) for failure in failures]
        return self._write({"kind": "put", "who": clean(who), "rows": rows})

    def resolve_scopes(self, scopes: Iterable[tuple[str, str, date]], *, who: str, why: str) -> None:
        """A complete fetch closes the letters of its scopes, in the order in which it all happened."""
        done = [[dataset, scope, day.isoformat()] for dataset, scope, day in sorted(set(scopes))]
        if done:
            self._write({"kind": "resolve", "who": clean(who), "why": clean(why), "scopes": done})

    def drain(self) -> int:
        """Take in what waits in the spool; how many entries. Raises `QueueUnavailable` or
        `PostgresUnavailable` if it cannot be done.
        """
        with self._lock:
            drained = 0
            for key in list(self._store.list(SPOOL)):
                try:
                    content = self._store.get(key)
                except ObjectMissing:  # another process has taken it in
                    continue
                try:
                    self._apply(json.loads(content), spooled=True)
                except QueueUnavailable:
                    raise
                except (QueueError, LookupError, TypeError, ValueError) as problem:  # also what is no entry at all
                    _log.error("The queue refuses %s: %s", self._store.url(key), problem)
                    self._store.put_if_absent(key.replace(SPOOL, REFUSED, 1), content)
                self._store.delete(key)
                drained += 1
            self._looked, self._waiting = True, False
        if drained:
            _log.info("The dead letter queue took in %d entries from the spool", drained)
        return drained

    def waiting(self) -> int:
        """How many entries wait in the spool."""
        return sum(1 for _ in self._store.list(SPOOL))

    def close(self) -> None:
        self._forget_queue()

    def _opened(self) -> DeadLetterQueue:
        if self._queue is None:
            self._queue = self._open_queue()
            self._clock = self._clock or self._queue.clock
        return self._queue

    def _forget_queue(self) -> None:
        if self._queue is not None:
            self._queue.close()
            self._queue = None

    def _now(self) -> datetime:
        if self._clock is None:
            with self._lock, suppress(QueueUnavailable, PostgresUnavailable):
                self._opened()
        return (self._clock or Clock()).now()

    def _write(self, entry: dict[str, Any]) -> list[int]:
        entry = {"occurrence": secrets.token_hex(16), "at": self._now().isoformat(), **entry}
        with self._lock:
            if time.monotonic() >= self._away_until:
                try:
                    self._drain_first()
                    return self._apply(entry, spooled=False)
                except (QueueUnavailable, PostgresUnavailable) as problem:
                    self._forget_queue()
                    self._away_until = time.monotonic() + _PAUSE
                    _log.warning("%s; letters wait in %s", problem, self._store.url(SPOOL))
            self._store.put_if_absent(_key(entry), json.dumps(entry).encode())
            self._waiting = True
            return []

    def _drain_first(self) -> None:
        """Older entries before newer ones: a success must not be undone by an earlier failure."""
        if self._waiting or not self._looked:
            try:
                self.drain()
            except StoreUnavailable as problem:
                _log.warning("The spool of the dead letter queue cannot be read: %s", problem)

    def _apply(self, entry: dict[str, Any], *, spooled: bool) -> list[int]:
        queue = self._opened()
        if entry["kind"] == "put":
            return queue.put_rows(entry["rows"], who=entry["who"], occurrence=entry["occurrence"], spooled=spooled)
        queue.resolve_scopes(
            [(dataset, scope, date.fromisoformat(day)) for dataset, scope, day in entry["scopes"]],
            who=entry["who"],
            why=entry["why"],
            failed_before=datetime.fromisoformat(entry["at"]) if spooled else None,
        )
        return []


def _key(entry: dict[str, Any]) -> str:
    """In the order of real time, because the calendar may be held still."""
    return f"{SPOOL}{time.time_ns():020d}-{entry['occurrence']}.json"
