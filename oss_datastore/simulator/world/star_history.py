"""How many stars were given in each week: whoever took theirs back is still counted here, but not in the total."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import DAY, HOUR
from oss_datastore.simulator.world.statistics import sunday, weeks_between

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

MIDNIGHT = 7 * HOUR
"""When a day begins, in seconds after midnight UTC: GitHub does not promise UTC, and counts as its own offices do."""


def star_weeks(repository: Repository, instant: int) -> list[tuple[int, list[int]]]:
    """Every week since the repository exists, newest first: its start, and stars by day from Sunday on."""
    found = {start: [0] * 7 for start in weeks_between(repository.created, instant, MIDNIGHT)}
    for entry in repository.crowd("stars").everybody(instant):
        start = sunday(entry.since, MIDNIGHT)
        found[start][(entry.since - start) // DAY] += 1
    return sorted(found.items(), reverse=True)
