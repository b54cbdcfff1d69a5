"""Repositories in the graph, with what hangs on them: labels, releases, collaborators, alerts."""

from __future__ import annotations

from typing import Any, Self

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v3.of_security import shown_alerts
from oss_datastore.simulator.v4 import of_rules, of_shelf
from oss_datastore.simulator.v4.base import Connection, Node, Plain, Problem, ordered
from oss_datastore.simulator.v4.of_access import held
from oss_datastore.simulator.v4.of_accounts import PERMISSION, AccountNode, OrganizationNode, forbidden
from oss_datastore.simulator.v4.of_alerts import alert_node
from oss_datastore.simulator.v4.of_commits import branch_node
from oss_datastore.simulator.v4.of_forks import fork_list
from oss_datastore.simulator.v4.of_items import IssueNode, PullRequestNode
from oss_datastore.simulator.v4.of_parts import label_node, milestone_node, word_of
from oss_datastore.simulator.v4.of_projects import project_list
from oss_datastore.simulator.world.dice import DAY, day_of, iso, parse_instant
from oss_datastore.simulator.world.discussions import CATEGORIES, discussions
from oss_datastore.simulator.world.items import Item
from oss_datastore.simulator.world.labels import labels
from oss_datastore.simulator.world.milestones import milestones
from oss_datastore.simulator.world.projects import projects
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
    def or_error(cls, call: Call, repository: Repository) -> Self | Problem | None:
        """The node, or in its place what a fault was declared for: an error, or nothing."""
        if call.faults.declared:
            path = f"/repos/{repository.full_name(call.now)}"
            if call.faults.strike(("graphql_node_error",), (path,), path, day_of(call.now)):
                return Problem("SERVICE_UNAVAILABLE", "Something went wrong while resolving this repository.")
            if call.holds("graphql_null_nodes", repository):
                return None
            if call.holds("graphql_forbidden", repository):
                message = "Resource protected by organization SAML enforcement. You must grant your token access."
                return Problem("FORBIDDEN", message, saml=True)
            if call.holds("deleted", repository):
                message = f"Could not resolve to a Repository with the name '{repository.full_name(call.now)}'."
                return Problem("NOT_FOUND", message)
        return cls(call, repository)

    @classmethod
    def or_raise(cls, call: Call, repository: Repository) -> Self | None:
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
            "is_empty": self.is_bare(),
            "is_in_organization": True,
            **dict.fromkeys(("is_fork", "is_disabled", "is_template", "is_mirror", "is_locked"), False),
            "created_at": iso(repository.created),
            "updated_at": iso(repository.changed(now)),
            "pushed_at": iso(repository.pushed(now)),
            "archived_at": iso(traits.archived) if archived else None,
            "disk_usage": repository.size(now),
            "parent": None,
            "has_issues_enabled": not self.call.holds("issues_disabled", repository),
            "has_projects_enabled": True,
            "has_wiki_enabled": repository.number % 2 == 0,
            "has_discussions_enabled": repository.has_discussions,
            "has_vulnerability_alerts_enabled": self._alerts_enabled(),
            "has_sponsorships_enabled": False,
            "is_blank_issues_enabled": True,
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

    def is_bare(self) -> bool:
        """Whether there is no commit."""
        return self.call.empty(self.repository)

    def _count(self, kind: str) -> int:
        stale = self.call.holds("counts_stale", self.repository)
        return self.repository.growth.total(kind, self.now - DAY if stale else self.now)

    def stargazer_count(self) -> int:
        """How many stars."""
        return self._count("stars")

    def fork_count(self) -> int:
        """How many forks."""
        return self._count("forks")

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
        head = None if self.is_bare() else self.repository.head(self.now)
        return None if head is None else branch_node(self, head)

    def _crowd(self, kind: str, newest: bool, paging: dict[str, Any]) -> Connection:
        # Who they are is told to administrators and collaborators alone since 2026; how many, to everybody.
        call, repository = self.call, self.repository
        told = call.may(repository, "push") and "contents" not in call.token.without
        if any(call.holds(fault, repository) for fault in ("star_list_hidden", "star_list_forbidden")):
            told = False
        people = repository.crowd(kind).at(self.now) if told else []
        return Connection(
            people[::-1] if newest else people,
            lambda entry: AccountNode(call, entry.who),
            paging,
            lambda entry: {"starred_at": iso(entry.since)},
            total_count=self._count(kind),
        )

    def watchers(self, **paging: Any) -> Connection:
        """Who watches."""
        return self._crowd("watchers", False, paging)

    def stargazers(self, order_by: dict[str, str] | None = None, **paging: Any) -> Connection:
        """Who has starred it."""
        return self._crowd("stars", order_by is not None and order_by["direction"] == "DESC", paging)

    def forks(self, order_by: dict[str, str] | None = None, **paging: Any) -> Connection:
        """Its forks."""
        return fork_list(self, order_by, paging)

    def branch_protection_rules(self, **paging: Any) -> Connection:
        """What guards its branches."""
        return of_rules.protection_list(self, paging)

    def rulesets(self, include_parents: bool = True, **paging: Any) -> Connection:
        """What guards its branches and tags, in the newer way."""
        return of_rules.ruleset_list(self, include_parents, paging)

    def deploy_keys(self, **paging: Any) -> Connection:
        """Which machines may reach it."""
        return of_rules.key_list(self, paging)

    def projects_v2(self, order_by: dict[str, str] | None = None, **paging: Any) -> Connection:
        """The organisation's projects to which it is linked."""
        insider = self.call.token.role != "outsider"
        found = [
            project
            for project in projects(self.repository.org, self.now)
            if self.repository in project.repositories and (project.public or insider)
        ]
        return project_list(self.owner(), found, order_by, paging)

    def funding_links(self) -> list[Plain]:
        """Where one may give money for it."""
        if self.repository.number % 4 != 1:
            return []
        link = Plain(self.call, "FundingLink", platform="GITHUB")
        link.__dict__["url"] = f"https://github.com/sponsors/{self.repository.org.login}"
        return [link]

    def issue_templates(self) -> list[Plain]:
        """What an issue should tell."""
        names = ("bug.md", "idea.md") if self.repository.number % 3 == 0 and not self.is_bare() else ()
        return [
            Plain(self.call, "IssueTemplate", filename=name, name=name[:-3], title=None, about="Tell us")
            for name in names
        ]

    def pull_request_templates(self) -> list[Plain]:
        """What a pull request should tell."""
        some = self.repository.number % 2 == 0 and not self.is_bare()
        return [Plain(self.call, "PullRequestTemplate", filename="PULL_REQUEST_TEMPLATE.md")] if some else []

    def latest_release(self) -> Plain | None:
        """The newest release that is published and no candidate."""
        found = of_shelf.latest_release(self)
        return of_shelf.release_node(self, found) if found else None

    def release(self, tag_name: str) -> Plain | None:
        """One release by tag."""
        return next((node for node in self.releases(first=100).nodes() if node.tag_name == tag_name), None)

    def discussion_categories(self, filter_by_assignable: bool = False, **paging: Any) -> Connection:
        """The rooms for discussions."""
        many = len(CATEGORIES) if self.repository.has_discussions else 0
        return Connection(range(many), lambda index: of_shelf.category_node(self, index), paging)

    def discussion(self, number: int) -> Plain:
        """One discussion."""
        for each in discussions(self.repository, self.now):
            if each.number == number:
                return of_shelf.discussion_node(self, each)
        raise Problem("NOT_FOUND", f"Could not resolve to a Discussion with the number of {number}.")

    def label(self, name: str) -> Plain | None:
        """One label by name."""
        found = (label for label in labels(self.repository, self.now) if label.name.lower() == name.lower())
        return next((label_node(self.call, self, label) for label in found), None)

    def milestone(self, number: int) -> Plain | None:
        """One milestone by number."""
        found = (each for each in milestones(self.repository, self.now) if each.number == number)
        return next((milestone_node(self.call, self, each) for each in found), None)

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
        found = [label for label in labels(self.repository, self.now) if not query or query.lower() in label.name]
        found = ordered(
            found, order_by, {"NAME": lambda label: label.name, "CREATED_AT": lambda label: (label.created, label.id)}
        )
        return Connection(found, lambda label: label_node(self.call, self, label), paging)

    def milestones(
        self, order_by: dict[str, str] | None = None, states: list[str] | None = None, **paging: Any
    ) -> Connection:
        """Its milestones."""
        found = [
            each
            for each in milestones(self.repository, self.now)
            if states is None or ("CLOSED" if each.closed else "OPEN") in states
        ]
        keys = {
            "NUMBER": lambda each: each.number,
            "CREATED_AT": lambda each: (each.created, each.number),
            "DUE_DATE": lambda each: each.due,
            "UPDATED_AT": lambda each: (each.updated, each.number),
        }
        return Connection(ordered(found, order_by, keys), lambda each: milestone_node(self.call, self, each), paging)

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
        if self.call.holds("pull_requests_disabled" if pulls else "issues_disabled", self.repository):
            return []
        earliest = parse_instant(since) if since and not self.call.strikes("since_ignored") else None
        found = []
        for item in self.call.items(self.repository):
            state, word = item.at(self.now), word_of(item, self.now)
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
        if item is None or item.is_pull != pulls or self.call.gone(item):
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

    def _alerts_enabled(self) -> bool:
        repository = self.repository
        disabled = repository.archived(self.now) or self.call.holds("dependabot_disabled", repository)
        return repository.traits.alerts_enabled and not disabled

    def vulnerability_alerts(self, states: list[str] | None = None, **paging: Any) -> Connection:
        """Its Dependabot alerts; null and an error to those who may not push."""
        if not self.call.may(self.repository, "push") or "vulnerability_alerts" in self.call.token.without:
            raise forbidden(self.call)
        found = shown_alerts(self.call, self.repository) if self._alerts_enabled() else []
        if states:
            found = [raised for raised in found if raised.at(self.now).state.upper() in states]
        return Connection(found, lambda raised: alert_node(self.call, self, raised), paging)
