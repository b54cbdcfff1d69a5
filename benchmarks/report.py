"""The page of a large organisation: how long it takes to make and how heavy it is, for each audience.

    python -m benchmarks.report [--repositories 100] [--days 180] [--json]

The marts are those of the tests' own organisation, built by the project's SQL on DuckDB; only the page is measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import show, took
from oss_datastore.report import Audience, SqlMarts, build_report
from oss_datastore_tests.infomarts.marts import Marts, compiled
from oss_datastore_tests.report.organisation import organisation

LIMIT_SECONDS = 20.0
LIMIT_MEGABYTES = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=100)
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = {"OSS_DATASTORE_WAREHOUSE": "duckdb", "OSS_DATASTORE_WAREHOUSE_PATH": f"{folder}/warehouse.duckdb"}
        sql = compiled(Path(folder), **where)
    marts = Marts(sql, organisation(days=given.days, repositories=given.repositories))
    for name in sql:
        marts.build(name)
    figures: dict[str, object] = {"repositories": given.repositories, "days": given.days}
    failed = []
    for audience in Audience:
        with took() as taken:
            text = build_report(SqlMarts(marts.connection.cursor), audience=audience)
        size = len(text.encode()) / 1e6
        figures |= {f"{audience}, wall s": taken.wall, f"{audience}, processor s": taken.cpu, f"{audience}, MB": size}
        if taken.cpu > LIMIT_SECONDS:
            failed.append(f"{audience}: {taken.cpu:.1f} of {LIMIT_SECONDS:.0f} processor seconds")
        if size > LIMIT_MEGABYTES:
            failed.append(f"{audience}: {size:.1f} of {LIMIT_MEGABYTES:.0f} MB")
    return show("report", figures, failed, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
