"""The fetch ledger: for every planned scope of a dataset and day, what became of it.

"No rows" must never be ambiguous: an entry says whether the list was seen whole, in part, not at all, and by whom.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """What became of a scope."""

    complete = "complete"
    partial = "partial"
    failed = "failed"
    pending = "pending"
    forbidden = "forbidden"
    disabled = "disabled"
    gone = "gone"
    unavailable = "unavailable"


class Coverage(StrEnum):
    """What a complete answer covers: absence is observed by `full` and `empty` only."""

    full = "full"
    delta = "delta"
    unchanged = "unchanged"
    empty = "empty"


class Visibility(StrEnum):
    """What the token could see of the organisation."""

    owner = "owner"
    member = "member"
    app = "app"
    public = "public"
    unknown = "unknown"


SETTLED = frozenset({State.complete, State.disabled, State.gone, State.unavailable})
"""States that a later run of the same day does not ask about again."""

_ORDER = {State.complete: 0, State.partial: 1, State.pending: 3}


@dataclass(frozen=True)
class LedgerEntry:
    """One scope of one dataset and day, as one generation left it.

    `rows` counts rows kept for the day, `requests` HTTP requests (retries included), `points` GraphQL points.
    `covered_by` is a later day whose complete fetch holds the same rows. `letter` is the id of its dead letter.
    `listed` is how many records GitHub's list held at the close of the day, and `listed_on` the day for which it was
    last read whole; both are carried on by days that asked for changes only.
    """

    dataset: str
    scope: str
    day: date
    state: State
    generation: str
    coverage: Coverage | None = None
    visibility: Visibility = Visibility.unknown
    rows: int = 0
    requests: int = 0
    points: int = 0
    fetched_at: datetime | None = None
    covered_by: date | None = None
    letter: int | None = None
    detail: str = ""
    listed: int | None = None
    listed_on: date | None = None

    @property
    def key(self) -> tuple[str, str]:
        """(dataset, scope): what the entry is of."""
        return self.dataset, self.scope

    @property
    def only_parsing(self) -> bool:
        """The answers are whole, and only records that do not parse keep the scope from being complete."""
        return self.state is State.partial and self.coverage is not None

    @property
    def rank(self) -> tuple[int, str]:
        """Sorts better entries first: complete, partial, the rest, pending; `effective` takes the newest of a rank."""
        return _ORDER.get(self.state, 2), self.generation

    def as_dict(self) -> dict[str, Any]:
        """The JSON form kept in staging."""
        return {
            **asdict(self),
            "day": self.day.isoformat(),
            "fetched_at": self.fetched_at.astimezone(UTC).isoformat() if self.fetched_at else None,
            "covered_by": self.covered_by.isoformat() if self.covered_by else None,
            "listed_on": self.listed_on.isoformat() if self.listed_on else None,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> LedgerEntry:
        """The inverse of `as_dict`."""
        return cls(
            **{
                **value,
                "day": date.fromisoformat(value["day"]),
                "state": State(value["state"]),
                "coverage": Coverage(value["coverage"]) if value["coverage"] else None,
                "visibility": Visibility(value["visibility"]),
                "fetched_at": datetime.fromisoformat(value["fetched_at"]) if value["fetched_at"] else None,
                "covered_by": date.fromisoformat(value["covered_by"]) if value["covered_by"] else None,
                "listed_on": date.fromisoformat(value["listed_on"]) if value.get("listed_on") else None,
            }
        )


Ledger = Mapping[tuple[str, str], LedgerEntry]
"""The effective entry of every (dataset, scope) of one answer set and day."""


def effective(entries: Iterable[LedgerEntry]) -> dict[tuple[str, str], LedgerEntry]:
    """Per scope the best state counts (complete, then partial, then the rest), then the newest generation.

    A failed repetition therefore never displaces a complete generation. Entries of one generation come in the order
    in which they were written, and the later one counts.
    """
    best: dict[tuple[str, str], LedgerEntry] = {}
    for entry in entries:
        known = best.get(entry.key)
        if known is not None and (
            entry.rank > known.rank if entry.rank[0] != known.rank[0] else entry.generation < known.generation
        ):
            continue
        best[entry.key] = entry
    return best


def state_counts(entries: Iterable[LedgerEntry]) -> dict[str, Counter[str]]:
    """Per dataset, how many scopes are in which state."""
    counts: dict[str, Counter[str]] = {}
    for entry in entries:
        counts.setdefault(entry.dataset, Counter())[entry.state.value] += 1
    return counts
