"""A million parsed issues, already Parquet, into psa: our loader beside a bare insert of the same rows.

DuckDB: `insert into … select … from read_parquet`. PostgreSQL: `copy … from stdin` of the same rows, already CSV. Both
into an empty table of the same columns, alternating with ours, three times; the medians are compared. What it takes to
parse answers into such rows and to hash them is measured apart, on fewer of them.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import psycopg2
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.measure import show, took
from oss_datastore.catalogue import DATASETS, TABLES
from oss_datastore.catalogue.parse import Row, parse
from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore
from oss_datastore.warehouse import DuckDbWarehouse, PostgresWarehouse
from oss_datastore.warehouse.psa import arrow
from oss_datastore_tests.staging.fetching import lived_through

DAY = date(2026, 10, 14)
HALF = 0.5
TIMES = 3
REPOSITORIES = 12
ISSUES = TABLES["issues"]


def parsed(folder: Path, *, hashes: bool) -> tuple[list[Row], float]:
    """The issues that the staged answers hold, and the processor time that parsing them took, seconds."""
    lines = list(Staging(LocalStore(folder)).lines("issues", DAY))
    rows: list[Row] = []
    with took() as measured:
        for line in lines:
            for part in line.parts:
                found = parse(DATASETS[part.dataset], part, line.payload, DAY, line.fetched_at, hashes=hashes)
                rows += found.rows.get(ISSUES.name, [])
    return rows, measured.cpu


def multiplied(rows: pa.Table, count: int, path: Path) -> None:
    """Writes so many issues as Parquet: the rows again and again, each time with other ids and keys."""
    keys = ", ".join(f"md5({key} || n) as {key}" for key in ISSUES.hash_keys)
    with closing(duckdb.connect()) as connection:
        connection.register("real", rows)
        connection.execute(
            f"copy (select real.* replace (issue_id + n * 1000000000 as issue_id, {keys}) from real, "
            f"range({count // rows.num_rows + 1}) as t (n) limit {count}) to '{path}' (format parquet)"
        )


def on_duckdb(path: Path, folder: Path) -> dict[str, float]:
    """Seconds of the bare insert and of ours."""
    names = ", ".join(f'"{name}"' for name, _ in ISSUES.fields)

    def bare(number: int) -> float:
        warehouse = DuckDbWarehouse(folder / f"bare-{number}.duckdb")
        warehouse.prepare([ISSUES])
        began = time.perf_counter()
        with warehouse.connect() as connection:
            connection.execute(f"insert into psa.issues ({names}) select {names} from read_parquet('{path}')")
        return time.perf_counter() - began

    def ours(number: int) -> float:
        warehouse = DuckDbWarehouse(folder / f"ours-{number}.duckdb")
        warehouse.prepare([ISSUES])
        began = time.perf_counter()
        warehouse.replace([(ISSUES, pq.read_table(path), "")], [DAY])
        return time.perf_counter() - began

    return _beside("DuckDB", bare, ours)


def on_postgres(path: Path, folder: Path) -> dict[str, float]:
    """Seconds of the bare COPY, its text at hand, and of ours."""
    names = [name for name, _ in ISSUES.fields]
    buffer = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
    pyarrow.csv.write_csv(pq.read_table(path).select(names), buffer, options)
    server = EmbeddedPostgres(folder / "server", settings={"max_wal_size": "4GB"})
    server.start()

    def empty(name: str) -> PostgresWarehouse:
        warehouse = PostgresWarehouse(server.ensure_database(name))
        warehouse.prepare([ISSUES])
        return warehouse

    def bare(number: int) -> float:
        warehouse = empty(f"bare_{number}")
        buffer.seek(0)
        began = time.perf_counter()
        with closing(psycopg2.connect(warehouse.url)) as connection, connection, connection.cursor() as cursor:
            columns = ", ".join(f'"{name}"' for name in names)
            cursor.copy_expert(f"copy psa.issues ({columns}) from stdin (format csv)", buffer)
        return time.perf_counter() - began

    def ours(number: int) -> float:
        warehouse = empty(f"ours_{number}")
        began = time.perf_counter()
        warehouse.replace([(ISSUES, pq.read_table(path), "")], [DAY])
        return time.perf_counter() - began

    try:
        return _beside("PostgreSQL", bare, ours)
    finally:
        server.release()


def _beside(engine: str, bare: Callable[[int], float], ours: Callable[[int], float]) -> dict[str, float]:
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for number in range(TIMES):
        times["bare"].append(bare(number))
        times["ours"].append(ours(number))
    plain, own = statistics.median(times["bare"]), statistics.median(times["ours"])
    return {f"{engine}: bare, s": plain, f"{engine}: ours, s": own, f"{engine}: speed beside bare": plain / own}


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=1_000_000, help="how many issues (default 1,000,000)")
    asked.add_argument("--json", action="store_true", help="print JSON")
    wanted = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lived_through(folder / "store", [DAY], repos=REPOSITORIES, seed=1)
        rows, hashed = parsed(folder / "store", hashes=True)
        _, unhashed = parsed(folder / "store", hashes=False)
        multiplied(arrow(ISSUES, rows), wanted.rows, folder / "issues.parquet")
        figures: dict[str, object] = {
            "rows": wanted.rows,
            "parsed and hashed, rows a second of processor": len(rows) / hashed,
            "hashing's share": 1 - unhashed / hashed,
        }
        ratios = on_duckdb(folder / "issues.parquet", folder) | on_postgres(folder / "issues.parquet", folder)
    failed = [f"{name}: {HALF}" for name, value in ratios.items() if name.endswith("beside bare") and value < HALF]
    return show("psa_load", figures | ratios, failed, as_json=wanted.json)


if __name__ == "__main__":
    sys.exit(main())
