"""Advisories that a repository publishes about itself: drafted, published, now and then closed without a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.alerts import ALPHABET, ECOSYSTEMS, SEVERITIES, WEAKNESSES
from oss_datastore.simulator.world.dice import ANCHOR, DAY, dice
from oss_datastore.simulator.world.people import Person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository


@dataclass(frozen=True, eq=False)
class OwnAdvisory:
    """One advisory of a repository. It ends as published or as closed, at `ended`."""

    repository: Repository
    ghsa_id: str
    cve_id: str | None
    summary: str
    severity: str
    score: float
    weakness: tuple[str, str]
    ecosystem: str
    author: Person
    publisher: Person
    finder: Person
    created: int
    ended: int
    ends_as: str

    def state(self, instant: int) -> str:
        """`draft` until it is `published` or `closed`."""
        return self.ends_as if instant >= self.ended else "draft"


def advisory_log(repository: Repository) -> list[OwnAdvisory]:
    """All advisories a repository will ever have, oldest first; most have none."""
    found: list[OwnAdvisory] = []
    rng = dice(repository.seed, repository.key, "own advisories")
    if repository.traits.empty or (repository.number % 4 and rng.random() < 0.7):
        return found
    staff, moment = repository.home.staff, max(ANCHOR, repository.created)
    while True:
        moment += int(rng.uniform(40, 400) * DAY)
        if moment >= repository.traits.ends:
            return found
        severity, score = rng.choice(SEVERITIES)
        name = repository.key.partition("/")[2]
        found.append(
            OwnAdvisory(
                repository=repository,
                ghsa_id="GHSA-" + "-".join("".join(rng.choice(ALPHABET) for _ in range(4)) for _ in range(3)),
                cve_id=f"CVE-2025-{70_000 + rng.randrange(9_000)}" if rng.random() < 0.6 else None,
                summary=f"{name} trusts what it should check ({len(found) + 1})",
                severity=severity,
                score=score,
                weakness=rng.choice(WEAKNESSES),
                ecosystem=rng.choice(ECOSYSTEMS)[0],
                author=staff.colleague(rng.randrange(staff.seats), moment),
                publisher=staff.steward,
                finder=staff.colleague(rng.randrange(staff.seats), moment),
                created=moment,
                ended=moment + rng.randrange(3, 40) * DAY,
                ends_as="published" if rng.random() < 0.85 else "closed",
            )
        )
