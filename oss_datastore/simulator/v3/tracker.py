"""How issues, comments and their events look in REST (2022-11-28)."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.accounts import repository_simple, team_full, user
from oss_datastore.simulator.v3.call import HTML, Call, Json
from oss_datastore.simulator.world import milestones
from oss_datastore.simulator.world.dice import ANCHOR, iso, maybe_iso
from oss_datastore.simulator.world.items import Event, Item, State
from oss_datastore.simulator.world.names import LABELS
from oss_datastore.simulator.world.people import Person
from oss_datastore.simulator.world.repositories import Repository


def association(item: Item, who: Person | None, now: int) -> str:
    """What a person is to the repository."""
    if who is None or who.is_bot:
        return "NONE"
    if who in item.repository.org.members(now):
        return "MEMBER"
    return "COLLABORATOR" if who in item.repository.org.access(item.repository).direct(now) else "CONTRIBUTOR"


def label(call: Call, repository: Repository, name: str) -> Json:
    """A label."""
    number = next(index for index, entry in enumerate(LABELS) if entry[0] == name)
    identity = 5_000_000_000 + repository.serial * 100 + number
    return {
        "id": identity,
        "node_id": node_id("LA", repository.id, identity),
        "url": f"{call.base}/repos/{repository.full_name(call.now)}/labels/{name.replace(' ', '%20')}",
        "name": name,
        "color": LABELS[number][1],
        "default": number < 7,
        "description": LABELS[number][2],
        "archived_at": None,
        "archived_by": None,
    }


def milestone(call: Call, repository: Repository, number: int | None) -> Json | None:
    """A milestone: the quarter in which something should be done."""
    if number is None:
        return None
    facts = milestones.milestone(repository, number, call.now)
    url = f"{call.base}/repos/{repository.full_name(call.now)}/milestones/{number}"
    return {
        "url": url,
        "html_url": f"{HTML}/{repository.full_name(call.now)}/milestone/{number}",
        "labels_url": f"{url}/labels",
        "id": facts.id,
        "node_id": node_id("MI", repository.id, facts.id),
        "number": number,
        "title": facts.title,
        "description": facts.description,
        "creator": user(call, facts.creator),
        "open_issues": facts.open_items,
        "closed_issues": facts.closed_items,
        "state": "closed" if facts.closed else "open",
        "created_at": iso(facts.created),
        "updated_at": iso(facts.updated),
        "due_on": iso(facts.due),
        "closed_at": maybe_iso(facts.closed),
    }


def reactions(url: str) -> Json:
    """Nobody reacts here."""
    kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(kinds, 0)}


def integration(call: Call, item: Item, who: Person | None) -> Json | None:
    """The app behind a bot's words."""
    if who is None or not who.is_bot:
        return None
    slug = who.login.removesuffix("[bot]")
    return {
        "id": who.id % 1_000_000,
        "slug": slug,
        "node_id": node_id("A", who.id % 1_000_000),
        "owner": repository_simple(call, item.repository)["owner"],
        "name": slug,
        "description": "",
        "external_url": f"https://{slug}.example",
        "html_url": f"{HTML}/apps/{slug}",
        "created_at": iso(ANCHOR),
        "updated_at": iso(ANCHOR),
        "permissions": {"issues": "write", "metadata": "read"},
        "events": ["issues"],
    }


def identity_of(call: Call, item: Item, identity: int) -> int | None:
    """The id to show: none where a malformed item was asked for."""
    return None if call.spoiled(item.repository, "issues", item.number) else identity


def shared(call: Call, item: Item, state: State) -> Json:
    """What issues and pull requests show alike."""
    return {
        "number": item.number,
        "title": state.title,
        "user": user(call, call.author(item, item.author)),
        "labels": [label(call, item.repository, name) for name in state.labels],
        "state": "open" if state.open else "closed",
        "locked": False,
        "assignee": user(call, state.assignees[0]) if state.assignees else None,
        "assignees": [user(call, who) for who in state.assignees],
        "milestone": milestone(call, item.repository, state.milestone),
        "created_at": iso(item.created),
        "updated_at": iso(state.updated),
        "closed_at": maybe_iso(state.closed),
        "author_association": association(item, item.author, call.now),
        "active_lock_reason": None,
        "body": item.body,
    }


