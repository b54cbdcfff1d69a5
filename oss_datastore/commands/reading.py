"""Reading the infomarts while a load may be writing: from the warehouse, else from the files of the last load.

DuckDB's file has one writer, and whoever reads would wait for it; PostgreSQL shows readers the state before the load.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import click

from oss_datastore.connections import open_store, open_warehouse
from oss_datastore.settings import Settings
from oss_datastore.warehouse import DuckDbWarehouse, Readable, Warehouse, WarehouseBusy
from oss_datastore.warehouse.published import NotKept, PublishedMarts, marts_of

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
    """What `read` makes of the infomarts: those of the warehouse, else the files of the last load.

    Files are read while DuckDB's file is being written or is made anew, and a line on standard error says as of when
    they are. Where there are none yet, the writer is waited for. Raises NothingLoaded.
    """
    warehouse = open_warehouse(settings)
    if not isinstance(warehouse, DuckDbWarehouse):
        return read(loaded_warehouse(settings))
    with suppress(WarehouseBusy):
        at_once = open_warehouse(settings, wait_seconds=0.0, tell=lambda message: None)
        if at_once.is_loaded() and marts_of(at_once):
            return read(at_once)
    with suppress(NotKept):
        published = PublishedMarts.of(open_store(settings))
        click.echo(
            f"a load is writing to the warehouse; this is of the last one, data to {published.as_of:%a %d %b %Y}",
            err=True,
        )
        return read(published)
    if loaded_warehouse(settings) and not marts_of(warehouse):
        raise NothingLoaded(settings)
    return read(warehouse)
