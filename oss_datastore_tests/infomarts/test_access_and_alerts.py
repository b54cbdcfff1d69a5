"""user_access_current and security_alerts_current: every path, since when, how sure; what is due and what was late."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from oss_datastore_tests.infomarts.acme import (
    alert,
    collaborator,
    member,
    organization,
    outside_collaborator,
    repository,
    team,
    user,
)
from oss_datastore_tests.infomarts.marts import Marts, Row
from oss_datastore_tests.infomarts.world import World, moment, scope

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 20)
ORG, REPO = scope("organization", 1), scope("repository", 10)


@pytest.fixture
def world() -> World:
    """An owner, a member in a team, a member with a grant of her own and an outsider, all on one repository."""
    world = World()
    organization(world, FIRST)
    repository(world, FIRST, 10)
    for who, login in enumerate(("olga", "tim", "dora", "otto", "nina"), start=1):
        user(world, FIRST, who, login)
    member(world, FIRST, 1, "admin", two_factor=True)
    member(world, FIRST, 2, two_factor=False)
    member(world, FIRST, 3)
    outside_collaborator(world, LAST, 4)
    team(world, FIRST, 500, "core", [2], {10: "maintain"})
    collaborator(world, FIRST, 10, 1, "admin", [("organization", 1, "read")])
    collaborator(world, FIRST, 10, 2, "maintain", [("organization", 1, "read"), ("team", 500, "maintain")])
    collaborator(world, FIRST, 10, 3, "admin", [("organization", 1, "read"), ("repository", 10, "admin")])
    collaborator(world, LAST, 10, 4, "triage")
    for day in (FIRST, LAST):
        for dataset in ("repositories", "members", "outside_collaborators", "teams"):
            world.fetched(day, dataset, ORG)
        for dataset in ("team_members", "team_repositories"):
            world.fetched(day, dataset, scope("team", 500))
        world.fetched(day, "repository_collaborators", REPO)
    return world


def on_repository(marts: Marts, login: str) -> Row:
    return marts.row("user_access_current", f"repo_id = 10 and login = '{login}'")


def test_every_path_to_a_repository_is_named(mart_sql: dict[str, str], world: World) -> None:
    marts = Marts(mart_sql, world)
    paths = {
        r["login"]: (r["role"], r["organization_path"], r["team_paths"], r["direct_path"], r["paths_count"])
        for r in marts.rows("user_access_current", "repo_id = 10")
    }
    assert paths == {
        "olga": ("admin", "owner", None, None, 1),
        "tim": ("maintain", "read", "core (maintain)", None, 2),
        "dora": ("admin", "read", None, "admin", 2),
        "otto": ("triage", None, None, "triage", 1),
    }


def test_people_of_the_organisation_have_a_row_of_their_own(mart_sql: dict[str, str], world: World) -> None:
    rows = Marts(mart_sql, world).rows("user_access_current", "repo_id is null", order="login")
    assert [(r["login"], r["role"], r["is_owner"], r["is_outside"], r["two_factor_enabled"]) for r in rows] == [
        ("dora", "member", False, False, None),
        ("olga", "owner", True, False, True),
        ("otto", "outside collaborator", False, True, None),
        ("tim", "member", False, False, False),
    ]


def test_first_seen_is_not_granted_where_history_begins_with_it(mart_sql: dict[str, str], world: World) -> None:
    marts = Marts(mart_sql, world)
    assert [on_repository(marts, "olga")[c] for c in ("first_seen_on", "granted_on")] == [FIRST, None]
    assert [on_repository(marts, "otto")[c] for c in ("first_seen_on", "granted_on")] == [LAST, LAST]


def test_roles_that_a_source_cannot_name_are_taken_from_where_they_are_known(
    mart_sql: dict[str, str], world: World
) -> None:
    collaborator(world, FIRST, 10, 2, "maintain", [("team", 500, "write")])
    collaborator(world, FIRST, 10, 3, "triage", [("organization", 1, "read"), ("repository", 10, "read")])
    marts = Marts(mart_sql, world)
    assert on_repository(marts, "tim")["team_paths"] == "core (maintain)"
    assert on_repository(marts, "dora")["direct_path"] == "triage"


def test_access_by_a_team_is_known_without_the_repositorys_own_list(mart_sql: dict[str, str], world: World) -> None:
    repository(world, FIRST, 11)
    team(world, FIRST, 500, "core", [2], {11: "write"})
    rows = Marts(mart_sql, world).rows("user_access_current", "repo_id = 11", order="login")
    assert [(r["login"], r["role"], r["is_listed"], r["is_complete"], r["data_state"]) for r in rows] == [
        ("olga", "admin", False, False, "missing"),
        ("tim", "write", False, False, "missing"),
    ]


@pytest.mark.parametrize(
    ("dataset", "of"),
    [("members", ORG), ("teams", ORG), ("team_members", scope("team", 500)), ("repository_collaborators", REPO)],
)
def test_access_is_complete_only_where_every_list_that_could_show_a_path_is(
    mart_sql: dict[str, str], world: World, dataset: str, of: str
) -> None:
    assert on_repository(Marts(mart_sql, world), "tim")["is_complete"]
    world.fetched(LAST, dataset, of, "partial")
    assert not on_repository(Marts(mart_sql, world), "tim")["is_complete"]


def test_who_left_has_no_access(mart_sql: dict[str, str], world: World) -> None:
    member(world, LAST, 3, active=False)
    collaborator(world, LAST, 10, 3, "", active=False)
    assert Marts(mart_sql, world).rows("user_access_current", "login = 'dora'") == []


def alerts(mart_sql: dict[str, str], world: World) -> list[Row]:
    world.fetched(LAST, "dependabot_alerts", REPO, coverage="delta")
    return Marts(mart_sql, world).rows("security_alerts_current", order="alert_number")


@pytest.mark.parametrize(
    ("severity", "promised", "overdue"),
    [("critical", 14, True), ("high", 30, False), ("medium", 60, False), ("low", 90, False)],
)
def test_each_severity_has_its_days(
    mart_sql: dict[str, str], world: World, severity: str, promised: int, overdue: bool
) -> None:
    raised = moment(2026, 3, 3, 9)
    alert(world, LAST, 10, 1, severity, raised)
    (row,) = alerts(mart_sql, world)
    assert row["due_at"] == raised + timedelta(days=promised)
    assert (row["is_overdue"], row["is_breached"], row["exposure_days"]) == (overdue, overdue, 17)
    assert row["overdue_days"] == (3 if overdue else None)


def test_fixed_late_is_breached_and_not_overdue(mart_sql: dict[str, str], world: World) -> None:
    alert(world, LAST, 10, 1, "critical", moment(2026, 2, 1), state="fixed", fixed_at=moment(2026, 3, 1, 5))
    (row,) = alerts(mart_sql, world)
    assert (row["is_overdue"], row["is_breached"], row["resolution"], row["exposure_days"]) == (
        False,
        True,
        "fixed",
        28,
    )


def test_dismissed_is_not_fixed(mart_sql: dict[str, str], world: World) -> None:
    alert(
        world,
        LAST,
        10,
        1,
        "low",
        moment(2026, 3, 1),
        state="dismissed",
        dismissed_at=moment(2026, 3, 4),
        dismissed_reason="tolerable_risk",
    )
    alert(world, LAST, 10, 2, "low", moment(2026, 3, 1), state="auto_dismissed", auto_dismissed_at=moment(2026, 3, 4))
    rows = alerts(mart_sql, world)
    assert [(r["resolution"], r["dismissed_reason"], r["is_breached"]) for r in rows] == [
        ("dismissed", "tolerable_risk", False),
        ("dismissed by rule", None, False),
    ]


def test_an_alert_that_comes_back_keeps_its_first_date(mart_sql: dict[str, str], world: World) -> None:
    raised = moment(2026, 3, 2, 9)
    for day, state in ((FIRST, "open"), (date(2026, 3, 5), "fixed"), (LAST, "open")):
        alert(world, day, 10, 1, "high", raised, state=state, fixed_at=moment(2026, 3, 5) if state == "fixed" else None)
    (row,) = alerts(mart_sql, world)
    assert (row["is_reopened"], row["created_at"], row["closed_at"], row["exposure_days"]) == (True, raised, None, 18)


def test_an_alert_whose_advisory_was_replaced_is_one_alert(mart_sql: dict[str, str], world: World) -> None:
    alert(world, FIRST, 10, 1, "high", moment(2026, 3, 2), ghsa_id="GHSA-old")
    alert(world, LAST, 10, 1, "high", moment(2026, 3, 2), ghsa_id="GHSA-new")
    assert [r["ghsa_id"] for r in alerts(mart_sql, world)] == ["GHSA-new"]
