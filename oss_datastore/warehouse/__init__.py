"""From staged answers to typed rows in a warehouse.

`psa` decides which rows a day has, `duckdb` how they get into the embedded engine. What is made of them afterwards is
SQL (the dbt project), and which asset does it is `assets`.
"""

from oss_datastore.warehouse.duckdb import DuckDbWarehouse, WarehouseBusy
from oss_datastore.warehouse.psa import FETCH_LEDGER, LoadReport, PsaLoader

__all__ = ["FETCH_LEDGER", "DuckDbWarehouse", "LoadReport", "PsaLoader", "WarehouseBusy"]
