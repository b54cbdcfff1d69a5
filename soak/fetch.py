"""One run as a process of its own, to be killed: fetches a day as a scheduled run would."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore.dead_letters.spool import SpoolingQueue
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.staging.fetching import after, fetch_all, fetcher


def main(url: str, folder: str, queue_url: str, text: str) -> None:
    """`url` is the simulator's, `folder` the store's, `text` the day."""
    day = date.fromisoformat(text)
    clock = Clock(after(day))
    github: Any = SimpleNamespace(url=url, graphql_url=f"{url}/graphql")
    letters = SpoolingQueue(lambda: DeadLetterQueue(queue_url, clock=clock), LocalStore(Path(folder)), clock=clock)
    fetch_all(fetcher(github, Path(folder), letters, now=after(day)), day)


if __name__ == "__main__":
    main(*sys.argv[1:])
