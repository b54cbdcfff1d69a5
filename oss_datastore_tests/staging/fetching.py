"""What tests of fetching share: a fetcher on a simulator, letters in memory, and psa tables to compare."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.model import Table
from oss_datastore.catalogue.parse import Row
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import Failure
from oss_datastore.github import GitHub, StaticTokens, Timer
from oss_datastore.simulator.limits import Limits
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.fetch import Fetcher, FetchReport
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore
from oss_datastore.warehouse import DuckDbWarehouse, PsaLoader
from oss_datastore.warehouse.declarations import DECLARATIONS

Tables = dict[str, list[str]]

DAY = date(2026, 10, 14)
PLENTY = Limits(
    core=10_000_000,
    graphql=10_000_000,
    points_per_minute=10_000_000,
    graphql_points_per_minute=10_000_000,
    block_seconds=0.0,
)
"""Limits nobody meets; a secondary limit that a fault declares is over at once."""

_PASSING = frozenset({"fetched_at", "generation", "letter", "requests", "points", "detail", "visibility"})


def after(day: date, **more: float) -> datetime:
    """When a day is fetched: ten minutes after its close, or later."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, minutes=10) + timedelta(**more)


def hurried() -> Timer:
    """Time in which every pause is over at once."""
    lock = threading.Lock()
    skipped = [0.0]

    def sleep(seconds: float) -> None:
        with lock:
            skipped[0] += seconds
        time.sleep(0)

    return Timer(lambda: time.monotonic() + skipped[0], sleep)


@dataclass
class MemoryLetters:
    """Letters in memory: one per dataset, scope, day and cause, as in the queue."""

    failures: dict[tuple[str, str, date, str], Failure] = field(default_factory=dict)
    open: set[tuple[str, str, date, str]] = field(default_factory=set)

    def put_many(self, failures: Sequence[Failure], *, who: str = "run") -> list[int]:
        numbers = []
        for failure in failures:
            key = (failure.dataset, failure.scope, failure.day, failure.cause or failure.error_class)
            self.failures[key] = failure
            self.open.add(key)
            numbers.append(list(self.failures).index(key) + 1)
        return numbers

    def resolve_scopes(self, scopes: Iterable[tuple[str, str, date]], *, who: str, why: str) -> None:
        settled = set(scopes)
        self.open = {key for key in self.open if key[:3] not in settled}

    def of(self, dataset: str) -> list[Failure]:
        """The open letters of a dataset."""
        return [self.failures[key] for key in sorted(self.open) if key[0] == dataset]


def fetcher(
    simulator: Simulator,
    folder: Path,
    letters: Any = None,
    *,
    now: datetime,
    role: str = "ghp_owner",
    rest: bool = False,
    api_version: str = "2022-11-28",
    **more: Any,
) -> Fetcher:
    """A fetcher whose pauses take no time; with `rest` as if the server spoke no GraphQL.

    `role` is a token of the simulator, which bears the name of what it may do.
    """
    clock = Clock(now)
    github = GitHub(
        tokens=StaticTokens(role),
        api_url=simulator.url,
        graphql_url=simulator.graphql_url,
        clock=clock,
        pace=False,
        timer=hurried(),
        api_version=api_version,
        timeout=5.0,
    )
    made = Fetcher(
        github=github,
        staging=more.pop("staging", None) or Staging(LocalStore(folder)),
        letters=letters if letters is not None else MemoryLetters(),
        clock=clock,
        organizations=more.pop("organizations", ("acme",)),
        api_url=simulator.url,
        **more,
    )
    if rest:
        made.standing.speaks_graphql = False
    return made


def fetch_all(fetcher: Fetcher, day: date, *, force: bool = False) -> list[FetchReport]:
    """Fetches every answer set of a day."""
    return [fetcher.fetch(name, day, force=force) for name in ANSWER_SETS]


QUICK = replace(PLENTY, window_seconds=0.2, secondary_window_seconds=0.2)
"""The same over a window that is soon over, for campaigns that live through many days."""


def lived_through(folder: Path, days: Sequence[date], *, repos: int, seed: int, **fetching: Any) -> Staging:
    """The staged answers of days of an organisation of so many repositories, each fetched after its close."""
    staging = Staging(LocalStore(folder))
    with Simulator(
        repos=repos, seed=seed, now=after(days[0]), limits=QUICK, faults=fetching.pop("faults", None)
    ) as github:
        for day in days:
            github.set_now(after(day))
            run = fetcher(github, folder, now=after(day), staging=staging, **fetching)
            fetch_all(run, day)
            run.github.close()
    return staging


def entries(staging: Staging, day: date) -> list[Any]:
    """The effective ledger of a day, of all answer sets."""
    return [entry for name in ANSWER_SETS for entry in staging.ledger(name, day).values()]


@dataclass
class MemoryWarehouse:
    """Takes what the loader loads: the rows are judged here, how an engine takes them in `warehouse`."""

    rows: dict[str, list[Row]] = field(default_factory=dict)

    def is_loaded(self) -> bool:
        """Nothing that is here was parsed by another declaration."""
        return False

    def replace(self, loads: Sequence[tuple[Table, pa.Table, str]], days: Sequence[date]) -> None:
        for table, arrow, narrow in loads:
            if table is DECLARATIONS:
                continue
            kept = [
                row
                for row in self.rows.get(table.name, [])
                if row["load_date"].date() not in days or (narrow and f"'{row['dataset']}'" not in narrow)
            ]
            self.rows[table.name] = kept + arrow.to_pylist()


def load(staging: Staging, days: Sequence[date], letters: Any = None) -> Tables:
    """The psa tables of these days, loaded in the given order and each by itself: every row as text, sorted.

    Left out is what may differ from one fetch of the same state to another.
    """
    warehouse = MemoryWarehouse()
    loader = PsaLoader(staging, cast(DuckDbWarehouse, warehouse), letters if letters is not None else MemoryLetters())
    for day in days:
        for name in ANSWER_SETS:
            loader.load(name, [day])
        loader.load_actors([day])
    return tables(warehouse.rows)


def tables(rows: Mapping[str, list[Row]]) -> Tables:
    """Rows that can be compared: without what passes, as text, sorted."""
    return {
        name: sorted(str({k: v for k, v in row.items() if k not in _PASSING}) for row in found)
        for name, found in rows.items()
    }


def differences(one: Tables, other: Tables) -> dict[str, tuple[list[str], list[str]]]:
    """Rows that only one of two warehouses has, by table: small enough to be read when a test fails."""
    return {
        name: ([r for r in one[name] if r not in other[name]][:3], [r for r in other[name] if r not in one[name]][:3])
        for name in one
        if one[name] != other[name]
    }
