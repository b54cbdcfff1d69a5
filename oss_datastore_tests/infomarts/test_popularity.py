"""repo_popularity_daily and org_overview: what is not observed is NULL, and totals say what they leave out."""

from __future__ import annotations

from datetime import date, timedelta

from oss_datastore_tests.infomarts.acme import (
    alert,
    days,
    issue,
    member,
    no_repository,
    organization,
    outside_collaborator,
    pull_request,
    repository,
    traffic,
    user,
)
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.infomarts.world import World, midnight, moment, scope

MON = date(2026, 3, 2)
ORG = scope("organization", 1)


def test_stars_of_a_day_not_observed_are_null_and_so_is_the_change_over_it(mart_sql: dict[str, str]) -> None:
    world = World()
    organization(world, MON)
    for day, stars, state in zip(
        days(MON, 5), (10, 12, None, 15, 14), ("complete", "complete", "failed", "complete", "complete"), strict=True
    ):
        world.fetched(day, "repositories", ORG, state)
        if stars is not None:
            repository(world, day, 10, stars=stars, forks=3, watchers=2)
    rows = Marts(mart_sql, world).rows("repo_popularity_daily", order="day")
    assert [(r["stargazers_count"], r["stargazers_net"], r["data_state"], r["is_final"]) for r in rows] == [
        (10, None, "complete", True),
        (12, 2, "complete", True),
        (None, None, "failed", False),
        (15, None, "complete", True),
        (14, -1, "complete", True),
    ]
    assert [r["observed_at"] is None for r in rows] == [False, False, True, False, False]


def test_a_day_that_was_never_loaded_has_its_row(mart_sql: dict[str, str]) -> None:
    world = World()
    organization(world, MON)
    for day in (MON, MON + timedelta(days=3)):
        world.fetched(day, "repositories", ORG)
        repository(world, day, 10, stars=7)
    rows = Marts(mart_sql, world).rows("repo_popularity_daily", order="day")
    assert [(r["day"], r["stargazers_count"], r["data_state"]) for r in rows] == [
        (MON, 7, "complete"),
        (MON + timedelta(days=1), None, "missing"),
        (MON + timedelta(days=2), None, "missing"),
        (MON + timedelta(days=3), 7, "complete"),
    ]


def test_of_a_partial_list_only_what_visibly_changed_is_known(mart_sql: dict[str, str]) -> None:
    world = World()
    organization(world, MON)
    for day, state in zip(days(MON, 2), ("complete", "partial"), strict=True):
        world.fetched(day, "repositories", ORG, state)
        repository(world, day, 10, stars=7 if day == MON else 8)
        repository(world, day, 11, stars=5)
    rows = Marts(mart_sql, world).rows(
        "repo_popularity_daily", f"day = date '{MON + timedelta(days=1)}'", order="repo_id"
    )
    assert [(r["stargazers_count"], r["data_state"]) for r in rows] == [(8, "complete"), (None, "partial")]


def test_names_are_those_of_the_day_and_a_repository_that_left_has_no_more_rows(mart_sql: dict[str, str]) -> None:
    world = World()
    organization(world, MON)
    for n, day in enumerate(days(MON, 3)):
        world.fetched(day, "repositories", ORG)
        if n < 2:
            repository(world, day, 10, name="old" if n == 0 else "new")
    no_repository(world, MON + timedelta(days=2), 10)
    rows = Marts(mart_sql, world).rows("repo_popularity_daily", order="day")
    assert [(r["day"], r["full_name"]) for r in rows] == [(MON, "acme/old"), (MON + timedelta(days=1), "acme/new")]