def issue(call: Call, item: Item) -> Json:
    """An issue, or a pull request in its role as one."""
    state = item.at(call.now)
    full_name = item.repository.full_name(call.now)
    repo, page = f"{call.base}/repos/{full_name}", f"{HTML}/{full_name}"
    url = f"{repo}/issues/{item.number}"
    found: dict[str, Any] = {
        "url": url,
        "repository_url": repo,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{page}/{'pull' if item.is_pull else 'issues'}/{item.number}",
        "id": identity_of(call, item, item.issue_id),
        "node_id": item_node(item),
        **shared(call, item, state),
        "comments": len(state.comments),
        "reactions": reactions(url),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": None if item.is_pull else state.reason,
    }
    if not item.is_pull:
        return found
    found["draft"] = state.draft
    # 2026-03-10 no longer allows a null here, so the key is left out until there is a merge.
    found["pull_request"] = {
        "url": f"{repo}/pulls/{item.number}",
        "html_url": f"{page}/pull/{item.number}",
        "diff_url": f"{page}/pull/{item.number}.diff",
        "patch_url": f"{page}/pull/{item.number}.patch",
        "merged_at": maybe_iso(state.merged),
    }
    return found


def item_node(item: Item) -> str:
    """The global id of an issue or pull request."""
    if item.is_pull:
        return node_id("PR", item.repository.id, item.pull_id)
    return node_id("I", item.repository.id, item.issue_id)


def comment_id(item: Item, event: Event) -> int:
    """The id of a comment."""
    return 3_100_000_000 + item.unique(event.at)


def comment(call: Call, entry: tuple[Item, Event]) -> Json:
    """A comment on an issue or pull request."""
    item, event = entry
    identity = comment_id(item, event)
    full_name = item.repository.full_name(call.now)
    url = f"{call.base}/repos/{full_name}/issues/comments/{identity}"
    kind = "pull" if item.is_pull else "issues"
    return {
        "url": url,
        "html_url": f"{HTML}/{full_name}/{kind}/{item.number}#issuecomment-{identity}",
        "issue_url": f"{call.base}/repos/{full_name}/issues/{item.number}",
        "id": identity,
        "node_id": node_id("IC", item.repository.id, identity),
        "user": user(call, call.author(item, event.actor)),
        "created_at": iso(event.at),
        "updated_at": iso(event.at),
        "body": event.detail,
        "author_association": association(item, event.actor, call.now),
        "reactions": reactions(url),
        "performed_via_github_app": integration(call, item, event.actor),
    }


EVENT_PREFIXES = {
    "labeled": "LE",
    "unlabeled": "UNLE",
    "assigned": "AE",
    "unassigned": "UNAE",
    "milestoned": "MIE",
    "renamed": "RTE",
    "closed": "CE",
    "reopened": "REE",
    "merged": "ME",
    "review_requested": "RRE",
    "review_request_removed": "RRRE",
    "ready_for_review": "RFRE",
    "convert_to_draft": "CTDE",
    "head_ref_deleted": "HRDE",
}


def event_id(item: Item, event: Event) -> int:
    """The id of an event; later events have larger ones."""
    return 15_000_000_000 + item.unique(event.at)


def issue_event(call: Call, entry: tuple[Item, Event]) -> Json:
    """An event of an issue or pull request, with the issue in it."""
    item, event = entry
    identity = event_id(item, event)
    repository = item.repository
    url = f"{call.base}/repos/{repository.full_name(call.now)}"
    merged = event.kind == "merged"
    found: dict[str, Any] = {
        "id": identity,
        "node_id": node_id(EVENT_PREFIXES[event.kind], repository.id, identity),
        "url": f"{url}/issues/events/{identity}",
        "actor": user(call, event.actor),
        "event": event.kind,
        "commit_id": item.merge_commit() if merged else None,
        "commit_url": f"{url}/commits/{item.merge_commit()}" if merged else None,
        "created_at": iso(event.at),
        "issue": issue(call, item),
        "performed_via_github_app": None,
    }
    match event.kind:
        case "labeled" | "unlabeled":
            color = next(entry[1] for entry in LABELS if entry[0] == event.detail)
            found["label"] = {"name": event.detail, "color": color}
        case "assigned" | "unassigned":
            found["assignee"], found["assigner"] = user(call, event.person), user(call, event.actor)
        case "milestoned":
            found["milestone"] = {"title": f"v1.{event.detail}"}
        case "renamed":
            found["rename"] = {"from": item.title, "to": event.detail}
        case "closed":
            found["state_reason"] = event.detail or None
        case "review_requested" | "review_request_removed":
            found["review_requester"] = user(call, event.actor)
            if event.team is not None:
                found["requested_team"] = team_full(call, event.team, repository.org)
            else:
                found["requested_reviewer"] = user(call, event.person)
    return found
