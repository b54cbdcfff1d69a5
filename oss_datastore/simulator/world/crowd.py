"""Who has starred, forked or watches a repository: as many people as `Growth` counts at every instant.

Who may see the lists belongs to the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, ANCHOR_DAY, DAY, HORIZON, dice
from oss_datastore.simulator.world.growth import elapsed
from oss_datastore.simulator.world.people import STAFF_BASE, Person, person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

STRIDE = 7_919
"""Coprime to the number of invented people, so that a crowd meets nobody twice."""


@dataclass(slots=True)
class Entry:
    """One person's star, fork or watch: the `number`-th of its kind, from `since` to just before `until`."""

    number: int
    who: Person
    since: int
    until: int = HORIZON


class Crowd:
    """The people behind one of a repository's totals: `stars`, `forks` or `watchers`."""

    def __init__(self, repository: Repository, kind: str) -> None:
        self._repository, self._kind = repository, kind
        self._rng = dice(repository.seed, repository.key, "crowd", kind)
        self._offset = self._rng.randrange(STAFF_BASE)
        self._entries: list[Entry] = []
        self._here: list[Entry] = []
        self._days = 0
        base = repository.growth.totals(kind, ANCHOR_DAY - 1)[0]
        length = max(1, ANCHOR - repository.created)
        for moment in sorted(repository.created + self._rng.randrange(length) for _ in range(base)):
            self._come(min(moment, ANCHOR - 1))

    def _come(self, moment: int) -> None:
        number = len(self._entries)
        entry = Entry(number, person((self._offset + number * STRIDE) % STAFF_BASE), moment)
        self._entries.append(entry)
        self._here.append(entry)

    def _extend(self, until_day: int) -> None:
        totals = self._repository.growth.totals(self._kind, until_day)
        while self._days <= until_day - ANCHOR_DAY:
            before, after = totals[self._days], totals[self._days + 1]
            day = ANCHOR_DAY + self._days
            for more in range(1, after - before + 1):
                self._come(_reached(day, after - before, more))
            for _ in range(before - after):
                # A day that loses is counted when it is over.
                self._here.pop(self._rng.randrange(len(self._here))).until = (day + 1) * DAY
            self._days += 1

    def everybody(self, instant: int) -> list[Entry]:
        """All who ever came by an instant, oldest first: those who left again too."""
        self._extend(instant // DAY)
        return [entry for entry in self._entries if entry.since <= instant]

    def at(self, instant: int) -> list[Entry]:
        """Those who are there at an instant, oldest first."""
        return [entry for entry in self.everybody(instant) if instant < entry.until]


def _reached(day: int, gained: int, wanted: int) -> int:
    """The first second at which `wanted` of a day's `gained` are counted."""
    low, high = day * DAY, (day + 1) * DAY
    while low < high:
        middle = (low + high) // 2
        if int(gained * elapsed(middle, day)) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low
