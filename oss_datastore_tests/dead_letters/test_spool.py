"""Letters survive a queue that is away, and come back once, in order, by themselves."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import (
    DeadLetterQueue,
    EmbeddedPostgres,
    PostgresUnavailable,
    QueueUnavailable,
    TransitionRefused,
    database,
    spool,
)
from oss_datastore.dead_letters.spool import REFUSED, SPOOL, SpoolingQueue
from oss_datastore.staging.store import LocalStore, StoreUnavailable
from oss_datastore_tests.dead_letters.failures import DAY, SCOPE, failure

NOWHERE = "postgresql://dlq@127.0.0.1:9/dlq"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_PAUSE", 0.0)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def spooling(queue: DeadLetterQueue, store: LocalStore, clock: Clock) -> SpoolingQueue:
    return SpoolingQueue(lambda: queue, store)


class Outage:
    """Lets a queue be away: before a write, or after it, when only the answer is lost."""

    def __init__(self, queue: DeadLetterQueue, monkeypatch: pytest.MonkeyPatch) -> None:
        self.away = ""
        for name in ("put_rows", "resolve_scopes"):
            monkeypatch.setattr(queue, name, self._around(getattr(queue, name)))

    def _around(self, real: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if self.away == "before":
                raise QueueUnavailable("away")
            done = real(*arguments, **named)
            if self.away == "after":
                raise QueueUnavailable("the answer was lost")
            return done

        return call


@pytest.fixture
def outage(queue: DeadLetterQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outage]:
    return Outage(queue, monkeypatch)  # type: ignore[return-value]


def test_while_all_is_well_nothing_is_spooled(
    spooling: SpoolingQueue, store: LocalStore, queue: DeadLetterQueue
) -> None:
    number = spooling.put(failure())
    assert number is not None
    assert spooling.put_many([failure(), failure(cause="x")])[0] == number
    spooling.resolve_scopes([("traffic_views", SCOPE, DAY)], who="run", why="complete")
    assert queue.get(number).state == "resolved"
    assert queue.get(number).attempts == 2
    assert list(store.list("")) == []


def test_a_queue_that_is_really_away_does_not_stop_the_run(
    store: LocalStore, clock: Clock, queue: DeadLetterQueue, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        away = SpoolingQueue(lambda: DeadLetterQueue(NOWHERE, clock=clock), store)
        assert away.put(failure()) is None
        assert away.put_many([failure(cause="two"), failure(cause="three")]) == []
        away.resolve_scopes([("traffic_views", "other", DAY)], who="run", why="complete")
    assert away.waiting() == 3
    assert "letters wait in file://" in caplog.text
    with pytest.raises(QueueUnavailable):
        away.drain()

    back = SpoolingQueue(lambda: queue, store)
    back.put(failure(cause="four"))
    assert back.waiting() == 0
    assert sorted(letter.cause for letter in queue.list()) == ["four", "server_fault", "three", "two"]


def test_letters_keep_the_time_of_their_failure(
    spooling: SpoolingQueue, outage: Outage, clock: Clock, queue: DeadLetterQueue
) -> None:
    failed_at = clock.now()
    outage.away = "before"
    spooling.put(failure())
    clock.held = failed_at + timedelta(hours=3)
    outage.away = ""
    assert spooling.drain() == 1
    (letter,) = queue.list()
    assert letter.first_failed_at == letter.last_failed_at == failed_at


def test_what_was_written_although_the_answer_was_lost_counts_once(
    spooling: SpoolingQueue, outage: Outage, queue: DeadLetterQueue
) -> None:
    outage.away = "after"
    spooling.put(failure())
    assert spooling.waiting() == 1
    outage.away = ""
    spooling.put(failure())
    assert spooling.waiting() == 0
    assert [letter.attempts for letter in queue.list()] == [2]


def test_a_drain_that_is_killed_before_it_tidies_up_counts_once(
    spooling: SpoolingQueue, outage: Outage, queue: DeadLetterQueue, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage.away = "before"
    spooling.put(failure())
    outage.away = ""
    with monkeypatch.context() as patch:
        patch.setattr(store, "delete", lambda key: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            spooling.drain()
    assert spooling.drain() == 1
    assert [letter.attempts for letter in queue.list()] == [1]


def test_two_processes_that_drain_at_once_make_no_duplicates(
    queue_url: str, store: LocalStore, clock: Clock, queue: DeadLetterQueue
) -> None:
    away = SpoolingQueue(lambda: DeadLetterQueue(NOWHERE, clock=clock), store)
    for number in range(30):
        away.put(failure(cause=str(number % 10)))

    def drain(_: int) -> None:
        with closing(DeadLetterQueue(queue_url, clock=clock)) as own:
            SpoolingQueue(lambda: own, store).drain()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(drain, range(4)))
    assert {letter.cause: letter.attempts for letter in queue.list()} == {str(number): 3 for number in range(10)}
    assert away.waiting() == 0


def test_a_success_that_came_after_the_failure_closes_it(
    spooling: SpoolingQueue, outage: Outage, queue: DeadLetterQueue
) -> None:
    outage.away = "before"
    spooling.put(failure())
    outage.away = ""
    spooling.resolve_scopes([("traffic_views", SCOPE, DAY)], who="run", why="complete")
    assert [letter.state for letter in queue.list(states=("open", "resolved"))] == ["resolved"]


def test_a_success_in_the_spool_closes_only_what_failed_before_it(
    spooling: SpoolingQueue, outage: Outage, queue: DeadLetterQueue, clock: Clock
) -> None:
    queue.put(failure(cause="before"))
    outage.away = "before"
    spooling.resolve_scopes([("traffic_views", SCOPE, DAY)], who="run", why="complete")
    outage.away = ""
    clock.held = clock.now() + timedelta(hours=1)
    queue.put(failure(cause="after"))
    spooling.drain()
    assert {letter.cause: letter.state for letter in queue.list(states=("open", "resolved"))} == {
        "before": "resolved",
        "after": "open",
    }


def test_a_failure_in_the_spool_does_not_reopen_what_was_resolved_after_it(
    spooling: SpoolingQueue, outage: Outage, queue: DeadLetterQueue, clock: Clock
) -> None:
    number = queue.put(failure())
    outage.away = "before"
    spooling.put(failure())
    outage.away = ""
    clock.held = clock.now() + timedelta(hours=1)
    queue.resolve(number, who="retry", why="fetched")
    spooling.drain()
    letter = queue.get(number)
    assert (letter.state, letter.attempts) == ("resolved", 2)


def test_an_entry_that_the_queue_refuses_is_kept_apart_and_holds_up_nothing(
    spooling: SpoolingQueue, outage: Outage, queue: DeadLetterQueue, store: LocalStore
) -> None:
    outage.away = "before"
    spooling.put(failure(source="gitlab"))
    spooling.put(failure())
    outage.away = ""
    with pytest.raises(TransitionRefused):
        spooling.put(failure(source="gitlab"))
    assert spooling.waiting() == 0
    assert len(list(store.list(REFUSED))) == 1
    assert len(queue.list()) == 1


@pytest.mark.parametrize("content", [b"", b'{"kind": "put"', b"[]", b'{"kind": "later", "at": "x"}', b"\xff\xfe"])
def test_what_is_no_entry_is_kept_apart_and_fails_no_run(
    spooling: SpoolingQueue, store: LocalStore, queue: DeadLetterQueue, content: bytes
) -> None:
    store.put_if_absent(f"{SPOOL}00000000000000000001-x.json", content)
    assert spooling.put(failure()) is not None
    assert list(store.list(SPOOL)) == []
    (kept,) = store.list(REFUSED)
    assert store.get(kept) == content
    assert len(queue.list()) == 1


def test_a_migration_that_fails_fails_no_run(
    queue_url: str, store: LocalStore, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "sql"
    shutil.copytree(database.SQL, broken)
    (broken / "0900_bad.sql").write_text("select 1 / 0;")
    monkeypatch.setattr(database, "SQL", broken)
    spooling = SpoolingQueue(lambda: DeadLetterQueue(queue_url, clock=clock), store)
    assert spooling.put(failure()) is None
    (broken / "0900_bad.sql").unlink()
    assert spooling.put(failure()) is not None
    assert spooling.waiting() == 0
    with closing(DeadLetterQueue(queue_url, clock=clock)) as queue:
        assert [letter.attempts for letter in queue.list()] == [2]


def test_a_spool_that_cannot_be_read_does_not_keep_letters_out_of_the_queue(
    spooling: SpoolingQueue, queue: DeadLetterQueue, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(prefix: str) -> Iterator[str]:
        raise StoreUnavailable("no disk")

    monkeypatch.setattr(store, "list", unavailable)
    assert spooling.put(failure()) is not None
    assert len(queue.list()) == 1


def test_a_queue_that_was_away_is_opened_again(store: LocalStore, queue: DeadLetterQueue, clock: Clock) -> None:
    opened = []

    def open_queue() -> DeadLetterQueue:
        opened.append(1)
        if len(opened) < 3:
            raise PostgresUnavailable("no disk")
        return queue

    spooling = SpoolingQueue(open_queue, store, clock=clock)
    assert spooling.put(failure()) is None
    assert spooling.put(failure()) is None
    assert spooling.put(failure()) is not None
    assert [letter.attempts for letter in queue.list()] == [3]
    assert spooling.put(failure()) is not None
    assert len(opened) == 3


def test_a_server_of_our_own_that_was_killed_is_started_again(tmp_path: Path, store: LocalStore, clock: Clock) -> None:
    server = EmbeddedPostgres(tmp_path / "home", durable=False)
    try:
        spooling = SpoolingQueue(lambda: DeadLetterQueue(server.start(), clock=clock), store)
        number = spooling.put(failure())
        server.stop()
        assert spooling.put(failure()) is None
        assert spooling.put(failure()) == number
        with closing(DeadLetterQueue(server.url, clock=clock)) as queue:
            assert [letter.attempts for letter in queue.list()] == [3]
        spooling.close()
    finally:
        server.stop()
