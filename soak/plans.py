"""`python -m soak.plans`: one history of staging, loaded in every order, on every engine: the same tables each time.

The history is that of an organisation whose GitHub fails on some days and answers when it is asked again later. The
first plan loads it as it is lived: each day after its close, days with failures once more when they were repaired. The
others load what was staged in the end: as one range, in random order, with every third day loaded twice. Every table
of every schema is compared by a digest of its rows.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.staging.fetching import QUICK, after, fetch_all, fetcher
from oss_datastore_tests.warehouse.digests import Digest
from soak.loading import SEED, Home, engines

FIRST = date(2026, 4, 18)
FAULTS = {"bad_gateway": 0.02, "truncated": 0.01, "graphql_node_error": 0.01, "forbidden@/repos/*/traffic/*": 0.02}
"""What strikes on every fifth day: a share of all requests."""


def live(folder: Path, days: Sequence[date], repositories: int) -> tuple[Staging, Home]:
    """Fetches and loads day by day; every fifth day with failures, loaded so, asked again and loaded again."""
    staging = Staging(LocalStore(folder / "store"))
    home = Home(folder / "lived", staging)
    with Simulator(repos=repositories, seed=SEED, now=after(days[0]), limits=QUICK, timeout_seconds=0.01) as github:
        for number, day in enumerate(days):
            github.set_now(after(day))
            fails = number % 5 == 4
            for faults in (FAULTS, None) if fails else (None,):
                github.set_faults(faults)
                run = fetcher(github, folder / "store", now=after(day), staging=staging)
                fetch_all(run, day)
                run.github.close()
                home.load([day])
    return staging, home


def in_random_order(days: Sequence[date]) -> list[list[date]]:
    """Each day by itself, in random order, every third of them twice."""
    order = [[day] for day in (*days, *days[::3])]
    random.Random(SEED).shuffle(order)
    return order


def differing(expected: Mapping[str, Digest], found: Mapping[str, Digest]) -> list[str]:
    """Tables that are not the same, which it prints."""
    names = sorted(t for t in expected.keys() | found.keys() if expected.get(t) != found.get(t))
    print(f"  {len(names)} tables differ {', '.join(names)}", flush=True)
    return names


@contextmanager
def measured(name: str) -> Iterator[None]:
    """Says how long something took: seconds of the clock, and of the CPU of this process."""
    wall, cpu = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    yield
    now = resource.getrusage(resource.RUSAGE_SELF)
    spent = now.ru_utime + now.ru_stime - cpu.ru_utime - cpu.ru_stime
    print(f"{name}: {time.monotonic() - wall:.0f} s, {spent:.0f} s of CPU in this process", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Prints each plan and what differs; 1 if anything does."""
    asked = argparse.ArgumentParser(prog="python -m soak.plans", description="One history, loaded in every order.")
    asked.add_argument("--days", type=int, default=60)
    asked.add_argument("--repositories", type=int, default=12)
    asked.add_argument("--engines", default="duckdb,postgres")
    wanted = asked.parse_args(arguments)
    days = [FIRST + timedelta(days=n) for n in range(wanted.days)]
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(days)} days, {wanted.repositories} repositories"
    )
    broken = False
    with tempfile.TemporaryDirectory(prefix="soak-plans-") as name:
        folder = Path(name)
        with measured("duckdb, as lived, repaired days twice"):
            staging, lived = live(folder, days, wanted.repositories)
        expected = lived.digests()
        print(f"  {len(expected)} tables, {sum(rows for rows, _ in expected.values()):,} rows", flush=True)
        with engines(folder) as known:
            for engine in wanted.engines.split(","):
                for plan, order in (("as one range", [days]), ("random order, thirds twice", in_random_order(days))):
                    with measured(f"{engine}, {plan}"):
                        home = Home(folder / f"{engine}-{len(order)}", staging, **known[engine]())
                        for some in order:
                            home.load(some)
                    broken |= bool(differing(expected, home.digests()))
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
