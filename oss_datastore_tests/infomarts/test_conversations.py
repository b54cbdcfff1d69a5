"""pull_request_attention and issue_current: who owes whom a reply, what counts as one, and when it was due."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from oss_datastore_tests.infomarts.acme import (
    collaborator,
    comment,
    event,
    issue,
    member,
    organization,
    pull_request,
    repository,
    review,
    review_request,
    user,
)
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.infomarts.world import World, key, moment, scope

START = date(2026, 3, 1)
END = date(2026, 3, 20)  # a Friday: "now" is Saturday 00:00
AUTHOR, OTHER, MAINTAINER, WRITER, BOT, GHOST = 101, 102, 103, 104, 105, 106


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment in March 2026; the 2nd is a Monday."""
    return moment(2026, 3, day, hour, minute)


@pytest.fixture
def world() -> World:
    world = World()
    organization(world, START)
    repository(world, START, 10)
    for who, login, kind in (
        (AUTHOR, "ada", "User"),
        (OTHER, "otto", "User"),
        (MAINTAINER, "mia", "User"),
        (WRITER, "will", "User"),
        (BOT, "renovate[bot]", "Bot"),
        (GHOST, "ghost", "User"),
    ):
        user(world, START, who, login, kind)
    member(world, START, MAINTAINER)
    collaborator(world, START, 10, WRITER, "write")
    for day in (START, END):
        world.fetched(day, "members", scope("organization", 1))
        world.fetched(day, "repository_collaborators", scope("repository", 10))
        for dataset in ("issues", "issue_comments", "issue_events", "pull_requests", "pull_request_reviews"):
            world.fetched(day, dataset, scope("repository", 10))
    return world


def opened(world: World, created_at: datetime, author: int | None = AUTHOR, **attributes: Any) -> int:
    return pull_request(world, END, 5, 10, author, created_at=created_at, updated_at=created_at, **attributes)


def said(world: World, who: int | None, when: datetime) -> None:
    comment(world, END, 10, 5, who, when)


def happened(world: World, who: int | None, what: str, when: datetime) -> None:
    event(world, END, 10, 5, who, what, when)


def result(mart_sql: dict[str, str], world: World, mart: str = "pull_request_attention") -> dict[str, Any]:
    return Marts(mart_sql, world).row(mart, "number = 5")


@pytest.mark.parametrize(
    ("ready", "due"),
    [
        (at(16, 9, 30), at(18, 9, 30)),  # Monday to Wednesday
        (at(12, 15), at(16, 15)),  # Thursday to Monday: Saturday and Sunday do not count
        (at(13, 23, 59), at(17, 23, 59)),  # Friday to Tuesday
        (at(14, 10), at(18, 0)),  # Saturday begins on Monday 00:00
        (at(15, 23), at(18, 0)),  # so does Sunday
        (at(12, 0), at(16, 0)),  # what ends with Friday ends as Monday begins
    ],
)
def test_the_promise_is_two_business_days(
    mart_sql: dict[str, str], world: World, ready: datetime, due: datetime
) -> None:
    opened(world, ready)
    row = result(mart_sql, world)
    assert (row["ready_at"], row["due_at"], row["breached"]) == (ready, due, due < at(21))


def test_draft_time_does_not_count(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(2, 9))  # created as a draft: its first switch makes it ready
    said(world, MAINTAINER, at(3))  # in the draft: no response yet
    happened(world, AUTHOR, "ready_for_review", at(4, 12))
    happened(world, AUTHOR, "convert_to_draft", at(5, 12))  # one day used
    happened(world, AUTHOR, "ready_for_review", at(16, 6))
    row = result(mart_sql, world)
    assert (row["ready_at"], row["due_at"], row["breached"]) == (at(4, 12), at(17, 6), True)
    assert (row["first_response_at"], row["waiting_for"], row["waiting_since"]) == (None, "maintainer", at(16, 6))


def test_a_draft_waits_for_nobody_and_has_no_promise(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(2, 9), is_draft=True)
    row = result(mart_sql, world)
    assert [row[c] for c in ("ready_at", "due_at", "breached", "waiting_for", "waiting_since")] == [None] * 5


def test_bots_and_the_author_do_not_respond(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(16, 9))
    said(world, BOT, at(16, 9, 1))
    said(world, AUTHOR, at(16, 10))
    row = result(mart_sql, world)
    assert (row["first_response_at"], row["breached"], row["author_kind"]) == (None, True, "community")
    assert (row["waiting_for"], row["waiting_since"], row["waiting_days"]) == ("maintainer", at(16, 9), 4)
    assert (row["waiting_due_at"], row["is_overdue"]) == (at(18, 9), True)


