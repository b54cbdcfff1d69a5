"""access_review: who had access at the end of a quarter, who of them has left, and what was decided."""

from __future__ import annotations

from datetime import date

import pytest

from oss_datastore_tests.infomarts.acme import (
    collaborator,
    comment,
    member,
    organization,
    outside_collaborator,
    person_line,
    repository,
    user,
)
from oss_datastore_tests.infomarts.marts import Marts, Row
from oss_datastore_tests.infomarts.world import World, key, moment, scope

FIRST, QUARTER_END, LAST = date(2026, 1, 5), date(2026, 3, 31), date(2026, 4, 20)
ORG, REPO = scope("organization", 1), scope("repository", 10)


@pytest.fixture
def world() -> World:
    """A repository with an owner, a member and an outside collaborator at the end of a quarter and after it."""
    world = World()
    organization(world, FIRST)
    repository(world, FIRST, 10, "site")
    for who, login in enumerate(("olga", "tim", "otto"), start=1):
        user(world, FIRST, who, login)
    member(world, FIRST, 1, "admin", two_factor=True)
    member(world, FIRST, 2, two_factor=False)
    outside_collaborator(world, FIRST, 3)
    for who, role in ((1, "admin"), (2, "write"), (3, "read")):
        collaborator(world, FIRST, 10, who, role)
    for day in (FIRST, QUARTER_END, LAST):
        world.fetched(day, "repository_collaborators", REPO)
        for dataset in ("repositories", "members", "outside_collaborators"):
            world.fetched(day, dataset, ORG)
        world.access(day, 10, 1, "admin", is_organization_owner=True)
        world.access(day, 10, 2, "write")
        world.access(day, 10, 3, "read")
    return world


def decided(world: World, login: str, repository_key: str, day: date, decision: str) -> None:
    line = {"login": login, "repository": repository_key, "decision": decision, "reviewer": "olga", "ticket": "T-1"}
    keys = {"login_key": login, "repository_key": repository_key, "decided_on": day}
    world.satellite(LAST, "ref_access_decision", key(login, repository_key, str(day)), **keys, **line)


def review(mart_sql: dict[str, str], world: World, login: str, quarter: str = "2026-01-01") -> Row:
    return Marts(mart_sql, world).row("access_review", f"login = '{login}' and quarter_start = '{quarter}'")


def test_each_quarter_is_seen_at_its_last_loaded_day(mart_sql: dict[str, str], world: World) -> None:
    rows = Marts(mart_sql, world).rows("access_review", order="quarter_start, login")
    assert [(r["quarter_start"], r["reviewed_on"], r["is_closed"], r["login"], r["role"]) for r in rows] == [
        (quarter, day, closed, login, role)
        for quarter, day, closed in ((date(2026, 1, 1), QUARTER_END, True), (date(2026, 4, 1), LAST, False))
        for login, role in (("olga", "admin"), ("otto", "read"), ("tim", "write"))
    ]


def test_it_says_what_a_reviewer_has_to_know(mart_sql: dict[str, str], world: World) -> None:
    comment(world, LAST, 10, 1, 2, moment(2026, 3, 31, 23))
    comment(world, LAST, 10, 1, 2, moment(2026, 4, 1))
    tim, otto = review(mart_sql, world, "tim"), review(mart_sql, world, "otto")
    assert (tim["last_seen_at"], tim["two_factor_enabled"], tim["is_member"], tim["first_seen_on"]) == (
        moment(2026, 3, 31, 23),
        False,
        True,
        FIRST,
    )
    assert (otto["is_outside"], otto["two_factor_enabled"], otto["last_seen_at"]) == (True, None, None)
    assert review(mart_sql, world, "olga")["is_organization_owner"]


def test_who_left_the_organisation_and_kept_access_is_a_leaver(mart_sql: dict[str, str], world: World) -> None:
    member(world, date(2026, 3, 10), 2, active=False)
    assert review(mart_sql, world, "tim")["is_leaver"]
    assert not review(mart_sql, world, "otto")["is_leaver"]
    assert not review(mart_sql, world, "olga")["is_leaver"]


def test_who_left_the_company_is_a_leaver_too(mart_sql: dict[str, str], world: World) -> None:
    person_line(world, FIRST, "Tim", "Acme Ltd")
    assert not review(mart_sql, world, "tim")["is_leaver"]
    row = {"login": "Tim", "company": "Acme Ltd", "affiliation": "internal", "valid_to": date(2026, 3, 1)}
    world.satellite(
        date(2026, 3, 2), "ref_people_directory", key("person", "Tim"), login_key="tim", valid_from=date(1, 1, 1), **row
    )
    assert review(mart_sql, world, "tim")["is_leaver"]


def test_the_newest_decision_of_the_review_is_shown(mart_sql: dict[str, str], world: World) -> None:
    decided(world, "tim", "acme/*", date(2026, 4, 8), "keep")
    decided(world, "tim", "site", date(2026, 4, 9), "reduce")
    decided(world, "tim", "other", date(2026, 4, 10), "revoke")
    decided(world, "otto", "site", date(2025, 12, 9), "revoke")
    tim = review(mart_sql, world, "tim")
    assert (tim["decision"], tim["decided_on"], tim["reviewer"]) == ("reduce", date(2026, 4, 9), "olga")
    assert review(mart_sql, world, "otto")["decision"] is None


def test_a_list_that_did_not_come_makes_the_evidence_incomplete(mart_sql: dict[str, str], world: World) -> None:
    assert review(mart_sql, world, "tim")["is_complete"]
    world.fetched(QUARTER_END, "members", ORG, "forbidden")
    row = review(mart_sql, world, "tim")
    assert (row["is_complete"], row["data_state"]) == (False, "complete")
    assert review(mart_sql, world, "tim", "2026-04-01")["is_complete"]
