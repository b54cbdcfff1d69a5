"""One campaign: days under faults, retries, and the comparison with the same days without any fault."""

from __future__ import annotations

import contextlib
import logging
import random
import re
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.retries.standard import ExponentialBackoff
from moto.server import ThreadedMotoServer

from oss_datastore.catalogue import ANSWER_SET_OF, ANSWER_SETS, DATASETS
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.dead_letters.retry import retry
from oss_datastore.dead_letters.spool import SpoolingQueue
from oss_datastore.github import GitHubError
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.fetch import Fetcher, NothingKnown, UnknownOrganization
from oss_datastore.staging.ledger import SETTLED, State
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore, RawStore, S3Store, StoreError
from oss_datastore_tests.staging.fetching import PLENTY, Tables, after, entries, fetch_all, fetcher, load
from oss_datastore_tests.staging.s3_faults import FaultyS3
from oss_datastore_tests.staging.store_fixtures import s3_client
from soak.campaigns import Campaign
from soak.scenes import away, killed, small_disk

FIRST = date(2025, 6, 14)
MOST_DAYS = 120
RUNS = 2
"""Runs of a day while things go wrong: what the first left open the second asks again."""
BUCKET = "soak"
LIMITS = replace(PLENTY, window_seconds=0.2, secondary_window_seconds=0.2)
ENDS_A_RUN = (GitHubError, StoreError, NothingKnown, UnknownOrganization)
DERIVED = frozenset({"fetch_ledger", "actors"})
"""Tables that tell of the fetching, or of several lists at once: not of one scope's rows."""

_EDGE = re.compile(r", 'is_window_edge': (True|False)|, 'ma_sat_repo_traffic_\w+_hd': '\w+'")


@dataclass
class Outcome:
    """What a campaign came to. `broken` names each promise that was not kept."""

    requests: int = 0
    s3_requests: int = 0
    days: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    letters: int = 0
    retried: int = 0
    stopped: int = 0
    rows: int = 0
    lost: int = 0
    invented: int = 0
    unaccounted: int = 0
    late_lost: int = 0
    late_scopes: int = 0
    late_unavailable: int = 0
    late_partial: int = 0
    late_unlisted: int = 0
    late_moments: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    broken: list[str] = field(default_factory=list)