def test_any_other_human_responds_and_only_maintainers_turn_the_ball(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(16, 9))
    said(world, OTHER, at(17, 9))
    row = result(mart_sql, world)
    assert (row["first_response_at"], row["first_maintainer_response_at"], row["breached"]) == (at(17, 9), None, False)
    assert row["waiting_for"] == "maintainer"
    review(world, END, 5, WRITER, "COMMENTED", at(19, 9))
    row = result(mart_sql, world)
    assert (row["first_response_at"], row["first_maintainer_response_at"]) == (at(17, 9), at(19, 9))
    assert (row["waiting_for"], row["waiting_since"], row["waiting_due_at"], row["is_overdue"]) == (
        "author",
        at(19, 9),
        None,
        None,
    )


def test_a_push_or_a_word_of_the_author_gives_the_ball_back(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(2, 9), last_commit_at=at(11, 8), review_decision="CHANGES_REQUESTED")
    review(world, END, 5, MAINTAINER, "CHANGES_REQUESTED", at(3, 9))
    said(world, AUTHOR, at(12, 9))
    row = result(mart_sql, world)
    assert (row["waiting_for"], row["waiting_since"]) == ("maintainer", at(11, 8))


def test_an_awaited_review_names_the_reviewer(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(19, 9))
    review_request(world, END, 5, WRITER)
    row = result(mart_sql, world)
    assert (row["waiting_for"], row["awaited_reviewers"], row["waiting_since"]) == ("reviewer", "will", at(19, 9))


@pytest.mark.parametrize(
    ("decision", "verdicts", "expected"),
    [
        ("APPROVED", ["APPROVED"], ("merge", at(4))),
        (None, ["APPROVED"], ("merge", at(4))),
        (None, ["APPROVED", "CHANGES_REQUESTED"], ("author", at(4))),
        ("REVIEW_REQUIRED", ["APPROVED"], ("author", at(4))),
    ],
)
def test_approved_waits_for_the_merge(
    mart_sql: dict[str, str], world: World, decision: str | None, verdicts: list[str], expected: tuple[str, datetime]
) -> None:
    opened(world, at(2, 9), review_decision=decision)
    for n, verdict in enumerate(verdicts):
        review(world, END, 5, MAINTAINER, verdict, at(4 + n))
    row = result(mart_sql, world)
    assert (row["waiting_for"], row["waiting_since"]) == expected


def test_an_approval_that_github_counts_dates_the_wait_whoever_gave_it(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(2, 9), review_decision="APPROVED")
    review(world, END, 5, OTHER, "APPROVED", at(5))
    row = result(mart_sql, world)
    assert (row["waiting_for"], row["waiting_since"]) == ("merge", at(5))


def test_a_stranger_can_neither_approve_nor_ask_for_changes(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(2, 9))
    review(world, END, 5, OTHER, "APPROVED", at(5))
    row = result(mart_sql, world)
    assert (row["waiting_for"], row["waiting_since"]) == ("maintainer", at(2, 9))


def test_maintainers_are_those_of_the_day_by_our_own_lists(mart_sql: dict[str, str], world: World) -> None:
    member(world, date(2026, 3, 10), OTHER)
    member(world, date(2026, 3, 12), OTHER, active=False)
    opened(world, at(9, 9), author_association="NONE")
    said(world, OTHER, at(9, 12))  # not yet a member
    said(world, OTHER, at(11, 12))  # a member
    said(world, OTHER, at(13, 12))  # no longer
    row = result(mart_sql, world)
    assert (row["first_response_at"], row["first_maintainer_response_at"]) == (at(9, 12), at(11, 12))


def test_who_was_in_the_first_list_was_a_member_before_it(mart_sql: dict[str, str], world: World) -> None:
    opened(world, moment(2026, 2, 2, 9))
    said(world, MAINTAINER, moment(2026, 2, 3, 9))
    assert result(mart_sql, world)["first_maintainer_response_at"] == moment(2026, 2, 3, 9)


def test_a_deleted_account_is_nobody_in_particular(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(16, 9))
    said(world, None, at(17, 9))
    assert result(mart_sql, world)["first_response_at"] == at(17, 9)
    orphan = World(world.observed, dict(world.plain), world.ledger)
    orphan.plain["raw_vault.link_pull_request_author"] = {}
    row = result(mart_sql, orphan)
    assert (row["first_response_at"], row["author_kind"], row["author_id"]) == (None, "unknown", None)


