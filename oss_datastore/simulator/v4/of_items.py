"""Issues and pull requests in the graph, with comments, labels and milestones. Events belong to `of_events`."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v3.tracker import association, comment_id, item_node
from oss_datastore.simulator.v4.base import FITS_INT, Connection, Node, Plain, ordered
from oss_datastore.simulator.v4.of_accounts import AccountNode, TeamNode, actor
from oss_datastore.simulator.v4.of_commits import CommitNode, branch_commit, known_commit
from oss_datastore.simulator.v4.of_events import event_node, timeline
from oss_datastore.simulator.v4.of_parts import label_named, milestone_numbered
from oss_datastore.simulator.v4.of_reviews import review_node, thread_node
from oss_datastore.simulator.world.commits import Commit, pull_commits
from oss_datastore.simulator.world.dice import iso, maybe_iso, sha
from oss_datastore.simulator.world.items import Event, Item
from oss_datastore.simulator.world.people import Person
from oss_datastore.simulator.world.teams import Team


def comment_node(call: Call, item: ItemNode, event: Event) -> Plain:
    """A comment."""
    identity = comment_id(item.item, event)
    return Plain(
        call,
        "IssueComment",
        f"{item.place}#issuecomment-{identity}",
        id=node_id("IC", item.item.repository.id, identity),
        database_id=identity if identity <= FITS_INT else None,
        full_database_id=str(identity),
        body=event.detail,
        body_text=event.detail,
        author=item.person(event.actor),
        author_association=association(item.item, event.actor, call.now),
        created_at=iso(event.at),
        published_at=iso(event.at),
        updated_at=iso(event.at),
        issue=item,
        pull_request=item if item.item.is_pull else None,
        repository=item.repository,
        is_minimized=False,
    )


class ItemNode(Node):
    """What issues and pull requests share."""

    def __init__(self, call: Call, repository: Any, item: Item, *, only_named: bool = False) -> None:
        kind = "pull" if item.is_pull else "issues"
        super().__init__(call, f"{repository.place}/{kind}/{item.number}")
        self.item, self.repository = item, repository
        self.facts = state = item.at(call.now)
        identity = item.pull_id if item.is_pull else item.issue_id
        # A fault spoils the item in lists of its own; where another names it, it has its number.
        spoiled = not only_named and call.spoiled(item.repository, "issues", item.number)
        self.id = item_node(item)
        self.full_database_id = None if spoiled else str(identity)
        # Ids have outgrown this field's 32 bits.
        self.database_id = identity if identity <= FITS_INT and not spoiled else None
        self.number, self.title = item.number, state.title
        self.body = self.body_text = item.body or ""
        self.closed, self.closed_at = not state.open, maybe_iso(state.closed)
        self.created_at = self.published_at = iso(item.created)
        self.updated_at = iso(state.updated)
        self.locked = False

    def person(self, who: Person | None) -> AccountNode | None:
        """Somebody who took part; None where the account is gone."""
        ghost = self.call.holds_at("ghost_authors", self.item.repository, "issues", self.item.number)
        return None if ghost else actor(self.call, who)

    def author(self) -> AccountNode | None:
        """Who opened it."""
        return self.person(self.item.author)

    def author_association(self) -> str:
        """What the author is to the repository."""
        return association(self.item, self.item.author, self.now)

    def _people(self, people: list[Person], paging: dict[str, Any]) -> Connection:
        return Connection(people, lambda who: AccountNode(self.call, who), paging)

    def assignees(self, **paging: Any) -> Connection:
        """Who shall do it."""
        return self._people(self.facts.assignees, paging)

    def participants(self, **paging: Any) -> Connection:
        """Who has written."""
        writers = [self.item.author, *(event.actor for event in self.facts.comments)]
        return self._people(list(dict.fromkeys(who for who in writers if who and not who.is_bot)), paging)

    def labels(self, order_by: dict[str, str] | None = None, **paging: Any) -> Connection:
        """Its labels."""
        keys = {"NAME": lambda name: name, "CREATED_AT": lambda name: 0}
        names = ordered(self.facts.labels, order_by, keys)
        return Connection(names, lambda name: label_named(self.call, self.repository, name), paging)

    def milestone(self) -> Any:
        """Its milestone."""
        number = self.facts.milestone
        return None if number is None else milestone_numbered(self.call, self.repository, number)

    def comments(self, order_by: dict[str, str] | None = None, **paging: Any) -> Connection:
        """Its comments."""
        found = ordered(self.facts.comments, order_by, {"UPDATED_AT": lambda event: event.at})
        return Connection(found, lambda event: comment_node(self.call, self, event), paging)

    def timeline_items(
        self,
        item_types: list[str] | None = None,
        since: str | None = None,
        skip: int = 0,
        **paging: Any,
    ) -> Connection:
        """What happened to it."""
        entries = timeline(self.item, self.now, item_types, since)[skip:]
        return Connection(
            entries,
            lambda event: self._happened(event),
            paging,
            filtered_count=len(entries),
            page_count=len(entries),
            updated_at=self.updated_at,
        )

    def _happened(self, event: Event) -> Plain:
        match event.kind:
            case "commented":
                return comment_node(self.call, self, event)
            case "reviewed":
                return review_node(self.call, self, event)
        return event_node(self.call, self, event)


class IssueNode(ItemNode):
    """An issue."""

    graphql_type = "Issue"

    def state(self) -> str:
        """Open or closed."""
        return "OPEN" if self.facts.open else "CLOSED"

    def state_reason(self) -> str | None:
        """Why it is closed, or that it was opened again."""
        return self.facts.reason.upper() if self.facts.reason else None


class PullRequestNode(ItemNode):
    """A pull request."""

    graphql_type = "PullRequest"

    def __init__(self, call: Call, repository: Any, item: Item) -> None:
        super().__init__(call, repository, item)
        state = self.facts
        self.permalink = self.url()
        self.is_draft, self.merged, self.merged_at = state.draft, state.merged is not None, maybe_iso(state.merged)
        self.additions, self.deletions = item.size, item.size // 3
        self.changed_files = 1 + item.size // 40
        self.base_ref_name, self.head_ref_name = "main", item.branch
        self.head_ref_oid = item.head(state.pushes)
        self.base_ref_oid = sha(item.repository.seed, item.repository.key, item.created)
        self.base_repository = self.head_repository = repository
        self.is_cross_repository = False
        self.total_comments_count = len(state.comments) + len(state.threads)

    def state(self) -> str:
        """Open, closed or merged."""
        return "MERGED" if self.facts.merged else "OPEN" if self.facts.open else "CLOSED"

    def merged_by(self) -> AccountNode | None:
        """Who merged it."""
        return actor(self.call, self.facts.closed_by) if self.facts.merged else None

    def merge_commit(self) -> CommitNode | None:
        """The commit that merged it."""
        if self.facts.merged is None:
            return None
        return branch_commit(self.repository, self.item.merge_commit())

    def pushed(self, number: int) -> CommitNode:
        """The last commit of its branch after this many pushes."""
        return CommitNode(
            self.repository, self.item.head(number), lambda: pull_commits(self.item, self.now)[number - 1]
        )

    def mergeable(self) -> str:
        """Whether it could be merged: not known yet for two minutes after each change."""
        return "MERGEABLE" if self.facts.open and self.now - self.facts.updated >= 120 else "UNKNOWN"

    def _latest(self) -> list[Event]:
        return list({event.actor: event for event in self.facts.reviews}.values())

    def review_decision(self) -> str | None:
        """What the reviews say together."""
        verdicts = {event.detail for event in self._latest()}
        if "CHANGES_REQUESTED" in verdicts:
            return "CHANGES_REQUESTED"
        if "APPROVED" in verdicts:
            return "APPROVED"
        return "REVIEW_REQUIRED" if self.facts.open else None

    def review_requests(self, **paging: Any) -> Connection:
        """Who was asked and has not answered."""
        asked: list[Person | Team] = [*self.facts.asked, *self.facts.asked_teams] if self.facts.open else []
        return Connection(asked, self._asked, paging)

    def _asked(self, who: Person | Team) -> Plain:
        org = self.item.repository.org
        reviewer: Node = TeamNode(self.call, org, who) if isinstance(who, Team) else AccountNode(self.call, who)
        identity = self.item.number * 1_000 + who.id % 1_000
        return Plain(
            self.call,
            "ReviewRequest",
            id=node_id("RR", self.item.repository.id, identity),
            database_id=identity,
            as_code_owner=False,
            requested_reviewer=reviewer,
            pull_request=self,
        )

    def _reviews(self, events: list[Event], paging: dict[str, Any]) -> Connection:
        return Connection(events, lambda event: review_node(self.call, self, event), paging)

    def reviews(self, author: str | None = None, states: list[str] | None = None, **paging: Any) -> Connection:
        """Its reviews, oldest first."""
        found = [
            event
            for event in self.facts.reviews
            if (states is None or event.detail in states)
            and (author is None or (event.actor is not None and event.actor.login == author))
        ]
        return self._reviews(found, paging)

    def latest_reviews(self, **paging: Any) -> Connection:
        """The last review of each reviewer who is not asked again."""
        return self._reviews([event for event in self._latest() if event.actor not in self.facts.asked], paging)

    def latest_opinionated_reviews(self, writers_only: bool = False, **paging: Any) -> Connection:
        """The last approval or objection of each reviewer."""
        found = {event.actor: event for event in self.facts.reviews if event.detail != "COMMENTED"}
        return self._reviews(list(found.values()), paging)

    def review_threads(self, **paging: Any) -> Connection:
        """Conversations on lines of code."""
        threads = list(self.facts.threads.values())
        return Connection(threads, lambda thread: thread_node(self.call, self, thread), paging)

    def commits(self, **paging: Any) -> Connection:
        """Its commits, one for each push."""
        return Connection(pull_commits(self.item, self.now), self._commit, paging)

    def _commit(self, commit: Commit) -> Plain:
        return Plain(
            self.call,
            "PullRequestCommit",
            f"{self.place}/commits/{commit.sha}",
            id=f"PURC_{commit.sha}",
            commit=known_commit(self.repository, commit),
            pull_request=self,
        )

    def closing_issues_references(
        self, order_by: dict[str, str] | None = None, user_linked_only: bool = False, **paging: Any
    ) -> Connection:
        """The issue it closes."""
        closes = self.item.closes
        found = self.item.repository.item(closes, self.now) if closes else None
        issues = [found] if found is not None and not found.is_pull else []
        return Connection(issues, lambda item: IssueNode(self.call, self.repository, item, only_named=True), paging)
