"""The milestones of a repository: one for each quarter, closed at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY
from oss_datastore.simulator.world.people import Person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

QUARTER = 91 * DAY


@dataclass(frozen=True)
class Milestone:
    """One milestone as it is at an instant, with how many issues and pull requests lie in it."""

    id: int
    number: int
    title: str
    description: str | None
    creator: Person
    created: int
    due: int
    closed: int | None
    open_items: int
    closed_items: int

    @property
    def updated(self) -> int:
        """When it last changed."""
        return self.closed or self.created


def milestone(repository: Repository, number: int, instant: int) -> Milestone:
    """The milestone of this number."""
    return milestones(repository, instant, number)[0]


def milestones(repository: Repository, instant: int, only: int | None = None) -> list[Milestone]:
    """All milestones at an instant, by number; or the one that is wanted."""
    if repository.traits.empty:
        return []
    inside: Counter[tuple[int, bool]] = repository.in_milestones(instant)
    last = max(0, instant - ANCHOR) // QUARTER + 1
    born = max(0, repository.created - ANCHOR) // QUARTER + 1
    return [
        Milestone(
            id=11_000_000 + repository.serial * 100 + number,
            number=number,
            title=f"v1.{number}",
            description="What we promised" if number % 2 else None,
            creator=repository.home.staff.steward,
            created=max(repository.created, ANCHOR + (number - 1) * QUARTER),
            due=ANCHOR + number * QUARTER,
            closed=ANCHOR + number * QUARTER if ANCHOR + number * QUARTER <= instant else None,
            open_items=inside[number, True],
            closed_items=inside[number, False],
        )
        for number in (range(born, last + 1) if only is None else (only,))
    ]
