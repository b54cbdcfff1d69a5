"""Reviews and the conversations on lines of code in the graph."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v3.pulls import review_id
from oss_datastore.simulator.v3.tracker import association
from oss_datastore.simulator.v4.base import FITS_INT, Connection, Plain
from oss_datastore.simulator.v4.of_accounts import actor
from oss_datastore.simulator.world.dice import iso
from oss_datastore.simulator.world.items import Event, Thread


def review_node(call: Call, pull: Any, event: Event) -> Plain:
    """A submitted review. `pull` is the pull request's node."""
    item = pull.item
    identity = review_id(item, event)
    body = "" if event.detail == "APPROVED" else "Please look at the notes."
    return Plain(
        call,
        "PullRequestReview",
        f"{pull.place}#pullrequestreview-{identity}",
        id=node_id("PRR", item.repository.id, identity),
        database_id=identity if identity <= FITS_INT else None,
        full_database_id=str(identity),
        state=event.detail,
        body=body,
        body_text=body,
        author=pull.person(event.actor),
        author_association=association(item, event.actor, call.now),
        created_at=iso(event.at),
        submitted_at=iso(event.at),
        published_at=iso(event.at),
        updated_at=iso(event.at),
        commit=pull.pushed(item.at(event.at).pushes),
        pull_request=pull,
        repository=pull.repository,
    )


def thread_node(call: Call, pull: Any, thread: Thread) -> Plain:
    """A conversation of one comment on one line."""
    item = pull.item
    resolver = actor(call, item.author) if thread.resolved and item.author and not item.author.is_bot else None
    return Plain(
        call,
        "PullRequestReviewThread",
        id=node_id("PRRT", item.repository.id, item.number * 100 + thread.number),
        is_resolved=thread.resolved,
        is_outdated=False,
        is_collapsed=thread.resolved,
        path="src/main",
        line=thread.number + 1,
        resolved_by=resolver,
        pull_request=pull,
        repository=pull.repository,
        comments=lambda **paging: Connection([thread], lambda each: _remark(call, pull, each), paging),
    )


def _remark(call: Call, pull: Any, thread: Thread) -> Plain:
    identity = 2_000_000_000 + pull.item.unique(thread.opened)
    moment = iso(thread.opened)
    return Plain(
        call,
        "PullRequestReviewComment",
        f"{pull.place}#discussion_r{identity}",
        id=node_id("PRRC", pull.item.repository.id, identity),
        database_id=identity if identity <= FITS_INT else None,
        full_database_id=str(identity),
        body="Why this way?",
        body_text="Why this way?",
        author=pull.person(thread.author),
        author_association=association(pull.item, thread.author, call.now),
        created_at=moment,
        published_at=moment,
        updated_at=moment,
        path="src/main",
        pull_request=pull,
        repository=pull.repository,
    )
