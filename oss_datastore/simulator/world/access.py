"""Who may do what in which repository: direct grants, teams (children inherit from parents), ownership, and the base.

Tokens and what they are refused do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, HORIZON, dice
from oss_datastore.simulator.world.people import STAFF_BASE, Person, person
from oss_datastore.simulator.world.teams import PERMISSIONS, Grant, Team

if TYPE_CHECKING:
    from oss_datastore.simulator.world.history import Org
    from oss_datastore.simulator.world.repositories import Repository

BASE = "pull"
"""What every member may do in every repository of the organisation."""


@dataclass(frozen=True)
class Source:
    """Where a permission comes from: the organisation itself, a team, or the repository's own list."""

    permission: str
    team: Team | None = None
    direct: bool = False


def strongest(permissions: list[str]) -> str:
    """The strongest of some permissions."""
    return max(permissions, key=PERMISSIONS.index)


def direct_grants(seed: int, org: Org, number: int, created: int) -> list[tuple[Person, Grant]]:
    """People on one repository's own list, over time: outsiders mostly, some of the staff."""
    rng = dice(seed, org.login, number, "collaborators")
    found: list[tuple[Person, Grant]] = []
    for slot in range(rng.choice((0, 1, 1, 2, 3))):
        start = max(created, ANCHOR - 200 * DAY) + rng.randrange(1, 200) * DAY + rng.randrange(DAY)
        turn = 0
        while start < HORIZON:
            end = min(HORIZON, start + int(rng.gammavariate(2.0, 110.0) * DAY))
            if rng.random() < 0.3:
                who = org.staff.colleague(rng.randrange(org.staff.seats), start)
            else:
                who = person((number * 31 + slot * 7 + turn) % STAFF_BASE)
            found.append((who, Grant(number, rng.choice(("pull", "triage", "push", "push", "admin")), start, end)))
            start = end + rng.randrange(2, 50) * DAY
            turn += 1
    return found


class Access:
    """The permissions on one repository."""

    def __init__(self, seed: int, org: Org, repository: Repository) -> None:
        self._org, self._repository = org, repository
        self._direct = direct_grants(seed, repository.home, repository.number, repository.created)

    def direct(self, instant: int) -> dict[Person, str]:
        """The repository's own list: person and permission."""
        found: dict[Person, str] = {}
        for who, grant in self._direct:
            if grant.covers(instant):
                found[who] = strongest([grant.permission, found.get(who, "pull")])
        return found

    def outside(self, instant: int) -> dict[Person, str]:
        """Those on the list who are no members of the organisation."""
        members = self._org.members(instant)
        return {who: permission for who, permission in self.direct(instant).items() if who not in members}

    def sources(self, who: Person, instant: int) -> list[Source]:
        """Every reason why this person may do something here."""
        found: list[Source] = []
        role = self._org.members(instant).get(who)
        if role is not None:
            found.append(Source("admin" if role == "admin" else BASE))
        for team in self._org.teams_at(instant):
            if who not in self._org.membership.direct(team, instant):
                continue
            for holder in self._org.teams_at(instant):
                permission = self._org.team_repositories(holder, instant).get(self._repository.place)
                if permission is not None and team.within(holder):
                    found.append(Source(permission, team=holder))
        direct = self.direct(instant).get(who)
        if direct is not None:
            found.append(Source(direct, direct=True))
        return found

    def permission(self, who: Person, instant: int) -> str | None:
        """The strongest thing this person may do here; None where nothing was given."""
        sources = self.sources(who, instant)
        return strongest([source.permission for source in sources]) if sources else None

    def everybody(self, instant: int) -> list[Person]:
        """All who have some permission: members, and those on the repository's own list."""
        return list(dict.fromkeys([*self._org.members(instant), *self.direct(instant)]))
