"""What the database enforces whoever writes, and migrations by several processes at once."""

from __future__ import annotations

import itertools
import multiprocessing
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
import pytest

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import STATES, DeadLetterQueue, QueueUnavailable, database
from oss_datastore_tests.dead_letters.failures import failure

ALLOWED = {
    ("open", "retrying"), ("open", "resolved"), ("open", "expired"), ("open", "discarded"),
    ("retrying", "open"), ("retrying", "resolved"), ("retrying", "expired"), ("retrying", "discarded"),
    ("resolved", "open"), ("resolved", "discarded"), ("expired", "discarded"),
}  # fmt: skip
MOVE = """
    update dead_letter_queue.letters set state = %(to)s,
        lease_owner = case when %(to)s = 'retrying' then 'x' end,
        lease_until = case when %(to)s = 'retrying' then now() + interval '1 hour' end,
        closed_at = case when %(to)s not in ('open', 'retrying') then now() end
    where id = %(id)s
"""
WHO = "select set_config('dead_letter_queue.who', 'psql', false), set_config('dead_letter_queue.why', 'by hand', false)"


@pytest.fixture
def cursor(queue: DeadLetterQueue, queue_url: str) -> Iterator[Any]:
    queue.counts()
    with closing(psycopg2.connect(queue_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(WHO)
            yield cursor


@pytest.mark.parametrize(
    ("before", "after"), [pair for pair in itertools.product(STATES, STATES) if len(set(pair)) == 2]
)
def test_the_database_allows_these_changes_and_no_others(
    queue: DeadLetterQueue, cursor: Any, before: str, after: str
) -> None:
    number = queue.put(failure())
    if before != "open":
        cursor.execute(MOVE, {"to": before, "id": number})
    if (before, after) in ALLOWED:
        cursor.execute(MOVE, {"to": after, "id": number})
        last = queue.history(number)[-1]
        assert (last.from_state, last.to_state, last.who, last.why) == (before, after, "psql", "by hand")
    else:
        with pytest.raises(psycopg2.errors.CheckViolation, match=f"is {before}: it cannot become {after}"):
            cursor.execute(MOVE, {"to": after, "id": number})
        assert queue.get(number).state == before


@pytest.mark.parametrize(
    "statement",
    [
        "update dead_letter_queue.letters set state = 'lost'",
        "update dead_letter_queue.letters set scope = 'another'",
        "update dead_letter_queue.letters set attempts = 0",
        "update dead_letter_queue.letters set body_encoding = null",
        "update dead_letter_queue.letters set state = 'retrying'",
        "update dead_letter_queue.letters set state = 'resolved'",
        "update dead_letter_queue.transitions set who = 'nobody'",
        "delete from dead_letter_queue.transitions",
        "delete from dead_letter_queue.letters",
        "insert into dead_letter_queue.letters (dataset, scope, day, cause, source, error_class, message, "
        "first_failed_at, last_failed_at, state, closed_at) "
        "values ('d', 's', '2026-11-01', 'c', 'etl', 'e', 'm', now(), now(), 'resolved', now())",
    ],
)
def test_the_database_refuses_what_makes_no_sense(queue: DeadLetterQueue, cursor: Any, statement: str) -> None:
    number = queue.put(failure())
    with pytest.raises(psycopg2.IntegrityError):
        cursor.execute(statement)
    assert queue.get(number).state == "open"
    assert len(queue.history(number)) == 1


def test_a_change_by_hand_needs_a_name_and_a_reason(queue: DeadLetterQueue, queue_url: str) -> None:
    number = queue.put(failure())
    with (
        closing(psycopg2.connect(queue_url)) as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.CheckViolation, match=r"needs dead_letter_queue\.who"),
    ):
        cursor.execute(MOVE, {"to": "discarded", "id": number})


# --- several processes ---


def _put(url: str, start: Any, numbers: Any, count: int) -> None:
    queue = DeadLetterQueue(url, clock=Clock())
    start.wait()
    numbers.put([queue.put(failure()) for _ in range(count)])


def test_processes_that_start_at_once_migrate_once_and_make_one_letter(queue_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    start, numbers = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_put, args=(queue_url, start, numbers, 25)) for _ in range(3)]
    for process in processes:
        process.start()
    found = [number for _ in processes for number in numbers.get(timeout=60)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert len(set(found)) == 1
    with closing(DeadLetterQueue(queue_url, clock=Clock())) as queue:
        assert queue.get(found[0]).attempts == 75
        assert len(queue.history(found[0])) == 1


def _put_mixed(url: str, start: Any, numbers: Any, seed: int) -> None:
    queue = DeadLetterQueue(url, clock=Clock())
    failures = [failure(cause=str((number * (seed * 2 + 1)) % 64)) for number in range(64)]
    start.wait()
    for _ in range(10):
        queue.put_many(failures)
        queue.resolve_scopes([("traffic_views", failures[0].scope, failures[0].day)], who="run", why="complete")
    numbers.put(seed)


def test_processes_that_write_the_same_letters_in_any_order_do_not_block_each_other(queue_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    start, numbers = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_put_mixed, args=(queue_url, start, numbers, seed)) for seed in range(3)]
    for process in processes:
        process.start()
    assert sorted(numbers.get(timeout=60) for _ in processes) == [0, 1, 2]
    for process in processes:
        process.join(60)
    with closing(DeadLetterQueue(queue_url, clock=Clock())) as queue:
        assert {letter.attempts for letter in queue.list(states=STATES)} == {30}


