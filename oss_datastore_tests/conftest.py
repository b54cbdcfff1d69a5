"""Real servers that several test folders share: an S3 endpoint and a PostgreSQL cluster.

They end with the session that began them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING
from unittest.mock import patch

import psycopg2
import pytest

from oss_datastore.dead_letters.embedded import EmbeddedPostgres, PostgresUnavailable

if TYPE_CHECKING:
    from oss_datastore_tests.redshift.shim import Shim


@pytest.fixture(scope="session")
def moto_s3() -> Iterator[str]:
    """Endpoint address of an S3 server that honours conditional writes; any credentials are accepted."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One cluster for the whole session: under pytest-xdist the workers share it, and the last one stops it."""
    base = tmp_path_factory.getbasetemp()
    server = EmbeddedPostgres(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base, durable=False)
    try:
        server.start()
    except PostgresUnavailable as problem:
        pytest.skip(str(problem))
    yield server
    server.release()


@pytest.fixture(scope="session")
def postgres_url(postgres: EmbeddedPostgres) -> str:
    """Address of a database on the session's cluster, shared by all tests."""
    return postgres.url


@pytest.fixture
def queue_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """Address of a fresh, empty database of the test's own."""
    name = f"test_{secrets.token_hex(8)}"
    yield postgres.ensure_database(name)
    with closing(psycopg2.connect(postgres.url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f'drop database "{name}" with (force)')


@pytest.fixture(scope="session")
def redshift(postgres: EmbeddedPostgres, moto_s3: str) -> Iterator[Shim]:
    """What speaks Redshift on the wire, with the cluster behind it and the S3 server beside it."""
    from oss_datastore_tests.redshift.shim import Shim
    from oss_datastore_tests.redshift.vocabulary import judge

    shim = Shim(postgres.url, moto_s3, judge)
    yield shim
    shim.close()


@pytest.fixture
def redshift_url(redshift: Shim, postgres: EmbeddedPostgres) -> Iterator[str]:
    """Address of a fresh, empty database of the test's own behind the shim."""
    name = f"redshift_{secrets.token_hex(8)}"
    postgres.ensure_database(name)
    redshift.prepare(name)
    yield redshift.url(name)
    with closing(psycopg2.connect(postgres.url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f'drop database "{name}" with (force)')


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Nobody pulls the plug while tests run: what is written here need not be on the disk before the next step.

    A process of its own, as every command is in `commands`, waits for it as ever.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="module", autouse=True)
def _a_module_leaves_the_environment_as_it_was() -> Iterator[None]:
    """What fixtures of a module, and days lived through in this process, set stays with it."""
    with patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True)
def _a_test_leaves_the_environment_as_it_was() -> Iterator[None]:
    """A variable left behind would be stronger than the .env of the next test."""
    with patch.dict(os.environ):
        yield


LONGEST = (
    "test_promises",
    "browser.test_dagster_ui",
    "vault.test_models",
    "commands.test_a_day",
    "recorded.test_traffic",
    "redshift.test_dbt",
    "staging.test_days_of_fetching",
    "report.test_lacking",
    "recorded.test_devlake",
    "vault.test_schema_change",
    "staging.test_faults",
    "infomarts.test_engines",
    "vault.test_scenarios",
    "redshift.test_compiled_statements",
    "vault.test_dbt",
    "vault.test_properties",
    "staging.test_on_s3",
    "dead_letters.test_embedded",
    "staging.test_behaviours",
)
"""Modules that take half a minute or more: where two workers share the files, what is long must not come last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest modules first; all others keep their order."""

    def turn(item: pytest.Item) -> int:
        name = item.module.__name__.removeprefix("oss_datastore_tests.")
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=turn)
