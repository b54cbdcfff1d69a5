"""What the warehouse does on Redshift beyond what every warehouse does: files, conflicts, layout, rights."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from oss_datastore.catalogue.model import Table, bigint, text
from oss_datastore.warehouse import WarehouseBusy, WarehouseRefused, ask
from oss_datastore.warehouse import redshift as module
from oss_datastore.warehouse.psa import arrow
from oss_datastore.warehouse.redshift import RedshiftWarehouse
from oss_datastore_tests.redshift.homes import redshift_warehouse
from oss_datastore_tests.redshift.shim import Shim

DAY = date(2026, 10, 14)
TABLE = Table("things", (bigint("thing_id"), text("name")), key=("thing_id",))


def load(warehouse: RedshiftWarehouse, *numbers: int) -> None:
    at = datetime(DAY.year, DAY.month, DAY.day)  # noqa: DTZ001
    rows = [
        {"load_date": at, "scope": "h/repository/1", "host": "h", "rec_src": "t", "thing_id": n, "name": str(n)}
        for n in numbers
    ]
    warehouse.replace([(TABLE, arrow(TABLE, rows), "")], [DAY])


def kept(warehouse: RedshiftWarehouse) -> list[tuple[Any, ...]]:
    return ask(warehouse, "select thing_id, name from psa.things order by 1")[1]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def warehouse(redshift_url: str, moto_s3: str, told: list[str], monkeypatch: pytest.MonkeyPatch) -> RedshiftWarehouse:
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    made = redshift_warehouse(redshift_url, moto_s3)
    return RedshiftWarehouse(made.connect, made.store, made.copy_role, tell=told.append)


def test_rows_travel_as_files_of_a_manifest_that_are_gone_afterwards(
    warehouse: RedshiftWarehouse, redshift: Shim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS_OF_A_FILE", 2)
    puts: list[str] = []
    monkeypatch.setattr(type(warehouse.store), "overwrite", _noting(type(warehouse.store).overwrite, puts))
    load(warehouse, *range(5))
    assert kept(warehouse) == [(n, str(n)) for n in range(5)]
    assert [name.rpartition("/")[2] for name in puts] == [
        "psa.things-0000.parquet",
        "psa.things-0001.parquet",
        "psa.things-0002.parquet",
        "psa.things.manifest",
    ]
    assert all(name.startswith("loads/") for name in puts)
    assert list(warehouse.store.list("loads/")) == []
    [copy] = [one for one in redshift.statements[-30:] if one.startswith("copy")]
    assert copy.endswith(f"psa.things.manifest' iam_role '{warehouse.copy_role}' format as parquet manifest")


def _noting(overwrite: Any, puts: list[str]) -> Any:
    def noted(self: Any, key: str, data: bytes) -> None:
        puts.append(key)
        overwrite(self, key, data)

    return noted


def test_a_conflict_with_another_transaction_is_tried_again_from_the_beginning(
    warehouse: RedshiftWarehouse, redshift: Shim, told: list[str]
) -> None:
    load(warehouse, 1)
    redshift.fail_once("^copy psa", "1023 Serializable isolation violation on table - 1234")
    load(warehouse, 2)
    assert kept(warehouse) == [(2, "2")]
    assert told == ["another transaction wrote to the same tables; loading again"]


def test_conflicts_without_end_are_said_and_leave_the_day_as_it_was(
    warehouse: RedshiftWarehouse, redshift: Shim
) -> None:
    load(warehouse, 1)
    for _ in range(5):
        redshift.fail_once("^copy psa", "1023 Serializable isolation violation on table - 1234")
    with pytest.raises(WarehouseBusy, match="5 times another transaction wrote"):
        load(warehouse, 2)
    assert kept(warehouse) == [(1, "1")]


def test_what_redshift_says_of_a_copy_that_fails_is_told_and_the_day_stays(
    warehouse: RedshiftWarehouse, redshift: Shim
) -> None:
    load(warehouse, 1)
    redshift.fail_once("^copy psa", "Load into table 'things' failed. Check 'sys_load_error_detail' for details.")
    with pytest.raises(WarehouseRefused, match="sys_load_error_detail"):
        load(warehouse, 2)
    assert kept(warehouse) == [(1, "1")]
    assert list(warehouse.store.list("loads/")) == []


def test_a_column_declared_between_others_gets_its_own_values(warehouse: RedshiftWarehouse) -> None:
    load(warehouse, 1)
    wider = Table("things", (text("colour"), *TABLE.columns), key=TABLE.key)
    at = datetime(DAY.year, DAY.month, DAY.day)  # noqa: DTZ001
    row = {"load_date": at, "scope": "h/repository/1", "host": "h", "rec_src": "t", "thing_id": 2, "name": "n"}
    warehouse.replace([(wider, arrow(wider, [row | {"colour": "red"}]), "")], [DAY])
    assert ask(warehouse, "select thing_id, name, colour from psa.things")[1] == [(2, "n", "red")]


def test_tables_are_sorted_by_the_day_that_loads_narrow_by(warehouse: RedshiftWarehouse, redshift: Shim) -> None:
    warehouse.prepare([TABLE])
    [made] = [one for one in redshift.statements if one.startswith('create table psa."things"')][-1:]
    assert made.endswith("sortkey (load_date)")
    assert '"name" varchar(65535)' in made


def test_the_version_is_told_to_people(warehouse: RedshiftWarehouse) -> None:
    assert warehouse.name == "Amazon Redshift"


def test_who_may_read_marts_may_not_read_personal_data(
    warehouse: RedshiftWarehouse, redshift: Shim, redshift_url: str
) -> None:
    secret = Table("people", TABLE.columns, key=TABLE.key, schema="psa_pii")
    warehouse.prepare([TABLE, secret])
    database = urlsplit(redshift_url).path.strip("/")
    with closing(psycopg2.connect(redshift.behind(database))) as connection, connection.cursor() as cursor:
        cursor.execute("create table infomarts.made_later as select 1 as one")
        may = {}
        for role in ("oss_datastore_reader", "oss_datastore_pii_reader"):
            for table in ("psa.things", "infomarts.made_later", "psa_pii.people"):
                cursor.execute("select has_table_privilege(%s, %s, 'select')", [role, table])
                may[role, table] = cursor.fetchone()[0]
    assert may == {
        ("oss_datastore_reader", "psa.things"): True,
        ("oss_datastore_reader", "infomarts.made_later"): True,
        ("oss_datastore_reader", "psa_pii.people"): False,
        ("oss_datastore_pii_reader", "psa.things"): True,
        ("oss_datastore_pii_reader", "infomarts.made_later"): True,
        ("oss_datastore_pii_reader", "psa_pii.people"): True,
    }
