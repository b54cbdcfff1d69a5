"""metric_period: whole periods only, like for like only, and no percentage of next to nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from oss_datastore_tests.infomarts.acme import days, organization, repository, traffic
from oss_datastore_tests.infomarts.marts import Marts, Row
from oss_datastore_tests.infomarts.world import World, scope

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 24)
ORG = scope("organization", 1)
SECOND, THIRD = date(2026, 3, 9), date(2026, 3, 16)


@pytest.fixture
def world() -> World:
    """Two repositories that gain one and ten stars a day, and a fork of ours."""
    world = World()
    organization(world, FIRST)
    for n, day in enumerate(days(FIRST, 24)):
        world.fetched(day, "repositories", ORG)
        repository(world, day, 10, stars=100 + n)
        repository(world, day, 11, stars=1000 + 10 * n)
        repository(world, day, 12, is_fork=True, stars=500 + 100 * n)
    return world


def period(
    marts: Marts, start: date, metric: str = "stargazers_net", repo_id: int | None = None, kind: str = "week"
) -> Row:
    of = "repo_id is null" if repo_id is None else f"repo_id = {repo_id}"
    return marts.row("metric_period", f"{of} and metric = '{metric}' and start_on = '{start}' and period = '{kind}'")


def figures(row: Row) -> tuple[Any, ...]:
    return tuple(row[c] for c in ("value", "n", "value_compared", "previous", "delta", "n_compared", "is_comparable"))


def test_only_whole_weeks_and_months_have_a_row(mart_sql: dict[str, str], world: World) -> None:
    rows = Marts(mart_sql, world).rows(
        "metric_period", "repo_id is null and metric = 'stargazers_net'", order="start_on"
    )
    found = {(r["period"], r["start_on"], r["value"] is None) for r in rows}
    assert {f for f in found if not f[2]} == {
        ("week", date(2026, 3, 2), False),
        ("week", SECOND, False),
        ("week", THIRD, False),
    }


def test_an_organisation_is_the_sum_of_its_repositories_without_forks(mart_sql: dict[str, str], world: World) -> None:
    marts = Marts(mart_sql, world)
    assert figures(period(marts, THIRD)) == (77, 2, 77, 77, 0, 2, True)
    assert figures(period(marts, THIRD, repo_id=11)) == (70, 1, 70, 70, 0, 1, True)
    assert figures(period(marts, THIRD, "stargazers_count")) == (1331, 2, 1331, 1254, 77, 2, True)


def test_a_repository_with_a_day_missing_is_left_out_of_the_comparison(mart_sql: dict[str, str], world: World) -> None:
    world.fetched(SECOND, "repositories", ORG, "failed")
    row = period(Marts(mart_sql, world), THIRD)
    assert figures(row) == (77, 2, None, None, None, 0, False)
    assert (row["complete_days"], row["expected_days"]) == (7, 7)


def test_a_repository_that_came_between_is_left_out_of_the_comparison(mart_sql: dict[str, str], world: World) -> None:
    for n, day in enumerate(days(SECOND + timedelta(days=3), 13)):
        repository(world, day, 13, stars=5 * n)
    assert figures(period(Marts(mart_sql, world), THIRD)) == (112, 3, 77, 77, 0, 2, False)


def test_small_numbers_have_no_percentage(mart_sql: dict[str, str], world: World) -> None:
    marts = Marts(mart_sql, world)
    assert period(marts, THIRD, repo_id=10)["change_ratio"] is None
    assert float(period(marts, THIRD, repo_id=11)["change_ratio"]) == 0.0
    assert round(float(period(marts, THIRD, "stargazers_count")["change_ratio"]), 4) == round(77 / 1254, 4)


def test_visits_add_up_and_uniques_are_not_there(mart_sql: dict[str, str], world: World) -> None:
    seen = dict.fromkeys(days(FIRST - timedelta(days=14), 38), (3, 2))
    for day in days(FIRST, 24):
        traffic(world, day, 10, seen)
    marts = Marts(mart_sql, world)
    assert period(marts, THIRD, "views_count", repo_id=10)["value"] == 21
    metrics = {row["metric"] for row in marts.rows("metric_catalogue")}
    assert not [name for name in metrics if "unique" in name]
    assert metrics == {row["metric"] for row in marts.rows("metric_period")} | {
        m for m in metrics if m.startswith("alerts")
    }
