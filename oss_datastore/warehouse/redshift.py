"""The warehouse on Amazon Redshift: rows go in by COPY of Parquet files from the raw store, one writer at a time.

Redshift has no advisory locks, so the writer locks a table that nobody reads. Files of a load lie under `loads/` in the
store and are removed when it has ended.
"""

from __future__ import annotations

import io
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import psycopg2
import psycopg2.errors
import pyarrow as pa
import pyarrow.parquet as pq

from oss_datastore.catalogue.model import ColumnType, Table
from oss_datastore.redaction import redact_text
from oss_datastore.staging.store import RawStore
from oss_datastore.warehouse.engine import SCHEMAS, Load, WarehouseBusy, WarehouseRefused, WarehouseUnavailable
from oss_datastore.warehouse.over_psycopg2 import has_infomarts, read_only, rows_of, told

ROLES = ("oss_datastore_reader", "oss_datastore_pii_reader")
"""Who may read: everything but personal data, and that, too."""

_GRANTS = Path(__file__).resolve().parents[2] / "sql" / "warehouse" / "redshift_grants.sql"
_LOCK = "metrics_vault.write_lock"
_LOADS = "loads"
_ROWS_OF_A_FILE = 250_000
"""Several files are read by several slices at once."""
_CONFLICT = re.compile(r"Serializable isolation violation|conflict with concurrent transaction", re.IGNORECASE)
_ATTEMPTS = 5

_TYPES: Mapping[ColumnType, str] = {
    "text": "varchar(65535)",
    "bigint": "bigint",
    "boolean": "boolean",
    "decimal": "decimal(38,6)",
    "timestamp": "timestamp",
    "date": "date",
    "key": "char(32)",
}


