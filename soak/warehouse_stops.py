"""`python -m soak.warehouse_stops`: PostgreSQL, as warehouse, is killed at random moments of a load.

The days before the last are loaded once. Into copies of that warehouse a process of its own then loads the last day,
while the server is killed with all its processes after more or less of the time that an undisturbed load takes. The
server comes up again, the day is loaded once more, and every table is compared with that of an undisturbed load.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import psycopg2

from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.staging.fetching import lived_through
from soak.loading import Home
from soak.plans import differing, measured

FIRST = date(2026, 9, 15)
SEED = 5


def _home(folder: Path, url: str) -> Home:
    settings = {"OSS_DATASTORE_WAREHOUSE": "postgres", "OSS_DATASTORE_WAREHOUSE_URL": url}
    return Home(folder / "home", Staging(LocalStore(folder / "store")), **settings)


def _loading(folder: Path, url: str, days: Sequence[date]) -> list[str]:
    """The command that loads days in a process of its own."""
    return [sys.executable, "-m", "soak.warehouse_stops", "--load", str(folder), url, *map(str, days)]


def _copy(server: EmbeddedPostgres, name: str) -> str:
    """A new warehouse as it was before the last day."""
    with closing(psycopg2.connect(server.url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"create database {name} template before")
    return server.ensure_database(name)


def kill(server: EmbeddedPostgres) -> None:
    """Ends the server and all it has started, as a loss of power would."""
    pid = int((server.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    for one in (pid, *map(int, children.stdout.split())):
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue


def main(arguments: list[str] | None = None) -> int:
    """Prints what became of each kill; 1 if a table differs afterwards."""
    asked = argparse.ArgumentParser(prog="python -m soak.warehouse_stops", description=__doc__)
    asked.add_argument("--days", type=int, default=5)
    asked.add_argument("--repositories", type=int, default=6)
    asked.add_argument("--kills", type=int, default=20)
    asked.add_argument("--load", nargs="+", help=argparse.SUPPRESS)
    wanted = asked.parse_args(arguments)
    if wanted.load:
        where, url, *those = wanted.load
        _home(Path(where), url).load([date.fromisoformat(day) for day in those])
        return 0
    days = [FIRST + timedelta(days=n) for n in range(wanted.days)]
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(days)} days, {wanted.repositories} repositories"
    )
    moments = random.Random(SEED)
    broken, broke_off = 0, 0
    with tempfile.TemporaryDirectory(prefix="soak-stops-") as name:
        folder = Path(name)
        lived_through(folder / "store", days, repos=wanted.repositories, seed=SEED)
        server = EmbeddedPostgres(folder / "server")
        server.start()
        try:
            with measured("days before the last"):
                subprocess.run(_loading(folder, server.ensure_database("before"), days[:-1]), check=True)
            began = time.monotonic()
            calm = _copy(server, "calm")
            subprocess.run(_loading(folder, calm, days[-1:]), check=True)
            usual = time.monotonic() - began
            expected = _home(folder, calm).digests()
            rows = sum(count for count, _ in expected.values())
            print(f"undisturbed: {usual:.1f} s, {len(expected)} tables, {rows:,} rows", flush=True)
            for number in range(1, wanted.kills + 1):
                address = _copy(server, f"struck_{number}")
                moment = moments.uniform(0.15, 0.95) * usual
                command = _loading(folder, address, days[-1:])
                loading = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(moment)
                kill(server)
                code = loading.wait()
                broke_off += code != 0
                server.start()
                subprocess.run(command, check=True)
                print(f"{number}: killed after {moment:.1f} s, the load ended with {code}", flush=True)
                broken += bool(differing(expected, _home(folder, address).digests()))
        finally:
            server.release()
    print(f"{wanted.kills} kills, {broke_off} loads broke off, {broken} left a difference")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
