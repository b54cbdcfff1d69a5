"""issue_metrics_daily and pull_request_metrics_daily: counts worked out by hand, and against a plain count."""

from __future__ import annotations

import random
import statistics
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from oss_datastore_tests.infomarts.acme import (
    comment,
    days,
    issue,
    member,
    organization,
    pull_request,
    repository,
    user,
)
from oss_datastore_tests.infomarts.marts import Marts, Row
from oss_datastore_tests.infomarts.world import World, midnight, moment, scope

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 20)
REPO = scope("repository", 10)
ADA, MIA, BOT = 101, 103, 105
DATASETS = ("issues", "issue_comments", "issue_events", "pull_requests", "pull_request_reviews")


@pytest.fixture
def world() -> World:
    """A repository whose conversations were read; ada comes from outside, mia is a member."""
    world = World()
    organization(world, FIRST)
    repository(world, FIRST, 10)
    for who, login, kind in ((ADA, "ada", "User"), (MIA, "mia", "User"), (BOT, "renovate[bot]", "Bot")):
        user(world, FIRST, who, login, kind)
    member(world, FIRST, MIA)
    for day in (FIRST, LAST):
        world.fetched(day, "members", scope("organization", 1))
        for dataset in DATASETS:
            world.fetched(day, dataset, REPO)
    return world


def at(day: int, hour: int = 0) -> datetime:
    """A moment in March 2026; the 2nd is a Monday."""
    return moment(2026, 3, day, hour)


def seen(world: World, number: int, author: int, created_at: datetime, closed_at: datetime | None = None) -> None:
    state = "open" if closed_at is None else "closed"
    issue(
        world, LAST, number, 10, author, created_at=created_at, updated_at=created_at, closed_at=closed_at, state=state
    )


def on(marts: Marts, day: date, mart: str = "issue_metrics_daily") -> Row:
    return marts.row(mart, f"repo_id = 10 and day = '{day}'")


def test_a_day_counts_what_was_opened_closed_and_stood_open(mart_sql: dict[str, str], world: World) -> None:
    seen(world, 1, ADA, moment(2026, 2, 2, 8))
    seen(world, 2, ADA, at(3, 9), at(5, 10))
    seen(world, 3, MIA, at(3, 11))
    seen(world, 4, BOT, at(5, 1), at(5, 2))
    marts = Marts(mart_sql, world)
    counted = {
        day: tuple(
            on(marts, date(2026, 3, day))[c] for c in ("opened", "opened_by_community", "closed", "open_at_close")
        )
        for day in (2, 3, 4, 5)
    }
    assert counted == {2: (0, 0, 0, 1), 3: (2, 1, 0, 3), 4: (0, 0, 0, 3), 5: (1, 0, 2, 2)}


def test_what_is_open_for_long_stays_in_sight(mart_sql: dict[str, str], world: World) -> None:
    seen(world, 1, ADA, moment(2026, 2, 2, 8), at(9, 9))
    seen(world, 2, ADA, moment(2025, 1, 1), at(10))
    marts = Marts(mart_sql, world)
    found = {d: on(marts, date(2026, 3, d)) for d in (4, 5, 8, 9, 10)}
    assert {d: r["open_over_30_days"] for d, r in found.items()} == {4: 1, 5: 2, 8: 2, 9: 1, 10: 0}
    assert {d: r["open_over_365_days"] for d, r in found.items()} == {4: 1, 5: 1, 8: 1, 9: 1, 10: 0}


def test_answers_are_timed_and_promises_counted_on_their_due_day(mart_sql: dict[str, str], world: World) -> None:
    for number, (opened, answered) in enumerate([((2, 9), (3, 9)), ((2, 10), (3, 12)), ((2, 11), (6, 11))], start=1):
        seen(world, number, ADA, at(*opened))
        comment(world, LAST, 10, number, MIA, at(*answered))
    seen(world, 4, ADA, at(2, 12))
    marts = Marts(mart_sql, world)
    third, fourth = on(marts, date(2026, 3, 3)), on(marts, date(2026, 3, 4))
    assert (third["first_responses"], third["response_seconds_median"], third["response_seconds_p90"]) == (
        2,
        25 * 3600,
        26 * 3600,
    )
    assert (fourth["due"], fourth["due_met"], fourth["response_seconds_median"]) == (4, 2, None)


