"""The queue's connection to PostgreSQL: opening, migrating, transactions, and what its errors mean.

What is asked of the database does not belong here (see `queue`); the SQL lies in `sql/dead_letter_queue`.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
import psycopg2.extras

from oss_datastore.redaction import redact_text

SQL = Path(__file__).resolve().parents[2] / "sql" / "dead_letter_queue"
_SETTINGS = "set timezone to 'UTC'; set statement_timeout to '120s'; set lock_timeout to '60s'"


# PostgreSQL ended one of two transactions that waited for each other; nothing of it was done.
TRY_AGAIN = (psycopg2.errors.DeadlockDetected, psycopg2.errors.SerializationFailure)


class QueueError(Exception):
    """The queue refused; the message is one line for people."""


class QueueUnavailable(QueueError):
    """The queue cannot be reached or written now; what was to be written may or may not have been."""


class LetterMissing(QueueError):
    """There is no letter with that number."""


class TransitionRefused(QueueError):
    """The letter's state does not allow the change, or another retry holds it."""


@cache
def query(name: str) -> str:
    """The text of `sql/dead_letter_queue/queries/<name>.sql`."""
    return (SQL / "queries" / f"{name}.sql").read_text()


class Database:
    """One connection, made when first needed and again after it broke; safe for threads and after a fork.

    `asked_again` tells the address anew after a password was refused.
    """

    def __init__(self, url: str, asked_again: Callable[[], str] | None = None) -> None:
        self._url = _for_libpq(url)
        self._asked_again = asked_again
        self._lock = threading.RLock()
        self._connection: Any = None
        self._process = 0
        self._migrated = False

    def close(self) -> None:
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A cursor in a transaction of its own; what goes wrong is raised as a `QueueError`, except
        `TRY_AGAIN`.
        """
        with self._lock:
            try:
                connection = self._connected()
                try:
                    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                        yield cursor
                    connection.commit()
                except BaseException:
                    with suppress(psycopg2.Error):
                        connection.rollback()
                    raise
            except TRY_AGAIN:
                raise
            except psycopg2.errors.CheckViolation as problem:
                raise TransitionRefused(_first_line(problem)) from None
            except (psycopg2.IntegrityError, psycopg2.DataError) as problem:
                raise QueueError(f"The dead letter queue refuses this: {_first_line(problem)}") from None
            except psycopg2.Error as problem:
                raise QueueUnavailable(
                    f"The dead letter queue cannot be used: {_first_line(problem)}; check DLQ_URL and the server"
                ) from None

    def _connected(self) -> Any:
        if self._process != os.getpid():
            # A forked child must not speak on its parent's connection, nor close it.
            self._connection, self._process = None, os.getpid()
        if self._connection is not None:
            # Found out before anything is sent: a failure in the middle of a write would leave open whether
            # it happened.
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute("select 1")
                self._connection.rollback()
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self._connection = None
        if self._connection is None:
            connection = self._connect()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(_SETTINGS)
                connection.commit()
                if not self._migrated:
                    _migrate(connection)
                    self._migrated = True
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _connect(self) -> Any:
        try:
            return _connect(self._url)
        except psycopg2.OperationalError as problem:
            if self._asked_again is None or "authentication failed" not in str(problem):
                raise
            # The password may have been rotated since it was read.
            refused, self._url = self._url, _for_libpq(self._asked_again())
            if self._url == refused:
                raise
            return _connect(self._url)


def _for_libpq(url: str) -> str:
    """SQLAlchemy's form names the driver; libpq's does not."""
    return url.replace("postgresql+psycopg2://", "postgresql://", 1)


def _connect(url: str) -> Any:
    return psycopg2.connect(
        url,
        connect_timeout=10,
        application_name="oss-datastore",
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
        # A network that swallows what was sent; the keepalives see only one that is idle.
        tcp_user_timeout=60_000,
    )


def _migrate(connection: Any) -> None:
    """Bring the schema to this code's version; several processes at once wait for the first."""
    wanted = {}
    for path in sorted(SQL.glob("[0-9][0-9][0-9][0-9]_*.sql")):
        text = path.read_text()
        wanted[int(path.name[:4])] = (path.stem, hashlib.sha256(text.encode()).hexdigest(), text)
    with connection, connection.cursor() as cursor:
        cursor.execute(query("ready"))
        # A role that may only read and write letters can use a queue that is up to date.
        if cursor.fetchone()[0] and not _missing(cursor, wanted):
            return
        cursor.execute(query("prepare"))
        for number in _missing(cursor, wanted):
            name, digest, text = wanted[number]
            try:
                cursor.execute(text)
            except psycopg2.Error as problem:
                # Away, not refusing: what a run has to tell must wait until somebody has mended this.
                raise QueueUnavailable(
                    f"Migration {name} of the dead letter queue failed and was undone: {_first_line(problem)}; "
                    "check what the role may do, or set DLQ_URL to another database"
                ) from None
            cursor.execute(query("record_migration"), {"number": number, "name": name, "digest": digest})


def _missing(cursor: Any, wanted: dict[int, tuple[str, str, str]]) -> list[int]:
    cursor.execute(query("applied"))
    applied = dict(cursor.fetchall())
    if set(applied) - set(wanted):
        raise QueueUnavailable(
            f"The dead letter queue was made by a newer version (migration {max(applied)}, this one knows "
            f"{max(wanted)}); upgrade oss-datastore or set DLQ_URL to another database"
        )
    for number, digest in applied.items():
        if wanted[number][1] != digest:
            raise QueueUnavailable(
                f"Migration {wanted[number][0]} was changed after it was applied; restore its text and write "
                "the change as a new migration"
            )
    return sorted(set(wanted) - set(applied))


def _first_line(problem: psycopg2.Error) -> str:
    text = problem.diag.message_primary or str(problem)
    return redact_text((text.strip().splitlines() or [type(problem).__name__])[0])
