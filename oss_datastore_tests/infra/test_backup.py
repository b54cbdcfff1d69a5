"""What `docs/operations.md` says of backup and restore, done: nothing that cannot be made anew is lost."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg2
import pytest

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import STATES, DeadLetterQueue, EmbeddedPostgres, binaries
from oss_datastore.dead_letters.records import row_of
from oss_datastore_tests.dead_letters.failures import SCOPE, failure
from oss_datastore_tests.infra.conftest import with_driver

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
CLOCK = Clock(held=datetime(2026, 11, 2, 0, 10, tzinfo=UTC))


def told(command: str) -> list[str]:
    """The indented lines of the chapter that call the program, as a person would type them."""
    chapter = OPERATIONS.read_text().split("\n## Backup and restore\n")[1].split("\n## ")[0]
    found = [line.strip() for line in chapter.splitlines() if re.match(rf"    {command} ", line)]
    assert found, f"the chapter has no {command}"
    return found


def fill(url: str) -> None:
    """Letters in every state, with bodies of both kinds, their history, and something remembered."""
    with closing(DeadLetterQueue(url, clock=CLOCK)) as queue:
        numbers = queue.put_many([failure(cause=state, scope=f"{SCOPE}/{state}") for state in STATES])
        queue.put(failure(cause="open", scope=f"{SCOPE}/open", body=b"\x00\xff binary"))
        queue.claim(ids=[numbers[1]], who="somebody", lease_seconds=9000)
        queue.resolve(numbers[2], who="run", why="whole")
        queue.expire(numbers[3], who="run", why="past")
        queue.discard(numbers[4], who="anna", why="not needed")
        queue.annotate(numbers[0], "Käse & 'quotes' ␀")
        queue.put_rows([row_of(failure(cause="spooled"), CLOCK.now())], who="run", occurrence="a batch")
        queue.remember("alert letters", "told at noon")


def everything(url: str) -> dict[str, Any]:
    """All rows of the queue, and what the next number of each table will be."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        found: dict[str, Any] = {}
        cursor.execute("select tablename from pg_tables where schemaname = 'dead_letter_queue' order by 1")
        for (table,) in cursor.fetchall():
            cursor.execute(f"select to_jsonb(t)::text from dead_letter_queue.{table} t order by 1")
            found[table] = cursor.fetchall()
        cursor.execute(
            "select sequencename, last_value from pg_sequences where schemaname = 'dead_letter_queue' order by 1"
        )
        found["sequences"] = cursor.fetchall()
        return found


def is_alive(url: str, before: dict[str, Any]) -> None:
    """The copy has the same rows and goes on from there: new numbers, and the rules of the database."""
    assert everything(url) == before
    last = dict(before["sequences"])["letters_id_seq"]
    with closing(DeadLetterQueue(url, clock=CLOCK)) as queue:
        assert queue.put(failure(cause="after")) > last
        assert queue.recall("alert letters") == "told at noon"
        letters = {letter.cause: letter.id for letter in queue.list(states=STATES)}
        assert [step.to_state for step in queue.history(letters["discarded"])] == ["open", "discarded"]
        assert queue.get(letters["open"]).body_bytes == b"\x00\xff binary"
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.errors.CheckViolation, match="only ever added to"):
            cursor.execute("delete from dead_letter_queue.transitions")
        connection.rollback()


@pytest.fixture
def programs(postgres: EmbeddedPostgres) -> Path:
    """The folder with `pg_dump` of the server's own version."""
    with closing(psycopg2.connect(postgres.url)) as connection:
        major = connection.server_version // 10_000
    for folder in binaries._candidates():
        if (folder / "pg_dump").exists() and binaries._version(folder / "postgres")[0] == major:
            return folder
    pytest.skip(f"no pg_dump of version {major}")


@pytest.fixture
def fresh(postgres: EmbeddedPostgres) -> Iterator[Callable[[], str]]:
    """Makes empty databases to restore into."""
    names: list[str] = []

    def make() -> str:
        names.append(f"restored_{secrets.token_hex(8)}")
        return postgres.ensure_database(names[-1])

    yield make
    with closing(psycopg2.connect(postgres.url)) as connection:
        connection.autocommit = True
        for name in names:
            connection.cursor().execute(f'drop database "{name}" with (force)')


def shell(line: str, folder: Path, **environment: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-ec", line],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{line}: {done.stderr}"


def test_both_databases_are_dumped_and_restored_as_the_chapter_says(
    queue_url: str,
    dagster_url: str,
    dagster_folder: Path,
    programs: Path,
    fresh: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @dg.asset
    def kept() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={"rows": 7})

    fill(queue_url)
    before = everything(queue_url)
    with dg.DagsterInstance.from_config(str(dagster_folder)) as instance:
        first = dg.materialize([kept], instance=instance)
        events = [entry.user_message for entry in instance.all_logs(first.run_id)]

    path = f"{programs}:{os.environ['PATH']}"
    for line in told("pg_dump"):
        shell(line, tmp_path, PATH=path, DLQ_URL=queue_url, DAGSTER_POSTGRES_URL=dagster_url)
    new_queue, new_dagster = fresh(), fresh()
    for line in told("pg_restore"):
        shell(line, tmp_path, PATH=path, NEW_DLQ_URL=new_queue, NEW_DAGSTER_URL=new_dagster)

    is_alive(new_queue, before)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", with_driver(new_dagster))
    with dg.DagsterInstance.from_config(str(dagster_folder)) as instance:
        assert [entry.user_message for entry in instance.all_logs(first.run_id)] == events
        second = dg.materialize([kept], instance=instance)
        assert [run.run_id for run in instance.get_runs()] == [second.run_id, first.run_id]
        assert len(instance.fetch_materializations(dg.AssetKey("kept"), limit=9).records) == 2


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A home, and where another will be."""
    found = tmp_path / "home with spaces", tmp_path / "new"
    yield found
    for home in found:
        if (home / "postgres").exists():
            EmbeddedPostgres(home).stop()


def test_the_stopped_embedded_server_is_copied_and_restored_as_the_chapter_says(
    homes: tuple[Path, Path], tmp_path: Path
) -> None:
    if shutil.which("flock") is None:
        pytest.skip("no flock")
    home, new = homes
    server = EmbeddedPostgres(home, durable=False)
    fill(server.start())
    before = everything(server.url)
    # One line to take it, one to bring it back.
    take, bring = told("flock") + told("cp")
    named = {"OSS_DATASTORE_HOME": str(home), "NEW_HOME": str(new)}
    (tmp_path / "backup").mkdir()
    with pytest.raises(AssertionError):
        shell(take, tmp_path, **named)
    assert not (tmp_path / "backup" / "postgres").exists()
    server.release()

    shell(take, tmp_path, **named)
    shutil.rmtree(home)
    new.mkdir()
    shell(bring, tmp_path, **named)
    is_alive(EmbeddedPostgres(new, durable=False).start(), before)
