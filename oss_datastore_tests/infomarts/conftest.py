"""The compiled SQL of the marts, made once for all workers."""

from __future__ import annotations

import fcntl
import json
import os

import pytest

from oss_datastore_tests.infomarts.marts import compiled


@pytest.fixture(scope="session")
def mart_sql(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The SQL of every mart on DuckDB, by name, in the order they build on each other."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "marts"
    folder.mkdir(exist_ok=True)
    kept = folder / "sql.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            duckdb = {"OSS_DATASTORE_WAREHOUSE": "duckdb", "OSS_DATASTORE_WAREHOUSE_PATH": f"{folder}/warehouse.duckdb"}
            kept.write_text(json.dumps(compiled(folder, **duckdb)))
    sql: dict[str, str] = json.loads(kept.read_text())
    return sql
