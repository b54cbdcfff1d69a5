"""Both engines with the scenario tables, rendered and created once per session; options of the scenario runner."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest

from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore_tests.vault.engine import ROOT, DuckDB, PostgreSQL, Vault, compiled_plans, project_copy

SHARED_SCENARIOS = ROOT / "../shared/vault-scenarios"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--scenarios", default=None, help="folder of vault scenario files (*.json)")
    parser.addoption("--all-plans", action="store_true", help="every permutation of every scenario, never a sample")


def scenario_folder(config: pytest.Config) -> Path:
    return Path(config.getoption("--scenarios", default=None) or SHARED_SCENARIOS)


def dbt_environment(**settings: str) -> dict[str, str]:
    """The environment of a dbt process: nothing of ours that is not said here."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OSS_DATASTORE_", "DBT_"))}
    return kept | {"PYTHONPATH": str(ROOT)} | settings


def postgres_environment(url: str) -> dict[str, str]:
    """What profiles.yml reads for the database at an address."""
    parts = psycopg2.extensions.parse_dsn(url)
    return dbt_environment(
        OSS_DATASTORE_WAREHOUSE="postgres",
        OSS_DATASTORE_WAREHOUSE_HOST=parts["host"],
        OSS_DATASTORE_WAREHOUSE_PORT=parts.get("port", "5432"),
        OSS_DATASTORE_WAREHOUSE_USER=parts["user"],
        OSS_DATASTORE_WAREHOUSE_DATABASE=parts["dbname"],
        DBT_ENV_SECRET_WAREHOUSE_PASSWORD=parts.get("password", ""),
    )


@pytest.fixture(scope="session")
def duckdb_vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """The scenario tables on DuckDB."""
    env = dbt_environment(OSS_DATASTORE_WAREHOUSE="duckdb", OSS_DATASTORE_WAREHOUSE_PATH=":memory:")
    plans = compiled_plans(project_copy(tmp_path_factory.mktemp("duckdb")), "duckdb", env)
    return Vault("duckdb", DuckDB(), plans)


@pytest.fixture(scope="session")
def postgres_vault(tmp_path_factory: pytest.TempPathFactory, postgres: EmbeddedPostgres) -> Vault:
    """The scenario tables on PostgreSQL."""
    url = postgres.ensure_database(f"vault_{secrets.token_hex(8)}")
    plans = compiled_plans(project_copy(tmp_path_factory.mktemp("postgres")), "postgres", postgres_environment(url))
    return Vault("postgres", PostgreSQL(url), plans)


@pytest.fixture(params=["duckdb", "postgres"])
def vault(request: pytest.FixtureRequest) -> Vault:
    """Each engine in turn, empty."""
    engine: Vault = request.getfixturevalue(f"{request.param}_vault")
    engine.empty()
    return engine
