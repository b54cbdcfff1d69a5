"""repo_health_current and release_adoption_daily: what moved last, what to archive, what is downloaded."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from oss_datastore_tests.infomarts.acme import (
    collaborator,
    comment,
    commit,
    days,
    directory_line,
    event,
    issue,
    organization,
    release,
    repository,
    team,
    user,
)
from oss_datastore_tests.infomarts.marts import Marts, Row
from oss_datastore_tests.infomarts.world import World, key, midnight, moment, scope

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 8)
ORG, REPO = scope("organization", 1), scope("repository", 10)
LONG_AGO = moment(2024, 1, 5)


def pushed(world: World, at: datetime) -> None:
    world.satellite(LAST, "sat_repo_activity", key(10), pushed_at=at)


@pytest.fixture
def world() -> World:
    """A repository that has been still since 2024; a maintainer, somebody else and a bot."""
    world = World()
    organization(world, FIRST)
    repository(world, FIRST, 10)
    for number, (login, kind) in enumerate((("mary", "User"), ("tim", "User"), ("renovate[bot]", "Bot")), start=1):
        user(world, FIRST, number, login, kind)
    collaborator(world, FIRST, 10, 1, "maintain")
    issue(world, FIRST, 1, 10, 2, created_at=LONG_AGO)
    pushed(world, LONG_AGO)
    for day in days(FIRST, 7):
        world.fetched(day, "repositories", ORG)
        for dataset in (
            "issues",
            "issue_comments",
            "pull_requests",
            "commits",
            "repository_collaborators",
            "release_assets",
        ):
            world.fetched(day, dataset, REPO)
    return world


def health(mart_sql: dict[str, str], world: World) -> Row:
    return Marts(mart_sql, world).row("repo_health_current", "repo_id = 10")


def test_what_lies_still_is_proposed_for_archiving(mart_sql: dict[str, str], world: World) -> None:
    row = health(mart_sql, world)
    assert (row["is_archive_candidate"], row["days_since_push"], row["last_conversation_at"]) == (True, 793, LONG_AGO)


def test_a_push_or_a_word_of_a_human_keeps_it(mart_sql: dict[str, str], world: World) -> None:
    comment(world, LAST, 10, 1, 2, moment(2026, 3, 8, 12))
    assert health(mart_sql, world)["is_archive_candidate"] is False


@pytest.mark.parametrize("who", [2, None])
def test_so_does_who_closes_something_even_where_nobody_is_named(
    mart_sql: dict[str, str], world: World, who: int | None
) -> None:
    event(world, LAST, 10, 1, who, "closed", moment(2026, 3, 8, 13))
    row = health(mart_sql, world)
    assert (row["is_archive_candidate"], row["last_conversation_at"]) == (False, moment(2026, 3, 8, 13))


def test_words_of_a_bot_do_not(mart_sql: dict[str, str], world: World) -> None:
    comment(world, LAST, 10, 1, 3, moment(2026, 3, 8, 12))
    event(world, LAST, 10, 1, 3, "closed", moment(2026, 3, 8, 13))
    assert health(mart_sql, world)["is_archive_candidate"] is True


def test_a_push_within_a_year_keeps_it_whoever_pushed(mart_sql: dict[str, str], world: World) -> None:
    pushed(world, moment(2025, 3, 9))
    assert health(mart_sql, world)["is_archive_candidate"] is False
    pushed(world, moment(2025, 3, 8, 23))
    assert health(mart_sql, world)["is_archive_candidate"] is True


def test_the_directory_can_exempt_it(mart_sql: dict[str, str], world: World) -> None:
    directory_line(world, FIRST, "acme/repo-10", "web", "1", exempt=True)
    row = health(mart_sql, world)
    assert (row["is_archive_candidate"], row["owner"], row["owner_basis"], row["tier"]) == (
        False,
        "web",
        "repository_directory",
        "1",
    )


@pytest.mark.parametrize("dataset", ["issues", "issue_comments", "pull_requests"])
def test_where_conversations_were_never_read_nobody_knows(mart_sql: dict[str, str], world: World, dataset: str) -> None:
    for day in days(FIRST, 7):
        world.fetched(day, dataset, REPO, "forbidden")
    row = health(mart_sql, world)
    assert (row["is_archive_candidate"], row["maintainers_active"]) == (None, None)


def test_lists_that_were_never_read_count_nothing(mart_sql: dict[str, str], world: World) -> None:
    row = health(mart_sql, world)
    counts = ("releases_count", "releases_in_90_days", "releases_in_365_days", "branch_rules_count")
    assert [row[c] for c in counts] == [None] * 4
    for dataset in ("releases", "branch_rules", "rulesets"):
        world.fetched(LAST, dataset, REPO, coverage="empty")
    row = health(mart_sql, world)
    assert [row[c] for c in counts] == [0] * 4


def test_without_a_line_the_teams_that_administer_it_answer_for_it(mart_sql: dict[str, str], world: World) -> None:
    assert health(mart_sql, world)["owner_basis"] == "none"
    team(world, FIRST, 500, "core", [1], {10: "admin"})
    team(world, FIRST, 501, "readers", [2], {10: "read"})
    row = health(mart_sql, world)
    assert (row["owner"], row["owner_basis"]) == ("core", "admin_team")


def test_maintainers_count_where_they_were_seen_within_ninety_days(mart_sql: dict[str, str], world: World) -> None:
    assert health(mart_sql, world)["maintainers_active"] == 0
    commit(world, LAST, 10, "a1", 1, moment(2026, 1, 5))
    commit(world, LAST, 10, "a2", 2, moment(2026, 3, 1))
    commit(world, LAST, 10, "a3", 3, moment(2026, 3, 5))
    row = health(mart_sql, world)
    assert (row["maintainers_active"], row["last_commit_at"]) == (1, moment(2026, 3, 1))
    commit(world, LAST, 10, "a1", 1, moment(2025, 11, 5))
    assert health(mart_sql, world)["maintainers_active"] == 0


def downloads(mart_sql: dict[str, str], world: World) -> list[tuple[date, int | None, int | None, str]]:
    rows = Marts(mart_sql, world).rows("release_adoption_daily", order="day")
    return [(r["day"], r["download_count"], r["downloads"], r["data_state"]) for r in rows]


def test_downloads_are_differences_and_never_negative(mart_sql: dict[str, str], world: World) -> None:
    for day, count in zip(days(FIRST, 4), (100, 130, 130, 4), strict=True):
        release(world, day, 10, 70, midnight(FIRST), {900: count})
    world.fetched(FIRST + timedelta(days=5), "release_assets", REPO, "failed")
    found = downloads(mart_sql, world)
    assert found == [
        (FIRST, 100, None, "complete"),
        (FIRST + timedelta(days=1), 130, 30, "complete"),
        (FIRST + timedelta(days=2), 130, 0, "complete"),
        (FIRST + timedelta(days=3), 4, 0, "complete"),
        (FIRST + timedelta(days=4), 4, 0, "complete"),
        (FIRST + timedelta(days=5), None, None, "failed"),
        (FIRST + timedelta(days=6), 4, None, "complete"),
    ]
