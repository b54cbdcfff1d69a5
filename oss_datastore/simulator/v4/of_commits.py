"""Commits in the graph: of the default branch, of pull requests, and those that other things name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v4.base import Connection, Node, Plain, ordered
from oss_datastore.simulator.v4.of_accounts import AccountNode
from oss_datastore.simulator.world.commits import Commit, Signature, is_signature_valid
from oss_datastore.simulator.world.dice import iso, parse_instant
from oss_datastore.simulator.world.people import WEB_FLOW

Order = dict[str, str] | None


class CommitNode(Node):
    """A commit, looked up once more than its id is asked for. `repository` is the repository's node."""

    graphql_type = "Commit"

    def __init__(self, repository: Any, oid: str, find: Callable[[], Commit]) -> None:
        super().__init__(repository.call, f"{repository.place}/commit/{oid}")
        self.repository, self.oid, self._find = repository, oid, find
        self.id = f"C_{oid}"
        self.abbreviated_oid = oid[:7]
        self.commit_resource_path = self.place
        self.commit_url = self.url()
        self.pushed_date = None

    @cached_property
    def facts(self) -> Commit:
        """What the world knows of it."""
        return self._find()

    def committed_date(self) -> str:
        """When it was committed."""
        return iso(self.facts.committer.at)

    def authored_date(self) -> str:
        """When it was written."""
        return iso(self.facts.author.at)

    def message(self) -> str:
        """What it says."""
        return self.facts.message

    def message_headline(self) -> str:
        """The first line."""
        return self.facts.headline

    def message_body(self) -> str:
        """What follows the first line."""
        return self.facts.message.partition("\n")[2].strip()

    def additions(self) -> int:
        """Lines added."""
        return self.facts.additions

    def deletions(self) -> int:
        """Lines taken away."""
        return self.facts.deletions

    def changed_files(self) -> int:
        """Files touched."""
        return self.facts.files

    def changed_files_if_available(self) -> int:
        """Files touched."""
        return self.facts.files

    def author(self) -> Plain:
        """Who wrote it."""
        return self._actor(self.facts.author)

    def committer(self) -> Plain:
        """Who committed it."""
        return self._actor(self.facts.committer)

    def authored_by_committer(self) -> bool:
        """Whether one person did both."""
        return self.facts.author.email == self.facts.committer.email

    def committed_via_web(self) -> bool:
        """Whether GitHub itself committed it."""
        return self.facts.committer.account is WEB_FLOW

    def _actor(self, signature: Signature) -> Plain:
        who = signature.account
        # Nobody is named where the e-mail belongs to no account, nor where it belongs to an app's.
        hidden = (
            who is None
            or who.is_bot
            or self.call.holds_at("ghost_authors", self.repository.repository, "commits", self.oid)
        )
        return Plain(
            self.call,
            "GitActor",
            name=signature.name,
            email=signature.email,
            date=iso(signature.at),
            user=None if hidden or who is None else AccountNode(self.call, who),
        )

    def signature(self) -> Plain | None:
        """Its signature, if it has one."""
        facts, github = self.facts, self.committed_via_web()
        valid = is_signature_valid(facts)
        if valid is None:
            return None
        who = None if github else facts.committer.account
        return Plain(
            self.call,
            "GpgSignature",
            email=facts.committer.email,
            is_valid=valid,
            key_id="B5690EEEBB952194" if github else None,
            signer=AccountNode(self.call, who) if who is not None and not who.is_bot else None,
            state="VALID" if valid else "EXPIRED_KEY",
            was_signed_by_git_hub=github,
        )

    def parents(self, **paging: Any) -> Connection:
        """The commit before it."""
        repository = self.repository
        found = [self.facts.parent] if self.facts.parent else []
        return Connection(found, lambda oid: branch_commit(repository, oid), paging)

    def history(self, since: str | None = None, until: str | None = None, **paging: Any) -> Connection:
        """It and those before it on the default branch, by the dates at which they were committed."""
        commits = self.repository.repository.commits(self.now)
        place = next((place for place, each in enumerate(commits) if each.sha == self.oid), None)
        found = [self.facts] if place is None else commits[place:]
        earliest = parse_instant(since) if since and not self.call.strikes("since_ignored") else None
        latest = parse_instant(until) if until else None
        found = [
            each
            for each in found
            if (earliest is None or each.committer.at >= earliest) and (latest is None or each.committer.at <= latest)
        ]
        return commit_list(self.repository, found, paging)

    def associated_pull_requests(self, order_by: Order = None, **paging: Any) -> Connection:
        """The pull request it merged."""
        from oss_datastore.simulator.v4.of_items import PullRequestNode

        repository, number = self.repository, self.facts.pull
        item = repository.repository.item(number, self.now) if number else None
        found = ordered([item] if item else [], None, {})
        return Connection(found, lambda each: PullRequestNode(self.call, repository, each), paging)


def known_commit(repository: Any, commit: Commit) -> CommitNode:
    """The node of a commit at hand."""
    return CommitNode(repository, commit.sha, lambda: commit)


def branch_commit(repository: Any, oid: str) -> CommitNode:
    """The node of a commit of the default branch, by its id."""

    def find() -> Commit:
        commits: list[Commit] = repository.repository.commits(repository.now)
        return next(each for each in commits if each.sha == oid)

    return CommitNode(repository, oid, find)


def commit_list(repository: Any, commits: list[Commit], paging: dict[str, Any]) -> Connection:
    """A connection of commits at hand."""
    return Connection(commits, lambda commit: known_commit(repository, commit), paging)


def branch_node(repository: Any, head: str) -> Plain:
    """The default branch."""
    return Plain(
        repository.call,
        "Ref",
        id=node_id("REF", repository.repository.id),
        name="main",
        prefix="refs/heads/",
        target=branch_commit(repository, head),
        repository=repository,
    )
