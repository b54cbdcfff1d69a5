"""The feed of events: ids that are text, payloads without texts and people."""

from __future__ import annotations

import json
from typing import Any

from oss_datastore_tests.catalogue.answers import at, parsed, rows

PUSH: dict[str, Any] = {
    "id": "22249084964",
    "type": "PushEvent",
    "actor": {"id": 583231, "login": "octocat", "display_login": "octocat", "gravatar_id": ""},
    "repo": {"id": 7, "name": "acme/rocket", "url": "https://api.github.com/repos/acme/rocket"},
    "payload": {
        "repository_id": 7,
        "push_id": 10115855396,
        "ref": "refs/heads/master",
        "head": "7a8f",
        "before": "883e",
    },
    "public": True,
    "created_at": "2026-10-14T12:47:28Z",
    "org": {"id": 9919, "login": "acme"},
}
COMMENT: dict[str, Any] = {
    **PUSH,
    "id": "22249084965",
    "type": "IssueCommentEvent",
    "payload": {
        "action": "created",
        "issue": {"id": 5, "number": 12, "title": "It burns", "state": "open", "user": {"login": "ada", "id": 3}},
        "comment": {"id": 6, "body": "mail me: ada@example.com", "user": {"login": "ada", "id": 3}},
        "commits": [{"author": {"email": "ada@example.com"}}],
        "description": "x",
    },
    "created_at": "2026-10-14T12:48:28Z",
}


def test_an_event_is_a_row_with_what_its_payload_names() -> None:
    push, comment = rows(parsed("events", [PUSH, COMMENT]), "events")
    assert push == {
        "event_id": 22249084964,
        "repo_id": 7,
        "type": "PushEvent",
        "actor_id": 583231,
        "is_public": True,
        "action": None,
        "ref": "refs/heads/master",
        "ref_type": None,
        "number": None,
        "head_sha": "7a8f",
        "payload": json.dumps(PUSH["payload"], sort_keys=True),
        "created_at": at("2026-10-14T12:47:28"),
    }
    assert (comment["action"], comment["number"]) == ("created", 12)
    assert json.loads(comment["payload"]) == {
        "action": "created",
        "comment": {"id": 6},
        "issue": {"id": 5, "number": 12, "state": "open"},
    }


def test_a_payload_however_long_stays_json() -> None:
    event = {**PUSH, "payload": {"ref": "r" * 100_000, "master_branch": "main"}}
    kept = json.loads(rows(parsed("events", [event]), "events")[0]["payload"])
    assert kept == {"ref": "r" * 250, "master_branch": "main"}


def test_of_an_organisations_feed_each_repository_keeps_its_own_and_only_until_the_day_closes() -> None:
    foreign = {**PUSH, "id": "1", "repo": {"id": 8, "name": "acme/other"}}
    late = {**PUSH, "id": "2", "created_at": "2026-10-15T00:00:00Z"}
    found = parsed("events", [late, PUSH, foreign], context={"only": ["repo.id", 7]})
    assert [row["event_id"] for row in rows(found, "events")] == [22249084964]


def test_an_event_tells_nobodys_type_and_makes_no_version_of_a_person() -> None:
    assert parsed("events", [PUSH]).rows["actors"] == []
