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

OWN_SCENARIOS = Path(__file__).parent / "scenario_files"
SHARED_SCENARIOS = ROOT / "../shared/vault-scenarios"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--scenarios", default=None, help="folder of vault scenario files (*.json), each run in every permutation"
    )


def scenario_files(config: pytest.Config) -> list[Path]:
    """The files of the folder given, else our own and, where they are, those that lie beside the project.

    A file whose name begins with _ is an index of the others. Raises UsageError where a folder given has none.
    """
    given = config.getoption("--scenarios", default=None)
    folders = [Path(given)] if given else [OWN_SCENARIOS, SHARED_SCENARIOS]
    files = [path for folder in folders for path in sorted(folder.glob("*.json")) if not path.name.startswith("_")]
    if given and not files:
        raise pytest.UsageError(f"--scenarios {given}: there is no scenario file (*.json) in it")
    return files


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
