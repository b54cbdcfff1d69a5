"""The embedded warehouse: one DuckDB file, one writer at a time.

A second process waits for the file with a message instead of failing. Nothing here keeps the file open between two
calls: dbt, the report and a person with a query want it, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from oss_datastore.catalogue.model import ColumnType, Table
from oss_datastore.warehouse.engine import SCHEMAS, Load, WarehouseBusy, WarehouseRefused

_TYPES: Mapping[ColumnType, str] = {
    "text": "varchar",
    "bigint": "bigint",
    "boolean": "boolean",
    "decimal": "decimal(38,6)",
    "timestamp": "timestamp",
    "date": "date",
    "key": "uuid",
}


@dataclass(frozen=True)
class DuckDbWarehouse:
    """The warehouse file at `path`; `tell` is told, once, when another process holds it."""

    path: Path
    tell: Callable[[str], None] = lambda message: None
    wait_seconds: float = 600.0

    @property
    def name(self) -> str:
        """DuckDB and its version."""
        return f"DuckDB {duckdb.__version__}"

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """An open connection, closed at the end. Raises WarehouseBusy."""
        connection = self._wait(read_only)
        try:
            # Sums over integers stay integers on every engine, and moments are UTC without a zone.
            connection.execute("set timezone = 'UTC'")
            yield connection
        finally:
            connection.close()

    def _wait(self, read_only: bool) -> duckdb.DuckDBPyConnection:
        began, told = time.monotonic(), False
        while True:
            try:
                return duckdb.connect(str(self.path), read_only=read_only)
            except duckdb.IOException as why:
                if "lock" not in str(why).lower():
                    raise
                if time.monotonic() - began > self.wait_seconds:
                    raise WarehouseBusy(
                        f"the warehouse {self.path.name} is in use by another process since {self.wait_seconds:.0f} s: "
                        "end it, or try again later"
                    ) from why
                if not told:
                    self.tell("the warehouse is in use by another process; waiting for it")
                    told = True
                time.sleep(0.2)

    @contextmanager
    def reading(self) -> Iterator[Callable[[], Any]]:
        """Makes cursors on the file, opened for reading only."""
        with self.connect(read_only=True) as connection:
            try:
                yield connection.cursor
            except duckdb.Error as why:
                raise WarehouseRefused(str(why)) from why

    def table(self, sql: str) -> pa.Table:
        """The rows of a query."""
        with self.reading() as cursors:
            return cursors().sql(sql).to_arrow_table()

    def is_loaded(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def clear(self) -> None:
        """Removes the file; whoever holds it is waited for."""
        with self.connect():
            pass
        self.path.unlink()
        self.path.with_suffix(".duckdb.wal").unlink(missing_ok=True)

    def prepare(self, tables: Sequence[Table]) -> None:
        """Creates schemas and tables that are not there yet, and columns that were declared since."""
        with self.connect() as connection:
            # One transaction: each would wait for the disk by itself.
            connection.begin()
            _prepare(connection, tables)
            connection.commit()

    def replace(self, loads: Sequence[Load], days: Sequence[date]) -> None:
        """Replaces whole days of tables in one transaction; the third member narrows what is replaced ('' = all).

        Tables and columns that are not there yet are made first: opening the file a second time for that would cost
        more than most answers' rows.
        """
        first, last = min(days), max(days)
        with self.connect() as connection:
            connection.begin()
            try:
                _prepare(connection, [table for table, _, _ in loads])
                for table, rows, narrow in loads:
                    target = f'{table.schema}."{table.name}"'
                    connection.execute(
                        f"delete from {target} where load_date between ? and ?" + (f" and {narrow}" if narrow else ""),  # noqa: S608
                        [first, last],
                    )
                    if rows.num_rows:
                        names = ", ".join(f'"{name}"' for name, _ in table.fields)
                        connection.register("incoming", rows)
                        connection.execute(
                            f"insert into {target} ({names}) select {names} from incoming order by load_date, scope"  # noqa: S608
                        )
                        connection.unregister("incoming")
                connection.commit()
            except BaseException:
                connection.rollback()
                raise


def _prepare(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {schema}")
    present: dict[tuple[str, str], set[str]] = {}
    for schema, name, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where schema_name in ('psa', 'psa_pii') and list_contains(?, table_name)",
        [[table.name for table in tables]],
    ).fetchall():
        present.setdefault((schema, name), set()).add(column)
    for table in tables:
        columns = present.get((table.schema, table.name))
        if columns is None:
            inner = ", ".join(f'"{name}" {_TYPES[type_]}' for name, type_ in table.fields)
            connection.execute(f'create table {table.schema}."{table.name}" ({inner})')
            continue
        for name, type_ in table.fields:
            if name not in columns:
                connection.execute(f'alter table {table.schema}."{table.name}" add column "{name}" {_TYPES[type_]}')