def overview_world() -> World:
    """Three repositories over two days, one of them a fork; the second lacks its traffic and its alerts are off."""
    world = World()
    organization(world, MON)
    first, second = days(MON, 2)
    user(world, MON, 1)
    for day in (first, second):
        world.fetched(day, "repositories", ORG)
        world.fetched(day, "members", ORG, "complete" if day == first else "partial")
        world.fetched(day, "outside_collaborators", ORG)
        for repo, stars in ((10, 100), (11, 50), (12, 9)):
            repository(
                world, day, repo, stars=stars + (day - first).days * 3, issues=4, pull_requests=2, is_fork=repo == 12
            )
            world.fetched(day, "issues", scope("repository", repo), coverage="delta")
            world.fetched(
                day, "pull_requests", scope("repository", repo), "complete" if repo != 11 else "failed", "delta"
            )
            world.fetched(
                day, "dependabot_alerts", scope("repository", repo), "disabled" if repo == 11 else "complete", "delta"
            )
            if repo != 11:
                for dataset in ("traffic_views", "traffic_clones"):
                    traffic(world, day, repo, {first: (6, 2), second: (8, 3)}, dataset=dataset)
    member(world, MON, 1, "admin")
    outside_collaborator(world, MON, 2)
    alert(world, first, 10, 1, "critical", moment(2026, 3, 2, 8))
    alert(world, second, 10, 1, "critical", moment(2026, 3, 2, 8), state="fixed", fixed_at=moment(2026, 3, 3, 9))
    alert(world, second, 10, 2, "low", moment(2026, 3, 3, 8))
    issue(world, second, 1, 10, 1, created_at=moment(2026, 3, 3, 10))
    pull_request(
        world,
        second,
        2,
        10,
        1,
        created_at=moment(2026, 3, 2, 10),
        state="merged",
        merged_at=moment(2026, 3, 3, 10),
        closed_at=moment(2026, 3, 3, 10),
    )
    return world


def test_totals_add_what_is_whole_and_count_what_is_not(mart_sql: dict[str, str]) -> None:
    first, second = Marts(mart_sql, overview_world()).rows("org_overview", order="day")
    assert (first["repositories_count"], first["fork_repositories_count"], first["repositories_counted"]) == (3, 1, 2)
    assert (first["stargazers_count"], first["stargazers_net"], first["repositories_compared"]) == (150, None, 0)
    assert (second["stargazers_count"], second["stargazers_net"], second["repositories_compared"]) == (156, 6, 2)
    assert (second["issues_open"], second["pull_requests_open"]) == (8, 4)
    assert (second["views_count"], second["clones_count"]) == (8, 8)
    assert (second["repositories_with_traffic"], second["repositories_without_traffic"]) == (1, 1)
    assert (second["issues_opened"], second["repositories_without_issues"]) == (1, 0)
    assert (
        first["pull_requests_opened"],
        second["pull_requests_merged"],
        second["repositories_without_pull_requests"],
    ) == (1, 1, 1)
    assert (first["is_final"], first["data_state"]) == (False, "complete")


def test_open_alerts_are_those_of_the_day_and_off_is_not_safe(mart_sql: dict[str, str]) -> None:
    first, second = Marts(mart_sql, overview_world()).rows("org_overview", order="day")
    severities = ("critical", "high", "medium", "low")
    assert [first[f"alerts_open_{s}"] for s in severities] == [1, 0, 0, 0]
    assert [second[f"alerts_open_{s}"] for s in severities] == [0, 0, 0, 1]
    assert [second[f"repositories_{w}"] for w in ("watched", "not_watched", "watch_unknown")] == [2, 1, 0]


def test_a_member_list_seen_by_no_owner_gives_no_number(mart_sql: dict[str, str]) -> None:
    first, second = Marts(mart_sql, overview_world()).rows("org_overview", order="day")
    assert (first["members_count"], first["owners_count"], first["outside_collaborators_count"]) == (1, 1, 1)
    assert (second["members_count"], second["owners_count"], second["members_data_state"]) == (None, None, "partial")


def test_an_organisation_whose_list_failed_keeps_its_row(mart_sql: dict[str, str]) -> None:
    world = overview_world()
    third = MON + timedelta(days=2)
    world.fetched(third, "repositories", ORG, "failed")
    row = Marts(mart_sql, world).row("org_overview", f"day = date '{third}'")
    assert (row["repositories_count"], row["stargazers_count"], row["repositories_not_counted"]) == (3, None, 2)
    assert (row["data_state"], row["is_final"], row["observed_at"], row["views_count"]) == ("failed", False, None, None)
    assert midnight(third).date() == row["day"]
