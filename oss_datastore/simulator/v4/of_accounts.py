"""Users, bots, organisations and teams in the graph."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.accounts import person_node
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v3.of_orgs import visible_teams
from oss_datastore.simulator.v4.base import Connection, Node, Plain, Problem, ordered
from oss_datastore.simulator.v4.of_projects import project_list, project_node
from oss_datastore.simulator.world import Org
from oss_datastore.simulator.world.dice import DAY, iso
from oss_datastore.simulator.world.people import STAFF_BASE, Person, person
from oss_datastore.simulator.world.profiles import Profile, profile
from oss_datastore.simulator.world.projects import Project, projects
from oss_datastore.simulator.world.repositories import Repository
from oss_datastore.simulator.world.rules import org_rulesets
from oss_datastore.simulator.world.teams import Team

PERMISSION = {"pull": "READ", "triage": "TRIAGE", "push": "WRITE", "maintain": "MAINTAIN", "admin": "ADMIN"}
"""REST's permissions in GraphQL's words."""


class AccountNode(Node):
    """A user or a bot."""

    def __init__(self, call: Call, who: Person) -> None:
        shown = call.world.present(who, call.now)
        super().__init__(call, f"/apps/{shown.login.removesuffix('[bot]')}" if who.is_bot else f"/{shown.login}")
        self.who = who
        self.graphql_type = "Bot" if who.is_bot else "User"
        self.id = person_node(who)
        self.database_id = who.id
        # REST shows a bot as name[bot], GraphQL as name.
        self.login = shown.login.removesuffix("[bot]")
        self.created_at = iso(who.created)
        self.is_site_admin = self.is_employee = self.is_hireable = False
        self.pronouns = None

    @cached_property
    def _told(self) -> Profile:
        return profile(self.who, self.now)

    def name(self) -> str | None:
        """What the person is called."""
        return self._told.name

    def company(self) -> str | None:
        """For whom the person works."""
        return self._told.company

    def bio(self) -> str | None:
        """What the person says of himself or herself."""
        return self._told.bio

    def location(self) -> str | None:
        """Where the person lives."""
        return self._told.location

    def email(self) -> str:
        """The address the profile shows; empty where it shows none."""
        return self._told.email or ""

    def website_url(self) -> str | None:
        """The person's site."""
        return self._told.website

    def twitter_username(self) -> str | None:
        """The person's name on Twitter."""
        return self._told.twitter

    def updated_at(self) -> str:
        """When the profile last changed."""
        return iso(self._told.updated)

    def avatar_url(self, size: int | None = None) -> str:
        """The picture's address."""
        return f"https://avatars.githubusercontent.com/u/{self.who.id}?v=4"

    def is_viewer(self) -> bool:
        """Whether it is the asker."""
        return self.call.viewer() == self.who

    def _people(self, many: int, paging: dict[str, Any]) -> Connection:
        # Who follows whom is told by nothing else: any people will do, as long as they are the same each time.
        first = self.who.id % STAFF_BASE
        return Connection(
            range(many), lambda index: AccountNode(self.call, person((first + 13 * index + 1) % STAFF_BASE)), paging
        )

    def followers(self, **paging: Any) -> Connection:
        """Who follows the person."""
        return self._people(self._told.followers, paging)

    def following(self, **paging: Any) -> Connection:
        """Whom the person follows."""
        return self._people(self._told.following, paging)

    def gists(self, privacy: str | None = None, **paging: Any) -> Connection:
        """The person's gists; secret ones are seen by nobody else."""
        many = 0 if privacy == "SECRET" else self._told.gists
        return Connection(
            range(1, many + 1),
            lambda index: Plain(self.call, "Gist", id=node_id("G", self.who.id, index), name=f"gist-{index}"),
            paging,
        )

    def repositories(
        self,
        order_by: dict[str, str] | None = None,
        is_archived: bool | None = None,
        is_fork: bool | None = None,
        privacy: str | None = None,
        visibility: str | None = None,
        owner_affiliations: list[str] | None = None,
        **paging: Any,
    ) -> Connection:
        """How many repositories of their own people have; nothing is known of each."""
        some = not is_archived and not is_fork and (privacy or visibility) != "PRIVATE"
        some = some and "OWNER" in (owner_affiliations or ["OWNER"])
        return Connection(
            (), lambda none: none, paging, total_count=self._told.repositories if some else 0, total_disk_usage=0
        )

    def repository(self, name: str, follow_renames: bool = True) -> Any:
        """One of them by name: nothing is known of it."""
        raise Problem("NOT_FOUND", f"Could not resolve to a Repository with the name '{self.login}/{name}'.")


def actor(call: Call, who: Person | None) -> AccountNode | None:
    """Who did something; None where the account is gone."""
    return None if who is None else AccountNode(call, who)


def forbidden(call: Call, saml: bool | None = False) -> Problem:
    """What a token gets for what it may not see."""
    return Problem("FORBIDDEN", f"Resource not accessible by {call.token.noun}", saml)


