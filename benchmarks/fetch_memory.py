"""How much memory it takes to fetch a thousand repositories for two days: the most the fetching process ever held.

The simulator has a process of its own, which is not counted.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from pathlib import Path

from benchmarks.github import FIRST, SECOND, after, fetch_day, fetching, simulated
from benchmarks.measure import show, took

KB_PER_MB = 1024


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repositories", type=int, default=1000, help="how many (default 1000)")
    asked.add_argument("--lively", action="store_true", help="with years of issues, pull requests and commits in them")
    asked.add_argument("--most", type=float, default=600.0, help="fail at so many MB (default 600)")
    asked.add_argument("--json", action="store_true", help="print JSON")
    wanted = asked.parse_args()
    figures: dict[str, object] = {"repositories": wanted.repositories}
    peak = 0.0
    with (
        tempfile.TemporaryDirectory() as folder,
        simulated(after(FIRST), repos=wanted.repositories, idle=not wanted.lively) as github,
        took() as measured,
    ):
        for day, name in ((FIRST, "first day"), (SECOND, "second day")):
            github.set_now(after(day))
            with fetching(github, Path(folder), after(day)) as fetcher:
                fetch_day(fetcher, day)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KB_PER_MB
            figures |= {f"{name}: requests": github.heard().requests, f"{name}: most memory so far, MB": peak}
    figures |= {"wall, s": measured.wall, "processor, s": measured.cpu}
    failed = [f"under {wanted.most} MB"] if peak >= wanted.most else []
    return show("fetch_memory", figures, failed, as_json=wanted.json)


if __name__ == "__main__":
    sys.exit(main())
