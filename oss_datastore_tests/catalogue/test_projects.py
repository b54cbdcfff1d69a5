"""Projects by both APIs; what they are linked to by GraphQL."""

from __future__ import annotations

from typing import Any

import pytest

from oss_datastore_tests.catalogue.answers import at, md5, parsed, rows, values

BY_GRAPHQL: dict[str, Any] = {
    "id": "PVT_kwDOAA",
    "fullDatabaseId": "4294967299",
    "number": 2,
    "title": "Roadmap",
    "shortDescription": "What comes next",
    "public": True,
    "closed": True,
    "template": False,
    "createdAt": "2026-01-02T03:04:05Z",
    "updatedAt": "2026-10-14T03:04:05Z",
    "closedAt": "2026-10-14T03:04:05Z",
    "creator": {"__typename": "User", "login": "ada", "databaseId": 3},
    "repositories": {"nodes": [{"databaseId": 11}, {"databaseId": 12}]},
    "teams": {"nodes": [{"databaseId": 31}]},
}
BY_REST: dict[str, Any] = {
    "id": 4294967299,
    "node_id": "PVT_kwDOAA",
    "owner": {"login": "acme", "id": 7, "type": "Organization"},
    "creator": {"login": "ada", "id": 3, "type": "User"},
    "title": "Roadmap",
    "description": "A readme",
    "public": True,
    "closed_at": "2026-10-14T03:04:05Z",
    "created_at": "2026-01-02T03:04:05Z",
    "updated_at": "2026-10-14T03:04:05Z",
    "number": 2,
    "short_description": "What comes next",
    "deleted_at": None,
    "state": "closed",
    "is_template": False,
}
ANSWER = {"data": {"organization": {"projectsV2": {"nodes": [BY_GRAPHQL]}}}}
PATH = ("data", "organization", "projectsV2", "nodes")


def test_a_project_is_the_same_row_by_both_apis() -> None:
    found = rows(parsed("projects", ANSWER, *PATH), "projects")
    assert found == rows(parsed("projects", [BY_REST]), "projects")
    assert found == [
        {
            "project_id": 4294967299,
            "org_id": 7,
            "number": 2,
            "title": "Roadmap",
            "short_description": "What comes next",
            "short_description_length": 15,
            "short_description_md5": md5("What comes next"),
            "is_public": True,
            "is_closed": True,
            "is_template": False,
            "creator_id": 3,
            "created_at": at("2026-01-02T03:04:05"),
            "updated_at": at("2026-10-14T03:04:05"),
            "closed_at": at("2026-10-14T03:04:05"),
        }
    ]


def test_what_a_project_is_linked_to_is_rows_of_its_own() -> None:
    found = parsed("projects", ANSWER, *PATH)
    assert values(found, "project_repositories") == [(4294967299, 11), (4294967299, 12)]
    assert values(found, "project_teams") == [(4294967299, 31)]


@pytest.mark.parametrize(
    ("told", "is_closed"),
    [({"state": "open", "closed_at": None}, False), ({"closed_at": None}, False), ({"closed_at": "2026-10-14"}, True)],
)
def test_a_project_without_a_state_is_closed_when_it_has_a_closing_time(told: Any, is_closed: bool) -> None:
    project = {key: value for key, value in BY_REST.items() if key not in ("state", "closed_at")} | told
    assert rows(parsed("projects", [project]), "projects")[0]["is_closed"] is is_closed
