"""How much of GitHub's documented pace the client uses, and that it never exceeds it, as the server sees it.

The server answers after a while as GitHub does; pacing is on. The pace is 900 requests a minute, which is 15 a second:
at least nine tenths are to be used, no minute may hold more than 900 arrivals and no second more than 15, wherever
they begin.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from itertools import pairwise

from benchmarks.measure import most_within, show, took
from benchmarks.server import server
from oss_datastore.clock import Clock
from oss_datastore.github import GitHub, StaticTokens

PER_SECOND, PER_MINUTE, LEAST = 15, 900, 13.5


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seconds", type=float, default=90.0, help="how long to ask (default 90)")
    asked.add_argument("--workers", type=int, default=8, help="threads that ask (default 8)")
    asked.add_argument("--latency-ms", type=float, default=100.0, help="before each answer (default 100)")
    asked.add_argument("--items", type=int, default=30, help="records in each answer (default 30)")
    asked.add_argument("--json", action="store_true", help="print JSON")
    wanted = asked.parse_args()
    body = [{"id": number, "title": "a record of some length " * 10} for number in range(wanted.items)]
    with server(body, latency=wanted.latency_ms / 1000) as running:
        github = GitHub(
            tokens=StaticTokens("a-token-for-measuring"),
            api_url=running.url,
            graphql_url=f"{running.url}/graphql",
            clock=Clock(),
            workers=wanted.workers,
        )
        ends = time.monotonic() + wanted.seconds

        def work() -> None:
            while time.monotonic() < ends:
                assert len(github.get("/repos/acme/rocket/issues").payload) == wanted.items

        threads = [threading.Thread(target=work) for _ in range(wanted.workers)]
        with took() as measured:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        arrivals = running.arrivals()
        github.close()
    rate = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])
    second, minute = most_within(1.0, arrivals), most_within(60.0, arrivals)
    failed = [f"at least {LEAST} requests a second"] if rate < LEAST else []
    failed += [f"at most {PER_SECOND} in any second"] if second > PER_SECOND else []
    failed += [f"at most {PER_MINUTE} in any minute"] if minute > PER_MINUTE else []
    figures = {
        "requests": len(arrivals),
        "requests a second": rate,
        "share of 15 a second, %": 100 * rate / PER_SECOND,
        "most in any second": second,
        "most in any minute": minute,
        "shortest gap, ms": 1000 * min(later - earlier for earlier, later in pairwise(arrivals)),
        "wall, s": measured.wall,
        "processor, s": measured.cpu,
    }
    return show("client_pacing", figures, failed, as_json=wanted.json)


if __name__ == "__main__":
    sys.exit(main())
