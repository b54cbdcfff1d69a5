"""Where every query begins: the viewer, and things by name or by id."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import read_node_id
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v3.of_orgs import visible_teams
from oss_datastore.simulator.v4.base import Node, Problem, Rate
from oss_datastore.simulator.v4.of_accounts import AccountNode, OrganizationNode, TeamNode, find_repository, forbidden
from oss_datastore.simulator.v4.of_forks import ForkNode
from oss_datastore.simulator.v4.of_items import IssueNode, PullRequestNode
from oss_datastore.simulator.v4.of_parts import label_node, milestone_node
from oss_datastore.simulator.v4.of_repositories import RepositoryNode
from oss_datastore.simulator.v4.of_shelf import discussion_node
from oss_datastore.simulator.world.discussions import discussions
from oss_datastore.simulator.world.forks import FIRST_FORK, forks, parent_of
from oss_datastore.simulator.world.labels import labels
from oss_datastore.simulator.world.milestones import milestones


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

    def user(self, login: str) -> AccountNode:
        """A person by login."""
        found = self.call.world.user(login, self.call.now)
        if found is None or found.is_bot:
            raise Problem("NOT_FOUND", f"Could not resolve to a User with the login of '{login}'.")
        return AccountNode(self.call, found)

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

    def _resolve(self, identity: str) -> Node | None:
        read = read_node_id(identity)
        found = self._known(*read) if read is not None and read[1] else None
        if found is None and not self._blank(read):
            raise Problem("NOT_FOUND", f"Could not resolve to a node with the global id of '{identity}'")
        return found

    def _blank(self, read: tuple[str, list[int]] | None) -> bool:
        """Whether an id leads to a repository in whose place a fault puts nothing."""
        repository = self.call.world.repository_by_id(read[1][0], self.call.now) if read and read[1] else None
        return repository is not None and self.call.holds("graphql_null_nodes", repository)

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
            case "PVT", 2:
                org = call.world.org_by_id(numbers[0])
                holder = OrganizationNode(call, org) if org else None
                listed = holder.projects_v2(first=100).nodes() if holder else []
                return next((node for node in listed if node.database_id == numbers[1]), None)
            case "R", 1 if numbers[0] >= FIRST_FORK:
                return self._fork(numbers[0])
            case ("R", 1) | ("I" | "PR" | "RE" | "D" | "LA" | "MI", 2):
                repository = call.world.repository_by_id(numbers[0], call.now)
                if repository is None or not call.sees(repository):
                    return None
                node = RepositoryNode.or_raise(call, repository)
                return node if node is None or prefix == "R" else self._inside(prefix, node, numbers[1])
        return None

    def _fork(self, identity: int) -> Node | None:
        parent = self.call.world.repository_by_id(parent_of(identity), self.call.now)
        if parent is None or not self.call.sees(parent):
            return None
        node = RepositoryNode(self.call, parent)
        found = (fork for fork in forks(parent, self.call.now) if fork.id == identity)
        return next((ForkNode(node, fork) for fork in found), None)

    def _inside(self, prefix: str, node: RepositoryNode, identity: int) -> Node | None:
        """Something in a repository, by the number of its own that its id holds."""
        call, repository = self.call, node.repository
        match prefix:
            case "I" | "PR":
                for item in call.items(repository):
                    own = item.pull_id if item.is_pull else item.issue_id
                    if item.is_pull == (prefix == "PR") and own == identity:
                        return PullRequestNode(call, node, item) if item.is_pull else IssueNode(call, node, item)
            case "RE":
                listed = node.releases().nodes()
                return next((release for release in listed if release.database_id == identity), None)
            case "D":
                found = (each for each in discussions(repository, call.now) if each.id == identity)
                return next((discussion_node(node, each) for each in found), None)
            case "LA":
                named = (label for label in labels(repository, call.now) if label.id == identity)
                return next((label_node(call, node, label) for label in named), None)
            case "MI":
                planned = (each for each in milestones(repository, call.now) if each.id == identity)
                return next((milestone_node(call, node, each) for each in planned), None)
        return None
