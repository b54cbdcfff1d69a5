"""Forks in the graph: repositories of which little more is known than whose they are."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v4.base import Connection, Node, ordered
from oss_datastore.simulator.v4.of_accounts import AccountNode
from oss_datastore.simulator.world.dice import iso
from oss_datastore.simulator.world.forks import Fork, forks

COUNTS: dict[str, Any] = {"total_disk_usage": 0, "total_size": 0}
EMPTY = frozenset(
    [
        "labels",
        "milestones",
        "languages",
        "releases",
        "forks",
        "stargazers",
        "watchers",
        "issues",
        "pull_requests",
        "discussions",
        "repository_topics",
        "rulesets",
        "projects_v2",
        "discussion_categories",
        "collaborators",
        "vulnerability_alerts",
        "branch_protection_rules",
        "deploy_keys",
    ]
)
"""Lists in which a fork has nothing."""
NOTHING = frozenset(
    [
        "archived_at",
        "code_of_conduct",
        "contributing_guidelines",
        "default_branch_ref",
        "description",
        "homepage_url",
        "latest_release",
        "license_info",
        "mirror_url",
        "primary_language",
        "security_policy_url",
    ]
)
OFF = frozenset(
    [
        "allow_update_branch",
        "auto_merge_allowed",
        "delete_branch_on_merge",
        "has_discussions_enabled",
        "has_issues_enabled",
        "has_projects_enabled",
        "has_sponsorships_enabled",
        "has_vulnerability_alerts_enabled",
        "has_wiki_enabled",
        "is_archived",
        "is_blank_issues_enabled",
        "is_disabled",
        "is_empty",
        "is_in_organization",
        "is_locked",
        "is_mirror",
        "is_security_policy_enabled",
        "is_template",
        "rebase_merge_allowed",
        "viewer_can_administer",
        "web_commit_signoff_required",
    ]
)


def fork_list(node: Any, order_by: dict[str, str] | None, paging: dict[str, Any]) -> Connection:
    """The forks of a repository; `node` is the repository's."""
    found = forks(node.repository, node.now)
    keys = {
        "CREATED_AT": lambda fork: (fork.created, fork.id),
        "NAME": lambda fork: fork.name,
        "PUSHED_AT": lambda fork: (fork.pushed, fork.id),
        "UPDATED_AT": lambda fork: (fork.pushed, fork.id),
        "STARGAZERS": lambda fork: (fork.stars, fork.id),
    }
    return Connection(
        ordered(found, order_by, keys),
        lambda fork: ForkNode(node, fork),
        paging,
        total_count=node.fork_count(),
        total_disk_usage=0,
    )


class ForkNode(Node):
    """A fork."""

    graphql_type = "Repository"

    def __init__(self, parent: Any, fork: Fork) -> None:
        super().__init__(parent.call, f"/{fork.full_name}")
        self._fork = fork
        private = fork.parent.traits.private
        self.id, self.database_id = node_id("R", fork.id), fork.id
        self.parent = parent
        self.name, self.name_with_owner = fork.name, fork.full_name
        self.ssh_url = f"git@github.com:{fork.full_name}.git"
        self.is_fork = self.forking_allowed = self.merge_commit_allowed = self.squash_merge_allowed = True
        self.is_private, self.visibility = private, "PRIVATE" if private else "PUBLIC"
        self.created_at, self.pushed_at, self.updated_at = iso(fork.created), iso(fork.pushed), iso(fork.pushed)
        self.disk_usage, self.fork_count, self.stargazer_count = 400, 0, fork.stars
        self.viewer_permission = "READ"
        self.funding_links: list[Any] = []
        self.issue_templates: list[Any] = []
        self.pull_request_templates: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        if name in EMPTY:
            return lambda **arguments: Connection((), lambda none: none, arguments, **COUNTS)
        if name in NOTHING:
            return None
        if name in OFF:
            return False
        raise AttributeError(name)

    def owner(self) -> AccountNode:
        """Whose it is."""
        return AccountNode(self.call, self._fork.owner)
