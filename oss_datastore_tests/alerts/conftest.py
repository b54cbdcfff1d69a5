"""A queue, a store, and somebody who writes down what he is told."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from oss_datastore.accepted_gaps import accepted_gaps
from oss_datastore.alerts import Alert, NotDelivered, evaluate
from oss_datastore.alerts.ledger import LedgerJudge
from oss_datastore.alerts.letters import LetterJudge
from oss_datastore.catalogue import ANSWER_SET_OF
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue, Failure
from oss_datastore.staging.ledger import Coverage, LedgerEntry, State, Visibility
from oss_datastore.staging.lines import Staging, new_generation
from oss_datastore.staging.store import LocalStore

DAY = date(2026, 10, 14)
NOW = datetime(2026, 10, 15, 0, 10, tzinfo=UTC)
AT_ONCE = timedelta(0)


def failure(
    number: int, *, dataset: str = "issues", until: datetime | None = None, message: str = "500", day: date = DAY
) -> Failure:
    return Failure(
        dataset, f"github.com/repository/{number}", day, "github_v3", "server_fault", message, recoverable_until=until
    )


@dataclass
class Paper:
    """Keeps what it was told, or fails as it is bidden."""

    name: str = "paper"
    fails: Exception | None = None
    told: list[Alert] = field(default_factory=list)

    def tell(self, alert: Alert) -> None:
        if self.fails is not None:
            raise self.fails
        self.told.append(alert)


DEAD = NotDelivered("no answer")


@dataclass
class Watch:
    """An administrator's view: a queue, a store and a calendar; `look` evaluates everything."""

    queue: DeadLetterQueue
    staging: Staging
    clock: Clock
    patterns: tuple[str, ...] = ("organizations",)
    """OSS_DATASTORE_DATASETS; with these, what `stage` stages is all there is to ask."""

    def look(self, *papers: Paper, cool_down: timedelta = AT_ONCE) -> list[Alert]:
        gaps = accepted_gaps(self.staging, self.clock.last_closed_day())
        judges = [
            LetterJudge(self.queue, self.staging, gaps, self.clock),
            LedgerJudge(self.staging, gaps, self.clock, self.patterns),
        ]
        return evaluate(self.queue, papers, judges, self.clock, cool_down=cool_down)

    def stage(self, *entries: LedgerEntry) -> None:
        """Ledger entries as a fetch would leave them; the day's inventory is always staged."""
        day = entries[0].day
        inventory = [entry(dataset, "organization/1", day=day) for dataset in ("organizations", "repositories")]
        for one in (*inventory, *entries):
            folder = self.staging.folder(ANSWER_SET_OF[one.dataset].name, one.day)
            self.staging.store.put_if_absent(
                f"{folder}{one.generation}/ledger-00001.jsonl", orjson.dumps(one.as_dict())
            )

    def accept(self, day: date, *rows: tuple[str, str, str]) -> None:
        """Accepted gaps as the file source stages them: (dataset, scope pattern, until)."""
        gap = entry("accepted_gaps", "file/1", day=day)
        line = {
            "parts": [["accepted_gaps", gap.scope, []]],
            "fetched_at": datetime.combine(day + timedelta(days=1), NOW.time(), UTC).isoformat(),
            "payload": [
                {"line": n, "dataset": d, "scope_pattern": s, "reason": "no rights", "approver": "ada",
                 "accepted_until": u}
                for n, (d, s, u) in enumerate(rows, 2)
            ],
        }  # fmt: skip
        folder = self.staging.folder("accepted_gaps", day)
        self.staging.store.put_if_absent(
            f"{folder}{gap.generation}/part-00001.jsonl.gz", gzip.compress(orjson.dumps(line))
        )
        self.stage(gap)


def entry(
    dataset: str,
    scope: str,
    state: State = State.complete,
    *,
    day: date = DAY,
    visibility: Visibility = Visibility.owner,
) -> LedgerEntry:
    """A ledger entry of a generation of its own."""
    return LedgerEntry(
        dataset,
        f"github.com/{scope}",
        day,
        state,
        new_generation(),
        coverage=Coverage.full if state is State.complete else None,
        visibility=visibility,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def queue(queue_url: str, clock: Clock) -> Iterator[DeadLetterQueue]:
    queue = DeadLetterQueue(queue_url, clock=clock)
    yield queue
    queue.close()


@pytest.fixture
def watch(queue: DeadLetterQueue, clock: Clock, tmp_path: Path) -> Watch:
    return Watch(queue, Staging(LocalStore(tmp_path / "store")), clock)


@pytest.fixture
def home(queue_url: str, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the environment, and the working directory: with a queue of its own and the store that is watched."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLQ_URL", queue_url)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(tmp_path))
    monkeypatch.setenv("OSS_DATASTORE_NOW", NOW.isoformat())
    watch.staging = Staging(LocalStore(tmp_path / "store"))
    return tmp_path
