"""Labels and milestones in the graph. `repository` is the repository's node."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v4.base import Connection, Plain
from oss_datastore.simulator.v4.of_accounts import actor
from oss_datastore.simulator.world import milestones
from oss_datastore.simulator.world.dice import iso, maybe_iso
from oss_datastore.simulator.world.items import Item
from oss_datastore.simulator.world.labels import Label, labels
from oss_datastore.simulator.world.milestones import Milestone


def label_named(call: Call, repository: Any, name: str) -> Plain:
    """The label of this name."""
    found = next(label for label in labels(repository.repository, call.now) if label.name == name)
    return label_node(call, repository, found)


def label_node(call: Call, repository: Any, label: Label) -> Plain:
    """A label."""
    return Plain(
        call,
        "Label",
        f"{repository.place}/labels/{label.name.replace(' ', '%20')}",
        id=node_id("LA", repository.repository.id, label.id),
        name=label.name,
        color=label.color,
        description=label.description,
        is_default=label.is_default,
        created_at=iso(label.created),
        updated_at=iso(label.updated),
        repository=repository,
    )


def milestone_numbered(call: Call, repository: Any, number: int) -> Plain:
    """The milestone of this number."""
    return milestone_node(call, repository, milestones.milestone(repository.repository, number, call.now))


def milestone_node(call: Call, repository: Any, facts: Milestone) -> Plain:
    """A milestone."""
    inside = facts.open_items + facts.closed_items

    def lying(pulls: bool) -> list[Item]:
        items = repository.repository.items(call.now)
        return [item for item in items if item.is_pull == pulls and item.at(call.now).milestone == facts.number]

    def issues(states: list[str] | None = None, **more: Any) -> Connection:
        from oss_datastore.simulator.v4.of_items import IssueNode

        found = [item for item in lying(False) if states is None or word_of(item, call.now) in states]
        return Connection(found, lambda item: IssueNode(call, repository, item), more)

    def pull_requests(states: list[str] | None = None, **more: Any) -> Connection:
        from oss_datastore.simulator.v4.of_items import PullRequestNode

        found = [item for item in lying(True) if states is None or word_of(item, call.now) in states]
        return Connection(found, lambda item: PullRequestNode(call, repository, item), more)

    return Plain(
        call,
        "Milestone",
        f"{repository.place}/milestone/{facts.number}",
        id=node_id("MI", repository.repository.id, facts.id),
        number=facts.number,
        title=facts.title,
        description=facts.description,
        state="CLOSED" if facts.closed else "OPEN",
        closed=facts.closed is not None,
        closed_at=maybe_iso(facts.closed),
        created_at=iso(facts.created),
        updated_at=iso(facts.updated),
        due_on=iso(facts.due),
        creator=actor(call, facts.creator),
        progress_percentage=100.0 * facts.closed_items / inside if inside else 0.0,
        repository=repository,
        issues=issues,
        pull_requests=pull_requests,
    )


def word_of(item: Item, instant: int) -> str:
    """An item's state at an instant, in GraphQL's words."""
    state = item.at(instant)
    return "MERGED" if state.merged else "OPEN" if state.open else "CLOSED"
