"""What a repository depends on: packages with versions that move now and then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, dice

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

STEMS = ("tangle", "brine", "cog", "flint", "wharf", "spool", "mica", "hasp", "bobbin", "gimlet", "trunnion", "cleat")
ECOSYSTEM = {"Python": "pypi", "Go": "golang", "TypeScript": "npm", "Rust": "cargo", "Java": "maven"}
LICENCES = ("MIT", "Apache-2.0", "BSD-3-Clause", None)


@dataclass(frozen=True)
class Package:
    """One package at the version in use; `direct` ones are named by the repository itself."""

    ecosystem: str
    name: str
    version: str
    licence: str | None
    direct: bool

    @property
    def purl(self) -> str:
        """Its address as a package URL."""
        return f"pkg:{self.ecosystem}/{self.name}@{self.version}"


def packages(repository: Repository, instant: int) -> list[Package]:
    """What the default branch's head depends on. Nothing moves without a push."""
    if repository.language is None:
        return []
    rng = dice(repository.seed, repository.key, "packages")
    looked = max(repository.pushed(instant), repository.created, ANCHOR)
    found = []
    for stem in rng.sample(STEMS, rng.randrange(5, len(STEMS))):
        licence, direct, rhythm = rng.choice(LICENCES), rng.random() < 0.6, rng.uniform(25, 200) * DAY
        major, since = rng.randrange(1, 6), ANCHOR + rng.randrange(-200, 500) * DAY
        if looked < since:
            continue
        version = f"{major}.{int((looked - since) / rhythm)}.0"
        found.append(Package(ECOSYSTEM[repository.language[0]], f"lib{stem}", version, licence, direct))
    return found
