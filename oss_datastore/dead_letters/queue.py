"""The dead letter queue: one letter per dataset, scope, day and cause of failure, in PostgreSQL.

Here belongs what one may ask of the queue. Which state may follow which, and that each change is recorded, is
enforced by the database (`sql/dead_letter_queue/0001_letters.sql`). What to do about a letter (fetch again, parse
again, alert) does not belong here.

Times are the calendar's (`Clock`), so that a demo that lives through a month has letters of that month; leases
run in real time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from oss_datastore.clock import Clock
from oss_datastore.dead_letters.database import (
    TRY_AGAIN,
    Database,
    LetterMissing,
    QueueError,
    QueueUnavailable,
    TransitionRefused,
    query,
)
from oss_datastore.dead_letters.letters import STATES, UNRESOLVED, Failure, Letter, Transition
from oss_datastore.dead_letters.records import Row, clean, identity, merged, row_of

_ROWS_AT_ONCE = 500
_BYTES_AT_ONCE = 8 * 1024 * 1024
_DEADLOCK_ATTEMPTS = 5

T = TypeVar("T")
# Named here, because within the class `list` is the method.
Letters = list[Letter]
Transitions = list[Transition]
Numbers = list[int]
Rows = list[dict[str, Any]]


class DeadLetterQueue:
    """Letters in the PostgreSQL at `url`; the schema is made or migrated on first use.

    `asked_again` tells the address anew where the server refuses the password, which may have been rotated.
    Methods raise `QueueUnavailable` where the server is away, `LetterMissing` for a number that is none, and
    `TransitionRefused` where the letter's state does not allow the change. May be used by several threads.
    """

    def __init__(self, url: str, *, clock: Clock, asked_again: Callable[[], str] | None = None) -> None:
        self._database = Database(url, asked_again)
        self.clock = clock

    def close(self) -> None:
        self._database.close()

    # --- writing failures ---

    def put(self, failure: Failure, *, who: str = "run") -> int:
        """The number of the failure's letter: a new one, or the same with one more attempt, open again if it
        was resolved."""
        return self.put_many([failure], who=who)[0]

    def put_many(self, failures: Sequence[Failure], *, who: str = "run") -> Numbers:
        """The letters' numbers in the order of the failures; all are written or none."""
        now = self.clock.now()
        return self.put_rows([row_of(failure, now) for failure in failures], who=who)

    def put_rows(
        self, rows: Sequence[Row], *, who: str, occurrence: str | None = None, spooled: bool = False
    ) -> Numbers:
        """Write rows of `records.row_of`.

        A batch with an `occurrence` is written once, however often it comes; a repetition returns []. `spooled`
        rows do not reopen what was resolved after they failed.
        """

        def write(cursor: Any) -> Numbers:
            if occurrence is not None:
                cursor.execute(query("receive"), {"occurrence": occurrence})
                if cursor.rowcount == 0:
                    return []
            numbers: dict[tuple[str, str, str, str], int] = {}
            for page in _pages(merged(rows)):
                cursor.execute(query("put"), {"failures": page, "spooled": spooled})
                numbers.update((identity(found), found["id"]) for found in cursor.fetchall())
            return [numbers[identity(row)] for row in rows]

        return self._act(write, who=who, why="failed") if rows else []

    # --- reading ---

    def get(self, id: int) -> Letter:
        """The whole letter, body included."""
        self._release_leases()
        return self._read(lambda cursor: _one(cursor, "get", id))

    def list(
        self,
        *,
        states: Sequence[str] = UNRESOLVED,
        dataset: str | None = None,
        day: date | None = None,
        error_class: str | None = None,
        scope: str | None = None,
        lost_before: datetime | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> Letters:
        """Letters without their bodies, the last failed first. `lost_before`: what cannot be had any more then."""
        self._release_leases()
        given = {
            "states": list(states),
            "dataset": dataset,
            "day": day,
            "error_class": error_class,
            "scope": scope,
            "lost_before": lost_before,
            "limit": limit,
            "offset": offset,
        }
        return self._read(lambda cursor: _letters(cursor, "list", given))

    def counts(self) -> dict[str, dict[tuple[str, str], int]]:
        """Number of letters by state, then by dataset and error class; every state is there."""
        self._release_leases()

        def read(cursor: Any) -> dict[str, dict[tuple[str, str], int]]:
            cursor.execute(query("counts"))
            found: dict[str, dict[tuple[str, str], int]] = {state: {} for state in STATES}
            for row in cursor.fetchall():
                found[row["state"]][row["dataset"], row["error_class"]] = row["count"]
            return found

        return self._read(read)

    def history(self, id: int) -> Transitions:
        """Every change of the letter's state, oldest first."""

        def read(cursor: Any) -> Transitions:
            _one(cursor, "get", id)
            return _transitions(cursor, "history", {"id": id})

        return self._read(read)

    def transitions_since(self, id: int, *, limit: int = 10_000) -> Transitions:
        """Changes after the one numbered `id`, in order; none is ever passed over."""
        return self._read(lambda cursor: _transitions(cursor, "transitions_since", {"id": id, "limit": limit}))

    def outstanding(self, since: int, gaps: Sequence[dict[str, str]]) -> Rows:
        """Open letters counted by dataset, error class, day and `recoverable_until`, and of them the new ones.

        New is what was opened after the transition `since` (`new`, `first_new`, `last_opened`). `gaps` are regular
        expressions `dataset` and `scope` with a day `until`: letters of earlier days that match are left out.
        """
        self._release_leases()
        return self._counted("outstanding", since, gaps)

    def closed_since(self, since: int, gaps: Sequence[dict[str, str]]) -> Rows:
        """Letters that were closed after the transition `since`, counted by state, kind and day; `gaps` as above."""
        return self._counted("closed_since", since, gaps)

    def _counted(self, name: str, since: int, gaps: Sequence[dict[str, str]]) -> Rows:
        def read(cursor: Any) -> Rows:
            cursor.execute(query("wait_for_writers"))
            cursor.execute(query(name), {"since": since, "gaps": json.dumps(gaps)})
            return [dict(row) for row in cursor.fetchall()]

        return self._read(read)

    # --- retrying ---

    def claim(
        self,
        *,
        ids: Sequence[int] | None = None,
        dataset: str | None = None,
        day: date | None = None,
        error_class: str | None = None,
        limit: int = 100,
        lease_seconds: float = 900,
        together: Mapping[str, str] | None = None,
        who: str,
    ) -> Letters:
        """Take open letters for a retry; nobody else gets them until the lease ends.

        Soonest lost first. Without `ids` only letters that can still be recovered; with them any open one. `together`
        names what is fetched at once, by dataset: while a letter of a scope and day is retried, others of the same
        fetch are left alone.
        """
        self._release_leases()
        given = {
            "ids": None if ids is None else list(ids),
            "dataset": dataset,
            "day": day,
            "error_class": error_class,
            "limit": limit,
            "lease_seconds": lease_seconds,
            "together": json.dumps(dict(together or {})),
            "who": clean(who),
            "now": self.clock.now(),
        }

        def write(cursor: Any) -> Letters:
            cursor.execute(query("claim_alone"))
            return _letters(cursor, "claim", given)

        found = self._act(write, who=who, why="retry")
        never = datetime.max.replace(tzinfo=UTC)
        return sorted(found, key=lambda letter: (letter.recoverable_until or never, letter.id))

    def renew(self, ids: Sequence[int], *, who: str, lease_seconds: float = 900) -> int:
        """Lengthen the leases that `who` holds; how many it still held."""

        def write(cursor: Any) -> int:
            given = {"ids": list(ids), "who": clean(who), "lease_seconds": lease_seconds}
            cursor.execute(query("renew"), given)
            return int(cursor.rowcount)

        return self._read(write)

    def reopen(self, id: int, *, who: str, why: str) -> Letter:
        """A retry that failed gives its letter back; a resolved letter is open again."""

        def write(cursor: Any) -> Letter:
            found = _letters(cursor, "reopen", {"id": id, "who": clean(who)})
            if found:
                return found[0]
            letter = _one(cursor, "get", id)
            if letter.state == "retrying":
                raise TransitionRefused(
                    f"Letter {id} is being retried by {letter.lease_owner} until {letter.lease_until:%H:%M:%S} UTC"
                )
            return letter

        return self._act(write, who=who, why=why)

    # --- closing ---

    def resolve(self, id: int, *, who: str, why: str) -> Letter:
        """What was missing is there."""
        return self._close(id, "resolved", who, why)

    def expire(self, id: int, *, who: str, why: str) -> Letter:
        """What was missing can never be had any more."""
        return self._close(id, "expired", who, why)

    def discard(self, id: int, *, who: str, why: str) -> Letter:
        """A person decided that it is not needed; further failures of the same cause stay discarded."""
        return self._close(id, "discarded", who, why)

    def resolve_scope(
        self, dataset: str, scope: str, day: date, *, who: str, why: str, covered_by: date | None = None
    ) -> int:
        """A complete fetch of the scope closes its letters of the day; how many there were.

        `covered_by` is the later day whose fetch holds what this day missed.
        """
        return self.resolve_scopes([(dataset, scope, day)], who=who, why=why, covered_by=covered_by)

    def resolve_scopes(
        self,
        scopes: Iterable[tuple[str, str, date]],
        *,
        who: str,
        why: str,
        covered_by: date | None = None,
        failed_before: datetime | None = None,
    ) -> int:
        """The same for many (dataset, scope, day) at once; `failed_before` spares what failed after that."""
        done = [
            {"dataset": dataset, "scope": scope, "day": day.isoformat()} for dataset, scope, day in sorted(set(scopes))
        ]
        given = {
            "scopes": json.dumps(done),
            "covered_by": covered_by,
            "failed_before": failed_before,
            "at": self.clock.now(),
            "why": clean(why),
        }

        def write(cursor: Any) -> int:
            cursor.execute(query("resolve_scopes"), given)
            return int(cursor.rowcount)

        return self._act(write, who=who, why=why) if done else 0

    def expire_lost(self, *, who: str, why: str = "past the time until which it could be fetched") -> Letters:
        """Every open letter past its `recoverable_until` becomes expired; those letters."""
        self._release_leases()
        given = {"at": self.clock.now(), "why": clean(why)}
        return self._act(lambda cursor: _letters(cursor, "expire_lost", given), who=who, why=why)

    def annotate(self, id: int, note: str) -> Letter:
        """Set the letter's note."""

        def write(cursor: Any) -> Letter:
            found = _letters(cursor, "annotate", {"id": id, "note": clean(note)})
            return found[0] if found else _one(cursor, "get", id)

        return self._read(write)

    def redact(self, login: str, pattern: str) -> int:
        """Takes the answers out of letters that name a login, and the login out of the rest of them; how many.

        `pattern` finds it as a word.
        """
        given = {"login": login, "pattern": pattern}
        return self._read(lambda cursor: len(_letters(cursor, "redact", given)))

    # --- memory ---

    def remember(self, name: str, value: str) -> None:
        """Keep a value under a name, for whoever asks next in whatever process."""
        given = {"name": name, "value": clean(value)}
        self._read(lambda cursor: cursor.execute(query("remember"), given))

    def recall(self, name: str) -> str | None:
        """What was remembered last under the name."""

        def read(cursor: Any) -> str | None:
            cursor.execute(query("recall"), {"name": name})
            found = cursor.fetchone()
            return found["value"] if found else None

        return self._read(read)

    def memories(self, prefix: str) -> dict[str, str]:
        """Everything remembered under names with the prefix."""

        def read(cursor: Any) -> dict[str, str]:
            cursor.execute(query("memories"), {"prefix": prefix})
            return {row["name"]: row["value"] for row in cursor.fetchall()}

        return self._read(read)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """One process at a time is inside, whoever else asks by the same name waits; a killed one lets go.

        Raises QueueUnavailable when the other takes longer than a minute.
        """
        given = {"name": name}
        self._read(lambda cursor: cursor.execute(query("lock"), given))
        try:
            yield
        finally:
            # A connection that broke has let go by itself.
            with suppress(QueueError):
                self._read(lambda cursor: cursor.execute(query("unlock"), given))

    # --- inside ---

    def _close(self, id: int, state: str, who: str, why: str) -> Letter:
        given = {"id": id, "state": state, "at": self.clock.now(), "why": clean(why)}

        def write(cursor: Any) -> Letter:
            found = _letters(cursor, "close", given)
            return found[0] if found else _one(cursor, "get", id)

        return self._act(write, who=who, why=why)

    def _release_leases(self) -> None:
        """Letters of a retry that was killed are open again as soon as anybody looks."""

        def read(cursor: Any) -> bool:
            cursor.execute(query("lapsed"))
            return bool(cursor.fetchone()["exists"])

        if self._read(read):
            self._act(
                lambda cursor: cursor.execute(query("release_leases")), who="queue", why="the lease of the retry ended"
            )

    def _act(self, work: Callable[[Any], T], *, who: str, why: str) -> T:
        """Do something that changes states: who does it and why goes into the history."""
        given = {"who": clean(who), "why": clean(why), "at": self.clock.now().isoformat()}
        if not given["who"] or not given["why"]:
            raise TransitionRefused("A change of state needs to say who makes it and why")

        def write(cursor: Any) -> T:
            cursor.execute(query("act"), given)
            return work(cursor)

        return self._read(write)

    def _read(self, work: Callable[[Any], T]) -> T:
        for attempt in range(1, _DEADLOCK_ATTEMPTS + 1):
            try:
                with self._database.transaction() as cursor:
                    return work(cursor)
            except TRY_AGAIN:
                time.sleep(0.01 * 2**attempt)
        raise QueueUnavailable("The dead letter queue is too busy: other transactions were preferred five times")


def _pages(rows: Iterable[Row]) -> Iterator[str]:
    """JSON arrays of at most some hundred rows and some megabytes."""
    page: list[str] = []
    size = 0
    for row in rows:
        text = json.dumps(row)
        if page and (len(page) >= _ROWS_AT_ONCE or size + len(text) > _BYTES_AT_ONCE):
            yield f"[{','.join(page)}]"
            page, size = [], 0
        page.append(text)
        size += len(text)
    if page:
        yield f"[{','.join(page)}]"


def _letters(cursor: Any, name: str, given: dict[str, Any]) -> list[Letter]:
    cursor.execute(query(name), given)
    return [Letter(**row) for row in cursor.fetchall()]


def _one(cursor: Any, name: str, id: int) -> Letter:
    found = _letters(cursor, name, {"id": id})
    if not found:
        raise LetterMissing(f"There is no dead letter {id}")
    return found[0]


def _transitions(cursor: Any, name: str, given: dict[str, Any]) -> list[Transition]:
    cursor.execute(query(name), given)
    return [Transition(**row) for row in cursor.fetchall()]
