"""Profiles by both APIs: the account in psa, the person in psa_pii."""

from __future__ import annotations

from typing import Any

from oss_datastore.catalogue import TABLES
from oss_datastore_tests.catalogue.answers import at, parsed, rows

BY_GRAPHQL: dict[str, Any] = {
    "__typename": "User",
    "id": "U_kgDOAA",
    "databaseId": 7,
    "login": "ada",
    "isSiteAdmin": False,
    "createdAt": "2011-01-25T18:44:36Z",
    "name": "Ada",
    "email": "",
    "company": "@acme",
    "location": None,
    "bio": None,
    "websiteUrl": None,
    "twitterUsername": "ada",
}
BY_REST: dict[str, Any] = {
    "login": "ada",
    "id": 7,
    "node_id": "U_kgDOAA",
    "type": "User",
    "site_admin": False,
    "name": "Ada",
    "company": "@acme",
    "blog": "",
    "location": None,
    "email": None,
    "bio": None,
    "twitter_username": "ada",
    "public_repos": 8,
    "public_gists": 0,
    "followers": 20,
    "following": 3,
    "created_at": "2011-01-25T18:44:36Z",
    "updated_at": "2026-10-14T10:00:00Z",
}


def test_a_profile_is_the_same_rows_by_both_apis() -> None:
    by_graphql = parsed("users", {"data": {"nodes": [BY_GRAPHQL]}}, "data", "nodes", 0)
    by_rest = parsed("users", BY_REST)
    for found in (by_graphql, by_rest):
        assert rows(found, "users") == [
            {
                "user_id": 7,
                "type": "User",
                "is_site_admin": False,
                "account_created_at": at("2011-01-25T18:44:36"),
            }
        ]
        assert rows(found, "user_profiles") == [
            {
                "user_id": 7,
                "name": "Ada",
                "email": None,
                "company": "@acme",
                "location": None,
                "bio": None,
                "website": None,
                "twitter": "ada",
            }
        ]
        assert [row["login"] for row in found.rows["actors"]] == ["ada"]
    for table, column in (("users", "sat_user_account_hd"), ("user_profiles", "sat_user_profile_pii_hd")):
        assert by_graphql.rows[table][0][column] == by_rest.rows[table][0][column]


def test_the_person_lies_in_the_personal_schema() -> None:
    assert (TABLES["users"].schema, TABLES["user_profiles"].schema) == ("psa", "psa_pii")


def test_a_bot_has_an_account_and_no_profile() -> None:
    bot = {
        "__typename": "Bot",
        "id": "BOT_1",
        "databaseId": 49,
        "login": "renovate",
        "createdAt": "2020-01-01T00:00:00Z",
    }
    found = parsed("users", bot)
    assert rows(found, "users")[0]["is_site_admin"] is None
    assert [row["login"] for row in found.rows["actors"]] == ["renovate[bot]"]
