"""A queue in a fresh database, on a PostgreSQL of the tests' own or (`-m aws`) on a real one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg2
import pytest

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore.secret_settings import Manager, Secret


@pytest.fixture(params=["own server", pytest.param("real server", marks=pytest.mark.aws)])
def queue_url(request: pytest.FixtureRequest, queue_url: str) -> Iterator[str]:
    """Address of a fresh, empty database of the test's own."""
    if request.param == "own server":
        yield queue_url
    else:
        with real_database() as url:
            yield url


@contextmanager
def real_database() -> Iterator[str]:
    """A database of a random name on the server of OSS_DATASTORE_TEST_DLQ_URL, which is dropped in the end.

    Skips the test where the variable is not set.
    """
    variable = "OSS_DATASTORE_TEST_DLQ_URL"
    if not os.environ.get(variable):
        pytest.skip(f"{variable} names no PostgreSQL")
    manager = Manager(os.environ.get("AWS_DEFAULT_REGION"), os.environ.get("AWS_ENDPOINT_URL"))
    address = Secret(os.environ[variable]).known_as(variable, manager).get_secret_value()
    name = f"oss_datastore_test_{secrets.token_hex(8)}"
    with closing(psycopg2.connect(address)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f'create database "{name}"')
        try:
            yield urlsplit(address)._replace(path=f"/{name}").geturl()
        finally:
            connection.cursor().execute(f'drop database "{name}" with (force)')


@pytest.fixture
def clock() -> Clock:
    return Clock(held=datetime(2026, 11, 2, 0, 10, tzinfo=UTC))


@pytest.fixture
def queue(queue_url: str, clock: Clock) -> Iterator[DeadLetterQueue]:
    queue = DeadLetterQueue(queue_url, clock=clock)
    yield queue
    queue.close()
