"""What every warehouse does: it takes whole days, all or nothing, and columns that were declared later."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from oss_datastore.catalogue.model import Table, bigint, boolean, day, decimal, text, timestamp
from oss_datastore.dead_letters import EmbeddedPostgres
from oss_datastore.warehouse import (
    DuckDbWarehouse,
    PostgresWarehouse,
    Warehouse,
    WarehouseBusy,
    WarehouseRefused,
    WarehouseUnavailable,
    ask,
)
from oss_datastore.warehouse.psa import arrow
from oss_datastore_tests.redshift.homes import real_database, real_warehouse, redshift_warehouse

DAY = date(2026, 10, 14)
TABLE = Table("things", (bigint("thing_id"), text("name")), key=("thing_id",))
EVERYTHING = Table(
    "everything",
    (bigint("thing_id"), text("name"), boolean("is_so"), decimal("share"), timestamp("seen_at"), day("on_day")),
    key=("thing_id",),
    hash_keys={"thing_hk": ("thing_id",)},
)
HELD = {
    "duckdb": "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()",
    "postgres": (
        "import psycopg2, sys; c = psycopg2.connect(sys.argv[1]).cursor();"
        "c.execute(\"select pg_advisory_xact_lock(hashtext('oss_datastore'), hashtext('warehouse'))\");"
        "print('held', flush=True); sys.stdin.read()"
    ),
    "redshift": (
        "import psycopg2, sys; c = psycopg2.connect(sys.argv[1].replace('redshift://', 'postgresql://')).cursor();"
        "c.execute('lock metrics_vault.write_lock'); print('held', flush=True); sys.stdin.read()"
    ),
}


def row(day: date, number: int, **more: Any) -> dict[str, Any]:
    at = datetime(day.year, day.month, day.day)  # noqa: DTZ001
    return {"load_date": at, "scope": "h/repository/1", "host": "h", "rec_src": "t", "thing_id": number, **more}


def kept(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return ask(warehouse, "select cast(load_date as date), thing_id, name from psa.things order by 1, 2, 3")[1]


@pytest.fixture(params=["duckdb", "postgres", "redshift", pytest.param("real redshift", marks=pytest.mark.aws)])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def address(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A DuckDB file, or the URL of an empty database (of PostgreSQL, or behind the shim)."""
    if engine == "duckdb":
        yield str(tmp_path / "warehouse.duckdb")
        return
    if engine == "redshift":
        yield request.getfixturevalue("redshift_url")
        return
    if engine == "real redshift":
        with real_database() as url:
            yield url
        return
    server: EmbeddedPostgres = request.getfixturevalue("postgres")
    name = f"warehouse_{secrets.token_hex(8)}"
    yield server.ensure_database(name)
    with closing(psycopg2.connect(server.url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f'drop database "{name}" with (force)')


@pytest.fixture
def warehouse(engine: str, address: str, request: pytest.FixtureRequest) -> Warehouse:
    made: Warehouse
    if engine == "duckdb":
        made = DuckDbWarehouse(Path(address), wait_seconds=0.3)
    elif engine == "real redshift":
        made = real_warehouse(address, wait_seconds=0.3)
    elif engine == "redshift":
        made = redshift_warehouse(address, request.getfixturevalue("moto_s3"), wait_seconds=0.3)
    else:
        made = PostgresWarehouse(address, wait_seconds=0.3)
    made.prepare([])
    made.prepare([TABLE])
    made.prepare([TABLE])
    return made


def test_a_day_is_replaced_and_its_neighbours_are_not(warehouse: Warehouse) -> None:
    other = DAY + timedelta(days=1)
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 1), row(other, 2)]), "")], [DAY, other])
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 3, name="new")]), "")], [DAY])
    assert kept(warehouse) == [(DAY, 3, "new"), (other, 2, None)]


def test_a_condition_narrows_what_is_replaced(warehouse: Warehouse) -> None:
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 1, name="a"), row(DAY, 2, name="b")]), "")], [DAY])
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 3, name="a")]), "name in ('a')")], [DAY])
    assert kept(warehouse) == [(DAY, 2, "b"), (DAY, 3, "a")]


