"""Accepted gaps: what need not be whole, until when, and who says so (the file source `accepted_gaps`).

An accepted gap stays shown; it pages nobody, changes no exit code, and ends by itself. Who tells of its end is
`alerts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from oss_datastore.catalogue import DATASETS
from oss_datastore.catalogue.parse import parse
from oss_datastore.staging.ledger import State
from oss_datastore.staging.lines import Staging

DATASET = "accepted_gaps"

_LOOK_BACK_DAYS = 30


@dataclass(frozen=True)
class AcceptedGap:
    """One line of the file. `until` is the first partition for which the gap is accepted no longer."""

    dataset: str
    scope_pattern: str
    reason: str
    approver: str
    until: date

    def covers(self, dataset: str, scope: str, day: date) -> bool:
        """Whether a scope of a partition lies in the gap."""
        named, within = self._patterns
        return day < self.until and named.search(dataset) is not None and within.search(scope) is not None

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one gap from another, its end included: a gap that was prolonged is another."""
        return self.dataset, self.scope_pattern, self.until.isoformat()

    @property
    def line(self) -> str:
        """The gap for people."""
        return f"{self.dataset} of {self.scope_pattern} until {self.until}: {self.reason} ({self.approver})"

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        return re.compile(as_regex(self.dataset)), re.compile(as_regex(self.scope_pattern))


def as_regex(glob: str) -> str:
    """A glob of * and ? as a regular expression that Python and PostgreSQL read alike."""
    return "^" + "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob) + "$"


def accepted_gaps(staging: Staging, last: date) -> tuple[AcceptedGap, ...]:
    """The gaps of the newest file that could be read, up to the partition `last`.

    A file that is no longer there accepts nothing. One that could not be read does not end what the one before it
    accepted.
    """
    days = [day for day in staging.days(DATASET) if (last - day).days in range(_LOOK_BACK_DAYS)]
    for day in reversed(days):
        ledger = staging.ledger(DATASET, day)
        states = {entry.state for entry in ledger.values()}
        if states & {State.complete, State.partial}:
            return tuple(sorted(_read(staging, day), key=lambda gap: gap.key))
        if states == {State.disabled}:
            break
    return ()


def accepting(gaps: Sequence[AcceptedGap], dataset: str, scope: str, day: date) -> AcceptedGap | None:
    """The gap in which a scope of a partition lies, if any."""
    return next((gap for gap in gaps if gap.covers(dataset, scope, day)), None)


def _read(staging: Staging, day: date) -> Iterable[AcceptedGap]:
    for line in staging.lines(DATASET, day):
        for part in line.parts:
            if part.dataset != DATASET:
                continue
            for row in parse(DATASETS[DATASET], part, line.payload, day, line.fetched_at, hashes=False).rows[DATASET]:
                yield AcceptedGap(
                    row["dataset"], row["scope_pattern"], row["reason"], row["approver"], row["accepted_until"]
                )
