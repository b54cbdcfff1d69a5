"""Objects a second that the raw store puts and gets, in a folder and in S3 on loopback, and the processor time of each.

The S3 stand-in (moto) has a process of its own and is the slower half: what is of ours is the processor time.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import show, took
from oss_datastore.staging.store import LocalStore, RawStore, S3Store
from oss_datastore_tests.staging.store_fixtures import s3_client

SIZE = 12_000
THREADS = 8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures: dict[str, object] = {"objects": given.objects, "bytes of each": SIZE, "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder, moto() as endpoint:
        client = s3_client(endpoint, max_pool_connections=THREADS)
        client.create_bucket(Bucket="benchmark")
        for name, store in (("folder", LocalStore(Path(folder))), ("S3", S3Store(client, "benchmark"))):
            _measure(name, store, given.objects, figures)
    return show("raw store", figures, [], as_json=given.json)


def _measure(name: str, store: RawStore, count: int, figures: dict[str, object]) -> None:
    data = secrets.token_bytes(SIZE)

    def timed(what: str, threads: int, act: Callable[[str], object]) -> None:
        keys = [f"staging/{threads}/{number:06d}" for number in range(count)]
        with took() as spent, ThreadPoolExecutor(threads) as pool:
            list(pool.map(act, keys))
        figures[f"{name}, {what}, {threads} at once, a second"] = count / spent.wall
        figures[f"{name}, {what}, {threads} at once, CPU ms each"] = spent.cpu / count * 1000

    for threads in (1, THREADS):
        timed("put", threads, lambda key: store.put_if_absent(key, data))
        timed("get", threads, store.get)


@contextmanager
def moto() -> Iterator[str]:
    """The address of a stand-in for S3 in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = "import sys; from moto.server import main; main(sys.argv[1:])"
    server = subprocess.Popen(
        [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    sys.exit(main())
