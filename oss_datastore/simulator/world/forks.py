"""Forks: copies of a repository under other people's names."""

from __future__ import annotations

from dataclasses import dataclass

from oss_datastore.simulator.world.crowd import Entry
from oss_datastore.simulator.world.dice import DAY, share
from oss_datastore.simulator.world.people import Person
from oss_datastore.simulator.world.repositories import Repository, repository_id

FIRST_FORK = 700_000_000
"""Ids of repositories from here on belong to forks."""
PER_REPOSITORY = 4_096
"""How many ids of forks belong to each repository."""


@dataclass(frozen=True)
class Fork:
    """One fork as it is at an instant."""

    id: int
    parent: Repository
    owner: Person
    name: str
    created: int
    pushed: int
    stars: int

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner.login}/{self.name}"


def parent_of(identity: int) -> int:
    """The id of the repository whose fork has this id."""
    return repository_id((identity - FIRST_FORK) // PER_REPOSITORY)


def forks(repository: Repository, instant: int) -> list[Fork]:
    """The forks that exist at an instant, oldest first: as many as the repository counts."""
    return [_fork(repository, entry, instant) for entry in repository.crowd("forks").at(instant)]


def _fork(repository: Repository, entry: Entry, instant: int) -> Fork:
    # A fork keeps the name its original had; most are never pushed to.
    luck = share(repository.seed, repository.key, "fork", entry.number)
    later = entry.since + int(luck * 200 * DAY)
    return Fork(
        id=FIRST_FORK + repository.serial * PER_REPOSITORY + entry.number,
        parent=repository,
        owner=entry.who,
        name=repository.name(entry.since),
        created=entry.since,
        pushed=later if luck < 0.3 and later <= instant else entry.since,
        stars=1 if luck < 0.1 else 0,
    )
