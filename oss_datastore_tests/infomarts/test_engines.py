"""The marts as dbt makes them: the grain of each is checked, and DuckDB and PostgreSQL agree on every row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extras
import pytest

from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore_tests.infomarts.marts import SCHEMAS, Marts, compiled, dbt, fill, project
from oss_datastore_tests.infomarts.world import World, shapes
from oss_datastore_tests.report.organisation import organisation


@pytest.fixture(scope="module")
def world() -> World:
    return organisation(days=20, repositories=5)


@pytest.fixture(scope="module")
def marts(mart_sql: dict[str, str], world: World) -> Marts:
    marts = Marts(mart_sql, world)
    for name in mart_sql:
        marts.build(name)
    return marts


def test_every_column_is_described_in_its_order(mart_sql: dict[str, str], marts: Marts) -> None:
    for name in mart_sql:
        declared = project(name)
        columns = [c["name"] for c in declared["columns"]]
        marts.connection.execute(f"select * from infomarts.{name} limit 0")
        assert columns == [column[0] for column in marts.connection.description], name
        assert declared["description"].startswith("One row per"), name
        assert all(c["description"].endswith(".") for c in declared["columns"]), name


def test_no_mart_holds_a_float(mart_sql: dict[str, str], marts: Marts) -> None:
    found = marts.connection.execute(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'infomarts' and data_type in ('FLOAT', 'DOUBLE', 'REAL', 'HUGEINT')"
    ).fetchall()
    assert found == []


def test_dbt_builds_the_marts_and_finds_each_grain_unique(world: World, tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        fill(connection, world)
    settings = {"OSS_DATASTORE_WAREHOUSE": "duckdb", "OSS_DATASTORE_WAREHOUSE_PATH": str(tmp_path / "warehouse.duckdb")}
    dbt(tmp_path, "build", "--select", "infomarts", **settings)


@pytest.fixture(scope="module")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("postgres")


@pytest.fixture(scope="module")
def postgres(server_home: Path) -> Iterator[tuple[Any, dict[str, str]]]:
    """A connection to a database of its own whose server logs statements, and the settings by which dbt finds it."""
    server = EmbeddedPostgres(server_home, settings={"log_statement": "all"})
    connection = psycopg2.connect(server.start())
    connection.autocommit = True
    parameters = connection.get_dsn_parameters()
    yield (
        connection,
        {
            "OSS_DATASTORE_WAREHOUSE": "postgres",
            "OSS_DATASTORE_WAREHOUSE_HOST": parameters["host"],
            "OSS_DATASTORE_WAREHOUSE_USER": parameters["user"],
            "OSS_DATASTORE_WAREHOUSE_DATABASE": parameters["dbname"],
        },
    )
    connection.close()
    server.stop()


def test_postgresql_gives_the_same_rows(
    marts: Marts, world: World, postgres: tuple[Any, dict[str, str]], server_home: Path
) -> None:
    connection, settings = postgres
    cursor = connection.cursor()
    for schema in SCHEMAS:
        cursor.execute(f"create schema {schema}")
    for name, rows in world.tables().items():
        columns = shapes()[name]
        cursor.execute(f"create table {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})")
        psycopg2.extras.execute_values(
            cursor,
            f"insert into {name} values %s",
            [tuple(row.get(c) for c in columns) for row in rows],
            page_size=2000,
        )
    for name, text in compiled(server_home, **settings).items():
        cursor.execute(f"create table infomarts.{name} as {text}")
        cursor.execute(f"select * from infomarts.{name}")
        theirs = sorted(repr(row) for row in cursor.fetchall())
        ours = sorted(repr(row) for row in marts.connection.execute(f"select * from infomarts.{name}").fetchall())
        assert theirs == ours, name


def test_dbt_builds_them_on_postgresql_without_nested_loops(
    mart_sql: dict[str, str], world: World, postgres: tuple[Any, dict[str, str]], server_home: Path
) -> None:
    """A chain of common table expressions is taken for one row each: nested loops over them take minutes."""
    connection, settings = postgres
    connection.cursor().execute("drop schema infomarts cascade; create schema infomarts")
    begun = (server_home / "postgres" / "log").stat().st_size
    dbt(server_home, "build", "--select", "infomarts", **settings)
    with (server_home / "postgres" / "log").open(encoding="utf-8") as log:
        log.seek(begun)
        told = log.read()
    assert told.count("set local enable_nestloop = off") == len(mart_sql)
