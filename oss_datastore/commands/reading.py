"""Reading the infomarts while a load may be writing: from the warehouse, else from the files of the last load.

DuckDB's file has one writer, and whoever reads would wait for it; PostgreSQL shows readers the state before the load.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import click

from oss_datastore.connections import open_store, open_warehouse
from oss_datastore.settings import Settings
from oss_datastore.warehouse import DuckDbWarehouse, Readable, Warehouse, WarehouseBusy
from oss_datastore.warehouse.published import NotKept, PublishedMarts

T = TypeVar("T")


class NothingLoaded(click.ClickException):
    """There is nothing in the warehouse yet."""

    def __init__(self, settings: Settings) -> None:
        where = str(settings.home_path) if settings.warehouse == "duckdb" else "OSS_DATASTORE_WAREHOUSE_URL"
        super().__init__(f"nothing is loaded in {where} yet: `oss-datastore run` (or `demo`) comes first")


def loaded_warehouse(settings: Settings) -> Warehouse:
    """The warehouse; whoever reads it waits for a writer of DuckDB's file. Raises NothingLoaded."""
    warehouse = open_warehouse(settings)
    if not warehouse.is_loaded():
        raise NothingLoaded(settings)
    return warehouse


def read_infomarts(settings: Settings, read: Callable[[Readable], T]) -> T:
    """What `read` makes of the infomarts. It is called once more, on the files, where the warehouse is being written.

    Then a line on standard error says as of when they are. Where there are no files yet, the writer is waited for.
    """
    warehouse = loaded_warehouse(settings)
    if isinstance(warehouse, DuckDbWarehouse):
        try:
            return read(replace(warehouse, wait_seconds=0.0, tell=lambda message: None))
        except WarehouseBusy:
            try:
                published = PublishedMarts.of(open_store(settings))
                click.echo(
                    "the warehouse is being written to; this is from the files of the last load, "
                    f"data to {published.as_of:%a %d %b %Y}",
                    err=True,
                )
                return read(published)
            except NotKept:
                pass
    return read(warehouse)
