"""What the client itself costs: requests a second without pacing, against a server that answers at once."""

from __future__ import annotations

import argparse
import sys
import threading

from benchmarks.measure import show, took
from benchmarks.server import server
from oss_datastore.clock import Clock
from oss_datastore.github import GitHub, StaticTokens


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--requests", type=int, default=3000, help="how many to send (default 3000)")
    asked.add_argument("--workers", type=int, default=8, help="threads that ask (default 8)")
    asked.add_argument("--items", type=int, default=30, help="records in each answer (default 30)")
    asked.add_argument("--least", type=float, default=0.0, help="fail below so many requests a second")
    asked.add_argument("--json", action="store_true", help="print JSON")
    wanted = asked.parse_args()
    body = [{"id": number, "title": "a record of some length " * 10} for number in range(wanted.items)]
    with server(body) as running:
        github = GitHub(
            tokens=StaticTokens("a-token-for-measuring"),
            api_url=running.url,
            graphql_url=f"{running.url}/graphql",
            clock=Clock(),
            workers=wanted.workers,
            pace=False,
        )
        turns = iter(range(wanted.requests))
        lock = threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    if next(turns, None) is None:
                        return
                assert len(github.get("/repos/acme/rocket/issues").payload) == wanted.items

        threads = [threading.Thread(target=work) for _ in range(wanted.workers)]
        with took() as measured:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        github.close()
    rate = wanted.requests / measured.wall
    figures = {
        "requests": wanted.requests,
        "requests a second": rate,
        "wall, s": measured.wall,
        "processor, s": measured.cpu,
        "processor, ms a request": 1000 * measured.cpu / wanted.requests,
    }
    failed = [f"at least {wanted.least} requests a second"] if rate < wanted.least else []
    return show("client_throughput", figures, failed, as_json=wanted.json)


if __name__ == "__main__":
    sys.exit(main())
