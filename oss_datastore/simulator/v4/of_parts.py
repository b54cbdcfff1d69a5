"""Commits, labels and milestones in the graph. `repository` is the repository's node."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v3.tracker import label
from oss_datastore.simulator.v4.base import Plain
from oss_datastore.simulator.v4.of_accounts import actor
from oss_datastore.simulator.world import milestones
from oss_datastore.simulator.world.dice import iso, maybe_iso


def commit_node(call: Call, repository: Any, oid: str, moment: int) -> Plain:
    """A commit."""
    place = f"{repository.place}/commit/{oid}"
    node = Plain(
        call,
        "Commit",
        place,
        id=f"C_{oid}",
        oid=oid,
        abbreviated_oid=oid[:7],
        committed_date=iso(moment),
        authored_date=iso(moment),
        pushed_date=None,
        message="Change what was asked for",
        message_headline="Change what was asked for",
        repository=repository,
        commit_resource_path=place,
    )
    node.__dict__["commit_url"] = node.url()
    return node


def label_node(call: Call, repository: Any, name: str) -> Plain:
    """A label."""
    facts = label(call, repository.repository, name)
    return Plain(
        call,
        "Label",
        f"{repository.place}/labels/{name.replace(' ', '%20')}",
        id=facts["node_id"],
        name=name,
        color=facts["color"],
        description=facts["description"],
        is_default=facts["default"],
        created_at=iso(repository.repository.created),
        updated_at=iso(repository.repository.created),
        repository=repository,
    )


def milestone_node(call: Call, repository: Any, number: int) -> Any:
    """A milestone."""
    facts = milestones.milestone(repository.repository, number, call.now)
    inside = facts.open_items + facts.closed_items
    return Plain(
        call,
        "Milestone",
        f"{repository.place}/milestone/{number}",
        id=node_id("MI", repository.repository.id, facts.id),
        number=number,
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
    )