def test_the_ghost_account_is_not_one_person(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(16, 9), GHOST)
    said(world, GHOST, at(17, 9))
    row = result(mart_sql, world)
    assert (row["author_kind"], row["first_response_at"]) == ("unknown", None)


def test_a_merge_or_closing_by_another_human_responds(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(16, 9), state="merged", closed_at=at(17), merged_at=at(17), merged_by=MAINTAINER)
    row = result(mart_sql, world)
    assert (row["first_response_at"], row["first_maintainer_response_at"]) == (at(17), at(17))
    assert (row["breached"], row["waiting_for"], row["open_days"]) == (False, None, None)


def test_a_promise_lapses_when_the_author_closes_before_it_is_due(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(16, 9), state="closed", closed_at=at(17))
    happened(world, AUTHOR, "closed", at(17))
    row = result(mart_sql, world)
    assert (row["first_response_at"], row["due_at"], row["breached"]) == (None, None, None)


def test_closing_late_and_unanswered_breaches_the_promise(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(16, 9), state="closed", closed_at=at(19))
    happened(world, BOT, "closed", at(19))
    row = result(mart_sql, world)
    assert (row["first_response_at"], row["breached"]) == (None, True)


def test_the_state_says_what_the_last_day_lacks(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(16, 9))
    world.fetched(END, "pull_request_reviews", scope("repository", 10), "failed")
    row = result(mart_sql, world)
    assert (row["data_state"], row["observed_at"]) == ("partial", moment(2026, 3, 2, 0, 10))


def test_an_author_is_community_only_where_members_are_known(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(16, 9))
    for line in [k for k in world.ledger if k[0] == "members"]:
        del world.ledger[line]
    assert result(mart_sql, world)["author_kind"] == "unknown"


def test_an_issue_waits_for_maintainers_until_one_spoke_last(mart_sql: dict[str, str], world: World) -> None:
    issue(world, END, 5, 10, AUTHOR, created_at=at(12, 15), comments_count=0)
    row = result(mart_sql, world, "issue_current")
    assert (row["waiting_for"], row["waiting_since"], row["due_at"], row["breached"], row["open_days"]) == (
        "maintainer",
        at(12, 15),
        at(16, 15),
        True,
        8,
    )
    said(world, MAINTAINER, at(16, 14))
    row = result(mart_sql, world, "issue_current")
    assert (row["waiting_for"], row["waiting_since"], row["breached"]) == ("author", at(16, 14), False)
    said(world, OTHER, at(17))
    assert result(mart_sql, world, "issue_current")["waiting_for"] == "maintainer"


def test_pull_requests_and_promises_of_transferred_issues_are_no_issues(mart_sql: dict[str, str], world: World) -> None:
    issue(world, END, 5, 10, AUTHOR, created_at=at(2))
    issue(world, END, 6, 10, AUTHOR, created_at=at(2), is_pull_request=True)
    happened(world, AUTHOR, "transferred", at(3))
    rows = Marts(mart_sql, world).rows("issue_current")
    assert [(r["number"], r["is_transferred"], r["due_at"], r["breached"]) for r in rows] == [(5, True, None, None)]


def test_what_left_the_organisation_is_not_listed(mart_sql: dict[str, str], world: World) -> None:
    opened(world, at(16, 9))
    world.effective(END, "link_org_repo", key("link_org_repo", 1, 10), active=False)
    assert Marts(mart_sql, world).rows("pull_request_attention") == []


def test_met_share_of_a_small_fortnight(mart_sql: dict[str, str], world: World) -> None:
    """Ten community pull requests: 6 answered in time, 2 late, 1 open and overdue, 1 not yet due: 6 of 9."""
    for n in range(10):
        day = at(19, 12) if n == 9 else at(2 + n % 4, 9)
        pull_request(world, END, 50 + n, 10, AUTHOR, created_at=day, updated_at=day)
        if n < 6:
            comment(world, END, 10, 50 + n, MAINTAINER, day + timedelta(hours=5))
        elif n < 8:
            comment(world, END, 10, 50 + n, MAINTAINER, day + timedelta(days=6))
    rows = Marts(mart_sql, world).rows("pull_request_attention")
    due = [r for r in rows if r["due_at"] < at(21)]
    assert (len(due), sum(not r["breached"] for r in due), sum(bool(r["is_overdue"]) for r in rows)) == (9, 6, 1)
