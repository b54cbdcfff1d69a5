"""The demo's organisation through all tables and checks: a year as one range, then one day more.

The days are fetched from a simulator before anything is measured. Then the staging area is loaded (psa), and dbt builds
every model and runs every check, as the assets have it run: its start and the reading of the parsed project included.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from benchmarks.measure import show
from oss_datastore.assets.vault import dbt_arguments
from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.connections import open_warehouse
from oss_datastore.resources.dbt import PROJECT, dbt_environment
from oss_datastore.settings import Settings
from oss_datastore.warehouse import PSA_TABLES, PsaLoader
from oss_datastore_tests.staging.fetching import MemoryLetters, lived_through

LAST = date(2026, 10, 14)
REPOSITORIES = 12
ONE_DAY, A_YEAR = 30.0, 240.0


@contextmanager
def spent(figures: dict[str, float], name: str) -> Iterator[None]:
    """Wall time, and CPU time of this process and those it started."""
    wall, cpu = time.monotonic(), _cpu()
    yield
    figures[f"{name}, s"] = time.monotonic() - wall
    figures[f"{name}, processor, s"] = _cpu() - cpu


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def build(target: Path, arguments: Sequence[str]) -> None:
    """One dbt command on the project; what it prints is shown where it fails."""
    where = ["--project-dir", str(PROJECT), "--target-path", str(target), "--log-path", str(target)]
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments, *where], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365, help="days of the range; a year is compared with its limit")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    days = [LAST - timedelta(days=n) for n in range(given.days, -1, -1)]
    figures: dict[str, float] = {"days": given.days, "repositories": REPOSITORIES}
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        staging = lived_through(folder / "store", days, repos=REPOSITORIES, seed=1)
        settings = Settings.load(OSS_DATASTORE_HOME=folder, _env_file=None)
        os.environ.update(dbt_environment(settings))
        warehouse = open_warehouse(settings)
        warehouse.prepare(PSA_TABLES)
        loader = PsaLoader(staging, warehouse, MemoryLetters())
        build(folder / "target", ["parse"])
        for what, some, limit in (("the range", days[:-1], A_YEAR), ("one day more", days[-1:], ONE_DAY)):
            with spent(figures, f"{what}: psa"):
                for answer_set in ANSWER_SETS:
                    loader.load(answer_set, some)
                loader.load_actors(some)
            name = f"{what}: vault, infomarts and checks"
            with spent(figures, name):
                build(folder / "target", dbt_arguments(some))
            if figures[f"{name}, s"] >= limit:
                failed.append(f"{name} in less than {limit:.0f} s")
        figures["rows in psa"] = sum(
            warehouse.table(f'select count(*) as n from {table.schema}."{table.name}"')["n"][0].as_py()
            for table in PSA_TABLES
        )
    return show("the demo's organisation through all tables and checks", figures, failed, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
