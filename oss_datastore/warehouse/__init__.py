"""From staged answers to typed rows in a warehouse.

`psa` decides which rows a day has, `engine` says what a warehouse can do; `duckdb`, `postgres` and `redshift` do it.
What is made of the rows afterwards is SQL (the dbt project), and which asset does it is `assets`.
"""

from oss_datastore.warehouse.duckdb import DuckDbWarehouse
from oss_datastore.warehouse.engine import (
    Ask,
    Readable,
    Warehouse,
    WarehouseBusy,
    WarehouseRefused,
    WarehouseUnavailable,
    ask,
    asking,
)
from oss_datastore.warehouse.postgres import PostgresWarehouse
from oss_datastore.warehouse.psa import FETCH_LEDGER, PSA_TABLES, LoadReport, PsaLoader

__all__ = [
    "FETCH_LEDGER",
    "PSA_TABLES",
    "Ask",
    "DuckDbWarehouse",
    "LoadReport",
    "PostgresWarehouse",
    "PsaLoader",
    "Readable",
    "Warehouse",
    "WarehouseBusy",
    "WarehouseRefused",
    "WarehouseUnavailable",
    "ask",
    "asking",
]
