"""The demo's GitHub: the simulator in a process of its own, which ends when the one that started it does.

Run as a module it is that process: it prints its address and serves until its standard input closes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

ORG = "acme"
SEED = 7
MARKER = "demo.json"
"""Under a home: its data is the demo's, invented, and its GitHub is served on loopback."""


@dataclass(frozen=True)
class Marker:
    """What a demo home remembers of its world."""

    repos: int
    first_day: str

    def write(self, home: Path) -> None:
        """Marks a home."""
        (home / MARKER).write_text(json.dumps(self.__dict__), encoding="utf-8")

    @classmethod
    def read(cls, home: Path) -> Marker | None:
        """The marker of a home, None where the home is not the demo's."""
        try:
            return cls(**json.loads((home / MARKER).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None


class DemoWorld:
    """A running demo GitHub; use it as a context manager."""

    def __init__(self, repos: int, now: datetime | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", __name__, str(repos), now.isoformat() if now else ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None  # noqa: S101
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the demo's GitHub did not start; see the message above")

    def at(self, now: datetime) -> None:
        """Holds its calendar."""
        self._tell("clock", {"now": now.isoformat()})

    def break_things(self, faults: dict[str, Any]) -> None:
        """Declares which requests go wrong from now on, in the words of `simulate --help`."""
        self._tell("faults", faults)

    def _tell(self, what: str, value: dict[str, Any]) -> None:
        answer = requests.post(f"{self.url}/_simulator/{what}", json=value, timeout=10)
        answer.raise_for_status()

    def stop(self) -> None:
        """Ends it."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def environment(marker: Marker, home: Path, url: str) -> dict[str, str]:
    """The settings of a demo home; those of real use are emptied, so that a .env does not reach into the demo."""
    emptied = ("GITHUB_TOKENS", "GITHUB_GRAPHQL_URL", "GITHUB_APP_ID", "S3_ROOT_BUCKET", "DLQ_URL")
    ours = ("WAREHOUSE", "WAREHOUSE_URL", "DATASETS", "REPOSITORIES", "FILES", "ALERTS")
    return {
        **dict.fromkeys((*emptied, *(f"OSS_DATASTORE_{name}" for name in ours)), ""),
        "GITHUB_TOKEN": "demo",
        "GITHUB_ORGS": ORG,
        "GITHUB_API_URL": url,
        # Nobody is to be told of an invented organisation.
        "OSS_DATASTORE_DIGEST": "log",
        "OSS_DATASTORE_HOME": str(home),
        "OSS_DATASTORE_START_DATE": marker.first_day,
    }


def _serve(repos: int, now: str) -> None:
    from oss_datastore.simulator.limits import Limits
    from oss_datastore.simulator.server import Simulator

    # The demo lives through thirty days in two minutes, so the limits of an hour would be hit at once.
    plenty = 10_000_000
    limits = Limits(core=plenty, graphql=plenty, points_per_minute=plenty, graphql_points_per_minute=plenty)
    held = datetime.fromisoformat(now) if now else None
    simulator = Simulator(orgs=(ORG,), repos=repos, seed=SEED, now=held, limits=limits)
    simulator.start()
    # An interrupt at the terminal is for the command that started this: it still asks here while it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(simulator.url, flush=True)  # noqa: T201
    sys.stdin.read()
    # Nothing of it is worth an orderly end, and a connection that is still open must not hold it up.
    os._exit(0)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), sys.argv[2])
