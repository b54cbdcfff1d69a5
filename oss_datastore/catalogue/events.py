"""The public feed of what happens: thirty days, at most 300 events of a feed, trimmed. An extra and no record of all.

What must not be missed (stars, issues, pull requests, pushes) has datasets of its own.
"""

from __future__ import annotations

import json
from typing import Any

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Dataset,
    Needs,
    Record,
    RestRequest,
    ScopeKind,
    Table,
    bigint,
    boolean,
    text,
    timestamp,
)

_LONGEST_VALUE = 250
_OF_INNER_OBJECTS = ("id", "number", "sha", "ref", "state", "tag_name")


def _trimmed(record: Record) -> str | None:
    """The payload without texts and people: plain values, and of inner objects what names them."""
    payload = record.item.get("payload")
    if not isinstance(payload, dict):
        return None
    kept: dict[str, Any] = {}
    for name, value in payload.items():
        if isinstance(value, dict):
            inner = {key: value[key] for key in _OF_INNER_OBJECTS if isinstance(value.get(key), str | int)}
            kept |= {name: inner} if inner else {}
        elif not isinstance(value, list) and name not in ("description", "body"):
            kept[name] = value[:_LONGEST_VALUE] if isinstance(value, str) else value
    return json.dumps(kept, sort_keys=True, ensure_ascii=False)


events = Dataset(
    Table(
        "events",
        (
            bigint("event_id", "id", "GitHub's id of the event, which it gives as text.", required=True),
            bigint("repo_id", "@id", "Numeric id of the repository.", required=True),
            text("type", description="PushEvent, WatchEvent (a star), ForkEvent and so on.", required=True),
            bigint("actor_id", "actor.id", "Numeric id of whoever did it."),
            boolean("is_public", "public", "Everybody may see it."),
            text("action", "payload.action", "opened, closed, started and so on."),
            text("ref", "payload.ref", "The branch or tag."),
            text("ref_type", "payload.ref_type", "branch, tag or repository, where one was created or deleted."),
            bigint(
                "number",
                "payload.number|payload.issue.number|payload.pull_request.number",
                "Number of the issue or pull request.",
            ),
            text("head_sha", "payload.head", "Commit a push ended at."),
            text(
                "payload",
                of=_trimmed,
                description="What else the event says as JSON: plain values and ids, no texts and no people.",
            ),
            timestamp("created_at", description="When it happened.", required=True),
        ),
        key=("event_id",),
        hash_keys={
            "nh_link_event_hk": ("event_id",),
            "repo_hk": ("repo_id",),
            "user_hk": ("actor_id",),
        },
        description="One row per event that was new on the UTC day.",
    ),
    subject="events",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.feed,
    needs=Needs.anyone,
    description="Public events of the organisation's repositories as the feed shows them: late by up to six hours, and"
    " at most 300 of a feed, so that a busy organisation's feed has holes.",
    permission="Metadata: read",
    classic_scope="repo (for private repositories)",
    # No actors: an event does not say of what type an account is, and each would be a new version of the person.
)

ANSWER_SETS = (
    AnswerSet(
        "events",
        (events,),
        (
            RestRequest(
                "/orgs/{org}/events",
                ("events",),
                ScopeKind.organization,
                newest_first="created_at",
                belongs_to="repo.id",
                public_only=True,
            ),
            RestRequest("/repos/{repo}/events", ("events",), newest_first="created_at"),
        ),
        priority=6,
        probe=("pushed_at", "issues_updated_at", "pull_requests_updated_at", "stargazers_count", "forks_count"),
        cost="up to 3 requests per organisation, and 1 per private repository that moved",
    ),
)