@dataclass(frozen=True)
class RedshiftWarehouse:
    """The warehouse that `connect` opens; `tell` is told, once, when another process writes to it."""

    connect: Callable[[], Any] = field(repr=False)
    """Opens a connection of psycopg2. May raise its errors and WarehouseUnavailable."""
    store: RawStore
    """A store in S3 that the warehouse can read."""
    copy_role: str
    """ARN of the role by which Redshift reads the store, or `default`."""
    tell: Callable[[str], None] = lambda message: None
    wait_seconds: float = 600.0

    @property
    def name(self) -> str:
        """Redshift and its version."""
        with closing(self._connection()) as connection, connection.cursor() as cursor:
            cursor.execute("select version()")
            found = re.search(r"Redshift ([\d.]+)", cursor.fetchone()[0])
        return f"Amazon Redshift {found[1]}" if found else "Amazon Redshift"

    @contextmanager
    def reading(self) -> Iterator[Callable[[], Any]]:
        """Makes cursors of one transaction that can write nothing and sees one state."""
        with read_only(self._connection(), "SERIALIZABLE") as cursors:
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
        self._make_schemas()
        with self._writing() as cursor:
            cursor.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_schema in %s and table_type = 'BASE TABLE'",
                [SCHEMAS],
            )
            for schema, name in cursor.fetchall():
                if f"{schema}.{name}" != _LOCK:
                    cursor.execute(f'drop table if exists {schema}."{name}" cascade')

    def prepare(self, tables: Sequence[Table]) -> None:
        """Creates schemas and tables that are not there yet, and columns that were declared since."""
        self._prepare(tables)

    def replace(self, loads: Sequence[Load], days: Sequence[date]) -> None:
        """Replaces whole days of tables in one transaction; the third member narrows what is replaced ('' = all).

        Tables and columns that are not there yet are made first. What another transaction made impossible is tried
        again from its beginning.
        """
        first, last = min(days), max(days)
        order = self._prepare([table for table, _, _ in loads])
        folder = f"{_LOADS}/{uuid.uuid4()}"
        try:
            statements: list[str] = []
            for table, rows, narrow in loads:
                target = f'{table.schema}."{table.name}"'
                condition = f" and {narrow}" if narrow else ""
                statements.append(
                    f"delete from {target} "  # noqa: S608
                    f"where load_date between timestamp '{first} 00:00:00' and timestamp '{last} 00:00:00'{condition}"
                )
                if rows.num_rows:
                    ordered = rows.select(order[table.schema, table.name])
                    ordered = ordered.sort_by([("load_date", "ascending"), ("scope", "ascending")])
                    manifest = self._put(f"{folder}/{table.schema}.{table.name}", ordered)
                    statements.append(f"copy {target} from '{manifest}' {self._role()} format as parquet manifest")
            self._write(statements)
        finally:
            self._remove(folder)

    def _put(self, name: str, rows: pa.Table) -> str:
        """Writes rows as Parquet files with their manifest. Returns the manifest's address."""
        entries = []
        for number, start in enumerate(range(0, rows.num_rows, _ROWS_OF_A_FILE)):
            buffer = io.BytesIO()
            pq.write_table(rows.slice(start, _ROWS_OF_A_FILE), buffer, compression="snappy")
            key = f"{name}-{number:04}.parquet"
            self.store.overwrite(key, buffer.getvalue())
            size = {"content_length": buffer.getbuffer().nbytes}
            entries.append({"url": self.store.url(key), "mandatory": True, "meta": size})
        self.store.overwrite(f"{name}.manifest", orjson.dumps({"entries": entries}))
        return self.store.url(f"{name}.manifest")

    def _remove(self, folder: str) -> None:
        for key in list(self.store.list(f"{folder}/")):
            self.store.delete(key)
        self.store.purge(f"{folder}/")

    def _role(self) -> str:
        return "iam_role default" if self.copy_role == "default" else f"iam_role '{self.copy_role}'"

    def _write(self, statements: Sequence[str]) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._writing() as cursor:
                    for statement in statements:
                        cursor.execute(statement)
                return
            except psycopg2.DatabaseError as why:
                if not _CONFLICT.search(str(why)):
                    raise WarehouseRefused(redact_text(str(why).strip())) from None
                if attempt == _ATTEMPTS:
                    raise WarehouseBusy(
                        f"the warehouse: {_ATTEMPTS} times another transaction wrote to the same tables meanwhile"
                    ) from None
                self.tell("another transaction wrote to the same tables; loading again")
                time.sleep(random.uniform(0.5, 1.0) * 2**attempt / 2)  # noqa: S311

    def _prepare(self, tables: Sequence[Table]) -> dict[tuple[str, str], list[str]]:
        """Makes what is missing. Returns each table's columns in the order in which they lie, which COPY goes by."""
        self._make_schemas()
        if not tables:
            return {}
        with self._writing() as cursor:
            cursor.execute(
                "select table_schema, table_name, column_name from information_schema.columns "
                "where table_schema in ('psa', 'psa_pii') and table_name in %s order by ordinal_position",
                [tuple(table.name for table in tables)],
            )
            order: dict[tuple[str, str], list[str]] = {}
            for schema, name, column in cursor.fetchall():
                order.setdefault((schema, name), []).append(column)
            for table in tables:
                target = f'{table.schema}."{table.name}"'
                known = order.setdefault((table.schema, table.name), [])
                missing = [(name, type_) for name, type_ in table.fields if name not in known]
                if not known:
                    inner = ", ".join(f'"{name}" {_TYPES[type_]}' for name, type_ in table.fields)
                    # Every load and most of what reads narrows by the day.
                    cursor.execute(f"create table {target} ({inner}) sortkey (load_date)")
                else:
                    for name, type_ in missing:
                        cursor.execute(f'alter table {target} add column "{name}" {_TYPES[type_]}')
                known.extend(name for name, _ in missing)
        return order

    def _make_schemas(self) -> None:
        """Schemas, the lock, and who may read; where we may not make roles, an administrator has to."""
        with closing(self._connection()) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute("select schema_name from information_schema.schemata where schema_name in %s", [SCHEMAS])
            missing = set(SCHEMAS) - {name for (name,) in cursor.fetchall()}
            try:
                for schema in sorted(missing):
                    cursor.execute(f"create schema if not exists {schema}")
                cursor.execute(f"create table if not exists {_LOCK} (held boolean)")
            except psycopg2.errors.InsufficientPrivilege as why:
                raise WarehouseUnavailable(f"{told(why)}; the user needs CREATE on the database") from None
            if missing and self._has_roles(cursor):
                for statement in grants():
                    cursor.execute(statement)

    def _has_roles(self, cursor: Any) -> bool:
        cursor.execute("select role_name from svv_roles where role_name in %s", [ROLES])
        there = {name for (name,) in cursor.fetchall()}
        try:
            for role in ROLES:
                if role not in there:
                    cursor.execute(f"create role {role}")
        except psycopg2.errors.InsufficientPrivilege:
            return False
        return True

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """A cursor in a transaction of the only writer. Raises WarehouseBusy."""
        with closing(self._connection()) as connection:
            try:
                cursor = self._lock(connection)
                yield cursor
                connection.commit()
            except psycopg2.errors.SerializationFailure:
                raise
            except psycopg2.OperationalError as why:
                raise WarehouseUnavailable(told(why)) from None
            except psycopg2.errors.InsufficientPrivilege as why:
                raise WarehouseUnavailable(f"{told(why)}; the user needs CREATE on the database") from None

    def _lock(self, connection: Any) -> Any:
        """A cursor in a transaction that has the lock. A statement may wait for two seconds, so that we can tell."""
        began, told = time.monotonic(), False
        while True:
            cursor = connection.cursor()
            patience = max(1, min(2000, int(self.wait_seconds * 1000)))
            try:
                cursor.execute(f"set statement_timeout to {patience}")
                cursor.execute(f"lock {_LOCK}")
                cursor.execute("set statement_timeout to 0")
                return cursor
            except psycopg2.errors.QueryCanceled:
                connection.rollback()
            if time.monotonic() - began > self.wait_seconds:
                raise WarehouseBusy(
                    f"the warehouse is written to by another process since {self.wait_seconds:.0f} s: "
                    "end it, or try again later"
                )
            if not told:
                self.tell("the warehouse is written to by another process; waiting for it")
                told = True

    def _connection(self) -> Any:
        try:
            return self.connect()
        except psycopg2.Error as why:
            raise WarehouseUnavailable(told(why)) from None


def grants() -> list[str]:
    """The statements by which the roles may read, one after the other."""
    lines = [line for line in _GRANTS.read_text(encoding="utf-8").splitlines() if not line.startswith("--")]
    return [text.strip() for text in "\n".join(lines).split(";") if text.strip()]
