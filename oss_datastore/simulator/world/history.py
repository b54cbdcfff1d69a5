"""The world: organisations with their people, teams and repositories, found by login, name or id."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from oss_datastore.simulator.world.access import Access
from oss_datastore.simulator.world.dice import ANCHOR, DAY
from oss_datastore.simulator.world.names import product_of
from oss_datastore.simulator.world.people import (
    DEPENDABOT,
    GHOST,
    WEB_FLOW,
    Person,
    Staff,
    person,
    person_by_id,
    person_by_login,
)
from oss_datastore.simulator.world.repositories import Repository
from oss_datastore.simulator.world.teams import Grant, Membership, Team, found_teams, team_grants

SPECIAL = (GHOST, DEPENDABOT, WEB_FLOW)
"""Accounts that belong to no organisation of the world."""


class Org:
    """One organisation over time."""

    def __init__(self, seed: int, number: int, login: str, names: Sequence[str]) -> None:
        self.seed, self.number, self.login = seed, number, login
        self.id = 40_000_000 + number * 1_013
        self.created = ANCHOR - 1500 * DAY
        self.staff = Staff(seed, login, number, seats=min(14 + 2 * len(names), 400))
        self.repositories = [Repository(seed, self, index, len(names), name) for index, name in enumerate(names)]
        self._access: dict[int, Access] = {}
        self._by_name = {
            name.lower(): repository for repository in self.repositories for _, name in repository.traits.names
        }
        self._members: tuple[int, dict[Person, str]] = (-1, {})
        self._team_repositories: dict[tuple[int, int], dict[int, str]] = {}

    @property
    def name(self) -> str:
        """What it calls itself."""
        return self.login.replace("-", " ").title()

    @cached_property
    def teams(self) -> list[Team]:
        """All teams there ever are."""
        return found_teams(self.number, len(self.repositories))

    @cached_property
    def membership(self) -> Membership:
        """Who sits in which team."""
        return Membership(self.seed, self.login, self.staff, self.teams)

    @cached_property
    def _grants(self) -> dict[Team, list[Grant]]:
        births = [repository.created for repository in self.repositories]
        return {
            team: team_grants(self.seed, self.login, team, number, births) for number, team in enumerate(self.teams)
        }

    def repositories_at(self, instant: int) -> list[Repository]:
        """The repositories that exist at an instant, by id."""
        return [repository for repository in self.repositories if repository.exists(instant)]

    def repository(self, name: str, instant: int) -> Repository | None:
        """The repository that has, or had, this name."""
        found = self._by_name.get(name.lower())
        if found is None or not found.exists(instant):
            return None
        return found if name.lower() in _names(found, instant) else None

    def members(self, instant: int) -> dict[Person, str]:
        """Members at an instant with their role, `admin` or `member`."""
        if self._members[0] != instant:
            staff = self.staff
            found = {spell.person: staff.role(spell, instant) for spell in staff.at(instant)}
            self._members = (instant, found)
        return self._members[1]

    def teams_at(self, instant: int) -> list[Team]:
        """The teams that exist at an instant."""
        return [team for team in self.teams if team.created <= instant]

    def team(self, slug: str, instant: int) -> Team | None:
        """The team of this slug."""
        return next((team for team in self.teams_at(instant) if team.slug == slug.lower()), None)

    def team_people(self, team: Team, instant: int) -> dict[Person, tuple[str, bool]]:
        """Who is in a team or below it: role, and whether only through a child team."""
        found = {who: (role, False) for who, role in self.membership.direct(team, instant).items()}
        for other in self.teams_at(instant):
            if other is not team and other.within(team):
                for who in self.membership.direct(other, instant):
                    found.setdefault(who, ("member", True))
        return found

    def team_repositories(self, team: Team, instant: int) -> dict[int, str]:
        """What a team itself holds: repository number and permission."""
        key = (team.id, instant)
        known = self._team_repositories.get(key)
        if known is None:
            if len(self._team_repositories) > 500:
                self._team_repositories.clear()
            known = {grant.repository: grant.permission for grant in self._grants[team] if grant.covers(instant)}
            self._team_repositories[key] = known
        return known

    def access(self, repository: Repository) -> Access:
        """Who may do what in a repository."""
        if repository.number not in self._access:
            self._access[repository.number] = Access(self.seed, self, repository)
        return self._access[repository.number]

    def outside_collaborators(self, instant: int) -> list[Person]:
        """Everybody on some repository's list who is no member."""
        found: dict[Person, None] = {}
        for repository in self.repositories_at(instant):
            found.update(dict.fromkeys(self.access(repository).outside(instant)))
        return sorted(found, key=lambda who: who.id)


def _names(repository: Repository, instant: int) -> list[str]:
    return [name.lower() for since, name in repository.traits.names if since <= instant]


class World:
    """All organisations. The same seed, logins and number of repositories make the same world, at any time."""

    def __init__(self, seed: int = 1, orgs: Sequence[str] = ("acme",), repositories: int = 12) -> None:
        self.seed = seed
        names = [product_of(number) for number in range(repositories)]
        self.orgs = {login.lower(): Org(seed, number, login, names) for number, login in enumerate(orgs)}
        self._repositories = {
            repository.id: repository for org in self.orgs.values() for repository in org.repositories
        }
        self.passer_by = person(0)

    def org(self, login: str) -> Org | None:
        """The organisation of this login."""
        return self.orgs.get(login.lower())

    def org_by_id(self, identity: int) -> Org | None:
        """The organisation of this id."""
        return next((org for org in self.orgs.values() if org.id == identity), None)

    def repository_by_id(self, identity: int, instant: int) -> Repository | None:
        """The repository of this id, if it exists by now."""
        found = self._repositories.get(identity)
        return found if found is not None and found.exists(instant) else None

    def user(self, login: str) -> Person | None:
        """The account of this login."""
        wanted = login.lower()
        for special in (*SPECIAL, *(org.staff.bot for org in self.orgs.values())):
            if special.login == wanted:
                return special
        for org in self.orgs.values():
            found = org.staff.find(wanted)
            if found is not None:
                return found
        return person_by_login(wanted)

    @cached_property
    def _by_id(self) -> dict[int, Person]:
        people = [*SPECIAL]
        for org in self.orgs.values():
            people += [org.staff.bot, *(spell.person for spell in org.staff.spells)]
        return {who.id: who for who in people}

    def user_by_id(self, identity: int) -> Person | None:
        """The account of this id."""
        return self._by_id.get(identity) or person_by_id(identity)
