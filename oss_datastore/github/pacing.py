"""Even spacing of calls below GitHub's limits per minute.

Only the spacing belongs here; limits that GitHub reports are `budget.py`. Calls are spaced and never sent in bursts:
idle moments are not saved up, so no minute, and no second of it, wherever it begins, holds more calls than its share.
"""

from __future__ import annotations

from collections.abc import Mapping

PER_MINUTE: Mapping[str, float] = {
    "rest": 900,
    "graphql": 2000,
    "search": 30,
    "code_search": 10,
    "dependency_sbom": 100,
}
"""Points a minute (a GET or a query is at least one): GitHub's documented limits."""

# What leaves us evenly arrives unevenly. At 13.9 calls a second, 15 of them take 1.08 s: they may be squeezed by a
# twelfth of a second on their way, and still no second at GitHub's end holds more than 15.
USED_SHARE = 0.927

# A thread wakes a little late, and at every call. Coming so much early makes up for it, so that it is not lost.
EARLY = 0.01


class Pacers:
    """The next free moment of each limit. Not thread safe: its owner holds a lock."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}

    def free_at(self, pool: str) -> float:
        """The moment from which a call of this pool may leave."""
        return max(self._due.get(name, 0.0) - min(EARLY, self._gap(name) / 4) for name in self._names(pool))

    def take(self, pool: str, now: float, points: int) -> None:
        """Books a call that leaves now; the next may leave `points` later."""
        for name in self._names(pool):
            self._due[name] = max(now, self._due.get(name, now)) + points * self._gap(name)

    def correct(self, pool: str, now: float, points: int) -> None:
        """Books what a call cost beyond what was booked when it left; less than that where negative."""
        for name in self._names(pool):
            self._due[name] = max(now, self._due.get(name, now) + points * self._gap(name))

    @staticmethod
    def _gap(name: str) -> float:
        return 60.0 / (PER_MINUTE[name] * USED_SHARE)

    @staticmethod
    def _names(pool: str) -> list[str]:
        # A search is a REST call as well: it keeps to both limits.
        return ["graphql"] if pool == "graphql" else ["rest", *([pool] if pool in PER_MINUTE else [])]
