"""Even spacing of calls below GitHub's limits per minute.

Only the spacing belongs here; limits that GitHub reports are `budget.py`. Calls are spaced and never sent in bursts:
idle moments are not saved up, so no minute, wherever it begins, holds more calls than are allowed.
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

# What leaves us evenly arrives unevenly: a little is left free, so that no minute at GitHub's end holds too many.
USED_SHARE = 0.95


class Pacers:
    """The next free moment of each limit. Not thread safe: its owner holds a lock."""

    def __init__(self) -> None:
        self._next_slot: dict[str, float] = {}

    def reserve(self, pool: str, now: float, points: int) -> float:
        """The moment from `now` on at which a call of this pool may leave; the next may leave `points` later."""
        # A search is a REST call as well: it keeps to both limits.
        names = ["graphql"] if pool == "graphql" else ["rest", *([pool] if pool in PER_MINUTE else [])]
        slot = max([now, *(self._next_slot.get(name, now) for name in names)])
        for name in names:
            self._next_slot[name] = slot + points * 60.0 / (PER_MINUTE[name] * USED_SHARE)
        return slot
