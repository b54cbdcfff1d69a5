"""A loaded home looked at as if it had been loaded day by day from long ago.

A day's numbers are made of the items' own times, so what one load of one day brought is enough to know hundreds of
past days, if only the vault had stood by then. Here it has: in a copy of the warehouse all of it was seen on the first
of these days, the ledger says the same of each, and the marts are made again from the SQL that the load ran.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from oss_datastore.settings import Settings


@contextmanager
def as_if_loaded_daily(
    settings: Settings, first: date, last: date, marts: Sequence[str], folder: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to such a copy, with these marts made for the days from `first` to `last`."""
    copy = folder / settings.warehouse_path.name
    shutil.copy(settings.warehouse_path, copy)
    with duckdb.connect(str(copy)) as connection:
        dated = connection.execute(
            "select c.table_schema, c.table_name from information_schema.columns c "
            "join information_schema.tables t using (table_schema, table_name) "
            "where c.column_name = 'load_date' and t.table_type = 'BASE TABLE' "
            "and c.table_schema in ('raw_vault', 'raw_vault_pii', 'business_vault')"
        ).fetchall()
        for schema, table in dated:
            connection.execute(f"update {schema}.{table} set load_date = ? where load_date > ?", [first, first])
        connection.execute(
            "create or replace table psa.fetch_ledger as select l.* replace (d.day as load_date, "
            "cast(d.day + interval 1 day + interval 10 minute as timestamp) as fetched_at) from psa.fetch_ledger l "
            "cross join (select unnest(generate_series(cast(? as timestamp), cast(? as timestamp), interval 1 day))) "
            "as d(day)",
            [first, last],
        )
        sql = _compiled(settings.home_path / "target")
        for name in _in_order(marts, sql):
            connection.execute(f"drop table if exists infomarts.{name}")
            connection.execute(f"create table infomarts.{name} as {sql[name]}")
        yield connection


def _compiled(target: Path) -> dict[str, str]:
    """What dbt ran of each mart, by `load_windows`."""
    return {path.stem: path.read_text(encoding="utf-8") for path in target.glob("compiled/*/models/infomarts/*.sql")}


def _in_order(marts: Sequence[str], sql: dict[str, str]) -> list[str]:
    ordered: list[str] = []

    def add(name: str) -> None:
        for other in sql:
            if other != name and f'"infomarts"."{other}"' in sql[name]:
                add(other)
        if name not in ordered:
            ordered.append(name)

    for mart in marts:
        add(mart)
    return ordered
