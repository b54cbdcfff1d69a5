"""How many requests a second are sent, their answers parsed and staged, without pacing and latency.

The simulator answers from a process of its own and takes its share of the two cores, which GitHub would not: what is
shown is less than what the fetcher can do. The work is the first day of idle repositories, every dataset of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.github import FIRST, after, fetch_day, fetching, simulated
from benchmarks.measure import show, took


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repositories", type=int, default=100, help="how many (default 100)")
    asked.add_argument("--least", type=float, default=150.0, help="fail below so many requests a second (default 150)")
    asked.add_argument("--json", action="store_true", help="print JSON")
    wanted = asked.parse_args()
    now = after(FIRST)
    with (
        tempfile.TemporaryDirectory() as folder,
        simulated(now, repos=wanted.repositories, idle=True) as github,
        fetching(github, Path(folder), now) as fetcher,
    ):
        with took() as measured:
            fetch_day(fetcher, FIRST)
        heard = github.heard()
    rate = heard.requests / measured.wall
    figures = {
        "requests": heard.requests,
        "requests a second": rate,
        "wall, s": measured.wall,
        "processor, s": measured.cpu,
        "processor of the simulator beside it, s": heard.processor,
        "processor, ms a request": 1000 * measured.cpu / heard.requests,
    }
    failed = [f"at least {wanted.least} requests a second"] if rate < wanted.least else []
    return show("fetch_throughput", figures, failed, as_json=wanted.json)


if __name__ == "__main__":
    sys.exit(main())
