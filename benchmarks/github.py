"""What the benchmarks of fetching share: a simulated GitHub in a process of its own, and a fetcher that asks it.

The simulator takes processor time beside the fetcher, as GitHub does not: on two cores the two share what there is.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import Failure
from oss_datastore.github import GitHub, StaticTokens, Timer
from oss_datastore.simulator.limits import Limits
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.fetch import Fetcher, FetchReport
from oss_datastore.staging.ledger import LedgerEntry
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore

ORG = "acme"
FIRST = date(2026, 11, 9)
SECOND = FIRST + timedelta(days=1)
UNLIMITED = Limits(
    core=10_000_000, graphql=10_000_000, points_per_minute=10_000_000, graphql_points_per_minute=10_000_000
)


def after(day: date, **more: float) -> datetime:
    """When a day is fetched: ten minutes after its close, or later."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, minutes=10) + timedelta(**more)


@dataclass
class Heard:
    """What the simulator noted since it was last asked: requests, refusals for a limit, and seconds of processor."""

    requests: int
    by_status: Counter[int]
    limit_errors: int
    during_block: int
    processor: float


class SimulatedGitHub:
    """The simulator seen from the process that measures."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self.url: str = pipe.recv()

    def set_now(self, now: datetime) -> None:
        """Moves its calendar, and its windows of limits with it."""
        self._ask(now)

    def heard(self) -> Heard:
        """What it noted since the last call of this."""
        heard: Heard = self._ask(None)
        return heard

    def _ask(self, what: datetime | None) -> Any:
        with self._lock:
            self._pipe.send(what)
            return self._pipe.recv()


@contextmanager
def simulated(now: datetime, **options: Any) -> Iterator[SimulatedGitHub]:
    """A simulator of its own process, held at a moment; `options` are those of `Simulator`."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, now, options), daemon=True)
    process.start()
    try:
        yield SimulatedGitHub(ours)
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, now: datetime, options: Mapping[str, Any]) -> None:
    with Simulator(now=now, **{"orgs": (ORG,), "limits": UNLIMITED, **options}) as running:
        pipe.send(running.url)
        processor = time.process_time()
        while True:
            moment = pipe.recv()
            if moment is not None:
                running.set_now(moment)
                pipe.send(None)
                continue
            log, spent = running.application.log, time.process_time()
            errors = sum(1 for entry in log.entries if "limit" in entry.outcome)
            pipe.send(
                Heard(
                    sum(log.by_status.values()),
                    Counter(log.by_status),
                    errors,
                    running.requests_during_block,
                    spent - processor,
                )
            )
            log.clear()
            processor = spent


@dataclass
class Letters:
    """Takes letters as the queue does, and keeps them for looking at."""

    taken: list[Failure] = field(default_factory=list)

    def put_many(self, failures: Sequence[Failure], *, who: str = "run") -> list[int]:
        """Numbers them."""
        self.taken += failures
        return list(range(len(self.taken) - len(failures) + 1, len(self.taken) + 1))

    def resolve_scopes(self, scopes: Any, *, who: str, why: str) -> None:
        """Nothing is open here that could be closed."""


@contextmanager
def fetching(
    github: SimulatedGitHub,
    folder: Path,
    now: datetime,
    *,
    timer: Timer | None = None,
    pace: bool = False,
    datasets: tuple[str, ...] = (),
) -> Iterator[Fetcher]:
    """A fetcher of the simulated organisation at a moment, as a run makes one."""
    clock = Clock(now)
    with GitHub(
        tokens=StaticTokens("a-token-for-measuring"),
        api_url=github.url,
        graphql_url=f"{github.url}/graphql",
        clock=clock,
        pace=pace,
        timer=timer,
    ) as client:
        yield Fetcher(
            github=client,
            staging=Staging(LocalStore(folder)),
            letters=Letters(),
            clock=clock,
            organizations=(ORG,),
            api_url=github.url,
            datasets=datasets,
        )


def fetch_day(fetcher: Fetcher, day: date) -> list[FetchReport]:
    """Fetches every answer set of a day as a run does: statistics are asked for early and collected at the end."""
    early = [name for name, answer_set in ANSWER_SETS.items() if answer_set.two_phase]
    reports = []
    for name in ANSWER_SETS:
        reports.append(fetcher.fetch(name, day, early=name in early))
    return reports + [fetcher.fetch(name, day) for name in early]


def ledger(fetcher: Fetcher, day: date) -> list[LedgerEntry]:
    """The effective ledger of a day, of all answer sets."""
    return [entry for name in ANSWER_SETS for entry in fetcher.staging.ledger(name, day).values()]
