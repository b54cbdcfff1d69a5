"""What is whole and what is missing, told by the ledger alone: for `run`, `status`, exit codes and sensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from oss_datastore.accepted_gaps import AcceptedGap, accepting
from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.catalogue.model import Needs
from oss_datastore.staging.days import recoverable_until
from oss_datastore.staging.ledger import SETTLED, LedgerEntry, State, Visibility, state_counts
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.scopes import is_asked_for

LOOK_BACK_DAYS = 14
"""So many days are looked at for what is missing: as long as GitHub serves traffic."""


@dataclass(frozen=True)
class DayState:
    """One day: planned scopes by state, and the entries that are missing or not whole."""

    day: date
    states: Counter[str]
    missing: tuple[LedgerEntry, ...]
    left_out: tuple[str, ...]
    """Answer sets that were never asked for that day."""
    datasets: Mapping[str, Counter[str]] = field(default_factory=dict)
    """Scopes by state, per dataset."""
    gaps: tuple[AcceptedGap, ...] = ()
    """What need not be whole: it stays among the missing, and counts for nothing."""

    def accepted(self, entry: LedgerEntry) -> AcceptedGap | None:
        """The gap that covers a missing entry, if any."""
        return accepting(self.gaps, entry.dataset, entry.scope, entry.day)

    @property
    def unaccepted(self) -> tuple[LedgerEntry, ...]:
        """What is missing, and no gap covers."""
        return tuple(entry for entry in self.missing if self.accepted(entry) is None)

    @property
    def is_staged(self) -> bool:
        """Something of the day was asked for."""
        return bool(self.states)

    @property
    def is_whole(self) -> bool:
        """Every answer set was asked for, and every planned scope is settled."""
        return not self.left_out and not self.missing

    @property
    def is_worth_asking(self) -> bool:
        """Asking once more could change something, though the day is not the last one.

        What was forbidden, seen by somebody who is no owner, or does not parse stays so until a person acts: the
        last day is asked again and tells, and a fortnight of them need not be.
        """
        if self.left_out:
            return True
        return any(
            entry.state in (State.failed, State.pending)
            or (entry.state is State.partial and not entry.only_parsing and not seen_in_part(entry))
            for entry in self.missing
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "day": self.day.isoformat(),
            "whole": self.is_whole,
            "scopes": dict(self.states),
            "datasets": {name: dict(counts) for name, counts in self.datasets.items()},
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
                    "covered_by": e.covered_by.isoformat() if e.covered_by else None,
                    "accepted": gap.line if (gap := self.accepted(e)) else None,
                }
                for e in self.missing
            ],
        }


def seen_in_part(entry: LedgerEntry) -> bool:
    """Whether only an owner would have seen the whole list, and the token was no owner's."""
    return DATASETS[entry.dataset].needs is Needs.owner and entry.visibility not in (Visibility.owner, Visibility.app)


def day_state(staging: Staging, day: date, datasets: Sequence[str] = (), gaps: Sequence[AcceptedGap] = ()) -> DayState:
    """What the ledger says of a day; `datasets` are the globs of OSS_DATASTORE_DATASETS, `gaps` what is accepted."""
    states: Counter[str] = Counter()
    missing: list[LedgerEntry] = []
    left_out: list[str] = []
    by_dataset: dict[str, Counter[str]] = {}
    for name, answer_set in ANSWER_SETS.items():
        ledger = staging.ledger(name, day)
        wanted = any(is_asked_for(dataset.name, datasets) for dataset in answer_set.datasets)
        if wanted and not ledger and not staging.is_staged(name, day):
            left_out.append(name)
        by_dataset |= state_counts(ledger.values())
        for entry in ledger.values():
            states[entry.state.value] += 1
            if entry.state not in SETTLED:
                missing.append(entry)
    return DayState(day, states, tuple(missing), tuple(left_out), by_dataset, tuple(gaps))


def missing_days(staging: Staging, first: date, last: date, datasets: Sequence[str] = ()) -> list[date]:
    """Days to run: the last one until it is whole, and of the thirteen before it those worth asking once more.

    Where nothing was ever staged, only the last day: what is older was never promised.
    """
    start = max(first, last - timedelta(days=LOOK_BACK_DAYS - 1))
    days = [start + timedelta(days=n) for n in range((last - start).days + 1)]
    begun = staging.days("organizations")
    if not begun:
        return [last]
    states = [day_state(staging, day, datasets) for day in days if day >= begun[0]]
    return [s.day for s in states if (not s.is_whole if s.day == last else s.is_worth_asking)]


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
    """0 when every planned scope is settled or its gap accepted, else 3."""
    return 0 if all(not state.unaccepted for state in states) else 3


def unsettled(states: Iterable[DayState]) -> Counter[str]:
    """How many scopes are missing or not whole, by state."""
    return Counter(entry.state.value for state in states for entry in state.missing)
