"""user_access_changes: what was granted, revoked or changed, when it can have happened, and when nobody can know."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from oss_datastore_tests.infomarts.acme import collaborator, days, member, organization, repository, team, user
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.infomarts.world import World, key, scope

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 8)
ORG, REPO, TEAM = scope("organization", 1), scope("repository", 10), scope("team", 500)
LISTS = [
    ("members", ORG),
    ("outside_collaborators", ORG),
    ("team_members", TEAM),
    ("team_repositories", TEAM),
    ("repository_collaborators", REPO),
]


@pytest.fixture
def world() -> World:
    """An organisation with an owner, a member in a team and a repository the team may write to; all read daily."""
    world = World()
    organization(world, FIRST)
    repository(world, FIRST, 10, "site")
    for who, login in enumerate(("olga", "tim", "dora"), start=1):
        user(world, FIRST, who, login)
    member(world, FIRST, 1, "admin")
    member(world, FIRST, 2)
    team(world, FIRST, 500, "core", [2], {10: "write"})
    collaborator(world, FIRST, 10, 2, "write", [("team", 500, "write")])
    for day in days(FIRST, 7):
        for dataset, of in LISTS:
            world.fetched(day, dataset, of)
    return world


def changes(mart_sql: dict[str, str], world: World, where: str = "change <> 'found'") -> list[tuple[Any, ...]]:
    rows = Marts(mart_sql, world).rows("user_access_changes", where, order="changed_on, relation, login")
    return [
        (r["login"] or r["team"], r["relation"], r["change"], r["role_before"], r["role_after"], r["changed_on"])
        for r in rows
    ]


def test_what_stood_in_the_first_list_was_found_and_not_granted(mart_sql: dict[str, str], world: World) -> None:
    assert changes(mart_sql, world, "true") == [
        ("olga", "organization member", "found", None, "owner", FIRST),
        ("tim", "organization member", "found", None, "member", FIRST),
        ("tim", "repository collaborator", "found", None, "write", FIRST),
        ("core", "repository team", "found", None, "write", FIRST),
        ("tim", "team member", "found", None, "member", FIRST),
    ]


def test_a_grant_a_change_and_a_revocation_each_have_their_day(mart_sql: dict[str, str], world: World) -> None:
    joined, rose, left = (FIRST + timedelta(days=n) for n in (1, 3, 5))
    member(world, joined, 3)
    member(world, rose, 3, "admin")
    member(world, left, 3, active=False)
    assert changes(mart_sql, world) == [
        ("dora", "organization member", "granted", None, "member", joined),
        ("dora", "organization member", "changed", "member", "owner", rose),
        ("dora", "organization member", "revoked", "owner", None, left),
    ]


def test_who_comes_back_is_granted_again(mart_sql: dict[str, str], world: World) -> None:
    member(world, FIRST + timedelta(days=2), 2, active=False)
    member(world, FIRST + timedelta(days=4), 2)
    assert [c[2:] for c in changes(mart_sql, world)] == [
        ("revoked", "member", None, FIRST + timedelta(days=2)),
        ("granted", None, "member", FIRST + timedelta(days=4)),
    ]


def test_a_collaborators_access_names_its_paths_as_they_were(mart_sql: dict[str, str], world: World) -> None:
    collaborator(
        world, FIRST + timedelta(days=2), 10, 3, "admin", [("repository", 10, "admin"), ("team", 500, "write")]
    )
    collaborator(world, FIRST + timedelta(days=4), 10, 3, "", active=False)
    rows = Marts(mart_sql, world).rows("user_access_changes", "login = 'dora'", order="changed_on")
    assert [(r["change"], r["paths"]) for r in rows] == [
        ("granted", "direct (admin), team core (write)"),
        ("revoked", "direct (admin), team core (write)"),
    ]


def test_a_teams_access_to_a_repository_is_a_change_of_the_team(mart_sql: dict[str, str], world: World) -> None:
    world.satellite(FIRST + timedelta(days=1), "sat_repo_team", key("link_repo_team", 10, 500), role_name="admin")
    world.effective(FIRST + timedelta(days=2), "link_repo_team", key("link_repo_team", 10, 500), active=False)
    assert changes(mart_sql, world) == [
        ("core", "repository team", "changed", "write", "admin", FIRST + timedelta(days=1)),
        ("core", "repository team", "revoked", "admin", None, FIRST + timedelta(days=2)),
    ]


def test_days_without_the_list_are_unknown_and_widen_what_follows(mart_sql: dict[str, str], world: World) -> None:
    for n in (2, 3):
        world.fetched(FIRST + timedelta(days=n), "members", ORG, "forbidden")
    world.fetched(LAST, "members", ORG, "failed")
    member(world, FIRST + timedelta(days=4), 3)
    marts = Marts(mart_sql, world)
    unknown = marts.rows("user_access_changes", "change = 'unknown'", order="changed_on")
    assert [(r["relation"], r["data_state"], r["changed_on"], r["unknown_until"], r["login"]) for r in unknown] == [
        ("organization member", "forbidden", FIRST + timedelta(days=2), FIRST + timedelta(days=3), None),
        ("organization member", "failed", LAST, LAST, None),
    ]
    granted = marts.row("user_access_changes", "change = 'granted'")
    assert (granted["not_before"], granted["is_earlier_possible"]) == (FIRST + timedelta(days=1), True)


def test_a_day_that_was_never_planned_is_unknown_too(mart_sql: dict[str, str], world: World) -> None:
    day = FIRST + timedelta(days=3)
    for dataset, of in LISTS:
        del world.ledger[dataset, of, next(d for _, _, d in world.ledger if d.date() == day)]
    world.fetched(day, "repositories", ORG)
    rows = Marts(mart_sql, world).rows("user_access_changes", "change = 'unknown'", order="relation")
    assert [(r["relation"], r["data_state"], r["changed_on"], r["unknown_until"]) for r in rows] == [
        (name, "missing", day, day)
        for name in (
            "organization member",
            "outside collaborator",
            "repository collaborator",
            "repository team",
            "team member",
        )
    ]


def test_where_the_list_came_the_day_before_the_change_is_dated(mart_sql: dict[str, str], world: World) -> None:
    member(world, FIRST + timedelta(days=4), 3)
    row = Marts(mart_sql, world).row("user_access_changes", "login = 'dora'")
    assert (row["not_before"], row["is_earlier_possible"]) == (FIRST + timedelta(days=3), False)
    assert row["data_state"] == "complete"
