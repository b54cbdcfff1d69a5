"""What PostgreSQL and Redshift have in common: both are spoken to by psycopg2. How rows get in is each engine's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pyarrow as pa

from oss_datastore.redaction import redact_text
from oss_datastore.warehouse.engine import WarehouseRefused

_ARROW: Mapping[int, pa.DataType] = {
    16: pa.bool_(),
    20: pa.int64(),
    21: pa.int64(),
    23: pa.int64(),
    1082: pa.date32(),
    1114: pa.timestamp("us"),
    1700: pa.decimal128(38, 6),
}
"""What types are by number; all others are text."""


@contextmanager
def read_only(connection: Any, isolation: str) -> Iterator[Callable[[], Any]]:
    """Makes cursors of one transaction that can write nothing; closes the connection. Raises WarehouseRefused."""
    with closing(connection):
        connection.set_session(isolation_level=isolation, readonly=True)
        try:
            yield connection.cursor
        except psycopg2.Error as why:
            raise WarehouseRefused(redact_text(str(why).strip())) from None


def rows_of(cursor: Any) -> pa.Table:
    """What a query that has run gives."""
    columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(cursor.description)
    return pa.table(
        {
            column.name: pa.array(values, _ARROW.get(column.type_code, pa.string()))
            for column, values in zip(cursor.description, columns, strict=True)
        }
    )


def has_infomarts(cursor: Any) -> bool:
    """Whether there is a table in the schema of the infomarts."""
    cursor.execute("select count(*) from information_schema.tables where table_schema = 'infomarts'")
    return bool(cursor.fetchone()[0])


def told(why: psycopg2.Error) -> str:
    """The first line of an error, without what is secret in it, with the setting to look at."""
    lines = str(why).strip().splitlines() or [type(why).__name__]
    return f"OSS_DATASTORE_WAREHOUSE_URL: {redact_text(lines[0])}"
