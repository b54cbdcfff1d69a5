"""How much attention a repository gets: stars, forks and watchers as running totals, views and clones by day.

Traffic is one log of days; windows, the cut leftmost day and what is shown to whom belong to the API.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from oss_datastore.simulator.world.dice import ANCHOR_DAY, DAY, about, dice, month_of, month_start, share
from oss_datastore.simulator.world.names import PATHS, REFERRERS

WEEKDAYS = (1.15, 1.2, 1.18, 1.1, 0.95, 0.6, 0.62)
"""Monday first: people work on weekdays."""
BY_HOUR = tuple(sum(1 + 0.8 * math.sin((h - 8) / 24 * 2 * math.pi) for h in range(n)) / 24 for n in range(25))
"""The share of a day's attention that has come by each full hour."""


@dataclass(frozen=True)
class Traffic:
    """What one UTC day saw."""

    count: int
    uniques: int


def elapsed(instant: int, day: int) -> float:
    """The share of a day's attention that has come by an instant, 0 to 1."""
    hours = (instant - day * DAY) / 3600
    if hours <= 0:
        return 0.0
    if hours >= 24:
        return 1.0
    whole = int(hours)
    return BY_HOUR[whole] + (BY_HOUR[whole + 1] - BY_HOUR[whole]) * (hours - whole)


class Growth:
    """The attention of one repository; `popularity` is about the stars it gets on an ordinary day.

    Where nothing is to happen any more (`still`), people look on, but nobody stars, forks or watches.
    """

    def __init__(self, seed: int, key: str, created: int, popularity: float, still: bool = False) -> None:
        self._seed, self._key, self._created = seed, key, created
        self.popularity, self._still = popularity, still
        before = max(0, ANCHOR_DAY - created // DAY)
        self._base = {
            "stars": int(before * popularity * 0.8),
            "forks": int(before * popularity * 0.09),
            "watchers": int(before * popularity * 0.03),
        }
        self._totals: dict[str, list[int]] = {kind: [total] for kind, total in self._base.items()}
        self._launches: dict[int, list[tuple[int, float]]] = {}
        self._traffic: dict[int, list[tuple[Traffic, Traffic]]] = {}

    def launches(self, month: int) -> list[tuple[int, float]]:
        """Days of this month and the one before on which something was announced, and how loudly."""
        return [*self._launched(month - 1), *self._launched(month)]

    def _launched(self, month: int) -> list[tuple[int, float]]:
        known = self._launches.get(month)
        if known is None:
            rng = dice(self._seed, self._key, "launch", month)
            day = month_start(month) // DAY + rng.randrange(28)
            known = self._launches[month] = [(day, rng.uniform(2.0, 9.0))] if rng.random() < 0.16 else []
        return known

    def _lift(self, day: int, launches: list[tuple[int, float]]) -> float:
        age = max(0, day - self._created // DAY)
        lift = WEEKDAYS[(day + 3) % 7] * (0.7 + 0.3 * min(age / 600, 2.0))
        for launch, loudness in launches:
            if 0 <= day - launch < 14:
                lift *= 1 + loudness * 0.6 ** (day - launch)
        return lift

    def _days(self, month: int) -> range:
        return range(month_start(month) // DAY, month_start(month + 1) // DAY)

    def _extend(self, kind: str, mean: float, until_day: int) -> list[int]:
        totals = self._totals[kind]
        if self._still:
            totals += totals[-1:] * max(0, until_day - ANCHOR_DAY + 2 - len(totals))
        while len(totals) <= until_day - ANCHOR_DAY + 1:
            month = month_of((ANCHOR_DAY + len(totals) - 1) * DAY)
            rng, launches = dice(self._seed, self._key, kind, month), self.launches(month)
            for day in self._days(month):
                gained = about(rng, mean * self._lift(day, launches)) if day * DAY >= self._created else 0
                lost = 1 if rng.random() < min(0.06, mean * 0.15) and totals[-1] + gained > 3 else 0
                totals.append(totals[-1] + gained - lost)
        return totals

    def totals(self, kind: str, until_day: int) -> list[int]:
        """How many `stars`, `forks` or `watchers` there were at the start of each day from the anchor on.

        The list reaches at least to the end of `until_day` (days since 1970).
        """
        mean = self.popularity * {"stars": 1.0, "forks": 0.11, "watchers": 0.04}[kind]
        return self._extend(kind, mean, until_day)

    def total(self, kind: str, instant: int) -> int:
        """How many `stars`, `forks` or `watchers` there are at an instant."""
        day = instant // DAY
        if day < ANCHOR_DAY:
            return self._base[kind]
        totals = self.totals(kind, day)
        before, after = totals[day - ANCHOR_DAY], totals[day - ANCHOR_DAY + 1]
        return before + int((after - before) * elapsed(instant, day))

    def traffic(self, day: int) -> tuple[Traffic, Traffic]:
        """The whole of one UTC day (days since 1970): views and clones."""
        month = month_of(day * DAY)
        known = self._traffic.get(month)
        if known is None:
            known = self._traffic[month] = list(self._month(month))
        return known[day - month_start(month) // DAY]

    def _month(self, month: int) -> Iterator[tuple[Traffic, Traffic]]:
        rng, launches = dice(self._seed, self._key, "traffic", month), self.launches(month)
        for day in self._days(month):
            lift = self._lift(day, launches) if day * DAY + DAY > self._created else 0.0
            views = about(rng, (2 + 22 * self.popularity) * lift)
            clones = about(rng, (0.7 + 5 * self.popularity) * lift)
            spread = rng.uniform(0.3, 0.55)
            yield (
                Traffic(views, max(min(views, 1), int(views * spread))),
                Traffic(clones, max(min(clones, 1), int(clones * (spread + 0.2)))),
            )

    def seen(self, what: str, day: int, instant: int) -> Traffic:
        """What had been counted of a day's `views` or `clones` at an instant: all of it once the day is over."""
        whole = self.traffic(day)[0 if what == "views" else 1]
        part = elapsed(instant, day)
        if part >= 1.0:
            return whole
        count = int(whole.count * part)
        return Traffic(count, min(count, max(min(count, 1), int(whole.uniques * part))))

    def popular(self, what: str, instant: int) -> list[tuple[str, str, Traffic]]:
        """The ten `referrers` or `paths` of the last fourteen days, most seen first: name, title, views."""
        today = instant // DAY
        views = sum(self.seen("views", day, instant).count for day in range(today - 13, today + 1))
        names = [(name, name) for name in REFERRERS] if what == "referrers" else list(PATHS)
        rows = []
        for rank, (name, title) in enumerate(names):
            # A place's pull wanders from fortnight to fortnight, so that ranks change.
            pull = (0.3 + share(self._seed, self._key, what, name, today // 14)) / (rank + 1.5)
            count = int(views * pull * 0.3)
            if count:
                rows.append((name, title, Traffic(count, max(1, int(count * 0.45)))))
        return sorted(rows, key=lambda row: (-row[2].count, row[0]))[:10]