# --- migrations ---


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sql"
    folder.mkdir()
    for path in database.SQL.glob("*.sql"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "queries").symlink_to(database.SQL / "queries")
    monkeypatch.setattr(database, "SQL", folder)
    return folder


def test_a_new_migration_is_applied_to_letters_that_are_there(queue_url: str, migrations: Path) -> None:
    with closing(DeadLetterQueue(queue_url, clock=Clock())) as queue:
        number = queue.put(failure())
    (migrations / "0900_shout.sql").write_text("update dead_letter_queue.letters set message = upper(message);")
    with closing(DeadLetterQueue(queue_url, clock=Clock())) as queue:
        assert queue.get(number).message == "GITHUB ANSWERED 502 FIVE TIMES"
    with closing(DeadLetterQueue(queue_url, clock=Clock())) as queue:
        queue.put(failure())
        assert queue.get(number).message == "GitHub answered 502 five times"


def test_a_migration_that_fails_leaves_nothing_half_done(queue_url: str, migrations: Path) -> None:
    (migrations / "0900_bad.sql").write_text("create table dead_letter_queue.half (x int); select 1 / 0;")
    with (
        closing(DeadLetterQueue(queue_url, clock=Clock())) as queue,
        pytest.raises(QueueUnavailable, match=r"^Migration 0900_bad .* was undone: division by zero"),
    ):
        queue.put(failure())
    with closing(psycopg2.connect(queue_url)) as connection, connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'dead_letter_queue'")
        assert cursor.fetchall() == []
    (migrations / "0900_bad.sql").unlink()
    with closing(DeadLetterQueue(queue_url, clock=Clock())) as queue:
        assert queue.put(failure()) > 0


def test_a_queue_of_a_newer_version_is_left_alone(queue_url: str, migrations: Path) -> None:
    (migrations / "0900_later.sql").write_text("select 1;")
    with closing(DeadLetterQueue(queue_url, clock=Clock())) as queue:
        queue.counts()
    (migrations / "0900_later.sql").unlink()
    with (
        closing(DeadLetterQueue(queue_url, clock=Clock())) as queue,
        pytest.raises(QueueUnavailable, match="newer version"),
    ):
        queue.counts()


def test_a_migration_changed_after_it_was_applied_is_refused(queue_url: str, migrations: Path) -> None:
    with closing(DeadLetterQueue(queue_url, clock=Clock())) as queue:
        queue.counts()
    changed = migrations / "0002_memory.sql"
    changed.write_text(changed.read_text() + "\n")
    with closing(DeadLetterQueue(queue_url, clock=Clock())) as queue, pytest.raises(QueueUnavailable, match="changed"):
        queue.counts()


def test_a_role_that_may_only_write_letters_can_use_a_queue_that_is_up_to_date(
    queue: DeadLetterQueue, cursor: Any
) -> None:
    cursor.execute("drop role if exists letters_only; create role letters_only")
    cursor.execute("grant usage on schema dead_letter_queue to letters_only")
    cursor.execute("grant select, insert, update on all tables in schema dead_letter_queue to letters_only")
    database._migrate(_as(cursor.connection, "letters_only"))
    cursor.execute("reset role; drop owned by letters_only; drop role letters_only")


def _as(connection: Any, role: str) -> Any:
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute(f"set role {role}")
    connection.commit()
    return connection


# --- scale ---


def test_a_hundred_thousand_letters_are_listed_and_counted_in_a_moment(queue: DeadLetterQueue, cursor: Any) -> None:
    cursor.execute(
        """
        alter table dead_letter_queue.letters disable trigger user;
        insert into dead_letter_queue.letters (dataset, scope, day, cause, source, error_class, message, request,
            body, body_encoding, body_length, first_failed_at, last_failed_at, recoverable_until)
        select 'dataset_' || n % 40, 'github.com/repository/' || n, date '2026-11-01' - n % 30, 'c', 'github_v3',
            'error_' || n % 7, 'a message of usual length, say eighty characters, about repository ' || n,
            '{"api": "v3", "method": "GET"}', repeat(md5(n::text), 20), 'utf-8', 640,
            now() - n * interval '1 second', now() - n * interval '1 second', now() + n * interval '1 minute'
        from generate_series(1, 100000) n;
        alter table dead_letter_queue.letters enable trigger user
        """
    )
    cursor.execute("analyze dead_letter_queue.letters")
    queue.list()
    tracemalloc.start()
    for name, act in {
        "list": lambda: queue.list(),
        "filtered": lambda: queue.list(dataset="dataset_3", error_class="error_3"),
        "counts": lambda: queue.counts(),
        "claim": lambda: queue.claim(limit=100, who="retry"),
        "soon lost": lambda: queue.list(lost_before=failure().recoverable_until, limit=1000),
    }.items():
        began = time.monotonic()
        act()
        assert time.monotonic() - began < 1.0, name
    assert tracemalloc.get_traced_memory()[1] < 20 * 1024 * 1024
    tracemalloc.stop()
