"""The warehouse on a PostgreSQL of one's own: rows go in by COPY, one writer at a time.

Personal data lies in schemas that readers may not enter: who may read what is granted to two roles, which an
administrator gives to people (`sql/warehouse/postgres_grants.sql`).
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import pyarrow as pa
import pyarrow.csv

from oss_datastore.catalogue.model import ColumnType, Table
from oss_datastore.warehouse.engine import SCHEMAS, Load, WarehouseBusy, WarehouseUnavailable
from oss_datastore.warehouse.over_psycopg2 import has_infomarts, read_only, rows_of, told

_GRANTS = Path(__file__).resolve().parents[2] / "sql" / "warehouse" / "postgres_grants.sql"
_LOCK = "hashtext('oss_datastore'), hashtext('warehouse')"

_TYPES: Mapping[ColumnType, str] = {
    "text": "varchar(65535)",
    "bigint": "bigint",
    "boolean": "boolean",
    "decimal": "decimal(38,6)",
    "timestamp": "timestamp",
    "date": "date",
    "key": "uuid",
}


@dataclass(frozen=True)
class PostgresWarehouse:
    """The warehouse at an address; `tell` is told, once, when another process writes to it."""

    url: str = field(repr=False)
    tell: Callable[[str], None] = lambda message: None
    wait_seconds: float = 600.0

    @property
    def name(self) -> str:
        """PostgreSQL and its version."""
        with closing(self._connection()) as connection:
            version = connection.server_version
        return f"PostgreSQL {version // 10000}.{version % 10000}"

    @contextmanager
    def reading(self) -> Iterator[Callable[[], Any]]:
        """Makes cursors of one transaction that can write nothing and sees one state."""
        with read_only(self._connection(), "REPEATABLE READ") as cursors:
            yield cursors

    def table(self, sql: str) -> pa.Table:
        """The rows of a query."""
        with self.reading() as cursors, cursors() as cursor:
            cursor.execute(sql)
            return rows_of(cursor)

    def is_loaded(self) -> bool:
        """Whether there is a table in the schema of the infomarts."""
        with self.reading() as cursors, cursors() as cursor:
            return has_infomarts(cursor)

    def clear(self) -> None:
        """Drops every table of our schemas; the schemas stay, with what was granted on them."""
        with self._writing() as cursor:
            cursor.execute(
                "select table_schema, table_name, table_type from information_schema.tables "
                "where table_schema = any(%s)",
                [list(SCHEMAS)],
            )
            for schema, name, kind in cursor.fetchall():
                what = "view" if kind == "VIEW" else "table"
                cursor.execute(f'drop {what} if exists {schema}."{name}" cascade')

    def prepare(self, tables: Sequence[Table]) -> None:
        """Creates schemas and tables that are not there yet, and columns that were declared since."""
        with self._writing() as cursor:
            _prepare(cursor, tables)

    def replace(self, loads: Sequence[Load], days: Sequence[date]) -> None:
        """Replaces whole days of tables in one transaction; the third member narrows what is replaced ('' = all).

        Tables and columns that are not there yet are made first.
        """
        first, last = min(days), max(days)
        with self._writing() as cursor:
            _prepare(cursor, [table for table, _, _ in loads])
            for table, rows, narrow in loads:
                target = f'{table.schema}."{table.name}"'
                cursor.execute(
                    f"delete from {target} where load_date between %s and %s" + (f" and {narrow}" if narrow else ""),  # noqa: S608
                    [first, last],
                )
                if rows.num_rows:
                    names = [name for name, _ in table.fields]
                    # Quotes tell '' from NULL.
                    ordered = rows.select(names).sort_by([("load_date", "ascending"), ("scope", "ascending")])
                    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
                    data = io.BytesIO()
                    pyarrow.csv.write_csv(ordered, data, options)
                    data.seek(0)
                    columns = ", ".join(f'"{name}"' for name in names)
                    cursor.copy_expert(f"copy {target} ({columns}) from stdin (format csv)", data)
                _settle(cursor, table, target)

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """A cursor in a transaction of the only writer. Raises WarehouseBusy."""
        with closing(self._connection()) as connection:
            try:
                with connection, connection.cursor() as cursor:
                    self._wait(cursor)
                    yield cursor
            except psycopg2.OperationalError as why:
                raise WarehouseUnavailable(told(why)) from None
            except psycopg2.errors.InsufficientPrivilege as why:
                raise WarehouseUnavailable(f"{told(why)}; the role needs CREATE on the database") from None

    def _wait(self, cursor: Any) -> None:
        began, told = time.monotonic(), False
        while True:
            cursor.execute(f"select pg_try_advisory_xact_lock({_LOCK})")
            if cursor.fetchone()[0]:
                return
            if time.monotonic() - began > self.wait_seconds:
                raise WarehouseBusy(
                    f"the warehouse is written to by another process since {self.wait_seconds:.0f} s: "
                    "end it, or try again later"
                )
            if not told:
                self.tell("the warehouse is written to by another process; waiting for it")
                told = True
            time.sleep(0.2)

    def _connection(self) -> Any:
        try:
            return psycopg2.connect(
                self.url, application_name="oss_datastore", options="-c timezone=UTC", connect_timeout=10
            )
        except psycopg2.Error as why:
            raise WarehouseUnavailable(told(why)) from None


def _prepare(cursor: Any, tables: Sequence[Table]) -> None:
    cursor.execute("select schema_name from information_schema.schemata where schema_name = any(%s)", [list(SCHEMAS)])
    missing = set(SCHEMAS) - {name for (name,) in cursor.fetchall()}
    for schema in sorted(missing):
        cursor.execute(f"create schema {schema}")
    if missing:
        cursor.execute(_GRANTS.read_text(encoding="utf-8"))
    cursor.execute(
        "select table_schema, table_name, column_name from information_schema.columns "
        "where table_schema in ('psa', 'psa_pii') and table_name = any(%s)",
        [[table.name for table in tables]],
    )
    present: dict[tuple[str, str], set[str]] = {}
    for schema, name, column in cursor.fetchall():
        present.setdefault((schema, name), set()).add(column)
    for table in tables:
        target = f'{table.schema}."{table.name}"'
        columns = present.get((table.schema, table.name))
        if columns is None:
            inner = ", ".join(f'"{name}" {_TYPES[type_]}' for name, type_ in table.fields)
            cursor.execute(f"create table {target} ({inner})")
            # Days arrive in their order: a window is found for next to nothing.
            cursor.execute(f"create index on {target} using brin (load_date)")
            continue
        for name, type_ in table.fields:
            if name not in columns:
                cursor.execute(f'alter table {target} add column "{name}" {_TYPES[type_]}')


def _settle(cursor: Any, table: Table, target: str) -> None:
    """What the planner has to know of a table that was written to.

    Of the last day and of what is joined by: without it the day counts as empty and is joined by nested loops, and of
    all columns it would cost more than the loading. A block range index returns all blocks that came since it was
    summarized last.
    """
    columns = ", ".join(f'"{name}"' for name in ("load_date", *table.hash_keys))
    cursor.execute(f"analyze {target} ({columns})")
    cursor.execute(
        "select brin_summarize_new_values(c.oid) from pg_index i join pg_class c on c.oid = i.indexrelid "
        "join pg_am a on a.oid = c.relam where i.indrelid = %s::regclass and a.amname = 'brin'",
        [target],
    )
