"""contributors, their funnel, and the absence factor: first deeds, who comes back, on how few a repository hangs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from oss_datastore_tests.infomarts.acme import (
    comment,
    commit,
    issue,
    organization,
    pull_request,
    repository,
    review,
    user,
)
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.infomarts.world import World, moment, scope

FIRST, LAST = date(2026, 3, 2), date(2026, 9, 30)
ADA, MIA, BOT, GHOST = 101, 103, 105, 106


@pytest.fixture
def world() -> World:
    """A repository and a fork of ours; ada from outside, mia of ours, a bot and a deleted account."""
    world = World()
    organization(world, FIRST)
    repository(world, FIRST, 10)
    repository(world, FIRST, 11, is_fork=True)
    for who, login, kind in (
        (ADA, "ada", "User"),
        (MIA, "mia", "User"),
        (BOT, "renovate[bot]", "Bot"),
        (GHOST, "ghost", "User"),
    ):
        user(world, FIRST, who, login, kind)
    world.affiliation(FIRST, ADA, "external", "people_directory", until=date(2026, 6, 1))
    world.affiliation(date(2026, 6, 1), ADA, "employee", "people_directory")
    world.affiliation(FIRST, MIA, "employee", "organization_member")
    for day in (FIRST, LAST):
        world.fetched(day, "repositories", scope("organization", 1))
        world.fetched(day, "commits", scope("repository", 10))
    return world


def merged(world: World, number: int, author: int, opened: Any, at: Any, repo_id: int = 10) -> None:
    more = {"state": "merged" if at else "open", "merged_at": at, "closed_at": at}
    pull_request(world, LAST, number, repo_id, author, created_at=opened, updated_at=opened, **more)


def test_the_way_of_a_newcomer_is_kept_step_by_step(mart_sql: dict[str, str], world: World) -> None:
    issue(world, LAST, 1, 10, ADA, created_at=moment(2026, 3, 5))
    comment(world, LAST, 10, 1, ADA, moment(2026, 3, 6))
    merged(world, 2, ADA, moment(2026, 3, 10), moment(2026, 3, 12))
    merged(world, 3, ADA, moment(2026, 5, 1), moment(2026, 6, 9))
    merged(world, 4, MIA, moment(2026, 5, 1), None)
    review(world, LAST, 4, ADA, "APPROVED", moment(2026, 5, 3))
    row = Marts(mart_sql, world).row("contributors", "login = 'ada'")
    steps = ("first_conversation_at", "first_pull_request_at", "first_merge_at", "second_merge_at", "first_review_at")
    assert [row[s] for s in steps] == [
        moment(2026, 3, 5),
        moment(2026, 3, 10),
        moment(2026, 3, 12),
        moment(2026, 6, 9),
        moment(2026, 5, 3),
    ]
    assert (row["kind"], row["cohort_month"], row["merged_again_in_90_days"], row["is_inactive"]) == (
        "external",
        date(2026, 3, 1),
        True,
        False,
    )


def test_ninety_days_are_ninety_days(mart_sql: dict[str, str], world: World) -> None:
    merged(world, 2, ADA, moment(2026, 3, 10), moment(2026, 3, 12))
    merged(world, 3, ADA, moment(2026, 5, 1), moment(2026, 3, 12) + timedelta(days=90, seconds=1))
    row = Marts(mart_sql, world).row("contributors", "login = 'ada'")
    assert (row["merged_again_in_90_days"], row["merges_count"]) == (False, 2)


def test_bots_ghosts_and_our_own_forks_stay_out(mart_sql: dict[str, str], world: World) -> None:
    for number, who in enumerate((BOT, GHOST), start=1):
        issue(world, LAST, number, 10, who, created_at=moment(2026, 3, 5))
    issue(world, LAST, 3, 11, ADA, created_at=moment(2026, 3, 5))
    assert Marts(mart_sql, world).rows("contributors") == []


def test_who_was_first_seen_before_our_history_is_what_he_was_at_its_beginning(
    mart_sql: dict[str, str], world: World
) -> None:
    issue(world, LAST, 1, 10, ADA, created_at=moment(2024, 3, 5))
    row = Marts(mart_sql, world).row("contributors", "login = 'ada'")
    assert (row["kind"], row["is_inactive"]) == ("external", True)


def test_the_funnel_counts_a_month_s_newcomers(mart_sql: dict[str, str], world: World) -> None:
    for who in range(1, 5):
        user(world, FIRST, who)
        world.affiliation(FIRST, who, "external", "people_directory")
        issue(world, LAST, who, 10, who, created_at=moment(2026, 4, who))
    for number, (who, at) in enumerate(((1, 5), (1, 20), (2, 6), (3, None)), start=20):
        merged(world, number, who, moment(2026, 4, 4), moment(2026, 4, at) if at else None)
    row = Marts(mart_sql, world).row("contributor_funnel", "cohort_month = '2026-04-01'")
    steps = ("contributors", "conversed", "opened_pull_request", "merged", "merged_again_in_90_days", "reviewed")
    assert [row[s] for s in steps] == [4, 4, 3, 2, 1, 0]
    assert (row["kind"], row["is_final"]) == ("external", True)


def committed(world: World, counts: tuple[int, ...], first: int = 500) -> None:
    for who, count in enumerate(counts, start=first):
        user(world, FIRST, who)
        for n in range(count):
            commit(world, LAST, 10, f"{who}-{n}", who, moment(2026, 5, 1))


@pytest.mark.parametrize(
    ("counts", "factor"),
    [
        ((100, 20, 9, 33, 33, 34, 4, 43), 2),
        ((10,), 1),
        ((5, 5), 1),
        ((4, 4, 4), 2),
        ((9,), None),
        ((1,) * 12, 6),
    ],
)
def test_the_absence_factor_is_the_fewest_people_who_made_half(
    mart_sql: dict[str, str], world: World, counts: tuple[int, ...], factor: int | None
) -> None:
    committed(world, counts)
    row = Marts(mart_sql, world).row("contributor_absence_factor", "repo_id = 10")
    assert (row["commits_count"], row["authors_count"], row["absence_factor"]) == (sum(counts), len(counts), factor)


def test_bots_and_commits_older_than_a_year_do_not_count(mart_sql: dict[str, str], world: World) -> None:
    committed(world, (6, 6))
    for n in range(50):
        commit(world, LAST, 10, f"bot-{n}", BOT, moment(2026, 5, 1))
        commit(world, LAST, 10, f"old-{n}", MIA, moment(2025, 9, 30))
    row = Marts(mart_sql, world).row("contributor_absence_factor", "repo_id = 10")
    assert (row["commits_count"], row["absence_factor"]) == (12, 1)


def test_commits_that_were_never_read_are_unknown(mart_sql: dict[str, str], world: World) -> None:
    row = Marts(mart_sql, world).row("contributor_absence_factor", "repo_id = 11")
    assert (row["commits_count"], row["absence_factor"], row["data_state"]) == (None, None, "missing")
