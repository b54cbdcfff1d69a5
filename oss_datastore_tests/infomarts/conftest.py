"""The compiled SQL of the marts, once per session and engine."""

from __future__ import annotations

import pytest

from oss_datastore_tests.infomarts.marts import AFFILIATION, compiled


@pytest.fixture(scope="session")
def mart_sql(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The SQL of every mart on DuckDB, by name, in the order they build on each other."""
    folder = tmp_path_factory.mktemp("marts")
    return compiled(
        folder, OSS_DATASTORE_WAREHOUSE="duckdb", OSS_DATASTORE_WAREHOUSE_PATH=str(folder / "warehouse.duckdb")
    )


@pytest.fixture(scope="session")
def affiliation_sql(mart_sql: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The SQL by which the business vault says what somebody is to us; compiled together with the marts."""
    assert "dim_person" in mart_sql
    found = tmp_path_factory.getbasetemp().glob(f"marts*/sql/target/compiled/*/models/business_vault/{AFFILIATION}.sql")
    return next(found).read_text(encoding="utf-8")
