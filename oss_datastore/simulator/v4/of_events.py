"""Timeline events in the graph."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v3.tracker import EVENT_PREFIXES, event_id
from oss_datastore.simulator.v4.base import Node, Plain
from oss_datastore.simulator.v4.of_accounts import AccountNode, TeamNode, actor
from oss_datastore.simulator.v4.of_commits import branch_commit
from oss_datastore.simulator.v4.of_parts import label_named
from oss_datastore.simulator.world.dice import iso, parse_instant
from oss_datastore.simulator.world.items import Event, Item

TYPES = {
    "labeled": "LabeledEvent",
    "unlabeled": "UnlabeledEvent",
    "assigned": "AssignedEvent",
    "unassigned": "UnassignedEvent",
    "milestoned": "MilestonedEvent",
    "renamed": "RenamedTitleEvent",
    "closed": "ClosedEvent",
    "reopened": "ReopenedEvent",
    "merged": "MergedEvent",
    "review_requested": "ReviewRequestedEvent",
    "review_request_removed": "ReviewRequestRemovedEvent",
    "ready_for_review": "ReadyForReviewEvent",
    "convert_to_draft": "ConvertToDraftEvent",
    "head_ref_deleted": "HeadRefDeletedEvent",
    "commented": "IssueComment",
    "reviewed": "PullRequestReview",
}


def _word(kind: str) -> str:
    """The item type by which a kind of event is asked for: ReadyForReviewEvent is READY_FOR_REVIEW_EVENT."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in TYPES[kind]).lstrip("_").upper()


WORDS = {kind: _word(kind) for kind in TYPES}


def timeline(item: Item, now: int, wanted: list[str] | None, since: str | None) -> list[Event]:
    """The events up to now of the types asked for, oldest first."""
    earliest = parse_instant(since) if since else item.created
    return [
        event
        for event in item.happened(now)
        if event.kind in TYPES and event.at >= earliest and (wanted is None or WORDS[event.kind] in wanted)
    ]


def event_node(call: Call, item: Any, event: Event) -> Plain:
    """One event; `item` is the node of the issue or pull request."""
    identity = event_id(item.item, event)
    more: dict[str, Any] = {}
    match event.kind:
        case "labeled" | "unlabeled":
            more["label"] = label_named(call, item.repository, event.detail)
        case "assigned" | "unassigned":
            more["assignee"] = actor(call, event.person)
        case "milestoned":
            more["milestone_title"] = f"v1.{event.detail}"
        case "renamed":
            more |= {"previous_title": item.item.title, "current_title": event.detail}
        case "closed" | "reopened":
            more |= {"closable": item, "state_reason": event.detail.upper() or None}
        case "merged":
            more["commit"] = branch_commit(item.repository, item.item.merge_commit())
            more["merge_ref_name"] = "main"
        case "review_requested" | "review_request_removed":
            more["requested_reviewer"] = _reviewer(call, item, event)
        case "head_ref_deleted":
            more["head_ref_name"] = item.item.branch
    return Plain(
        call,
        TYPES[event.kind],
        f"{item.place}#event-{identity}",
        id=node_id(EVENT_PREFIXES[event.kind], item.item.repository.id, identity),
        actor=item.person(event.actor),
        created_at=iso(event.at),
        pull_request=item,
        **more,
    )


def _reviewer(call: Call, item: Any, event: Event) -> Node | None:
    if event.team is not None:
        return TeamNode(call, item.item.repository.org, event.team)
    return AccountNode(call, event.person) if event.person is not None else None
