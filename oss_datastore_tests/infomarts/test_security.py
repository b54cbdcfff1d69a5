"""security_sla, security_alerts_daily and security_coverage_daily: no alerts is not safe, dismissed is not fixed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from oss_datastore_tests.infomarts.acme import alert, days, organization, repository, scanning_alert
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.infomarts.world import World, key, moment, scope

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 20)
ORG, REPO = scope("organization", 1), scope("repository", 10)
KINDS = ("dependabot_alerts", "code_scanning_alerts", "secret_scanning_alerts")


@pytest.fixture
def world() -> World:
    """A repository whose alerts of every kind were read every day; nothing was found yet."""
    world = World()
    organization(world, FIRST)
    repository(world, FIRST, 10)
    for day in days(FIRST, 19):
        world.fetched(day, "repositories", ORG)
        for dataset in KINDS:
            world.fetched(day, dataset, REPO, coverage="delta")
    return world


def sla(mart_sql: dict[str, str], world: World, *columns: str) -> list[tuple[Any, ...]]:
    rows = Marts(mart_sql, world).rows("security_sla", order="alert_kind, alert_number")
    return [tuple(row[column] for column in columns) for row in rows]


def test_each_kind_of_alert_has_its_row_and_its_due_day(mart_sql: dict[str, str], world: World) -> None:
    raised = moment(2026, 3, 3, 9)
    alert(world, LAST, 10, 1, "high", raised)
    scanning_alert(world, LAST, "code_scanning", 10, 1, raised, rule_id="js/xss", security_severity="critical")
    scanning_alert(world, LAST, "secret_scanning", 10, 1, raised, secret_type="github_token")
    assert sla(mart_sql, world, "alert_kind", "subject", "severity", "due_at", "is_overdue", "overdue_days") == [
        ("code_scanning", "js/xss", "critical", raised + timedelta(days=14), True, 3),
        ("dependabot", "left-pad", "high", raised + timedelta(days=30), False, None),
        ("secret_scanning", "github_token", "critical", raised + timedelta(days=14), True, 3),
    ]


def test_a_finding_about_quality_is_never_due(mart_sql: dict[str, str], world: World) -> None:
    scanning_alert(world, LAST, "code_scanning", 10, 1, moment(2025, 3, 3), rule_id="js/unused", rule_severity="note")
    assert sla(mart_sql, world, "severity", "due_at", "is_overdue", "is_breached") == [(None, None, False, False)]


def test_dismissed_and_revoked_are_told_apart(mart_sql: dict[str, str], world: World) -> None:
    raised, closed = moment(2026, 3, 3), moment(2026, 3, 5)
    for number, resolution in enumerate(("revoked", "false_positive", "used_in_tests"), start=1):
        scanning_alert(
            world,
            LAST,
            "secret_scanning",
            10,
            number,
            raised,
            state="resolved",
            resolution=resolution,
            resolved_at=closed,
        )
    scanning_alert(
        world,
        LAST,
        "code_scanning",
        10,
        1,
        raised,
        state="dismissed",
        dismissed_at=closed,
        dismissed_reason="won't fix",
    )
    assert sla(mart_sql, world, "alert_kind", "resolution", "is_false_positive", "exposure_days") == [
        ("code_scanning", "dismissed", False, 2),
        ("secret_scanning", "fixed", False, 2),
        ("secret_scanning", "dismissed", True, 2),
        ("secret_scanning", "dismissed", False, 2),
    ]


def test_an_alert_that_comes_back_keeps_its_first_date(mart_sql: dict[str, str], world: World) -> None:
    raised = moment(2026, 3, 2, 9)
    for day, state in ((FIRST, "open"), (FIRST + timedelta(days=2), "fixed"), (LAST, "open")):
        fixed = moment(2026, 3, 4) if state == "fixed" else None
        scanning_alert(world, day, "code_scanning", 10, 1, raised, state=state, fixed_at=fixed)
    assert sla(mart_sql, world, "is_reopened", "closed_at", "exposure_days") == [(True, None, 18)]


def test_days_count_what_was_raised_closed_and_stood_open(mart_sql: dict[str, str], world: World) -> None:
    alert(world, LAST, 10, 1, "critical", moment(2026, 3, 3, 9), state="fixed", fixed_at=moment(2026, 3, 18, 5))
    alert(world, LAST, 10, 2, "low", moment(2026, 3, 18, 9))
    alert(world, LAST, 10, 3, "low", moment(2026, 3, 3), state="dismissed", dismissed_at=moment(2026, 3, 18))
    marts = Marts(mart_sql, world)
    counted = ("opened", "fixed", "dismissed", "open_at_close", "open_critical", "open_low", "overdue")

    def on(day: date) -> tuple[Any, ...]:
        row = marts.row("security_alerts_daily", f"alert_kind = 'dependabot' and day = '{day}'")
        return tuple(row[c] for c in counted)

    assert on(date(2026, 3, 2)) == (0, 0, 0, 0, 0, 0, 0)
    assert on(date(2026, 3, 3)) == (2, 0, 0, 2, 1, 1, 0)
    assert on(date(2026, 3, 17)) == (0, 0, 0, 2, 1, 1, 1)
    assert on(date(2026, 3, 18)) == (1, 1, 1, 1, 0, 1, 0)


@pytest.mark.parametrize("state", ["disabled", "forbidden", "failed"])
def test_where_alerts_are_not_read_there_is_no_zero(mart_sql: dict[str, str], world: World, state: str) -> None:
    for day in days(FIRST, 19):
        world.fetched(day, "dependabot_alerts", REPO, state)
    row = Marts(mart_sql, world).row("security_alerts_daily", f"alert_kind = 'dependabot' and day = '{LAST}'")
    assert (row["opened"], row["open_at_close"], row["data_state"], row["is_final"]) == (None, None, state, False)


def test_a_day_that_failed_is_known_once_a_later_one_was_fetched(mart_sql: dict[str, str], world: World) -> None:
    world.fetched(LAST - timedelta(days=1), "dependabot_alerts", REPO, "failed")
    marts = Marts(mart_sql, world)
    row = marts.row("security_alerts_daily", f"alert_kind = 'dependabot' and day = '{LAST - timedelta(days=1)}'")
    assert (row["opened"], row["data_state"]) == (0, "complete")
    world.fetched(LAST, "dependabot_alerts", REPO, "failed")
    marts = Marts(mart_sql, world)
    row = marts.row("security_alerts_daily", f"alert_kind = 'dependabot' and day = '{LAST}'")
    assert (row["opened"], row["data_state"]) == (None, "failed")


def coverage(mart_sql: dict[str, str], world: World, day: date = LAST) -> dict[str, str]:
    rows = Marts(mart_sql, world).rows("security_coverage_daily", f"day = '{day}'")
    return {row["feature"]: row["state"] for row in rows}


def test_coverage_is_unknown_where_the_token_may_not_see_it(mart_sql: dict[str, str], world: World) -> None:
    world.fetched(LAST, "code_scanning_alerts", REPO, "forbidden")
    world.fetched(LAST, "secret_scanning_alerts", REPO, "forbidden")
    assert set(coverage(mart_sql, world).values()) == {"unknown"}


def test_coverage_says_on_and_off(mart_sql: dict[str, str], world: World) -> None:
    settings = {"secret_scanning": "disabled", "secret_scanning_push_protection": "enabled"}
    world.satellite(FIRST, "sat_repo_security_settings", key(10), is_visible=True, **settings)
    world.satellite(
        LAST, "sat_repo", key(10), full_name="acme/repo-10", visibility="public", has_vulnerability_alerts_enabled=False
    )
    world.fetched(LAST, "code_scanning_alerts", REPO, "disabled")
    world.fetched(LAST, "secret_scanning_alerts", REPO, "disabled")
    assert coverage(mart_sql, world) == {
        "dependabot_alerts": "off",
        "dependabot_security_updates": "unknown",
        "code_scanning": "off",
        "secret_scanning": "off",
        "secret_scanning_push_protection": "on",
    }


def test_settings_that_are_hidden_are_not_off(mart_sql: dict[str, str], world: World) -> None:
    world.satellite(FIRST, "sat_repo_security_settings", key(10), is_visible=False)
    assert coverage(mart_sql, world)["secret_scanning_push_protection"] == "unknown"


def test_a_day_without_the_list_is_unknown(mart_sql: dict[str, str], world: World) -> None:
    world.satellite(
        FIRST, "sat_repo_security_settings", key(10), is_visible=True, secret_scanning_push_protection="enabled"
    )
    world.fetched(LAST, "repositories", ORG, "failed")
    assert coverage(mart_sql, world)["secret_scanning_push_protection"] == "unknown"
    assert coverage(mart_sql, world, LAST - timedelta(days=1))["secret_scanning_push_protection"] == "on"
