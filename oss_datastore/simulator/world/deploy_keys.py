"""Deploy keys: machines that may read, or write, one repository; added, used and taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, dice, sha
from oss_datastore.simulator.world.people import Person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

TITLES = ("deploy", "docs publisher", "mirror", "nightly build")


@dataclass(frozen=True)
class DeployKey:
    """One key from `created` to just before `until`."""

    id: int
    title: str
    key: str
    read_only: bool
    added_by: Person
    created: int
    until: int
    enabled: bool

    def last_used(self, instant: int) -> int | None:
        """When it was last used by an instant: once a week, some never."""
        weeks = (instant - self.created) // (7 * DAY)
        return self.created + weeks * 7 * DAY if weeks and self.id % 4 else None


def deploy_keys(repository: Repository, instant: int) -> list[DeployKey]:
    """The keys at an instant, oldest first."""
    rng = dice(repository.seed, repository.key, "deploy keys")
    found: list[DeployKey] = []
    start = max(ANCHOR, repository.created)
    for slot in range(rng.choice((0, 0, 1, 1, 2, 3))):
        created = start + rng.randrange(-20, 600) * DAY + rng.randrange(DAY)
        created = max(created, repository.created)
        key = DeployKey(
            id=60_000_000 + repository.serial * 10 + slot,
            title=rng.choice(TITLES),
            key=f"ssh-ed25519 {sha(repository.seed, repository.key, 'deploy key', slot)}",
            read_only=rng.random() < 0.7,
            added_by=repository.home.staff.colleague(rng.randrange(3), created),
            created=created,
            until=created + rng.randrange(200, 2_000) * DAY,
            enabled=rng.random() < 0.95,
        )
        if key.created <= instant < key.until:
            found.append(key)
    return sorted(found, key=lambda each: each.created)
