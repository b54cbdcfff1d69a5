"""repo_traffic_daily and the top tens: what a window says, what it does not, and a real series put together again."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from oss_datastore_tests.infomarts.acme import days, organization, repository, traffic
from oss_datastore_tests.infomarts.marts import ROOT, Marts
from oss_datastore_tests.infomarts.world import World, key, moment, scope

RECORDED = ROOT / "../shared/recorded/repository-traffic/views_clones_daily.json"
D = date(2026, 3, 20)
REPO = scope("repository", 10)


def world_of(day: date = D) -> World:
    world = World()
    organization(world, day)
    repository(world, day, 10)
    world.fetched(day, "repositories", scope("organization", 1))
    return world


def of(marts: Marts, day: date) -> dict[str, object]:
    return marts.row("repo_traffic_daily", f"repo_id = 10 and traffic_date = date '{day}'")


def test_a_day_left_out_of_a_complete_window_is_zero_and_final(mart_sql: dict[str, str]) -> None:
    world = world_of()
    traffic(world, D, 10, {D - timedelta(days=1): (7, 3)})
    traffic(world, D, 10, {}, dataset="traffic_clones")
    row = of(Marts(mart_sql, world), D - timedelta(days=2))
    assert (row["views_count"], row["views_uniques"], row["clones_count"]) == (0, 0, 0)
    assert (row["data_state"], row["is_final"], row["observed_at"]) == ("complete", True, moment(2026, 3, 21, 0, 10))
    assert row["recoverable_until"] is None


def test_the_left_edge_of_a_window_is_partial_until_another_window_covers_it(mart_sql: dict[str, str]) -> None:
    edge = D - timedelta(days=12)
    numbers = {edge: (90, 30)}
    world = world_of()
    traffic(world, D, 10, numbers)
    seen_once = of(Marts(mart_sql, world), edge)
    assert (seen_once["views_count"], seen_once["views_data_state"], seen_once["is_final"]) == (30, "partial", False)
    assert seen_once["clones_count"] is None
    assert seen_once["clones_data_state"] == "missing"
    traffic(world, D - timedelta(days=1), 10, numbers)
    seen_twice = of(Marts(mart_sql, world), edge)
    assert (seen_twice["views_count"], seen_twice["views_uniques"], seen_twice["views_data_state"]) == (
        90,
        30,
        "complete",
    )


def test_a_day_no_window_covers_is_null_with_the_reason_and_the_time_left(mart_sql: dict[str, str]) -> None:
    world = world_of()
    world.fetched(D, "traffic_views", REPO, "failed")
    world.fetched(D, "traffic_clones", REPO, "failed")
    row = of(Marts(mart_sql, world), D)
    assert (row["views_count"], row["clones_count"], row["data_state"], row["is_final"]) == (
        None,
        None,
        "failed",
        False,
    )
    assert row["recoverable_until"] == moment(2026, 4, 2)


@pytest.mark.parametrize(("state", "coverage"), [("partial", "full"), ("forbidden", "full"), ("complete", "unchanged")])
def test_only_a_list_seen_whole_counts_zero(mart_sql: dict[str, str], state: str, coverage: str) -> None:
    world = world_of()
    world.fetched(D, "traffic_views", REPO, state, coverage)
    assert of(Marts(mart_sql, world), D)["views_count"] is None


def test_a_late_fetch_covers_only_the_days_github_still_serves(mart_sql: dict[str, str]) -> None:
    world = world_of()
    numbers = dict.fromkeys(days(D - timedelta(days=12), 13), (9, 3))
    traffic(world, D, 10, numbers, fetched_on=D + timedelta(days=8))
    marts = Marts(mart_sql, world)
    assert of(marts, D - timedelta(days=4))["views_data_state"] == "complete"
    assert of(marts, D - timedelta(days=5))["views_data_state"] == "partial"
    assert of(marts, D)["views_uniques_14_days"] is None


def test_the_highest_number_ever_seen_counts_and_windows_keep_githubs_own_uniques(mart_sql: dict[str, str]) -> None:
    world = world_of()
    traffic(world, D, 10, {D: (40, 9)}, window_uniques=616)
    traffic(world, D + timedelta(days=1), 10, {D: (38, 11)}, window_uniques=764)
    marts = Marts(mart_sql, world)
    assert (of(marts, D)["views_count"], of(marts, D)["views_uniques"]) == (40, 11)
    assert [of(marts, D + timedelta(days=n))["views_uniques_14_days"] for n in (-1, 0, 1)] == [None, 616, 764]


def test_every_day_of_the_range_has_a_row_whether_loaded_or_not(mart_sql: dict[str, str]) -> None:
    world = world_of()
    traffic(world, D, 10, {})
    traffic(world, D + timedelta(days=40), 10, {})
    rows = Marts(mart_sql, world).rows("repo_traffic_daily", order="traffic_date")
    assert [r["traffic_date"] for r in rows] == days(D - timedelta(days=11), 52)
    assert [r["traffic_date"] for r in rows if r["views_count"] is None] == days(D + timedelta(days=1), 28)


@pytest.mark.skipif(not RECORDED.exists(), reason="needs the recorded traffic beside the project, ../shared/recorded")
@pytest.mark.parametrize("never_fetched", [range(0), range(60, 70), range(0, 137, 11), range(90, 101)])
def test_a_real_series_cut_into_windows_comes_out_to_the_number(mart_sql: dict[str, str], never_fetched: range) -> None:
    recorded = {date.fromisoformat(r["day"]): r for r in json.loads(RECORDED.read_text())}
    first = date(2020, 12, 14)
    loaded = [d for n, d in enumerate(days(first, 138)) if n not in never_fetched]
    world = world_of(loaded[0])
    for day in loaded:
        for dataset, kind in (("traffic_views", "views"), ("traffic_clones", "clones")):
            series = {d: (r[f"{kind}_total"], r[f"{kind}_unique"]) for d, r in recorded.items()}
            traffic(world, day, 10, series, dataset=dataset)
    rows = Marts(mart_sql, world).rows("repo_traffic_daily", "is_final")
    merged = {
        r["traffic_date"]: (r["views_count"], r["views_uniques"], r["clones_count"], r["clones_uniques"]) for r in rows
    }
    whole = {
        d: (r["views_total"], r["views_unique"], r["clones_total"], r["clones_unique"])
        for d, r in recorded.items()
        if loaded[0] - timedelta(days=11) <= d <= loaded[-1]
    }
    assert merged == whole


def test_a_top_ten_stands_for_the_day_it_was_seen_on_and_no_other(mart_sql: dict[str, str]) -> None:
    world = world_of()
    lists = {D: ["news.example", "search.example"], D + timedelta(days=2): []}
    for day, names in lists.items():
        rows = [{"rank": n + 1, "referrer": name, "count": 50 - n, "uniques": 9} for n, name in enumerate(names)]
        world.block(day, "ma_sat_repo_traffic_referrers", key(10), rows)
        world.fetched(day, "traffic_referrers", REPO, coverage="full" if names else "empty")
    world.fetched(D + timedelta(days=1), "traffic_referrers", REPO, "failed")
    rows = Marts(mart_sql, world).rows("repo_traffic_referrers", order="day, rank")
    assert [
        (r["day"], r["rank"], r["referrer"], r["views_count_14_days"], r["data_state"], r["is_final"]) for r in rows
    ] == [
        (D, 1, "news.example", 50, "complete", True),
        (D, 2, "search.example", 49, "complete", True),
        (D + timedelta(days=1), None, None, None, "failed", False),
        (D + timedelta(days=2), None, None, None, "complete", True),
    ]
