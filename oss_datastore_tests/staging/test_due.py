"""Which scopes must be asked, and from which moment on: the change probe, counts, whole lists, weeks, switches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.model import AnswerSet, ScopeKind
from oss_datastore.clock import day_close
from oss_datastore.staging.due import Answered, Question, is_due, question_of, recount
from oss_datastore.staging.ledger import Coverage, LedgerEntry, State
from oss_datastore.staging.scopes import Scope

at = datetime.fromisoformat

DAY = date(2026, 10, 14)
BEFORE = DAY - timedelta(days=1)
SEEN = at("2026-10-15T00:10")
"""When the inventory was seen: ten minutes after the close of the day."""


def inventory(**columns: Any) -> dict[str, Any]:
    """A row of the inventory in which nothing has moved for long."""
    old = at("2026-01-01T00:00")
    return {
        "fetched_at": SEEN,
        "issues_count": 10,
        "pull_requests_count": 5,
        "issues_updated_at": old,
        "pull_requests_updated_at": old,
        "pushed_at": old,
        **columns,
    }


def scope(seen: Mapping[str, Any] | None, number: int = 7) -> Scope:
    names = {"org": "acme", "repo": "acme/rocket", "owner": "acme", "name": "rocket", "node_id": "R_7"}
    return Scope("github.com", ScopeKind.repository, number, names, seen)


def past(day: date = BEFORE, listed: int | None = 15, listed_on: date | None = BEFORE) -> LedgerEntry:
    return LedgerEntry(
        "issues",
        "github.com/repository/7",
        day,
        State.complete,
        "g",
        Coverage.delta,
        listed=listed,
        listed_on=listed_on,
    )


def ask(
    seen: Mapping[str, Any] | None, last: LedgerEntry | None, answer_set: AnswerSet = ANSWER_SETS["issues"], **rows: Any
) -> Question | Answered:
    name = answer_set.datasets[0].name
    pasts = {} if last is None else {(name, "github.com/repository/7"): last}
    return question_of(
        answer_set, answer_set.requests[0], scope(seen), [(name, "github.com/repository/7")], pasts, DAY, lambda _: rows
    )


def test_the_first_fetch_asks_for_everything() -> None:
    found = ask(inventory(), None)
    assert isinstance(found, Question)
    assert (found.since, found.expected) == (None, 15)


def test_nothing_is_asked_where_nothing_moved_and_the_count_agrees() -> None:
    found = ask(inventory(), past())
    assert found == Answered(State.complete, Coverage.unchanged, "", 15, BEFORE)


def test_changes_are_asked_from_the_close_of_the_last_complete_day_minus_the_overlap() -> None:
    found = ask(inventory(issues_updated_at=at("2026-10-14T12:00")), past())
    assert isinstance(found, Question)
    assert found.since == day_close(BEFORE) - ANSWER_SETS["issues"].overlap


def test_a_list_that_became_shorter_without_any_update_is_asked_and_does_not_add_up() -> None:
    """A deleted or transferred issue moves no time: only the count tells of it."""
    found = ask(inventory(issues_count=9), past())
    assert isinstance(found, Question)
    assert found.since is not None
    assert recount(found, {}, DAY, whole=False) == (15, False)


@pytest.mark.parametrize("age", range(1, 12))
def test_a_list_is_read_whole_again_within_seven_days_if_anything_moved(age: int) -> None:
    read = DAY - timedelta(days=age)
    found = ask(inventory(issues_updated_at=at("2026-10-14T12:00")), past(listed_on=read))
    assert isinstance(found, Question)
    if age >= 7:
        assert found.since is None
    elif age <= 3:
        assert found.since is not None


def test_a_list_of_which_nothing_moved_since_it_was_read_whole_is_not_read_again_each_week() -> None:
    found = ask(inventory(), past(listed_on=DAY - timedelta(days=40)))
    assert isinstance(found, Answered)
    assert found.coverage is Coverage.unchanged


def test_whole_lists_of_many_repositories_are_spread_over_the_week() -> None:
    read = DAY - timedelta(days=8)
    whole = {
        number: next(
            age for age in range(1, 9) if is_due(7, scope(None, number), past(read), read + timedelta(days=age))
        )
        for number in range(70)
    }
    assert set(whole.values()) == {4, 5, 6, 7}
    assert all(is_due(7, scope(None, number), None, DAY) for number in range(7))


def test_a_repository_whose_inventory_is_not_known_is_asked() -> None:
    found = ask(None, past())
    assert isinstance(found, Question)
    assert found.since is not None
    assert found.expected is None


@pytest.mark.parametrize(
    ("name", "awaited", "waits"),
    [
        ("issues", "repositories", True),
        ("dependabot_alerts", "repositories", True),
        ("dependabot_alerts", "repository_security_settings", True),
        ("issues", "repository_security_settings", False),
        ("traffic_views", "repositories", False),
        ("deploy_keys", "repositories", False),
    ],
)
def test_what_a_list_of_repositories_tells_is_waited_for_while_that_list_is_not_whole(
    name: str, awaited: str, waits: bool
) -> None:
    answer_set = ANSWER_SETS[name]
    held = replace(scope(None), awaited=frozenset({awaited}))
    keys = [(name, str(held))]
    found = question_of(answer_set, answer_set.requests[-1], held, keys, {}, DAY, lambda _: {})
    assert isinstance(found, Answered) is waits
    if isinstance(found, Answered):
        assert found.state is State.pending


def test_an_inventory_by_rest_says_nothing_of_movement() -> None:
    bare = dict.fromkeys(inventory()) | {"fetched_at": SEEN}
    assert isinstance(ask(bare, past()), Question)


def test_a_value_is_compared_with_that_of_the_last_complete_day() -> None:
    sbom = replace(ANSWER_SETS["issues"], probe=("default_branch_sha",), counts=())
    same = {7: {"default_branch_sha": "a"}}
    seen = inventory(default_branch_sha="a")
    pasts = {("issues", "github.com/repository/7"): past()}
    keys = [("issues", "github.com/repository/7")]
    request = sbom.requests[0]
    assert isinstance(question_of(sbom, request, scope(seen), keys, pasts, DAY, lambda _: same), Answered)
    moved = inventory(default_branch_sha="b")
    assert isinstance(question_of(sbom, request, scope(moved), keys, pasts, DAY, lambda _: same), Question)
    assert isinstance(question_of(sbom, request, scope(seen), keys, pasts, DAY, lambda _: {}), Question)


def test_what_is_switched_off_is_disabled_and_what_is_not_there_is_empty() -> None:
    switched = replace(ANSWER_SETS["issues"], switch=("has_discussions_enabled",))
    assert ask(inventory(has_discussions_enabled=False), past(), switched) == Answered(
        State.disabled, None, "switched off: has_discussions_enabled is false"
    )
    assert isinstance(ask(inventory(has_discussions_enabled=None), None, switched), Question)
    either = replace(ANSWER_SETS["issues"], switch=("code_security", "advanced_security"))
    assert isinstance(ask(inventory(code_security="enabled", advanced_security="disabled"), None, either), Question)
    assert isinstance(ask(inventory(code_security="disabled", advanced_security=None), None, either), Answered)
    present = replace(ANSWER_SETS["issues"], present="releases_count")
    found = ask(inventory(releases_count=0), None, present)
    assert isinstance(found, Answered)
    assert (found.state, found.coverage, found.listed) == (State.complete, Coverage.empty, 0)
    assert isinstance(ask(inventory(releases_count=None), None, present), Question)


def test_what_is_switched_off_may_still_stand_in_the_organisations_list() -> None:
    alerts = ANSWER_SETS["secret_scanning_alerts"]
    keys = [("secret_scanning_alerts", "github.com/repository/7")]
    seen = scope(inventory(secret_scanning="disabled"))
    of_all, of_one = (question_of(alerts, request, seen, keys, {}, DAY, lambda _: {}) for request in alerts.requests)
    assert isinstance(of_all, Question)
    assert of_all.off == "switched off: secret_scanning is disabled"
    assert of_one == Answered(State.disabled, None, of_all.off)


def test_a_repository_whose_name_another_one_bears_is_not_asked_by_that_name() -> None:
    found = question_of(
        ANSWER_SETS["issues"],
        ANSWER_SETS["issues"].requests[0],
        replace(scope(inventory()), replaced=True),
        [("issues", "github.com/repository/7")],
        {},
        DAY,
        lambda _: {},
    )
    assert isinstance(found, Answered)
    assert found.state is State.gone


def question(expected: int | None, listed: int | None = 15) -> Question:
    return Question(day_close(BEFORE), expected, SEEN.replace(tzinfo=UTC), past(listed=listed))


AT_NOON = at("2026-10-14T12:00")
AFTER_CLOSE = at("2026-10-15T00:05")
LONG_AGO = at("2026-03-01T00:00")


def test_changes_add_up_to_the_count_of_github() -> None:
    created = {(1,): LONG_AGO, (2,): AT_NOON}
    assert recount(question(16), created, DAY, whole=False) == (16, True)
    assert recount(question(15), created, DAY, whole=False) == (16, False)
    assert recount(question(17), created, DAY, whole=False) == (16, False)


def test_what_came_after_the_close_is_in_the_count_of_github_and_not_in_that_of_the_day() -> None:
    created = {(1,): AT_NOON, (2,): AFTER_CLOSE}
    assert recount(question(17), created, DAY, whole=False) == (16, True)
    assert recount(question(3), {(1,): LONG_AGO, **created}, DAY, whole=True) == (2, True)


def test_after_a_whole_list_it_is_changes_that_are_compared() -> None:
    """GitHub counts records that nobody may see; it must not have the list read whole every day."""
    listed, _ = recount(question(4), {(1,): LONG_AGO, (2,): LONG_AGO}, DAY, whole=True)
    assert listed == 4
    assert recount(question(4, listed), {}, DAY, whole=False) == (4, True)


def test_records_without_a_time_are_not_counted() -> None:
    assert recount(question(3), {(1,): None}, DAY, whole=False) == (None, True)
