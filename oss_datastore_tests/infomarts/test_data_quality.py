"""data_quality_daily: each day's states add up to what was planned, and the time that is left is GitHub's."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from oss_datastore.catalogue import DATASETS
from oss_datastore_tests.infomarts.acme import days
from oss_datastore_tests.infomarts.marts import ROOT, Marts
from oss_datastore_tests.infomarts.world import World, moment, scope

DAY = date(2026, 3, 2)
STATES = ("complete", "partial", "failed", "pending", "forbidden", "disabled", "gone", "unavailable")


def test_states_add_up_to_the_plan_and_tell_what_is_missing(mart_sql: dict[str, str]) -> None:
    world = World()
    for n, state in enumerate(STATES):
        for k in range(n + 1):
            world.fetched(DAY, "issues", scope("repository", 100 * n + k), state, rows=2)
    row = Marts(mart_sql, world).row("data_quality_daily", "true")
    assert row["scopes_planned"] == 36 == sum(row[f"scopes_{state}"] for state in STATES)
    assert row["scopes_missing"] == 2 + 3 + 4 + 5 + 8
    assert (row["is_whole"], row["data_state"], row["is_final"], row["rows_received"]) == (False, "partial", False, 72)


@pytest.mark.parametrize("state", ["complete", "disabled", "gone"])
def test_nothing_is_missing_where_there_is_nothing_to_have(mart_sql: dict[str, str], state: str) -> None:
    world = World()
    world.fetched(DAY, "dependabot_alerts", scope("repository", 1), state)
    row = Marts(mart_sql, world).row("data_quality_daily", "true")
    assert (row["is_whole"], row["data_state"], row["is_recoverable"], row["recoverable_until"]) == (
        True,
        "complete",
        False,
        None,
    )


def test_traffic_that_a_later_fetch_covers_is_not_missing(mart_sql: dict[str, str]) -> None:
    world = World()
    world.fetched(DAY, "traffic_views", scope("repository", 1), "failed", covered_by=DAY + timedelta(days=1))
    world.fetched(DAY, "traffic_views", scope("repository", 2), "failed")
    row = Marts(mart_sql, world).row("data_quality_daily", "true")
    assert (row["scopes_missing"], row["scopes_covered_later"]) == (1, 1)


@pytest.mark.parametrize(
    ("dataset", "until", "recoverable_for"),
    [("traffic_views", moment(2026, 3, 15), 12), ("members", moment(2026, 3, 4), 1), ("issues", None, 99)],
)
def test_the_time_left_is_that_of_the_dataset(
    mart_sql: dict[str, str], dataset: str, until: object, recoverable_for: int
) -> None:
    for later in (0, recoverable_for - 1, recoverable_for):
        world = World()
        world.fetched(DAY, dataset, scope("repository", 1), "failed")
        world.fetched(DAY + timedelta(days=later), "anything", scope("organization", 1))
        row = Marts(mart_sql, world).row("data_quality_daily", f"dataset = '{dataset}' and day = date '{DAY}'")
        assert row["recoverable_until"] == until
        assert row["is_recoverable"] == (later < recoverable_for or until is None), later


def test_a_day_without_a_plan_is_missing_and_has_a_row(mart_sql: dict[str, str]) -> None:
    world = World()
    for day in (DAY, DAY + timedelta(days=2)):
        world.fetched(day, "members", scope("organization", 1))
    rows = Marts(mart_sql, world).rows("data_quality_daily", order="day")
    assert [(r["day"], r["scopes_planned"], r["data_state"], r["is_whole"]) for r in rows] == [
        (day, planned, state, planned == 1)
        for day, planned, state in zip(days(DAY, 3), (1, 0, 1), ("complete", "missing", "complete"), strict=True)
    ]


def test_the_marts_know_how_each_dataset_of_the_catalogue_can_be_asked_for() -> None:
    macro = (ROOT / "sql/macros/infomarts/ledger.sql").read_text()
    told = {kind: set(re.findall(r"'(\w+)'", names)) for kind, names in re.findall(r"'(\w+)': \[([^\]]*)\]", macro)}
    declared: dict[str, set[str]] = {kind: set() for kind in told}
    for dataset in DATASETS.values():
        if dataset.addressable.value in declared:
            declared[dataset.addressable.value].add(dataset.name)
    assert told == declared
