"""Releases and their assets: drafted, published, downloaded; now and then an asset is replaced and counts anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, HORIZON, dice, share
from oss_datastore.simulator.world.people import Person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

KINDS = (
    ("linux-amd64.tar.gz", "application/gzip"),
    ("darwin-arm64.tar.gz", "application/gzip"),
    ("checksums.txt", "text/plain"),
)


@dataclass(frozen=True)
class Asset:
    """A file of a release as it lies there from `created` to just before `until`."""

    id: int
    name: str
    content_type: str
    size: int
    uploader: Person
    created: int
    until: int
    pull: float

    def downloads(self, instant: int) -> int:
        """How often it was fetched by an instant: much in the first days, then less; it never falls."""
        days = max(0.0, (min(instant, self.until) - self.created) / DAY)
        return int(self.pull * (30 * days / (days + 6) + 0.25 * days))


@dataclass(frozen=True)
class Release:
    """One release. `created` is when it was drafted, `published` when everybody could see it."""

    id: int
    tag: str
    name: str
    body: str | None
    author: Person
    created: int
    published: int
    prerelease: bool
    uploads: tuple[Asset, ...]

    def draft(self, instant: int) -> bool:
        """Whether it is not published yet."""
        return instant < self.published

    def assets(self, instant: int) -> list[Asset]:
        """The files that lie there at an instant."""
        return [asset for asset in self.uploads if asset.created <= instant < asset.until]


def releases(repository: Repository, instant: int) -> list[Release]:
    """The releases that exist at an instant, drafts included, oldest first."""
    if repository.traits.empty:
        return []
    rng = dice(repository.seed, repository.key, "releases")
    found: list[Release] = []
    moment, minor = max(ANCHOR, repository.created), 0
    while True:
        moment += int(rng.uniform(20, 90) * DAY)
        if moment > repository.traits.ends or moment - 30 * DAY > instant:
            return found
        release = _release(repository, moment, minor)
        if release.created <= instant:
            found.append(release)
        minor += 1


def _release(repository: Repository, published: int, minor: int) -> Release:
    rng = dice(repository.seed, repository.key, "release", minor)
    # Half are drafted some days before, the others are published as they are written.
    created = published - (rng.randrange(1, 12) * DAY + rng.randrange(DAY) if rng.random() < 0.5 else 0)
    created = max(created, repository.created)
    staff = repository.home.staff
    author = staff.bot if rng.random() < 0.4 else staff.colleague(rng.randrange(staff.seats), created)
    candidate = share(repository.seed, repository.key, "candidate", minor) < 0.15
    tag = f"v1.{minor}.0{'-rc.1' if candidate else ''}"
    identity = 190_000_000 + repository.serial * 1_000 + minor
    uploads: list[Asset] = []
    for slot, (suffix, kind) in enumerate(KINDS if repository.number % 4 != 2 else ()):
        name = f"{repository.key.partition('/')[2]}-{tag}-{suffix}"
        size = 900 if kind == "text/plain" else rng.randrange(2_000_000, 40_000_000)
        pull = repository.growth.popularity * rng.uniform(0.2, 1.5) * (1.0, 0.5, 0.1)[slot]
        replaced = published + int(rng.uniform(1, 40) * DAY) if rng.random() < 0.1 else HORIZON
        first = identity * 8 + slot * 2
        uploads.append(Asset(first, name, kind, size, author, created, replaced, pull))
        if replaced < HORIZON:
            uploads.append(Asset(first + 1, name, kind, size + 1_024, author, replaced, HORIZON, pull))
    body = f"### What changed\n* {tag} is here" if rng.random() < 0.8 else None
    return Release(identity, tag, tag, body, author, created, published, candidate, tuple(uploads))
