"""The compiled SQL of the marts, made once for all workers."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from oss_datastore_tests.infomarts.marts import AFFILIATION, compiled


@pytest.fixture(scope="session")
def compiled_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the project is compiled for DuckDB; under pytest-xdist the workers share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "marts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def mart_sql(compiled_in: Path) -> dict[str, str]:
    """The SQL of every mart on DuckDB, by name, in the order they build on each other."""
    kept = compiled_in / "sql.json"
    with (compiled_in / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            path = str(compiled_in / "warehouse.duckdb")
            duckdb = {"OSS_DATASTORE_WAREHOUSE": "duckdb", "OSS_DATASTORE_WAREHOUSE_PATH": path}
            kept.write_text(json.dumps(compiled(compiled_in, **duckdb)))
    sql: dict[str, str] = json.loads(kept.read_text())
    return sql


@pytest.fixture(scope="session")
def affiliation_sql(mart_sql: dict[str, str], compiled_in: Path) -> str:
    """The SQL by which the business vault says what somebody is to us; compiled together with the marts."""
    assert "dim_person" in mart_sql
    [found] = compiled_in.glob(f"target/compiled/*/models/business_vault/{AFFILIATION}.sql")
    return found.read_text(encoding="utf-8")
