"""The world: organisations with their people, teams and repositories, found by login, name or id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from oss_datastore.simulator.world.access import Access
from oss_datastore.simulator.world.changes import Change, read_change
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
from oss_datastore.simulator.world.repositories import Repository, idle_traits, traits
from oss_datastore.simulator.world.teams import Grant, Membership, Team, found_teams, team_grants

TEAMS_OF = 4
"""An idle organisation has the staff and the teams of one with this many repositories."""
SPECIAL = (GHOST, DEPENDABOT, WEB_FLOW)
"""Accounts that belong to no organisation of the world."""


class Org:
    """One organisation over time."""

    def __init__(self, seed: int, number: int, login: str, names: Sequence[str], idle: bool = False) -> None:
        self.seed, self.number, self.login = seed, number, login
        self.id = 40_000_000 + number * 1_013
        self.created = ANCHOR - 1500 * DAY
        self._founded = TEAMS_OF if idle else len(names)
        self.staff = Staff(seed, login, number, seats=min(14 + 2 * self._founded, 400))
        self.repositories: list[Repository] = []
        self._access: dict[int, Access] = {}
        self._by_name: dict[str, list[Repository]] = {}
        for index, name in enumerate(names):
            own = idle_traits(seed, login, name) if idle else traits(seed, login, index, len(names), name)
            self.add(Repository(seed, self, index, f"{login}/{name}", own))
        self._members: tuple[int, dict[Person, str]] = (-1, {})
        self._team_repositories: dict[tuple[int, int], dict[int, str]] = {}

    @property
    def name(self) -> str:
        """What it calls itself."""
        return self.login.replace("-", " ").title()

    @cached_property
    def teams(self) -> list[Team]:
        """All teams there ever are."""
        return found_teams(self.number, self._founded)

    @cached_property
    def membership(self) -> Membership:
        """Who sits in which team."""
        return Membership(self.seed, self.login, self.staff, self.teams)

    @cached_property
    def _grants(self) -> dict[Team, list[Grant]]:
        births = [repository.since for repository in self.repositories]
        return {
            team: team_grants(self.seed, self.login, team, number, births) for number, team in enumerate(self.teams)
        }

    def repositories_at(self, instant: int) -> list[Repository]:
        """The repositories that exist at an instant, by id."""
        return [repository for repository in self.repositories if repository.exists(instant)]

    def repository(self, name: str, instant: int) -> Repository | None:
        """The repository that has this name, or had it last, wherever it went since; not one that is gone."""
        last, latest = None, -1
        for found in self._by_name.get(name.lower(), ()):
            begun = found.bore(name, instant)
            if begun is not None and begun > latest:
                last, latest = found, begun
        while last is not None and not last.exists(instant):
            last = last.successor
        return last

    def add(self, repository: Repository) -> None:
        """Takes in a repository, under every name it has."""
        self.repositories.append(repository)
        for _, name in repository.traits.names:
            self.know(repository, name)

    def know(self, repository: Repository, name: str) -> None:
        """Notes that a repository bears a name at some time."""
        known = self._by_name.setdefault(name.lower(), [])
        if repository not in known:
            known.append(repository)

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
        if repository.place not in self._access:
            self._access[repository.place] = Access(self.seed, self, repository)
        return self._access[repository.place]

    def outside_collaborators(self, instant: int) -> list[Person]:
        """Everybody on some repository's list who is no member."""
        found: dict[Person, None] = {}
        for repository in self.repositories_at(instant):
            found.update(dict.fromkeys(self.access(repository).outside(instant)))
        return sorted(found, key=lambda who: who.id)


def _free(org: Org, name: str, instant: int) -> None:
    found = org.repository(name, instant)
    if found is not None and found.org is org and found.name(instant).lower() == name.lower():
        raise ValueError(f"the name {org.login}/{name} is not free")


