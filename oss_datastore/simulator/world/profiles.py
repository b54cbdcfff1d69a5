"""What people tell of themselves, and how many follow them, over time. The account itself belongs to `people`."""

from __future__ import annotations

from dataclasses import dataclass

from oss_datastore.simulator.world.dice import ANCHOR, DAY, share
from oss_datastore.simulator.world.names import CITIES
from oss_datastore.simulator.world.people import Person


@dataclass(frozen=True)
class Profile:
    """A profile as it is at an instant; `updated` is when the person last changed it."""

    name: str | None
    company: str | None
    location: str | None
    email: str | None
    bio: str | None
    website: str | None
    twitter: str | None
    followers: int
    following: int
    repositories: int
    gists: int
    updated: int


def profile(who: Person, instant: int) -> Profile:
    """The profile of somebody at an instant: one in three moves, one in five finds new words for the bio."""
    luck = who.id % 97
    months = max(0, instant - ANCHOR) // (30 * DAY)
    moved = _once(who, "moved", 0.33)
    reworded = _once(who, "reworded", 0.2)
    place, bio = who.location, who.bio
    if moved <= instant:
        place = CITIES[(who.id + 3) % len(CITIES)]
    if reworded <= instant:
        bio = "Still likes small tools."
    told = [at for at in (who.created, moved, reworded) if at <= instant]
    return Profile(
        name=who.name,
        company=who.company,
        location=place,
        email=who.email,
        bio=bio,
        website=f"https://{who.login}.example" if share("site", who.id) < 0.25 and not who.is_bot else None,
        twitter=who.login.replace("-", "_")[:15] if share("twitter", who.id) < 0.2 and not who.is_bot else None,
        followers=luck + months * (luck % 3),
        following=luck // 2,
        repositories=luck // 3 + months // 6,
        gists=luck // 9,
        updated=max(told, default=who.created),
    )


def _once(who: Person, what: str, chance: float) -> int:
    luck = share(what, who.id)
    return ANCHOR + int(luck / chance * 1_000) * DAY if luck < chance else 1 << 40
