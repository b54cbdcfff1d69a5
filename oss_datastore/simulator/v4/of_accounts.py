"""Users, bots, organisations and teams in the graph."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.accounts import person_node
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v3.of_orgs import visible_teams
from oss_datastore.simulator.v4.base import Connection, Node, Problem, ordered
from oss_datastore.simulator.world import Org
from oss_datastore.simulator.world.dice import DAY, iso
from oss_datastore.simulator.world.people import Person
from oss_datastore.simulator.world.repositories import Repository
from oss_datastore.simulator.world.teams import Team

PERMISSION = {"pull": "READ", "triage": "TRIAGE", "push": "WRITE", "maintain": "MAINTAIN", "admin": "ADMIN"}
"""REST's permissions in GraphQL's words."""


class AccountNode(Node):
    """A user or a bot."""

    def __init__(self, call: Call, who: Person) -> None:
        super().__init__(call, f"/apps/{who.login.removesuffix('[bot]')}" if who.is_bot else f"/{who.login}")
        self.who = who
        self.graphql_type = "Bot" if who.is_bot else "User"
        self.id = person_node(who)
        self.database_id = who.id
        # REST shows a bot as name[bot], GraphQL as name.
        self.login = who.login.removesuffix("[bot]")
        self.name, self.company, self.bio, self.location = who.name, who.company, who.bio, who.location
        self.email = who.email or ""
        self.created_at = iso(who.created)
        self.updated_at = iso(max(who.created, call.now - (who.id % 97 + 1) * DAY))
        self.is_site_admin = self.is_employee = False
        self.twitter_username = self.website_url = None

    def avatar_url(self, size: int | None = None) -> str:
        """The picture's address."""
        return f"https://avatars.githubusercontent.com/u/{self.who.id}?v=4"

    def is_viewer(self) -> bool:
        """Whether it is the asker."""
        return self.call.viewer() == self.who


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
        if call.token.role == "outsider":
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
    moved = found is not None and found.name(call.now).lower() != name.lower()
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
