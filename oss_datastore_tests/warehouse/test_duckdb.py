"""The embedded warehouse takes whole days, all or nothing, and columns that were declared later."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from oss_datastore.catalogue.model import Table, bigint, text
from oss_datastore.warehouse import DuckDbWarehouse, WarehouseBusy
from oss_datastore.warehouse.psa import arrow

DAY = date(2026, 10, 14)
TABLE = Table("things", (bigint("thing_id"), text("name")), key=("thing_id",))


def row(day: date, number: int, **more: Any) -> dict[str, Any]:
    at = datetime(day.year, day.month, day.day)  # noqa: DTZ001
    return {"load_date": at, "scope": "h/repository/1", "host": "h", "rec_src": "t", "thing_id": number, **more}


def kept(warehouse: DuckDbWarehouse) -> list[tuple[Any, ...]]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute("select load_date::date, thing_id, name from psa.things order by all").fetchall()


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDbWarehouse:
    made = DuckDbWarehouse(tmp_path / "warehouse.duckdb", wait_seconds=0.3)
    made.prepare([TABLE])
    made.prepare([TABLE])
    return made


def test_a_day_is_replaced_and_its_neighbours_are_not(warehouse: DuckDbWarehouse) -> None:
    other = DAY + timedelta(days=1)
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 1), row(other, 2)]), "")], [DAY, other])
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 3, name="new")]), "")], [DAY])
    assert kept(warehouse) == [(DAY, 3, "new"), (other, 2, None)]


def test_what_fails_half_way_leaves_the_day_as_it_was(warehouse: DuckDbWarehouse) -> None:
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 1)]), "")], [DAY])
    other = Table("others", TABLE.columns, key=TABLE.key)
    lacking = arrow(other, [row(DAY, 9)]).drop_columns(["scope"])
    with pytest.raises(duckdb.BinderException):
        warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 9)]), ""), (other, lacking, "")], [DAY])
    assert kept(warehouse) == [(DAY, 1, None)]


def test_a_column_declared_later_is_added(warehouse: DuckDbWarehouse) -> None:
    warehouse.replace([(TABLE, arrow(TABLE, [row(DAY, 1)]), "")], [DAY])
    wider = Table("things", (*TABLE.columns, text("colour")), key=TABLE.key)
    warehouse.replace([(wider, arrow(wider, [row(DAY, 1, colour="red")]), "")], [DAY])
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select colour from psa.things").fetchall() == [("red",)]


def test_a_warehouse_held_by_another_process_is_waited_for_and_named(warehouse: DuckDbWarehouse) -> None:
    held = f"c = duckdb.connect({str(warehouse.path)!r}); print('held', flush=True)"
    program = f"import duckdb, sys; {held}; sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WarehouseBusy, match=r"warehouse\.duckdb is in use by another process"), warehouse.connect():
            pass
    finally:
        holder.communicate("")