@dataclass
class Trial:
    """A campaign and its size; `run` does it."""

    campaign: Campaign
    requests: int
    repositories: int
    outage: float
    kills: int
    _told_of: tuple[date | None, set[tuple[str, str, date]]] = field(default_factory=lambda: (None, set()), init=False)

    def run(self) -> Outcome:
        """Fetches days under faults until there were enough requests, then one more that is retried too late."""
        began, cpu = time.monotonic(), _cpu()
        self.outcome = Outcome()
        self.dice = random.Random(1)
        with contextlib.ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
            self.server = EmbeddedPostgres(self.folder / "home", durable=False)
            self.queue_url = self.server.start()
            stack.callback(self.server.release)
            self.github = stack.enter_context(self._simulator())
            self.store = self._opened(stack)
            self.fill = (
                stack.enter_context(small_disk(self.folder / "store")) if self.campaign.scene == "disk" else None
            )
            days = [FIRST]
            if self.campaign.scene == "postgres":
                with away(self.server, self.outage) as outage:
                    self._day(days[0])
                    while outage.is_alive() or not self._enough():
                        days.append(self._next(days))
            else:
                self._day(days[0])
                while not self._enough():
                    days.append(self._next(days))
            self._mend(days)
            late = days[-1] + timedelta(days=1)
            self._day(late, runs=1)
            self._mend([late], late_by=timedelta(days=1))
            self.outcome.days = len(days)
            self.outcome.requests = self._asked()
            self.outcome.letters = len(self._letters(("open", "resolved", "expired")))
            self.outcome.struck.update(self.github.application.faults.struck)
            self._judge(days, late)
        self.outcome.wall, self.outcome.cpu = time.monotonic() - began, _cpu() - cpu
        return self.outcome

    def _simulator(self) -> Simulator:
        return Simulator(repos=self.repositories, seed=3, now=after(FIRST), limits=LIMITS, timeout_seconds=0.01)

    def _opened(self, stack: contextlib.ExitStack) -> RawStore:
        if not self.campaign.s3:
            self.proxy = None
            return LocalStore(self.folder / "store")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        stack.callback(server.stop)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        # Retries as many as in operation, with pauses that a campaign can wait for.
        stack.enter_context(patch.object(ExponentialBackoff, "delay_amount", lambda self, context: 0.01))
        host, port = server.get_host_and_port()
        self.proxy = stack.enter_context(FaultyS3(f"http://{host}:{port}"))
        client = s3_client(self.proxy.url, attempts=6, max_pool_connections=20)
        client.create_bucket(Bucket=BUCKET)
        return S3Store(client, BUCKET)

    def _asked(self) -> int:
        return sum(self.github.application.log.by_status.values())

    def _enough(self) -> bool:
        if self.campaign.scene == "kills" and self.outcome.struck["killed"] < self.kills:
            return False
        asked = self.proxy.requests if self.proxy is not None else self._asked()
        return asked >= self.requests

    def _next(self, days: list[date]) -> date:
        if len(days) >= MOST_DAYS:
            raise RuntimeError(f"{MOST_DAYS} days were not enough")
        # Each day is whole before the next: a list that asks for changes begins where a whole one ended.
        if self.campaign.scene == "postgres":
            run = self._fetcher(after(days[-1]))
            fetch_all(run, days[-1])
            run.github.close()
        else:
            self._mend(days[-1:])
        day = days[-1] + timedelta(days=1)
        self._day(day)
        return day

    # Fetching

    def _letters_of(self, clock: Clock) -> SpoolingQueue:
        return SpoolingQueue(lambda: DeadLetterQueue(self.queue_url, clock=clock), self.store, clock=clock)

    def _fetcher(self, now: datetime) -> Fetcher:
        return fetcher(self.github, self.folder, self._letters_of(Clock(now)), now=now, staging=Staging(self.store))

    def _day(self, day: date, runs: int = RUNS) -> None:
        """The runs of a day while things go wrong."""
        self.github.set_now(after(day))
        with self._faults():
            if self.campaign.scene == "kills":
                self._kill(day)
            for number in range(runs):
                if self.fill is not None:
                    self.fill(number == 0)
                self._run(self._fetcher(after(day)), day)

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        self.github.set_faults(self.campaign.github)
        if self.proxy is not None:
            self.proxy.declare(self.campaign.s3)
        try:
            yield
        finally:
            if self.proxy is not None:
                self.proxy.declare()
                self.outcome.struck = Counter({f"s3 {kind}": n for kind, n in self.proxy.struck.items()})
                self.outcome.s3_requests = self.proxy.requests
            self.github.set_faults(None)

    def _kill(self, day: date) -> None:
        for _ in range(3):
            if self.outcome.struck["killed"] >= self.kills:
                return
            arguments = [self.github.url, str(self.folder / "store"), self.queue_url, day.isoformat()]
            self.outcome.struck["killed"] += killed(arguments, self._asked, self.dice)

    def _run(self, run: Fetcher, day: date) -> None:
        for name in ANSWER_SETS:
            try:
                run.fetch(name, day)
            except ENDS_A_RUN as problem:
                self.outcome.stopped += 1
                if isinstance(problem, StoreError) and self.fill is not None:
                    self.outcome.struck["disk full"] += 1
        run.github.close()

    def _mend(self, days: list[date], late_by: timedelta = timedelta()) -> None:
        """Everything works again: what waits is brought in, letters are retried, and a next run takes the rest."""
        if self.fill is not None:
            self.fill(False)
        for day in days:
            now = after(day) + late_by
            self.github.set_now(after(day))
            run = self._fetcher(now)
            self._letters_of(Clock(now)).drain()
            for entry in entries(run.staging, day):
                if entry.state in (State.failed, State.partial) and not self._told(entry.dataset, entry.scope, day):
                    self._break(f"{entry.dataset} of {entry.scope}, {day}, is {entry.state} without a letter")
            queue = DeadLetterQueue(self.queue_url, clock=Clock(now))
            claimed = queue.claim(day=day, who="soak", limit=100_000)
            self.outcome.retried += len(claimed)
            retry(claimed, queue, run, who="soak")
            queue.close()
            fetch_all(run, day)
            run.github.close()

    def _letters(self, states: tuple[str, ...]) -> list[Any]:
        queue = DeadLetterQueue(self.queue_url, clock=Clock(after(FIRST)))
        try:
            return queue.list(states=states, limit=1_000_000)
        finally:
            queue.close()

    def _told(self, dataset: str, scope: str, day: date) -> bool:
        if self._told_of[0] != day:
            self._told_of = (day, {(le.dataset, le.scope, le.day) for le in self._letters(("open", "retrying"))})
        return (dataset, scope, day) in self._told_of[1]

    # Judging

    def _break(self, what: str) -> None:
        self.outcome.unaccounted += 1
        if len(self.outcome.broken) < 20:
            self.outcome.broken.append(what)

    def _judge(self, days: list[date], late: date) -> None:
        with self._simulator() as calm:
            clean = Staging(LocalStore(self.folder / "clean"))
            for day in (*days, late):
                calm.set_now(after(day))
                run = fetcher(calm, self.folder, now=after(day), staging=clean)
                fetch_all(run, day)
                run.github.close()
        staging = Staging(self.store)
        for day in days:
            states = {entry.key: entry for entry in entries(staging, day)}
            for right in entries(clean, day):
                mine = states.pop(right.key, None)
                if mine is None:
                    self._break(f"{right.key}, {day}, was never planned")
                elif (mine.state, mine.coverage) != (right.state, right.coverage) or mine.state not in SETTLED:
                    self._break(f"{mine.key}, {day}, is {mine.state} ({mine.coverage}), not {right.state}")
            for key in states:
                self._break(f"{key}, {day}, was planned and is nothing")
        for letter in self._letters(("open", "retrying")):
            if letter.day in days:
                self._break(f"letter of {letter.dataset}, {letter.scope}, {letter.day}, is still {letter.state}")
        right_rows = load(clean, days)
        self.outcome.rows = sum(map(len, right_rows.values()))
        lost, invented = differences(load(staging, days), right_rows)
        self.outcome.lost, self.outcome.invented = sum(map(len, lost.values())), sum(map(len, invented.values()))
        for word, rows in (("lost", lost), ("invented", invented)):
            for table, some in rows.items():
                self.outcome.broken.append(f"{len(some)} rows {word} in {table}, such as {some[0][:300]}")
        self._judge_late(staging, clean, late)

    def _judge_late(self, staging: Staging, clean: Staging, day: date) -> None:
        """What is missing of a day that was retried too late must be what its ledger says, and nothing else."""
        mine, right = load(staging, [day]), load(clean, [day])
        # Only the calendar of the run has moved on, not GitHub's: which day its window cuts is told by the calendar.
        lost, invented = differences(
            *({t: [_EDGE.sub("", r) for r in rows] for t, rows in d.items()} for d in (mine, right))
        )
        told = {entry.key: entry.state for entry in entries(staging, day)}
        late = {
            entry.key
            for entry in entries(staging, day)
            if entry.fetched_at and entry.fetched_at.date() > day + timedelta(days=1)
        }
        tables = {table.name: (name, table) for name, dataset in DATASETS.items() for table in dataset.tables}
        missing: set[tuple[str, str]] = set()
        for table, rows in lost.items():
            if table in DERIVED:
                continue
            self.outcome.late_lost += len(rows)
            name, declared = tables[table]
            for scope in set(map(_scope, rows)):
                # Totals of a moment, beside what can still be had: the catalogue says that a late day has none.
                if declared.snapshot_only and told.get((name, scope)) is State.complete and (name, scope) in late:
                    self.outcome.late_moments += 1
                else:
                    missing.add((name, scope))
        for table, rows in invented.items():
            if table not in DERIVED:
                self.outcome.broken.append(f"{len(rows)} rows invented in {table} a day too late: {rows[0][:300]}")
        self.outcome.late_scopes = len(missing)
        self.outcome.late_unavailable = sum(told.get(key) is State.unavailable for key in missing)
        self.outcome.late_partial = sum(told.get(key) is State.partial for key in missing)
        # A list that cannot be had any more names nobody: what would have been found by it has no entry of its own.
        lists = {ANSWER_SET_OF[dataset].name for (dataset, _), state in told.items() if state is State.unavailable}
        unlisted = {
            key for key in missing if key not in told and (key[0] == "users" or ANSWER_SET_OF[key[0]].name in lists)
        }
        self.outcome.late_unlisted = len(unlisted)
        if unlisted and not lists:
            self.outcome.broken.append(
                f"{len(unlisted)} scopes of {day} are missing without a list that is unavailable"
            )
        for key in missing - unlisted:
            if told.get(key) not in (State.unavailable, State.partial):
                self.outcome.broken.append(f"{key}, {day}: rows are missing, but the ledger says {told.get(key)}")
        had = {
            (entry.dataset, entry.scope)
            for entry in entries(clean, day)
            if entry.state is State.complete and entry.rows
        }
        for key, state in told.items():
            if state is State.unavailable and key in had and key not in missing:
                self.outcome.broken.append(f"{key}, {day}: the ledger says unavailable, yet its rows are there")


def differences(mine: Tables, right: Tables) -> tuple[Tables, Tables]:
    """Rows that are missing, and rows that are too many, by table; a row that came twice is one too many."""
    lost = {name: sorted((Counter(right[name]) - Counter(mine[name])).elements()) for name in right}
    invented = {name: sorted((Counter(mine[name]) - Counter(right[name])).elements()) for name in right}
    return {k: v for k, v in lost.items() if v}, {k: v for k, v in invented.items() if v}


def _scope(row: str) -> str:
    return row.partition("'scope': '")[2].partition("'")[0]


def _cpu() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)
