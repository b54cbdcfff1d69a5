"""Judges the dead letter queue: letters that are new, that will be lost soon, and that are lost.

Letters are counted in the database: a burst of a hundred thousand costs no more memory than one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from oss_datastore.accepted_gaps import AcceptedGap, as_regex
from oss_datastore.alerts.message import RETRY, Concern, Severity, counted, listed, losses, span
from oss_datastore.catalogue import ANSWER_SET_OF, DATASETS
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore.staging.days import covering_days
from oss_datastore.staging.ledger import State
from oss_datastore.staging.lines import Staging

NEW = "dead_letters"
NEARLY_LOST = "nearly_lost"
LOST = "lost"
KEYS = frozenset({NEW, NEARLY_LOST, LOST})

ALARM = timedelta(hours=6)
"""So long before a loss it is told once more."""

Rows = Sequence[Mapping[str, Any]]


@dataclass
class LetterJudge:
    """What the queue holds, judged against what was told before."""

    queue: DeadLetterQueue
    staging: Staging
    gaps: Sequence[AcceptedGap]
    clock: Clock

    keys = KEYS

    def prepare(self) -> None:
        """Closes what can no longer be had: by a later day that covers it, or as expired.

        Nobody is told to retry what is lost, nor that something is lost that a later answer holds.
        """
        self._close_covered(self.clock.now())
        self.queue.expire_lost(who="alerts")

    def judge(self, told: Mapping[str, Any]) -> list[Concern]:
        """The concerns; `told` are the marks of what was told."""
        gaps, now = as_patterns(self.gaps), self.clock.now()
        since = int(told.get(NEW, 0))
        rows = self.queue.outstanding(since, gaps)
        closed = self.queue.closed_since(int(told.get(LOST, 0)), gaps)
        return [
            *_new(rows, since, self.queue),
            *_nearly_lost(rows, now, lambda row: still_losing(self.queue, self.staging, row)),
            *_lost([row for row in closed if row["state"] == "expired"], told.get(LOST)),
        ]

    def end(self, key: str) -> str:
        """What is so once a concern is over."""
        if key == NEW:
            return "No dead letter is open any more; those that were lost are told of apart."
        return "No dead letter is about to be lost any more."

    def _close_covered(self, now: datetime) -> None:
        for row in self.queue.outstanding(0, []):
            if row["recoverable_until"] is None or row["recoverable_until"] > now:
                continue
            covers: dict[date, list[tuple[str, str, date]]] = {}
            for scope, by in _covered(self.staging, row["dataset"], row["day"]).items():
                covers.setdefault(by, []).append((row["dataset"], scope, row["day"]))
            for by, scopes in covers.items():
                self.queue.resolve_scopes(scopes, who="alerts", why=f"the fetch of {by} holds the day", covered_by=by)


def as_patterns(gaps: Sequence[AcceptedGap]) -> list[dict[str, str]]:
    """Accepted gaps as the queue's counts take them."""
    return [
        {"dataset": as_regex(gap.dataset), "scope": as_regex(gap.scope_pattern), "until": gap.until.isoformat()}
        for gap in gaps
    ]


def still_losing(queue: DeadLetterQueue, staging: Staging, row: Mapping[str, Any]) -> int:
    """Of a row of `DeadLetterQueue.outstanding`, how many letters are of something that no later fetch holds."""
    covered = _covered(staging, row["dataset"], row["day"])
    if not covered:
        return int(row["letters"])
    letters = queue.list(dataset=row["dataset"], day=row["day"], error_class=row["error_class"], limit=row["letters"])
    return sum(1 for letter in letters if letter.scope not in covered)


def _covered(staging: Staging, dataset: str, day: date) -> dict[str, date]:
    """Scopes whose day a later complete fetch holds, and the first such day."""
    found: dict[str, date] = {}
    if dataset not in DATASETS:
        return found
    for later in covering_days(DATASETS[dataset].addressable, day):
        for (of, scope), entry in staging.ledger(ANSWER_SET_OF[dataset].name, later).items():
            if of == dataset and entry.state is State.complete:
                found.setdefault(scope, later)
    return found


def _new(rows: Rows, since: int, queue: DeadLetterQueue) -> list[Concern]:
    if not rows:
        return []
    new = [row for row in rows if row["new"]]
    if not new:
        # Nothing is new, and what was told is not over.
        return [Concern(NEW, since, Severity.note, "", "")]
    number = sum(row["new"] for row in new)
    causes = Counter({(row["dataset"], row["error_class"]): 0 for row in new})
    for row in new:
        causes[row["dataset"], row["error_class"]] += row["new"]
    first = queue.get(min(row["first_new"] for row in new))
    losing = [
        (row["recoverable_until"], f"{row['dataset']} of {row['day']}", row["new"])
        for row in new
        if row["recoverable_until"]
    ]
    every = sum(row["letters"] for row in rows)
    body = [
        *listed({f"{dataset}: {kind}": count for (dataset, kind), count in causes.items()}),
        *([f"With those told of before, {counted(every, 'letter')} are open."] if every > number else []),
        "",
        f"First: letter {first.id}, {first.dataset} of {first.scope}, {first.day}: {first.message[:500]}",
        *losses(losing),
        "",
        f"Read: oss-datastore dlq show {first.id}",
        RETRY,
    ]
    return [
        Concern(
            NEW,
            max(row["last_opened"] for row in new),
            Severity.page if losing else Severity.mail,
            f"{number:,} new dead {'letter' if number == 1 else 'letters'} for {span(row['day'] for row in new)}",
            "\n".join(body),
            causes.most_common(1)[0][0][0],
            number,
        )
    ]


def _nearly_lost(rows: Rows, now: datetime, losing: Callable[[Mapping[str, Any]], int]) -> list[Concern]:
    near = [row for row in rows if row["recoverable_until"] and now < row["recoverable_until"] <= now + ALARM]
    soon = [{**row, "letters": count} for row in near if (count := losing(row))]
    if not soon:
        return []
    number = sum(row["letters"] for row in soon)
    at = min(row["recoverable_until"] for row in soon)
    body = [
        *losses((row["recoverable_until"], f"{row['dataset']} of {row['day']}", row["letters"]) for row in soon)[1:],
        "",
        f"Read: oss-datastore dlq show {min(row['first'] for row in soon)}",
        RETRY,
    ]
    most = max(soon, key=lambda row: row["letters"])
    return [
        Concern(
            NEARLY_LOST,
            max(row["recoverable_until"] for row in soon).isoformat(),
            Severity.page,
            f"{counted(number, 'dead letter')} will be lost for ever, the first at {at:%Y-%m-%d %H:%M} UTC",
            "\n".join(body),
            most["dataset"],
            number,
        )
    ]


def _lost(rows: Rows, told: Any) -> list[Concern]:
    if not rows:
        return [Concern(LOST, told, Severity.note, "", "", passes=True)] if told is not None else []
    number = sum(row["letters"] for row in rows)
    kinds: Counter[str] = Counter()
    for row in rows:
        kinds[f"{row['dataset']} of {row['day']}"] += row["letters"]
    body = [
        *listed(kinds),
        "",
        "GitHub gives it no more; the days are marked unavailable, and nothing is counted as zero.",
        f"Read: oss-datastore dlq show {min(row['first'] for row in rows)}",
    ]
    return [
        Concern(
            LOST,
            max(row["last_closed"] for row in rows),
            Severity.mail,
            f"{counted(number, 'dead letter')} for {span(row['day'] for row in rows)} can never be had any more",
            "\n".join(body),
            max(rows, key=lambda row: row["letters"])["dataset"],
            number,
            passes=True,
        )
    ]
