"""`python -m soak.engines`: thirty days of the demo's organisation on every engine as one range: the same tables.

Redshift is the wire shim in front of PostgreSQL: this proves the adapter, COPY and every statement within the reviewed
vocabulary, not a real cluster.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.staging.fetching import lived_through
from soak.loading import SEED, Home, engines
from soak.plans import differing, measured

FIRST = date(2026, 9, 15)
FAULTS = {"bad_gateway@/repos/acme/lantern/traffic/views": 0.2, "graphql_node_error": 0.01}


def main(arguments: list[str] | None = None) -> int:
    """Prints each engine and what differs; 1 if anything does."""
    asked = argparse.ArgumentParser(prog="python -m soak.engines", description="One month on every engine.")
    asked.add_argument("--days", type=int, default=30)
    asked.add_argument("--repositories", type=int, default=12)
    asked.add_argument("--home", type=Path, help="load what is staged in this home, as the demo leaves one")
    wanted = asked.parse_args(arguments)
    broken = False
    with tempfile.TemporaryDirectory(prefix="soak-engines-") as name:
        folder = Path(name)
        if wanted.home:
            staging = Staging(LocalStore(wanted.home / "store"))
            days = sorted({day for answer_set in ANSWER_SETS for day in staging.days(answer_set)})
        else:
            days = [FIRST + timedelta(days=n) for n in range(wanted.days)]
            with measured(f"{wanted.repositories} repositories fetched"):
                staging = lived_through(folder / "store", days, repos=wanted.repositories, seed=SEED, faults=FAULTS)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(days)} days, {days[0]} to {days[-1]}")
        expected = None
        with engines(folder) as known:
            for engine, settings in known.items():
                with measured(f"{engine}, psa to infomarts"):
                    home = Home(folder / engine, staging, **settings())
                    home.load(days)
                found = home.digests()
                if expected is None:
                    expected = found
                    print(f"  {len(found)} tables, {sum(rows for rows, _ in found.values()):,} rows", flush=True)
                broken |= bool(differing(expected, found))
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