class World:
    """All organisations. The same seed, logins, number of repositories and changes make the same world, at any time.

    In an `idle` one nothing has happened since 2024 but looks at the repositories, comings and goings of people, and
    what `changes` (as `changes` describes them) say. Raises ValueError for a change of something that is not there.
    """

    def __init__(
        self,
        seed: int = 1,
        orgs: Sequence[str] = ("acme",),
        repositories: int = 12,
        *,
        idle: bool = False,
        changes: Iterable[str] = (),
    ) -> None:
        self.seed = seed
        names = [product_of(number) for number in range(repositories)]
        self.orgs = {login.lower(): Org(seed, number, login, names, idle) for number, login in enumerate(orgs)}
        self.passer_by = person(0)
        self._logins: dict[int, list[tuple[int, str]]] = {}
        self._taken: dict[str, list[tuple[int, Person]]] = {}
        for change in sorted((read_change(text, seed) for text in changes), key=lambda each: each.at):
            self._apply(change)
        self._repositories: dict[int, list[Repository]] = {}
        for org in self.orgs.values():
            for repository in org.repositories:
                self._repositories.setdefault(repository.id, []).append(repository)

    def _apply(self, change: Change) -> None:
        if change.org is None:
            self._rename_user(change)
            return
        org = self.org(change.org)
        if org is None:
            raise ValueError(f"there is no organisation {change.org} that could change")
        if change.what == "created":
            _free(org, change.subject, change.at)
            place = len(org.repositories)
            own = replace(traits(self.seed, org.login, place, 0, f"{change.subject}~{place}"), created=change.at)
            own = replace(own, names=((change.at, change.subject),))
            org.add(Repository(self.seed, org, place, f"{org.login}/{change.subject}~{place}", own))
            return
        found = org.repository(change.subject, change.at)
        if found is None or found.org is not org or found.name(change.at).lower() != change.subject.lower():
            raise ValueError(f"there is no repository {change.org}/{change.subject} at the time of its change")
        match change.what:
            case "renamed":
                _free(org, change.words[0], change.at)
                found.rename(change.words[0], change.at)
                org.know(found, change.words[0])
            case "transferred":
                login, _, name = change.words[0].partition("/")
                target = self.org(login)
                if target is None or target is org:
                    raise ValueError(f"there is no other organisation {login} to transfer to")
                _free(target, name or found.name(change.at), change.at)
                there = found.moved_to(target, change.at)
                if name:
                    there.rename(name, change.at)
                target.add(there)
            case "deleted":
                found.until = change.at
            case "busy":
                found.add_busy_day(change.at, int(change.words[0]), int(change.words[1]))

    def _rename_user(self, change: Change) -> None:
        who, new = self.user(change.subject, change.at), change.words[0]
        if who is None:
            raise ValueError(f"there is no account {change.subject} at the time of its change")
        if self.user(new, change.at) is not None:
            raise ValueError(f"the login {new} is not free when {change.subject} wants it")
        self._logins.setdefault(who.id, []).append((change.at, new))
        self._taken.setdefault(new.lower(), []).append((change.at, who))

    def present(self, who: Person, instant: int) -> Person:
        """An account under the login that it has at an instant."""
        for since, login in reversed(self._logins.get(who.id, ())):
            if since <= instant:
                return replace(who, login=login)
        return who

    def org(self, login: str) -> Org | None:
        """The organisation of this login."""
        return self.orgs.get(login.lower())

    def org_by_id(self, identity: int) -> Org | None:
        """The organisation of this id."""
        return next((org for org in self.orgs.values() if org.id == identity), None)

    def repository_by_id(self, identity: int, instant: int) -> Repository | None:
        """The repository of this id, if it exists by now."""
        return next((found for found in self._repositories.get(identity, ()) if found.exists(instant)), None)

    def user(self, login: str, instant: int) -> Person | None:
        """The account that has this login at an instant; former ones lead nowhere."""
        wanted = login.lower()
        for since, who in reversed(self._taken.get(wanted, ())):
            if since <= instant and self.present(who, instant).login.lower() == wanted:
                return who
        found = self._born(wanted)
        return found if found is not None and self.present(found, instant).login.lower() == wanted else None

    def _born(self, wanted: str) -> Person | None:
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