class OrganizationNode(Node):
    """An organisation."""

    graphql_type = "Organization"

    def __init__(self, call: Call, org: Org) -> None:
        super().__init__(call, f"/{org.login}")
        self.org = org
        self.id = node_id("O", org.id)
        self.database_id, self.login, self.name = org.id, org.login, org.name
        self.description = "Gives software away"
        self.email, self.location = f"hello@{org.login}.example", "Everywhere"
        self.website_url, self.twitter_username = f"https://{org.login}.example", None
        self.created_at, self.updated_at = iso(org.created), iso(org.created + 900 * DAY)
        self.archived_at = None
        self.is_verified, self.web_commit_signoff_required = True, False
        self.members_can_fork_private_repositories = False
        self.viewer_can_administer = call.token.role == "owner"
        self.viewer_is_a_member = call.token.role != "outsider" and call.token.kind != "app"
        self.requires_two_factor_authentication = False if self.viewer_can_administer else None
        self.organization_billing_email = f"billing@{org.login}.example" if self.viewer_can_administer else None

    def avatar_url(self, size: int | None = None) -> str:
        """The picture's address."""
        return f"https://avatars.githubusercontent.com/u/{self.org.id}?v=4"

    def members_with_role(self, **paging: Any) -> Connection:
        """The members: all to insiders, those who show it to others; the second factor only to owners."""
        call, staff = self.call, self.org.staff
        members = self.org.members(self.now)
        owner = self.viewer_can_administer
        if "members" in call.token.without:
            raise forbidden(call)
        if call.token.role == "outsider" or call.holds_in_org("members_hidden", self.org):
            members = {who: role for who, role in members.items() if staff.is_public(who)}
        since = {spell.person: spell.start for spell in staff.at(self.now)}
        people = sorted(members, key=lambda who: who.id)
        return Connection(
            people,
            lambda who: AccountNode(call, who),
            paging,
            lambda who: {
                "role": members[who].upper() if call.token.role != "outsider" else None,
                "has_two_factor_enabled": staff.two_factor(who, since[who], self.now) if owner else None,
            },
        )

    def _teams(self) -> list[Team]:
        if self.call.token.role == "outsider" or "members" in self.call.token.without:
            raise forbidden(self.call)
        return visible_teams(self.call, self.org)

    def teams(
        self,
        order_by: dict[str, str] | None = None,
        privacy: str | None = None,
        query: str | None = None,
        root_teams_only: bool = False,
        **paging: Any,
    ) -> Connection:
        """The teams that are to be seen."""
        found = [
            team
            for team in self._teams()
            if (privacy is None or team.secret == (privacy == "SECRET"))
            and (not query or query.lower() in team.slug)
            and not (root_teams_only and team.parent)
        ]
        found = ordered(found, order_by, {"NAME": lambda team: team.name})
        return Connection(found, lambda team: TeamNode(self.call, self.org, team), paging)

    def team(self, slug: str) -> TeamNode | None:
        """One team."""
        found = self.org.team(slug, self.now)
        return TeamNode(self.call, self.org, found) if found and found in self._teams() else None

    def _projects(self) -> list[Project]:
        if "organization_projects" in self.call.token.without:
            raise forbidden(self.call)
        insider = self.call.token.role != "outsider"
        return [each for each in projects(self.org, self.now) if each.public or insider]

    def projects_v2(
        self, order_by: dict[str, str] | None = None, query: str | None = None, **paging: Any
    ) -> Connection:
        """The projects that are to be seen."""
        found = [each for each in self._projects() if not query or query.lower() in each.title.lower()]
        return project_list(self, found, order_by, paging)

    def project_v2(self, number: int) -> Any:
        """One project by number."""
        found = next((each for each in self._projects() if each.number == number), None)
        if found is None:
            raise Problem("NOT_FOUND", f"Could not resolve to a ProjectV2 with the number {number}.")
        return project_node(self, found)

    def rulesets(self, include_parents: bool = True, **paging: Any) -> Connection:
        """Its own rulesets; they are for those who administer it."""
        from oss_datastore.simulator.v4.of_rules import ruleset_node

        if not self.viewer_can_administer:
            raise forbidden(self.call)
        return Connection(org_rulesets(self.org, self.now), lambda each: ruleset_node(self, each), paging)

    def repositories(
        self,
        order_by: dict[str, str] | None = None,
        is_archived: bool | None = None,
        is_fork: bool | None = None,
        privacy: str | None = None,
        visibility: str | None = None,
        **paging: Any,
    ) -> Connection:
        """The repositories that are to be seen."""
        now = self.now
        hidden = privacy or visibility
        found = [
            repository
            for repository in self.org.repositories_at(now)
            if self.call.sees(repository)
            and (is_archived is None or repository.archived(now) == is_archived)
            and not is_fork
            and (hidden is None or (hidden == "PRIVATE") == repository.traits.private)
        ]
        return repository_list(self.call, found, order_by, paging)

    def repository(self, name: str, follow_renames: bool = True) -> Any:
        """One repository by name."""
        return find_repository(self.call, self.org.login, name, follow_renames)


