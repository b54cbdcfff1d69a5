"""Repositories in the graph, with what hangs on them: labels, releases, collaborators, alerts."""

from __future__ import annotations

from typing import Any, Self

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v3.of_repositories import shown_alerts
from oss_datastore.simulator.v4 import of_shelf
from oss_datastore.simulator.v4.base import Connection, Node, Plain, Problem, ordered
from oss_datastore.simulator.v4.of_access import held
from oss_datastore.simulator.v4.of_accounts import PERMISSION, AccountNode, OrganizationNode, forbidden
from oss_datastore.simulator.v4.of_alerts import alert_node
from oss_datastore.simulator.v4.of_items import IssueNode, PullRequestNode
from oss_datastore.simulator.v4.of_parts import commit_node, label_node, milestone_node
from oss_datastore.simulator.world.dice import day_of, iso, parse_instant
from oss_datastore.simulator.world.items import Item
from oss_datastore.simulator.world.milestones import milestones
from oss_datastore.simulator.world.names import LABELS
from oss_datastore.simulator.world.repositories import Repository


class RepositoryNode(Node):
    """A repository."""

    graphql_type = "Repository"

    def __init__(self, call: Call, repository: Repository) -> None:
        super().__init__(call, f"/{repository.full_name(call.now)}")
        self.repository = repository
        self.id = node_id("R", repository.id)
        self.database_id = repository.id

    @classmethod
    def or_error(cls, call: Call, repository: Repository) -> Self | Problem:
        """The node, or in its place the error that a fault was declared for."""
        path = f"/repos/{repository.full_name(call.now)}"
        if call.faults.strike(("graphql_node_error",), (path,), path, day_of(call.now)):
            return Problem("SERVICE_UNAVAILABLE", "Something went wrong while resolving this repository.")
        return cls(call, repository)

    @classmethod
    def or_raise(cls, call: Call, repository: Repository) -> Self:
        """As `or_error`, where a single repository was asked for."""
        found = cls.or_error(call, repository)
        if isinstance(found, Problem):
            raise found
        return found

    def __getattr__(self, name: str) -> Any:
        # Facts are worked out together once somebody asks for the first of them.
        if name.startswith("_") or "facts" in self.__dict__:
            facts = self.__dict__.get("facts", {})
            if name in facts:
                return facts[name]
            raise AttributeError(name)
        self.__dict__["facts"] = self._facts()
        return getattr(self, name)

    def _facts(self) -> dict[str, Any]:
        repository, now = self.repository, self.now
        full_name, traits = repository.full_name(now), repository.traits
        archived = repository.archived(now)
        return {
            "name": repository.name(now),
            "name_with_owner": full_name,
            "description": repository.description,
            "homepage_url": repository.homepage,
            "ssh_url": f"git@github.com:{full_name}.git",
            "mirror_url": None,
            "visibility": "PRIVATE" if traits.private else "PUBLIC",
            "is_private": traits.private,
            "is_archived": archived,
            "is_empty": traits.empty,
            "is_in_organization": True,
            **dict.fromkeys(("is_fork", "is_disabled", "is_template", "is_mirror", "is_locked"), False),
            "created_at": iso(repository.created),
            "updated_at": iso(repository.changed(now)),
            "pushed_at": iso(repository.pushed(now)),
            "archived_at": iso(traits.archived) if archived else None,
            "disk_usage": repository.size(now),
            "parent": None,
            "has_issues_enabled": True,
            "has_projects_enabled": True,
            "has_wiki_enabled": repository.number % 2 == 0,
            "has_discussions_enabled": repository.number % 3 == 0,
            "has_vulnerability_alerts_enabled": traits.alerts_enabled and not archived,
            "has_sponsorships_enabled": False,
            "forking_allowed": True,
            "delete_branch_on_merge": repository.number % 3 != 1,
            "merge_commit_allowed": repository.number % 2 == 0,
            "squash_merge_allowed": True,
            "rebase_merge_allowed": False,
            "auto_merge_allowed": False,
            "allow_update_branch": False,
            "web_commit_signoff_required": False,
            "is_security_policy_enabled": repository.number % 2 == 0 and not traits.empty,
            "security_policy_url": f"{self.url()}/security/policy" if repository.number % 2 == 0 else None,
            "viewer_can_administer": self.call.may(repository, "admin"),
            "viewer_permission": PERMISSION[self.call.permission(repository) or "pull"],
        }

    def stargazer_count(self) -> int:
        """How many stars."""
        return self.repository.growth.total("stars", self.now)

    def fork_count(self) -> int:
        """How many forks."""
        return self.repository.growth.total("forks", self.now)

    def owner(self) -> OrganizationNode:
        """The organisation."""
        return OrganizationNode(self.call, self.repository.org)

    def primary_language(self) -> Plain | None:
        """The main language."""
        found = self.repository.language
        return found and Plain(self.call, "Language", id=node_id("LAN", len(found[0])), name=found[0], color=found[1])

    def license_info(self) -> Plain | None:
        """The licence."""
        found = self.repository.licence
        if found is None:
            return None
        key, name, spdx = found
        place = f"http://choosealicense.com/licenses/{key}/"
        node = Plain(self.call, "License", id=node_id("L", len(key)), key=key, name=name, spdx_id=spdx, nickname=None)
        node.__dict__["url"] = place
        return node

    def code_of_conduct(self) -> Plain | None:
        """The code of conduct."""
        if self.repository.number % 4 != 0:
            return None
        key, name = "contributor_covenant", "Contributor Covenant"
        return Plain(
            self.call, "CodeOfConduct", f"{self.place}/blob/main/CODE_OF_CONDUCT.md", id="COC_1", key=key, name=name
        )

    def contributing_guidelines(self) -> Plain | None:
        """How to contribute."""
        if self.repository.number % 3 == 1:
            return None
        return Plain(self.call, "ContributingGuidelines", f"{self.place}/blob/main/CONTRIBUTING.md")

    def default_branch_ref(self) -> Plain | None:
        """The default branch; None while the repository is empty."""
        head = self.repository.head(self.now)
        if head is None:
            return None
        target = commit_node(self.call, self, head, self.repository.pushed(self.now))
        return Plain(
            self.call,
            "Ref",
            id=node_id("REF", self.repository.id),
            name="main",
            prefix="refs/heads/",
            target=target,
            repository=self,
        )

    def _people(self, kind: str, paging: dict[str, Any]) -> Connection:
        # Who they are is only for administrators since 2026; how many is for everybody.
        return Connection([], lambda who: who, paging, total_count=self.repository.growth.total(kind, self.now))

    def watchers(self, **paging: Any) -> Connection:
        """How many watch."""
        return self._people("watchers", paging)

    def stargazers(self, order_by: dict[str, str] | None = None, **paging: Any) -> Connection:
        """How many have starred."""
        return self._people("stars", paging)

    def forks(self, order_by: dict[str, str] | None = None, **paging: Any) -> Connection:
        """How many forks."""
        return Connection([], lambda fork: fork, paging, total_count=self.fork_count(), total_disk_usage=0)

    def languages(self, order_by: dict[str, str] | None = None, **paging: Any) -> Connection:
        """Bytes by language."""
        return of_shelf.languages(self, order_by, paging)

    def repository_topics(self, **paging: Any) -> Connection:
        """What it says it is about."""
        return of_shelf.topics(self, paging)

    def releases(self, order_by: dict[str, str] | None = None, **paging: Any) -> Connection:
        """Its releases, newest first."""
        return of_shelf.releases(self, order_by, paging)

    def discussions(
        self,
        order_by: dict[str, str] | None = None,
        states: list[str] | None = None,
        answered: bool | None = None,
        **paging: Any,
    ) -> Connection:
        """Its discussions."""
        return of_shelf.discussions(self, order_by, states, answered, paging)

    def labels(self, order_by: dict[str, str] | None = None, query: str | None = None, **paging: Any) -> Connection:
        """Its labels."""
        names = [name for name, _, _ in LABELS if not query or query.lower() in name]
        names = ordered(names, order_by, {"NAME": lambda name: name, "CREATED_AT": lambda name: 0})
        return Connection(names, lambda name: label_node(self.call, self, name), paging)

    def milestones(
        self, order_by: dict[str, str] | None = None, states: list[str] | None = None, **paging: Any
    ) -> Connection:
        """Its milestones."""
        numbers = [each.number for each in milestones(self.repository, self.now)]
        nodes = [milestone_node(self.call, self, number) for number in numbers]
        nodes = [node for node in nodes if states is None or node.state in states]
        keys = {"NUMBER": lambda node: node.number}
        keys |= dict.fromkeys(("CREATED_AT", "DUE_DATE", "UPDATED_AT"), keys["NUMBER"])
        return Connection(ordered(nodes, order_by, keys), lambda node: node, paging)

    def _permitted(self, permission: str) -> None:
        if permission in self.call.token.without:
            raise forbidden(self.call)

    def _items(
        self,
        pulls: bool,
        order_by: dict[str, str] | None,
        states: list[str] | None,
        labels: list[str] | None,
        since: str | None,
    ) -> list[Item]:
        earliest = parse_instant(since) if since else None
        found = []
        for item in self.repository.items(self.now):
            state = item.at(self.now)
            word = "MERGED" if state.merged else "OPEN" if state.open else "CLOSED"
            if (
                item.is_pull == pulls
                and (states is None or word in states)
                and (earliest is None or state.updated >= earliest)
                and (not labels or any(label in state.labels for label in labels))
            ):
                found.append(item)
        keys = {
            "CREATED_AT": lambda item: item.number,
            "UPDATED_AT": lambda item: (item.at(self.now).updated, item.number),
            "COMMENTS": lambda item: (len(item.at(self.now).comments), item.number),
        }
        return ordered(found, order_by, keys)

    def issues(
        self,
        order_by: dict[str, str] | None = None,
        states: list[str] | None = None,
        filter_by: dict[str, Any] | None = None,
        labels: list[str] | None = None,
        **paging: Any,
    ) -> Connection:
        """Its issues, without pull requests."""
        self._permitted("issues")
        wanted = filter_by or {}
        found = self._items(
            False, order_by, states or wanted.get("states"), labels or wanted.get("labels"), wanted.get("since")
        )
        if wanted.get("createdBy"):
            found = [item for item in found if item.author and item.author.login == wanted["createdBy"]]
        if wanted.get("assignee"):
            found = [item for item in found if wanted["assignee"] in [who.login for who in item.at(self.now).assignees]]
        return Connection(found, lambda item: IssueNode(self.call, self, item), paging)

    def pull_requests(
        self,
        order_by: dict[str, str] | None = None,
        states: list[str] | None = None,
        labels: list[str] | None = None,
        base_ref_name: str | None = None,
        head_ref_name: str | None = None,
        **paging: Any,
    ) -> Connection:
        """Its pull requests."""
        self._permitted("pull_requests")
        found = self._items(True, order_by, states, labels, None)
        if base_ref_name not in (None, "main"):
            found = []
        if head_ref_name is not None:
            found = [item for item in found if item.branch == head_ref_name]
        return Connection(found, lambda item: PullRequestNode(self.call, self, item), paging)

    def _one(self, number: int, pulls: bool) -> Item:
        item = self.repository.item(number, self.now)
        if item is None or item.is_pull != pulls:
            kind = "PullRequest" if pulls else "Issue"
            raise Problem("NOT_FOUND", f"Could not resolve to a {kind} with the number of {number}.")
        return item

    def issue(self, number: int) -> IssueNode:
        """One issue."""
        return IssueNode(self.call, self, self._one(number, pulls=False))

    def pull_request(self, number: int) -> PullRequestNode:
        """One pull request."""
        return PullRequestNode(self.call, self, self._one(number, pulls=True))

    def collaborators(
        self, affiliation: str = "ALL", login: str | None = None, query: str | None = None, **paging: Any
    ) -> Connection:
        """Who may do what, and why; an error and null to those who may not push."""
        if not self.call.may(self.repository, "push"):
            raise Problem("FORBIDDEN", "Must have push access to view repository collaborators.", saml=False)
        access = self.repository.org.access(self.repository)
        people = {
            "ALL": access.everybody(self.now),
            "DIRECT": list(access.direct(self.now)),
            "OUTSIDE": list(access.outside(self.now)),
        }[affiliation]
        people = [
            who
            for who in sorted(people, key=lambda who: who.id)
            if (login is None or who.login == login) and (not query or query.lower() in who.login)
        ]
        return Connection(people, lambda who: AccountNode(self.call, who), paging, lambda who: held(self, who))

    def vulnerability_alerts(self, states: list[str] | None = None, **paging: Any) -> Connection:
        """Its Dependabot alerts; null and an error to those who may not push."""
        if not self.call.may(self.repository, "push") or "vulnerability_alerts" in self.call.token.without:
            raise forbidden(self.call)
        enabled = self.repository.traits.alerts_enabled and not self.repository.archived(self.now)
        found = shown_alerts(self.call, self.repository) if enabled else []
        if states:
            found = [raised for raised in found if raised.at(self.now).state.upper() in states]
        return Connection(found, lambda raised: alert_node(self.call, self, raised), paging)
