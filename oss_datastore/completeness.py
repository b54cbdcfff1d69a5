"""What is whole and what is missing, told by the ledger alone: for `run`, `status`, exit codes and sensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.staging.days import recoverable_until
from oss_datastore.staging.ledger import SETTLED, LedgerEntry
from oss_datastore.staging.lines import Staging

LOOK_BACK_DAYS = 14
"""So many days are looked at for what is missing: as long as GitHub serves traffic."""


@dataclass(frozen=True)
class DayState:
    """One day: planned scopes by state, and the entries that are missing or not whole."""

    day: date
    states: Counter[str]
    missing: tuple[LedgerEntry, ...]
    answer_sets: int

    @property
    def is_staged(self) -> bool:
        """Something of the day was asked for."""
        return bool(self.states)

    @property
    def is_whole(self) -> bool:
        """Every answer set was asked for, and every planned scope is settled."""
        return self.answer_sets == len(ANSWER_SETS) and not self.missing

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "day": self.day.isoformat(),
            "whole": self.is_whole,
            "scopes": dict(self.states),
            "missing": [
                {
                    "dataset": e.dataset,
                    "scope": e.scope,
                    "state": e.state.value,
                    "detail": e.detail,
                    "letter": e.letter,
                    "recoverable_until": until.isoformat()
                    if (until := recoverable_until(DATASETS[e.dataset].addressable, e.day))
                    else None,
                }
                for e in self.missing
            ],
        }


def day_state(staging: Staging, day: date) -> DayState:
    """What the ledger says of a day."""
    states: Counter[str] = Counter()
    missing: list[LedgerEntry] = []
    asked = 0
    for name in ANSWER_SETS:
        ledger = staging.ledger(name, day)
        asked += bool(ledger) or staging.is_staged(name, day)
        for entry in ledger.values():
            states[entry.state.value] += 1
            if entry.state not in SETTLED:
                missing.append(entry)
    return DayState(day, states, tuple(missing), asked)


def missing_days(staging: Staging, first: date, last: date) -> list[date]:
    """Days from the first ever staged on that are not whole, among the last fourteen up to `last`.

    Where nothing was ever staged, only the last day: what is older was never promised.
    """
    start = max(first, last - timedelta(days=LOOK_BACK_DAYS - 1))
    days = [start + timedelta(days=n) for n in range((last - start).days + 1)]
    begun = staging.days("organizations")
    if not begun:
        return [last]
    return [d for d in days if d >= begun[0] and not day_state(staging, d).is_whole]


def spans(days: Iterable[date]) -> list[tuple[date, date]]:
    """Contiguous days as ranges, both ends included."""
    result: list[tuple[date, date]] = []
    for day in sorted(days):
        if result and day - result[-1][1] == timedelta(days=1):
            result[-1] = (result[-1][0], day)
        else:
            result.append((day, day))
    return result


def exit_code(states: Iterable[DayState]) -> int:
    """0 when every planned scope is settled, else 3."""
    return 0 if all(not state.missing for state in states) else 3


def unsettled(states: Iterable[DayState]) -> Counter[str]:
    """How many scopes are missing or not whole, by state."""
    return Counter(entry.state.value for state in states for entry in state.missing)
