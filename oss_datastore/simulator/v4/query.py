"""Where every query begins: the viewer, and things by name or by id."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import read_node_id
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v3.of_orgs import visible_teams
from oss_datastore.simulator.v4.base import Node, Problem, Rate
from oss_datastore.simulator.v4.of_accounts import AccountNode, OrganizationNode, TeamNode, find_repository, forbidden
from oss_datastore.simulator.v4.of_items import IssueNode, PullRequestNode
from oss_datastore.simulator.v4.of_repositories import RepositoryNode


class Query:
    """The root."""

    graphql_type = "Query"

    def __init__(self, call: Call, rate: Rate) -> None:
        self.call = call
        self.rate_limit = rate

    def viewer(self) -> AccountNode:
        """The token's account."""
        if self.call.token.kind == "app":
            raise forbidden(self.call)
        return AccountNode(self.call, self.call.viewer())

    def organization(self, login: str) -> OrganizationNode:
        """An organisation by login."""
        org = self.call.world.org(login)
        if org is None:
            raise Problem("NOT_FOUND", f"Could not resolve to an Organization with the login of '{login}'.")
        return OrganizationNode(self.call, org)

    def repository_owner(self, login: str) -> OrganizationNode | None:
        """An organisation by login, or nothing."""
        org = self.call.world.org(login)
        return OrganizationNode(self.call, org) if org else None

    def repository(self, owner: str, name: str, follow_renames: bool = True) -> Any:
        """A repository by owner and name, its former names included unless they are not to be followed."""
        return find_repository(self.call, owner, name, follow_renames)

    def node(self, id: str) -> Any:
        """Anything by its global id."""
        return self._resolve(id)

    def nodes(self, ids: list[str]) -> list[Any]:
        """Several things by id: what is not found is null, with an error of its own."""
        found: list[Any] = []
        for each in ids:
            try:
                found.append(self._resolve(each))
            except Problem as problem:
                found.append(problem)
        return found

    def _resolve(self, identity: str) -> Node:
        read = read_node_id(identity)
        found = self._known(*read) if read is not None and read[1] else None
        if found is None:
            raise Problem("NOT_FOUND", f"Could not resolve to a node with the global id of '{identity}'")
        return found

    def _known(self, prefix: str, numbers: list[int]) -> Node | None:
        call = self.call
        match prefix, len(numbers):
            case "O", 1:
                org = call.world.org_by_id(numbers[0])
                return OrganizationNode(call, org) if org else None
            case "T", 2:
                org = call.world.org_by_id(numbers[0])
                if org is None or call.token.role == "outsider":
                    return None
                teams = visible_teams(call, org)
                return next((TeamNode(call, org, team) for team in teams if team.id == numbers[1]), None)
            case (("U" | "BOT"), 1):
                person = call.world.user_by_id(numbers[0])
                return AccountNode(call, person) if person else None
            case ("R", 1) | ("I" | "PR", 2):
                repository = call.world.repository_by_id(numbers[0], call.now)
                if repository is None or not call.sees(repository):
                    return None
                node = RepositoryNode.or_raise(call, repository)
                if prefix == "R":
                    return node
                for item in repository.items(call.now):
                    if prefix == "I" and not item.is_pull and item.issue_id == numbers[1]:
                        return IssueNode(call, node, item)
                    if prefix == "PR" and item.is_pull and item.pull_id == numbers[1]:
                        return PullRequestNode(call, node, item)
        return None
