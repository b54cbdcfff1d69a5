"""What a warehouse can do, whatever its engine: take days of typed rows, and be read.

How vault and marts are made of the rows is dbt's part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from typing import Any, Protocol

import pyarrow as pa

from oss_datastore.catalogue.model import Table

SCHEMAS = ("psa", "psa_pii", "raw_vault", "raw_vault_pii", "business_vault", "metrics_vault", "infomarts")
"""Every schema that is ours, on every engine."""

Load = tuple[Table, pa.Table, str]
"""A table, its rows, and a condition that narrows what they replace ('' = all rows of the days)."""


class WarehouseBusy(TimeoutError):
    """Another process kept the warehouse for longer than we wait."""


class WarehouseUnavailable(ConnectionError):
    """The warehouse cannot be reached or refuses us; the message is one line that names the setting."""


class WarehouseRefused(ValueError):
    """The engine does not take a statement; the message is the engine's."""


class Readable(Protocol):
    """What can be read: a warehouse, or the files of its infomarts."""

    def reading(self) -> AbstractContextManager[Callable[[], Any]]:
        """Makes cursors of the DB-API that see one state and can write nothing."""

    def table(self, sql: str) -> pa.Table:
        """The rows of a query: text, bigint, boolean, decimal(38,6), timestamp and date as the engine has them."""


class Warehouse(Readable, Protocol):
    """One warehouse. Methods raise WarehouseBusy and WarehouseUnavailable."""

    @property
    def name(self) -> str:
        """Engine and version, for people."""

    def prepare(self, tables: Sequence[Table]) -> None:
        """Creates schemas and tables that are not there yet, and columns that were declared since."""

    def replace(self, loads: Sequence[Load], days: Sequence[date]) -> None:
        """Replaces whole days of tables in one transaction, and makes what is not there yet."""

    def clear(self) -> None:
        """Removes every table, once whoever uses the warehouse has done."""

    def is_loaded(self) -> bool:
        """Whether there is an infomart to be read."""


Ask = Callable[[str], tuple[list[str], list[tuple[Any, ...]]]]
"""Columns and rows of a query. Raises WarehouseRefused."""


@contextmanager
def asking(warehouse: Readable) -> Iterator[Ask]:
    """Several questions over one connection, which see one state."""
    with warehouse.reading() as cursors:

        def ask_once_more(sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
            cursor = cursors()
            try:
                cursor.execute(sql)
                columns = [column[0] for column in cursor.description or []]
                return columns, cursor.fetchall() if columns else []
            finally:
                cursor.close()

        yield ask_once_more


def ask(warehouse: Readable, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of a query. Raises WarehouseRefused."""
    with asking(warehouse) as once:
        return once(sql)
