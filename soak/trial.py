"""One campaign: days under faults, retries, and the comparison with the same days without any fault."""

from __future__ import annotations

import contextlib
import logging
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.retries.standard import ExponentialBackoff
from moto.server import ThreadedMotoServer

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import STATES, DeadLetterQueue
from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.dead_letters.retry import retry
from oss_datastore.dead_letters.spool import SpoolingQueue
from oss_datastore.github import GitHubError
from oss_datastore.staging.fetch import Fetcher, NothingKnown, UnknownOrganization
from oss_datastore.staging.ledger import SETTLED, State
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore, RawStore, S3Store, StoreError
from oss_datastore_tests.staging.fetching import Tables, after, entries, fetch_all, fetcher, load
from oss_datastore_tests.staging.s3_faults import FaultyS3
from oss_datastore_tests.staging.store_fixtures import s3_client
from soak.calm import FIRST, LIMITS, Calm, digests, organisation
from soak.campaigns import Campaign
from soak.lateness import LATE_BY, Lateness, judge_late
from soak.scenes import away, killed, small_disk

MOST_DAYS = 120
RUNS = 2
"""Runs of a day while things go wrong: what the first left open the second asks again."""
MOST_TICKS = 5
BUCKET = "soak"
ENDS_A_RUN = (GitHubError, StoreError, NothingKnown, UnknownOrganization)


@dataclass
class Outcome:
    """What a campaign came to. `requests` are those made while things went wrong; `broken` names broken promises."""

    requests: int = 0
    s3_requests: int = 0
    days: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    letters: int = 0
    retried: int = 0
    stopped: int = 0
    ticks: int = 0
    rows: int = 0
    lost: int = 0
    invented: int = 0
    unaccounted: int = 0
    late: Lateness = field(default_factory=Lateness)
    wall: float = 0.0
    cpu: float = 0.0
    broken: list[str] = field(default_factory=list)


@dataclass
class Trial:
    """A campaign and its size; `run` does it."""

    campaign: Campaign
    calm: Calm
    requests: int
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
            self.github = stack.enter_context(organisation(self.calm.repositories))
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
            self._mend([late], late_by=LATE_BY)
            self.outcome.days = len(days)
            self.outcome.letters = len(self._letters(("open", "resolved", "expired")))
            self.outcome.struck.update(self.github.application.faults.struck)
            self._judge(days, late)
        self.outcome.wall, self.outcome.cpu = time.monotonic() - began, _cpu() - cpu
        return self.outcome

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
        asked = self.outcome.requests if self.proxy is None else self.outcome.s3_requests
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
        asked, stored = self._asked(), 0
        if self.proxy is not None:
            self.proxy.declare(self.campaign.s3)
            stored = self.proxy.requests
        try:
            yield
        finally:
            if self.proxy is not None:
                self.proxy.declare()
                self.outcome.struck = Counter({f"s3 {kind}": n for kind, n in self.proxy.struck.items()})
                self.outcome.s3_requests += self.proxy.requests - stored
            self.github.set_faults(None)
            self.outcome.requests += self._asked() - asked

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
            self._tick(day, now)

    def _tick(self, day: date, now: datetime) -> None:
        """Runs on, as each hour does, while a limit that was met before leaves anything pending."""
        for _ in range(MOST_TICKS):
            if all(entry.state is not State.pending for entry in entries(Staging(self.store), day)):
                return
            self.outcome.ticks += 1
            time.sleep(LIMITS.window_seconds)
            run = self._fetcher(now)
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
        staging, calm = Staging(self.store), self.calm.staging(late)
        for day in days:
            states = {entry.key: entry for entry in entries(staging, day)}
            for right in entries(calm, day):
                mine = states.pop(right.key, None)
                if mine is None:
                    self._break(f"{right.key}, {day}, was never planned")
                elif (mine.state, mine.coverage) != (right.state, right.coverage) or mine.state not in SETTLED:
                    self._break(f"{mine.key}, {day}, is {mine.state} ({mine.coverage}), not {right.state}")
            for key in states:
                self._break(f"{key}, {day}, was planned and is nothing")
            self._compare(day, load(staging, [day]))
        for letter in self._letters(("open", "retrying")):
            if letter.day in days:
                self._break(f"letter of {letter.dataset}, {letter.scope}, {letter.day}, is still {letter.state}")
        told = {(le.dataset, le.scope) for le in self._letters(STATES) if le.day == late}
        self.outcome.late = judge_late(staging, calm, late, after(late) + LATE_BY, told)
        self.outcome.broken += self.outcome.late.broken[:20]

    def _compare(self, day: date, mine: Tables) -> None:
        """The tables of a day with those of the calm one, row by row where a digest differs."""
        self.outcome.rows += sum(map(len, mine.values()))
        if digests(mine) == self.calm.digests(day):
            return
        lost, invented = differences(mine, self.calm.tables(day))
        self.outcome.lost += sum(map(len, lost.values()))
        self.outcome.invented += sum(map(len, invented.values()))
        for word, rows in (("lost", lost), ("invented", invented)):
            for table, some in rows.items():
                self.outcome.broken.append(f"{len(some)} rows {word} in {table}, {day}, such as {some[0][:300]}")


def differences(mine: Tables, right: Tables) -> tuple[Tables, Tables]:
    """Rows that are missing, and rows that are too many, by table; a row that came twice is one too many."""
    lost = {name: sorted((Counter(right[name]) - Counter(mine[name])).elements()) for name in right}
    invented = {name: sorted((Counter(mine[name]) - Counter(right[name])).elements()) for name in right}
    return {k: v for k, v in lost.items() if v}, {k: v for k, v in invented.items() if v}


def _cpu() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)
