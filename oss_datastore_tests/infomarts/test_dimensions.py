"""dim_date, dim_repository and dim_person: what things were called as of a day, and what people were to us."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from oss_datastore_tests.infomarts.acme import (
    directory_line,
    member,
    no_repository,
    organization,
    person_line,
    repository,
    user,
)
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.infomarts.world import World, scope

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 20)
MIDDLE = date(2026, 3, 10)
ORG = scope("organization", 1)


@pytest.fixture
def world() -> World:
    """An organisation with one repository; two loaded days."""
    world = World()
    organization(world, FIRST)
    repository(world, FIRST, 10, "site")
    for day in (FIRST, LAST):
        world.fetched(day, "repositories", ORG)
    return world


def test_days_know_their_week_and_whether_they_were_loaded(mart_sql: dict[str, str], world: World) -> None:
    marts = Marts(mart_sql, world)
    days = marts.rows("dim_date", order="day")
    assert (days[0]["day"], days[-1]["day"]) == (FIRST - timedelta(days=14), LAST)
    assert [d["day"] for d in days if d["is_loaded"]] == [FIRST, LAST]
    sunday = marts.row("dim_date", "day = '2026-03-08'")
    assert (sunday["week_start"], sunday["month_start"], sunday["quarter_start"]) == (
        date(2026, 3, 2),
        date(2026, 3, 1),
        date(2026, 1, 1),
    )
    assert (sunday["day_of_week"], sunday["is_weekend"]) == (7, True)
    assert [d["day"] for d in days if d["is_last"]] == [LAST]


def test_a_repository_keeps_the_name_it_had(mart_sql: dict[str, str], world: World) -> None:
    repository(world, MIDDLE, 10, "website", visibility="private")
    rows = Marts(mart_sql, world).rows("dim_repository", order="valid_from")
    assert [(r["valid_from"], r["valid_to"], r["full_name"], r["full_name_now"], r["visibility"]) for r in rows] == [
        (FIRST, MIDDLE, "acme/site", "acme/website", "public"),
        (MIDDLE, None, "acme/website", "acme/website", "private"),
    ]
    assert [r["is_current"] for r in rows] == [False, True]


def test_a_repository_that_left_stays_known_and_is_no_longer_listed(mart_sql: dict[str, str], world: World) -> None:
    no_repository(world, MIDDLE, 10)
    rows = Marts(mart_sql, world).rows("dim_repository", order="valid_from")
    assert [(r["valid_from"], r["is_listed"], r["org_id"], r["full_name"]) for r in rows] == [
        (FIRST, True, 1, "acme/site"),
        (MIDDLE, False, None, "acme/site"),
    ]


def test_the_directory_names_owner_and_tier_the_most_exact_line_counts(mart_sql: dict[str, str], world: World) -> None:
    repository(world, FIRST, 11, "site_map")
    repository(world, FIRST, 12, "siteXmap")
    directory_line(world, FIRST, "acme/*", "everybody", "3")
    directory_line(world, FIRST, "acme/site*", "web", "2")
    directory_line(world, FIRST, "Site_map", "maps", "1", exempt=True)
    rows = Marts(mart_sql, world).rows("dim_repository", order="repo_id")
    assert [(r["owner"], r["tier"], r["is_exempt"]) for r in rows] == [
        ("web", "2", False),
        ("maps", "1", True),
        ("web", "2", False),
    ]


def test_a_person_has_a_version_per_login_kind_and_company(mart_sql: dict[str, str], world: World) -> None:
    user(world, FIRST, 1, "tim")
    world.affiliation(FIRST, 1, "unknown", "none", until=MIDDLE)
    world.affiliation(MIDDLE, 1, "employee", "people_directory")
    person_line(world, MIDDLE, "Timothy", "Acme Ltd")
    user(world, MIDDLE + timedelta(days=3), 1, "timothy")
    rows = Marts(mart_sql, world).rows("dim_person", order="valid_from")
    assert [(r["valid_from"], r["login"], r["login_now"], r["kind"], r["company"]) for r in rows] == [
        (FIRST, "tim", "timothy", "unknown", None),
        (MIDDLE, "tim", "timothy", "employee", None),
        (MIDDLE + timedelta(days=3), "timothy", "timothy", "employee", "Acme Ltd"),
    ]
    assert [r["valid_to"] for r in rows] == [MIDDLE, MIDDLE + timedelta(days=3), None]


def test_what_somebody_is_to_us_is_said_by_directory_account_and_membership_in_this_order(
    mart_sql: dict[str, str], affiliation_sql: str, world: World
) -> None:
    for who, login, kind in ((1, "tim", "User"), (2, "ci[bot]", "Bot"), (3, "acme-ci", "User"), (4, "mia", "User")):
        user(world, FIRST, who, login, kind)
    for who in (1, 2, 4):
        member(world, MIDDLE, who)
    member(world, MIDDLE + timedelta(days=2), 4, active=False)
    world.fetched(FIRST, "members", ORG)
    person_line(world, MIDDLE + timedelta(days=4), "tim", "Globex", "external")
    person_line(world, MIDDLE + timedelta(days=5), "acme-ci", None, "bot")
    person_line(world, LAST, "ci[bot]", "Acme Ltd", "internal")
    found = Marts(mart_sql, world).connection.execute(
        "select h.user_id, cast(b.load_date as date), cast(b.load_end_date as date), b.kind, b.basis "
        f"from ({affiliation_sql}) b join raw_vault.hub_user h using (user_hk) order by 1, 2"
    )
    left, named, listed = (MIDDLE + timedelta(days=n) for n in (2, 4, 5))
    ever = date(9999, 12, 31)
    assert found.fetchall() == [
        (1, FIRST, MIDDLE, "unknown", "none"),
        (1, MIDDLE, named, "employee", "organization_member"),
        (1, named, ever, "external", "people_directory"),
        (2, FIRST, LAST, "bot", "account_type"),
        (2, LAST, ever, "employee", "people_directory"),
        (3, FIRST, listed, "unknown", "none"),
        (3, listed, ever, "bot", "people_directory"),
        (4, FIRST, MIDDLE, "unknown", "none"),
        (4, MIDDLE, left, "employee", "organization_member"),
        (4, left, ever, "unknown", "none"),
    ]


def test_a_deleted_account_is_nobody_in_particular_and_no_bot(mart_sql: dict[str, str], world: World) -> None:
    user(world, FIRST, 1, "ghost")
    world.affiliation(FIRST, 1, "bot", "account_type")
    user(world, FIRST, 2, "renovate[bot]", "Bot")
    world.affiliation(FIRST, 2, "bot", "account_type")
    rows = Marts(mart_sql, world).rows("dim_person", order="user_id")
    assert [(r["kind"], r["is_gone"]) for r in rows] == [("unknown", True), ("bot", False)]


def test_what_days_cost_is_missing_where_nothing_was_planned(mart_sql: dict[str, str], world: World) -> None:
    world.cost(FIRST, "issues", 12, 3)
    world.cost(LAST, "issues", 2)
    rows = Marts(mart_sql, world).rows("api_cost_daily", order="day")
    assert len(rows) == 19
    assert [(r["requests"], r["points"], r["data_state"]) for r in (rows[0], rows[1], rows[-1])] == [
        (12, 3, "complete"),
        (None, None, "missing"),
        (2, 0, "complete"),
    ]
