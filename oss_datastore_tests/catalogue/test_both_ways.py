"""The same thing told by GraphQL and by REST gives the same row, except for columns that only one of them can fill."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from oss_datastore.catalogue import DATASETS
from oss_datastore.catalogue.parse import Parsed, Part, parse

DAY = date(2026, 10, 14)
FETCHED = datetime(2026, 10, 15, 0, 10, tzinfo=UTC)
ADA_V4 = {"__typename": "User", "login": "ada", "id": "U_kgDOAAAAKg", "databaseId": 42}
ADA_V3 = {"login": "ada", "id": 42, "node_id": "U_kgDOAAAAKg", "type": "User"}
MADE, MOVED = "2026-10-01T08:00:00Z", "2026-10-14T09:30:00Z"

PAIRS: dict[str, tuple[Any, Any, set[str]]] = {
    "labels": (
        {
            "id": "MDU6TGFiZWwxNzczMzkxMDQ=",
            "name": "bug",
            "color": "fc2929",
            "description": None,
            "isDefault": True,
            "createdAt": MADE,
            "updatedAt": MADE,
        },
        {
            "id": 177339104,
            "node_id": "MDU6TGFiZWwxNzczMzkxMDQ=",
            "name": "bug",
            "color": "fc2929",
            "description": None,
            "default": True,
        },
        {"created_at", "updated_at"},
    ),
    "milestones": (
        {
            "id": "MI_kwDODFTdCc4AbbGY",
            "number": 3,
            "title": "1.0",
            "description": "all of it",
            "state": "CLOSED",
            "dueOn": None,
            "creator": ADA_V4,
            "createdAt": MADE,
            "updatedAt": MOVED,
            "closedAt": MOVED,
        },
        {
            "id": 7188888,
            "node_id": "MI_kwDODFTdCc4AbbGY",
            "number": 3,
            "title": "1.0",
            "description": "all of it",
            "state": "closed",
            "due_on": None,
            "creator": ADA_V3,
            "open_issues": 1,
            "created_at": MADE,
            "updated_at": MOVED,
            "closed_at": MOVED,
        },
        set(),
    ),
    "releases": (
        {
            "id": "RE_kwDOJu6fvc4GddyI",
            "databaseId": 108387464,
            "tagName": "v1",
            "name": "One",
            "description": "notes",
            "isDraft": False,
            "isPrerelease": True,
            "author": ADA_V4,
            "createdAt": MADE,
            "publishedAt": MOVED,
            "updatedAt": MOVED,
            "releaseAssets": {"pageInfo": {}, "nodes": []},
        },
        {
            "id": 108387464,
            "node_id": "RE_kwDOJu6fvc4GddyI",
            "tag_name": "v1",
            "name": "One",
            "body": "notes",
            "draft": False,
            "prerelease": True,
            "author": ADA_V3,
            "created_at": MADE,
            "published_at": MOVED,
            "updated_at": MOVED,
            "assets": [],
        },
        set(),
    ),
    "release_assets": (
        {
            "databaseId": 108387464,
            "releaseAssets": {
                "nodes": [
                    {
                        "id": "MDEyOlJlbGVhc2VBc3NldDE2NDIyODQx",
                        "name": "a.zip",
                        "contentType": "application/zip",
                        "size": 10,
                        "downloadCount": 3,
                        "createdAt": MADE,
                        "updatedAt": MADE,
                    }
                ]
            },
        },
        {
            "id": 108387464,
            "assets": [
                {
                    "id": 16422841,
                    "name": "a.zip",
                    "content_type": "application/zip",
                    "size": 10,
                    "download_count": 3,
                    "uploader": ADA_V3,
                    "created_at": MADE,
                    "updated_at": MADE,
                }
            ],
        },
        set(),
    ),
    "forks": (
        {"id": "R_kgDOAAAAYw", "databaseId": 99, "createdAt": MADE, "owner": ADA_V4},
        {"id": 99, "node_id": "R_kgDOAAAAYw", "full_name": "ada/lantern", "created_at": MADE, "owner": ADA_V3},
        set(),
    ),
    "stargazers": (
        {"starredAt": MADE, "node": ADA_V4},
        {"starred_at": MADE, "user": ADA_V3},
        set(),
    ),
    "watchers": (ADA_V4, ADA_V3, set()),
    "commits": (
        {
            "oid": "a" * 40,
            "message": "Add",
            "committedDate": MOVED,
            "authoredDate": MADE,
            "additions": 4,
            "deletions": 1,
            "changedFilesIfAvailable": 2,
            "author": {"email": "Ada@Example.org ", "user": ADA_V4},
            "committer": {"user": None},
            "signature": None,
        },
        {
            "sha": "a" * 40,
            "commit": {
                "message": "Add",
                "author": {"name": "Ada", "email": "ada@example.org", "date": MADE},
                "committer": {"name": "Bo", "email": "bo@example.org", "date": MOVED},
                "verification": {"verified": False, "reason": "unsigned"},
            },
            "author": {**ADA_V3, "email": "public@example.org"},
            "committer": None,
        },
        {"additions", "deletions", "changed_files"},
    ),
}


def parsed(name: str, item: Any, context: dict[str, Any] | None = None) -> Parsed:
    return parse(DATASETS[name], Part(name, "github.com/repository/7", (), context), [item], DAY, FETCHED)


def without(rows: list[dict[str, Any]], columns: set[str]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in columns} for row in rows]


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_both_ways_give_the_same_row(name: str) -> None:
    by_graphql, by_rest, only_one = PAIRS[name]
    one, other = parsed(name, by_graphql), parsed(name, by_rest)
    assert not one.faults
    assert not other.faults
    assert len(one.rows[name]) == 1
    hashes = {f"{sat}_hd" for sat, columns in DATASETS[name].table.hash_diffs.items() if only_one & set(columns)}
    assert without(one.rows[name], only_one | hashes) == without(other.rows[name], only_one | hashes)
    assert [(a["user_id"], a["login"], a["type"]) for a in one.rows["actors"]] == [
        (a["user_id"], a["login"], a["type"]) for a in other.rows["actors"]
    ]


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_no_column_is_left_empty_that_the_record_could_fill(name: str) -> None:
    by_graphql, _, _ = PAIRS[name]
    (row,) = parsed(name, by_graphql).rows[name]
    nothing = {"labels": {"description"}, "milestones": {"due_on"}, "commits": {"committer_id", "committer_hk"}}
    empty = {key for key, value in row.items() if value is None}
    assert empty == nothing.get(name, set()) | ({"link_commit_committer_hk"} if name == "commits" else set())


def test_a_commit_of_a_pull_request_is_the_same_inside_its_list_and_asked_for_alone() -> None:
    commit = {"oid": "b" * 40, "committedDate": MADE, "authoredDate": MADE}
    people = {"author": {"user": ADA_V4}, "committer": {"user": ADA_V4}}
    pull_request = {"fullDatabaseId": "5", "commitList": {"nodes": [{"commit": {**commit, **people}}]}}
    plain = {"sha": "b" * 40, "commit": {"author": {"date": MADE}, "committer": {"date": MADE}}}
    by_rest = {**plain, "author": ADA_V3, "committer": ADA_V3}
    inside = parsed("pull_request_commits", pull_request)
    paged = parsed("pull_request_commits", {"commit": {**commit, **people}}, {"parent": {"fullDatabaseId": "5"}})
    alone = parsed("pull_request_commits", by_rest, {"parent": {"id": 5}})
    assert len(inside.rows["pull_request_commits"]) == 1
    assert inside.rows["pull_request_commits"] == paged.rows["pull_request_commits"]
    assert inside.rows["pull_request_commits"] == alone.rows["pull_request_commits"]


def test_a_commits_email_address_is_in_no_row() -> None:
    for item in PAIRS["commits"][:2]:
        outcome = parsed("commits", item)
        assert "example.org" not in str(outcome.rows).lower()


def test_what_changed_after_the_close_still_shows_that_it_was_there() -> None:
    later = "2026-10-15T00:00:05Z"
    issue = {"id": 1, "number": 1, "created_at": MADE, "updated_at": later}
    young = {"id": 2, "number": 2, "created_at": later, "updated_at": later}
    pull_request = {"fullDatabaseId": "1", "number": 1, "createdAt": MADE, "updatedAt": later}
    for name, item, presence, key in (
        ("issues", issue, "issue_presence", "issue_id"),
        ("pull_requests", pull_request, "pull_request_presence", "pull_request_id"),
    ):
        outcome = parsed(name, item)
        assert outcome.rows[name] == []
        assert [row[key] for row in outcome.rows[presence]] == [1]
    assert parsed("issues", young).rows["issue_presence"] == []


def test_a_pull_request_names_the_issues_it_closes() -> None:
    closes = {
        "nodes": [
            {"fullDatabaseId": "11", "repository": {"databaseId": 7}},
            {"fullDatabaseId": "12", "repository": None},
        ]
    }
    item = {"fullDatabaseId": "5", "number": 1, "updatedAt": MADE, "closingIssuesReferences": closes}
    rows = parsed("pull_requests", item).rows["pull_request_closing_issues"]
    assert [(row["pull_request_id"], row["issue_id"], row["issue_repo_id"]) for row in rows] == [
        (5, 11, 7),
        (5, 12, None),
    ]


def test_security_settings_that_github_does_not_show_are_unknown_and_not_off() -> None:
    name = "repository_security_settings"
    (seen,) = parsed(name, {"id": 7, "security_and_analysis": {"secret_scanning": {"status": "disabled"}}}).rows[name]
    (hidden,) = parsed(name, {"id": 7}).rows[name]
    assert (seen["is_visible"], seen["secret_scanning"], seen["advanced_security"]) == (True, "disabled", None)
    assert (hidden["is_visible"], hidden["secret_scanning"]) == (False, None)


def test_policies_that_an_answer_does_not_speak_of_are_unknown_and_not_missing() -> None:
    (none,) = parsed("repositories", {"databaseId": 7, "contributingGuidelines": None, "fundingLinks": []}).rows[
        "repositories"
    ]
    (unknown,) = parsed("repositories", {"id": 7}).rows["repositories"]
    assert (none["has_contributing_guidelines"], none["has_funding_links"]) == (False, False)
    assert (unknown["has_contributing_guidelines"], unknown["has_funding_links"]) == (None, None)