def test_words_that_were_not_read_leave_the_answers_unknown(mart_sql: dict[str, str], world: World) -> None:
    seen(world, 1, ADA, at(3))
    for day in (FIRST, LAST):
        world.fetched(day, "issue_comments", REPO, "forbidden")
    row = on(Marts(mart_sql, world), date(2026, 3, 3))
    assert (row["opened"], row["first_responses"], row["due"], row["data_state"], row["is_final"]) == (
        1,
        None,
        None,
        "partial",
        False,
    )


def test_a_list_that_failed_last_is_unknown_from_there(mart_sql: dict[str, str], world: World) -> None:
    seen(world, 1, ADA, at(3))
    world.fetched(LAST, "issues", REPO, "failed")
    marts = Marts(mart_sql, world)
    assert (on(marts, FIRST)["opened"], on(marts, FIRST)["data_state"]) == (0, "complete")
    assert [on(marts, LAST)[c] for c in ("opened", "open_at_close", "data_state")] == [None, None, "failed"]


def test_the_closure_ratio_is_closed_beside_what_could_have_been(mart_sql: dict[str, str], world: World) -> None:
    def pull(number: int, created_at: datetime, closed_at: datetime | None = None, merged: bool = False) -> None:
        state = "open" if closed_at is None else "merged" if merged else "closed"
        merged_at = closed_at if merged else None
        more: dict[str, Any] = {"closed_at": closed_at, "merged_at": merged_at, "state": state}
        pull_request(world, LAST, number, 10, ADA, created_at=created_at, updated_at=created_at, **more)

    pull(1, moment(2025, 1, 1))  # open since before the 90 days
    pull(2, moment(2025, 1, 1), moment(2025, 2, 1), merged=True)  # over before them
    pull(3, moment(2026, 2, 1), at(18), merged=True)
    pull(4, at(17), at(18))
    pull(5, at(20, 3))
    row = on(Marts(mart_sql, world), LAST, "pull_request_metrics_daily")
    assert (row["closed_in_90_days"], row["to_close_in_90_days"]) == (2, 4)
    assert float(row["change_request_closure_ratio"]) == 0.5
    before = on(Marts(mart_sql, world), date(2026, 3, 18), "pull_request_metrics_daily")
    assert (before["merged"], before["closed_unmerged"], before["open_at_close"]) == (1, 1, 1)


def test_many_items_equal_a_plain_count(mart_sql: dict[str, str], world: World) -> None:
    dice = random.Random(5)
    spans = []
    for number in range(1, 300):
        opened = moment(2025, 9, 1) + timedelta(minutes=dice.randrange(200 * 1440))
        lasted = timedelta(minutes=dice.randrange(1, 150 * 1440))
        closed = opened + lasted if dice.random() < 0.7 else None
        if opened >= midnight(LAST + timedelta(days=1)):
            continue
        closed = closed if closed and closed < midnight(LAST + timedelta(days=1)) else None
        seen(world, number, ADA, opened, closed)
        answer = opened + timedelta(minutes=dice.randrange(1, 9000))
        if dice.random() < 0.6 and answer < midnight(LAST + timedelta(days=1)) and (closed is None or answer < closed):
            comment(world, LAST, 10, number, MIA, answer)
        else:
            answer = None
        # Closing it himself is no answer of somebody else's.
        spans.append((opened, closed, answer))
    marts = Marts(mart_sql, world)
    for day in days(FIRST, 19):
        row = on(marts, day)
        end = midnight(day + timedelta(days=1))
        still = [o for o, c, _ in spans if o < end and (c is None or c >= end)]
        assert row["opened"] == sum(o.date() == day for o, _, _ in spans)
        assert row["closed"] == sum(c is not None and c.date() == day for _, c, _ in spans)
        assert row["open_at_close"] == len(still)
        for age in (30, 90, 365):
            assert row[f"open_over_{age}_days"] == sum((day - o.date()).days > age for o in still)
        took = sorted((a - o).total_seconds() for o, _, a in spans if a is not None and a.date() == day)
        assert row["first_responses"] == len(took)
        assert row["response_seconds_median"] == (int(statistics.median(took)) if took else None)