def repository_list(
    call: Call, found: list[Repository], order_by: dict[str, str] | None, paging: dict[str, Any]
) -> Connection:
    """A connection of repositories."""
    from oss_datastore.simulator.v4.of_repositories import RepositoryNode

    now = call.now
    keys = {
        "CREATED_AT": lambda repository: (repository.created, repository.id),
        "NAME": lambda repository: repository.name(now),
        "PUSHED_AT": lambda repository: (repository.pushed(now), repository.id),
        "UPDATED_AT": lambda repository: (repository.changed(now), repository.id),
        "STARGAZERS": lambda repository: (repository.growth.total("stars", now), repository.id),
    }
    found = ordered(found, order_by, keys)
    disk = sum(repository.size(now) for repository in found)
    return Connection(
        found, lambda repository: RepositoryNode.or_error(call, repository), paging, total_disk_usage=disk
    )


def find_repository(call: Call, owner: str, name: str, follow_renames: bool) -> Any:
    """A repository by owner and name. Raises Problem where there is none to be seen."""
    from oss_datastore.simulator.v4.of_repositories import RepositoryNode

    org = call.world.org(owner)
    found = org.repository(name, call.now) if org else None
    moved = found is not None and (
        found.org is not org or found.name(call.now).lower() != name.lower() or call.holds("moved", found)
    )
    if found is None or not call.sees(found) or (moved and not follow_renames):
        raise Problem("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    return RepositoryNode.or_raise(call, found)


class TeamNode(Node):
    """A team."""

    graphql_type = "Team"

    def __init__(self, call: Call, org: Org, team: Team) -> None:
        super().__init__(call, f"/orgs/{org.login}/teams/{team.slug}")
        self.org, self.team = org, team
        self.id = node_id("T", org.id, team.id)
        self.database_id, self.slug, self.name = team.id, team.slug, team.name
        self.combined_slug = f"{org.login}/{team.slug}"
        self.description = team.description
        self.privacy = "SECRET" if team.secret else "VISIBLE"
        self.notification_setting = "NOTIFICATIONS_ENABLED"
        self.created_at = self.updated_at = iso(team.created)

    def parent_team(self) -> TeamNode | None:
        """The team above."""
        return TeamNode(self.call, self.org, self.team.parent) if self.team.parent else None

    def organization(self) -> OrganizationNode:
        """Whose team it is."""
        return OrganizationNode(self.call, self.org)

    def child_teams(
        self, order_by: dict[str, str] | None = None, immediate_only: bool = True, **paging: Any
    ) -> Connection:
        """The teams below."""
        found = [
            team
            for team in self.org.teams_at(self.now)
            if team is not self.team and (team.parent is self.team if immediate_only else team.within(self.team))
        ]
        return Connection(found, lambda team: TeamNode(self.call, self.org, team), paging)

    def members(
        self,
        membership: str = "ALL",
        role: str | None = None,
        order_by: dict[str, str] | None = None,
        query: str | None = None,
        **paging: Any,
    ) -> Connection:
        """Its people: its own, those of the teams below, or both. Owners maintain every team they are in."""
        owners = {who for who, held in self.org.members(self.now).items() if held == "admin"}
        roles = {
            who: "MAINTAINER" if who in owners else held.upper()
            for who, (held, inherited) in self.org.team_people(self.team, self.now).items()
            if membership == "ALL" or inherited == (membership == "CHILD_TEAM")
        }
        people = [
            who
            for who in sorted(roles, key=lambda who: who.id)
            if (role is None or roles[who] == role) and (not query or query.lower() in who.login)
        ]
        keys = {"LOGIN": lambda who: who.login, "CREATED_AT": lambda who: who.created}
        people = ordered(people, order_by, keys)
        place = f"{self.url()}/members"
        return Connection(
            people,
            lambda who: AccountNode(self.call, who),
            paging,
            lambda who: {
                "role": roles[who],
                "member_access_url": place,
                "member_access_resource_path": f"{self.place}/members",
            },
        )

    def repositories(
        self, order_by: dict[str, str] | None = None, query: str | None = None, **paging: Any
    ) -> Connection:
        """What it holds itself."""
        from oss_datastore.simulator.v4.of_repositories import RepositoryNode

        entries = [
            (self.org.repositories[number], permission)
            for number, permission in sorted(self.org.team_repositories(self.team, self.now).items())
        ]
        entries = [entry for entry in entries if entry[0].exists(self.now) and self.call.sees(entry[0])]
        if order_by and order_by["field"] == "NAME":
            entries.sort(key=lambda entry: entry[0].name(self.now), reverse=order_by["direction"] == "DESC")
        return Connection(
            entries,
            lambda entry: RepositoryNode(self.call, entry[0]),
            paging,
            lambda entry: {"permission": PERMISSION[entry[1]]},
        )
