"""A Dagster instance as `infra/dagster.yaml` makes it, on a database of the test's own."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import psycopg2
import pytest

from oss_datastore.dead_letters import EmbeddedPostgres

CONFIGURATION = Path(__file__).resolve().parents[2] / "infra" / "dagster.yaml"


def with_driver(url: str) -> str:
    """The address as SQLAlchemy wants it: the driver is named."""
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


@pytest.fixture
def dagster_url(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of an empty database for Dagster, also in the environment."""
    name = f"dagster_{secrets.token_hex(8)}"
    url = postgres.ensure_database(name)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", with_driver(url))
    yield url
    with closing(psycopg2.connect(postgres.url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f'drop database "{name}" with (force)')


@pytest.fixture
def dagster_folder(tmp_path: Path, dagster_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DAGSTER_HOME with the configuration for deployment."""
    folder = tmp_path / "home" / "dagster"
    folder.mkdir(parents=True)
    shutil.copy(CONFIGURATION, folder)
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


@pytest.fixture
def instance(dagster_folder: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance on that folder."""
    with dg.DagsterInstance.from_config(str(dagster_folder)) as instance:
        yield instance