def test_what_fails_half_way_leaves_the_day_as_it_was(warehouse: Warehouse) -> None:
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 1)]), "")], [DAY])
    other = Table("others", TABLE.columns, key=TABLE.key)
    lacking = arrow(other, [row(DAY, 9)]).drop_columns(["scope"])
    with pytest.raises((duckdb.BinderException, KeyError)):
        warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 9)]), ""), (other, lacking, "")], [DAY])
    assert kept(warehouse) == [(DAY, 1, None)]


def test_a_column_declared_later_is_added(warehouse: Warehouse) -> None:
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 1)]), "")], [DAY])
    wider = Table("things", (*TABLE.columns, text("colour")), key=TABLE.key)
    warehouse.replace([(wider, arrow(wider, [row(DAY, 1, colour="red")]), "")], [DAY])
    assert ask(warehouse, "select colour from psa.things") == (["colour"], [("red",)])


def test_every_type_comes_out_as_it_went_in(warehouse: Warehouse) -> None:
    key = "0123456789abcdef0123456789abcdef"
    odd = ["", " ", "NULL", "\\N", '"', "a,b\n\r\tc", "ü€😀", "\\.", "%s"]
    at = datetime(2026, 10, 14, 23, 59, 59, 999999)  # noqa: DTZ001
    rows = [
        row(DAY, n, thing_hk=key, name=name, is_so=n % 2 == 0, share=Decimal("-0.000001"), seen_at=at, on_day=DAY)
        for n, name in enumerate(odd)
    ]
    warehouse.replace([(EVERYTHING, arrow(EVERYTHING, [*rows, row(DAY, 99)]), "")], [DAY])
    found = warehouse.table(
        "select thing_id, name, is_so, share, seen_at, on_day from psa.everything order by thing_id"
    )
    assert found.to_pylist() == [
        *({k: one[k] for k in ("thing_id", "name", "is_so", "share", "seen_at", "on_day")} for one in rows),
        {"thing_id": 99, "name": None, "is_so": None, "share": None, "seen_at": None, "on_day": None},
    ]
    _, [(hashed,)] = ask(warehouse, "select cast(thing_hk as varchar(36)) from psa.everything where thing_id = 1")
    assert hashed.replace("-", "") == key


def test_readers_can_write_nothing_and_a_wrong_statement_is_the_engines_to_explain(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseRefused, match="read"):
        ask(warehouse, "delete from psa.things")
    with pytest.raises(WarehouseRefused, match="nothing_of_the_kind"):
        ask(warehouse, "select nothing_of_the_kind from psa.things")


def test_what_is_cleared_can_be_loaded_anew(warehouse: Warehouse) -> None:
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 1)]), "")], [DAY])
    warehouse.clear()
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 2)]), "")], [DAY])
    assert kept(warehouse) == [(DAY, 2, None)]


def test_a_warehouse_held_by_another_process_is_waited_for_and_named(
    engine: str, address: str, warehouse: Warehouse
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HELD[engine.removeprefix("real ")], address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WarehouseBusy, match="by another process since 0 s"):
            warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 1)]), "")], [DAY])
    finally:
        holder.communicate("")


def test_a_postgresql_that_is_away_is_one_line_without_the_password() -> None:
    away = PostgresWarehouse("postgresql://user:hunter2hunter2@127.0.0.1:9/nothing")
    with pytest.raises(WarehouseUnavailable) as told:
        away.prepare([TABLE])
    assert str(told.value).startswith("OSS_DATASTORE_WAREHOUSE_URL: ")
    assert "\n" not in str(told.value)
    assert "hunter2" not in str(told.value)


def test_who_may_read_marts_may_not_read_personal_data(postgres: EmbeddedPostgres) -> None:
    name = f"warehouse_{secrets.token_hex(8)}"
    url = postgres.ensure_database(name)
    secret = Table("people", TABLE.columns, key=TABLE.key, schema="psa_pii")
    PostgresWarehouse(url).prepare([TABLE, secret])
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("create table infomarts.made_later as select 1 as one")
        cursor.execute("set role oss_datastore_reader")
        cursor.execute("select count(*) from psa.things, infomarts.made_later")
        assert cursor.fetchone() == (0,)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("select * from psa_pii.people")
        cursor.execute("set role oss_datastore_pii_reader")
        cursor.execute("select count(*) from psa_pii.people, psa.things")
        assert cursor.fetchone() == (0,)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("delete from psa_pii.people")
    with closing(psycopg2.connect(postgres.url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f'drop database "{name}" with (force)')
