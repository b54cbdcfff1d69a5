"""Judges the ledger: days that are missing, data that is stale, sight that was lost, states that changed, and accepted
gaps that ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from oss_datastore.accepted_gaps import AcceptedGap, accepting
from oss_datastore.alerts.message import Concern, Severity, counted, listed, losses, span
from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.catalogue.model import Needs
from oss_datastore.clock import Clock
from oss_datastore.completeness import LOOK_BACK_DAYS
from oss_datastore.staging.days import is_overdue, recoverable_until
from oss_datastore.staging.ledger import LedgerEntry, State, Visibility
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.scopes import is_asked_for

STALE = "stale"
MISSING = "missing_days"
SIGHT = "lost_visibility"
STATES = "states"
GAP = "accepted_gap"

_REFUSALS = (State.forbidden, State.disabled, State.gone)
_ANSWERS = frozenset({State.complete, *_REFUSALS})
_SEEN = _ANSWERS | {State.partial}
_WHOLE_SIGHT = (Visibility.owner, Visibility.app)
_PART_SIGHT = (Visibility.member, Visibility.public)

Entries = Mapping[tuple[str, str], LedgerEntry]


@dataclass
class LedgerJudge:
    """What is staged, judged against what was told before. `patterns` are those of OSS_DATASTORE_DATASETS."""

    staging: Staging
    gaps: Sequence[AcceptedGap]
    clock: Clock
    patterns: Sequence[str]

    keys = frozenset({STALE, MISSING, SIGHT, STATES, GAP})

    def prepare(self) -> None:
        """Nothing has to be done before."""

    def judge(self, told: Mapping[str, Any]) -> list[Concern]:
        """The concerns; nothing is missing where nothing was ever staged."""
        if not self._days:
            return []
        return [*self._stale(), *self._missing(), *self._sight(told.get(SIGHT, ())), *self._states(), *self._ended()]

    def end(self, key: str) -> str:
        """What is so once a concern is over."""
        return {
            STALE: f"The newest day that is staged is {self._days[-1] if self._days else 'none'}.",
            MISSING: "No day of the last fourteen is missing.",
            SIGHT: "The token sees again what it saw before.",
        }.get(key, "")

    @cached_property
    def _last(self) -> date:
        return self.clock.last_closed_day()

    @cached_property
    def _days(self) -> list[date]:
        return [day for day in self.staging.days("organizations") if day <= self._last]

    @cached_property
    def _newest(self) -> Entries:
        return self._entries(self._days[-1])

    @cached_property
    def _before(self) -> Entries:
        """The staged day before the newest."""
        return self._entries(self._days[-2]) if len(self._days) > 1 else {}

    def _entries(self, day: date) -> Entries:
        """What counts of a day's ledger: accepted gaps are quiet."""
        return {
            key: entry
            for name in ANSWER_SETS
            for key, entry in self.staging.ledger(name, day).items()
            if accepting(self.gaps, *key, day) is None
        }

    def _stale(self) -> Iterator[Concern]:
        """The last day that is over should have been had by noon, and nothing of it is staged."""
        now, newest = self.clock.now(), self._days[-1]
        if newest == self._last or not is_overdue(self._last, now):
            return
        first = newest + timedelta(days=1)
        lacking = [first + timedelta(days=n) for n in range((self._last - newest).days)]
        yield Concern(
            STALE,
            self._last.isoformat(),
            Severity.page,
            f"Nothing is staged since {newest}: {counted(len(lacking), 'day')} missing ({span(lacking)})",
            self._about(lacking, now),
            count=len(lacking),
        )

    def _missing(self) -> Iterator[Concern]:
        """Days, or whole answer sets of the newest day, that were passed over."""
        now, staged = self.clock.now(), set(self._days)
        start = max(self._days[0], self._last - timedelta(days=LOOK_BACK_DAYS - 1))
        between = [start + timedelta(days=n) for n in range((self._days[-1] - start).days)]
        holes = [day for day in between if day not in staged]
        newest = self._days[-1]
        skipped = [
            name
            for name, answer_set in ANSWER_SETS.items()
            if is_overdue(newest, now)
            and any(is_asked_for(dataset.name, self.patterns) for dataset in answer_set.datasets)
            and not self.staging.is_staged(name, newest)
        ]
        if not holes and not skipped:
            return
        days = [*holes, *([newest] if skipped else [])]
        unasked = [f"Of {newest} was never asked: {', '.join(skipped)}", ""] if skipped else []
        losing = [name for name in DATASETS if self._is_losing(name, days, now)]
        yield Concern(
            MISSING,
            [*(day.isoformat() for day in holes), *(f"{newest}/{name}" for name in skipped)],
            Severity.page if losing else Severity.mail,
            f"{counted(len(days), 'day')} not staged whole: {span(days)}",
            "\n".join(unasked) + self._about(days, now),
            count=len(days),
        )

    def _is_losing(self, dataset: str, days: Iterable[date], now: datetime) -> bool:
        until = [recoverable_until(DATASETS[dataset].addressable, day) for day in days]
        return is_asked_for(dataset, self.patterns) and any(moment is not None and moment > now for moment in until)

    def _about(self, days: Sequence[date], now: datetime) -> str:
        """What of these days is lost and when, and what to do."""
        rows: list[tuple[datetime, str, int]] = []
        lost: Counter[str] = Counter()
        for day in days:
            for name, dataset in DATASETS.items():
                until = recoverable_until(dataset.addressable, day)
                if until is None or not is_asked_for(name, self.patterns):
                    continue
                if until > now:
                    rows.append((until, f"datasets of {day}", 1))
                else:
                    lost[f"datasets of {day}"] += 1
        gone = ["Lost already:", *listed(lost)] if lost else []
        return "\n".join([*gone, *losses(rows), "", "Fetch what can be had: oss-datastore run, or the job daily"])

    def _sight(self, told: Sequence[str]) -> Iterator[Concern]:
        """What the token could see on the day before, or when it was told, and does not see now."""
        scopes: Counter[str] = Counter()
        asked = {entry.dataset for entry in self._newest.values() if entry.state in _SEEN}
        for (dataset, scope), entry in self._newest.items():
            before = self._before.get((dataset, scope))
            for kind in _lost_sight(entry):
                known = f"{dataset}: {kind}"
                if known in told or (before is not None and _had_sight(before, kind)):
                    scopes[known] += 1
        for known in told:
            if known.partition(":")[0] not in asked:
                scopes[known] += 0
        if not scopes:
            return
        until = [
            (moment, f"{name} of {self._days[-1]}", scopes_of)
            for known, scopes_of in scopes.items()
            for name in [known.partition(":")[0]]
            if (moment := recoverable_until(DATASETS[name].addressable, self._days[-1])) is not None
            and moment > self.clock.now()
        ]
        needed = sorted({DATASETS[known.partition(":")[0]].permission for known in scopes})
        body = [
            *listed(+scopes),
            *losses(until),
            "",
            f"Needed: {'; '.join(needed[:5])}",
            "Read: oss-datastore doctor says what the token lacks",
            "Then: oss-datastore run",
        ]
        yield Concern(
            SIGHT,
            sorted(scopes),
            Severity.page,
            f"The token sees less than before: {counted(len(scopes), 'dataset')} on {self._days[-1]}",
            "\n".join(body),
            min(scopes).partition(":")[0],
            len(scopes),
        )

    def _states(self) -> Iterator[Concern]:
        """Scopes that became forbidden, disabled or gone, or are so no longer; lost sight is told apart."""
        changes: Counter[tuple[str, str, str]] = Counter()
        for key, entry in self._newest.items():
            before = self._before.get(key)
            if before is None or before.state is entry.state or not {before.state, entry.state} <= _ANSWERS:
                continue
            if entry.state is not State.forbidden:
                changes[key[0], before.state.value, entry.state.value] += 1
        if not changes:
            return
        day = self._days[-1]
        yield Concern(
            f"{STATES}:{day}",
            sorted(" ".join(change) for change in changes),
            Severity.note,
            f"{counted(changes.total(), 'scope')} changed their state on {day}",
            "\n".join(listed({f"{dataset}: {a} → {b}": count for (dataset, a, b), count in changes.items()})),
            changes.most_common(1)[0][0][0],
            changes.total(),
            passes=True,
        )

    def _ended(self) -> Iterator[Concern]:
        """Accepted gaps whose first day without acceptance is over."""
        for gap in self.gaps:
            if gap.until <= self._last:
                yield Concern(
                    f"{GAP}:{'|'.join(gap.key)}",
                    gap.until.isoformat(),
                    Severity.mail,
                    f"The accepted gap of {gap.dataset} ended on {gap.until}",
                    f"{gap.line}\n\nFrom that day on what is missing of it counts again. Give it a new end in "
                    "accepted_gaps.csv, or see that it is had.",
                    "accepted_gaps",
                    1,
                    passes=True,
                )


def _lost_sight(entry: LedgerEntry) -> Iterator[str]:
    if entry.state is State.forbidden:
        yield "forbidden"
    if DATASETS[entry.dataset].needs is Needs.owner and entry.visibility in _PART_SIGHT:
        yield "seen in part"


def _had_sight(before: LedgerEntry, kind: str) -> bool:
    if kind == "forbidden":
        return before.state in _ANSWERS and before.state is not State.forbidden
    return before.visibility in _WHOLE_SIGHT
