"""Statistics of commits: lists of lists, weeks without dates, authors without accounts, lines left out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from oss_datastore_tests.catalogue.answers import DAY, days_after, parsed, rest_request, rows, values, week
from oss_datastore_tests.recorded.recordings import needs_recordings, recorded

LATER: dict[str, Any] = {"day": date(2026, 10, 6), "fetched": datetime(2026, 10, 15, 0, 10, tzinfo=UTC)}


def contributor(author: int | None, *weeks: tuple[str, int, int, int]) -> dict[str, Any]:
    return {
        "author": None if author is None else {"id": author, "login": f"u{author}", "type": "User"},
        "total": sum(commits for _, _, _, commits in weeks),
        "weeks": [{"w": week(first), "a": a, "d": d, "c": c} for first, a, d, c in weeks],
    }


ANSWER = [
    contributor(21, ("2026-09-27", 0, 0, 0), ("2026-10-04", 30, 4, 2), ("2026-10-11", 5, 0, 1)),
    contributor(None, ("2026-10-04", 1, 1, 1)),
    contributor(None, ("2026-10-11", 2, 0, 1)),
]


def test_each_contributor_is_a_row_and_two_unknown_ones_stay_apart() -> None:
    found = parsed("statistics_contributors", ANSWER)
    assert values(found, "statistics_contributors") == [
        (7, 21, 0, date(2026, 10, 4)),
        (7, None, 2, date(2026, 10, 4)),
        (7, None, 3, date(2026, 10, 11)),
    ]
    assert values(found, "statistics_contributor_totals") == [(7, 21, 0, 3), (7, None, 2, 1), (7, None, 3, 1)]
    assert [(row["user_id"], row["login"]) for row in found.rows["actors"]] == [(21, "u21")]
    assert [row["user_hk"] is None for row in found.rows["statistics_contributors"]] == [False, True, True]


def test_weeks_of_contributors_carry_lines_and_commits() -> None:
    assert values(parsed("statistics_contributors", ANSWER), "statistics_contributor_weeks") == [
        (7, 21, 0, date(2026, 9, 27), 0, 0, 0),
        (7, 21, 0, date(2026, 10, 4), 30, 4, 2),
        (7, 21, 0, date(2026, 10, 11), 5, 0, 1),
        (7, None, 2, date(2026, 10, 4), 1, 1, 1),
        (7, None, 3, date(2026, 10, 11), 2, 0, 1),
    ]


def test_an_older_day_has_neither_later_weeks_nor_contributors_nor_totals_of_today() -> None:
    found = parsed("statistics_contributors", ANSWER, **LATER)
    assert [row[1:3] for row in values(found, "statistics_contributors")] == [(21, 0), (None, 2)]
    assert {row[3] for row in values(found, "statistics_contributor_weeks")} == {date(2026, 9, 27), date(2026, 10, 4)}
    assert found.rows["statistics_contributor_totals"] == []
    assert found.rows["statistics_contributors_answer"] == []


@pytest.mark.parametrize(
    ("weeks", "is_limited"),
    [
        ((("2026-10-04", 0, 0, 900), ("2026-10-11", 0, 0, 4)), True),
        ((("2026-10-04", 0, 1, 900),), False),
        ((("2026-10-04", 0, 0, 0),), False),
    ],
)
def test_commits_without_a_single_line_are_numbers_that_github_left_out(weeks: Any, is_limited: bool) -> None:
    found = parsed("statistics_contributors", [contributor(21, *weeks), contributor(22, ("2026-10-04", 0, 0, 0))])
    assert values(found, "statistics_contributors_answer") == [(7, 2, is_limited)]


def test_a_repository_without_content_has_no_contributors_and_no_fault() -> None:
    found = parsed("statistics_contributors", [])
    assert found.faults == []
    assert all(not found.rows[table] for table in found.rows)


def test_days_of_a_week_get_their_dates_and_days_after_the_partition_are_left_out() -> None:
    found = parsed(
        "statistics_commit_activity",
        [
            {"week": week("2026-10-04"), "total": 6, "days": [0, 1, 2, 0, 0, 3, 0]},
            {"week": week("2026-10-11"), "total": 4, "days": [4, 0, 0, 0, 0, 0, 0]},
        ],
    )
    assert values(found, "statistics_commit_activity") == [(7, date(2026, 10, 4), 6), (7, date(2026, 10, 11), 4)]
    first = zip(days_after("2026-10-04", 7), [0, 1, 2, 0, 0, 3, 0], strict=True)
    second = zip(days_after("2026-10-11", 4), [4, 0, 0, 0], strict=True)
    assert values(found, "statistics_commit_activity_days") == [(7, day, commits) for day, commits in (*first, *second)]


def test_lists_of_three_numbers_are_weeks_of_lines() -> None:
    found = parsed("statistics_code_frequency", [[week("2026-10-04"), 1017, -26], [week("2026-10-18"), 1, -1]])
    assert values(found, "statistics_code_frequency") == [(7, date(2026, 10, 4), 1017, 26)]


def test_weeks_without_dates_are_counted_back_from_the_answer() -> None:
    found = parsed("statistics_participation", {"all": [3, 0, 5], "owner": [1, 0, 0]})
    assert rows(found, "statistics_participation")[0] == {
        "repo_id": 7,
        "weeks_ago": 2,
        "week_start": date(2026, 9, 24),
        "commits": 3,
        "owner_commits": 1,
    }
    # The newest week ends with the day of the partition.
    assert values(found, "statistics_participation")[2] == (7, 0, date(2026, 10, 8), 5, 0)
    assert days_after("2026-10-08", 7)[-1] == DAY


def test_a_participation_without_its_list_is_no_participation_of_nothing() -> None:
    answers: list[Any] = [{}, {"all": None, "owner": []}, []]
    for answer in answers:
        assert parsed("statistics_participation", answer).faults


def test_the_punch_card_names_day_hour_and_commits() -> None:
    found = parsed("statistics_punch_card", [[0, 23, 1], [6, 0, 12]])
    assert values(found, "statistics_punch_card") == [(7, 0, 23, 1), (7, 6, 0, 12)]


@pytest.mark.parametrize("broken", [[1, 2], "text", None, {"message": "no"}, [None, 1, 2]])
def test_what_is_no_triple_is_a_fault_and_its_neighbours_are_rows(broken: Any) -> None:
    found = parsed("statistics_code_frequency", [[week("2026-10-04"), 1, -1], broken])
    assert len(found.rows["statistics_code_frequency"]) == 1
    assert len(found.faults) == 1


def test_too_many_commits_disable_a_statistic_and_are_no_failure() -> None:
    for name in ("code_frequency", "contributors"):
        request = rest_request(f"statistics_{name}")
        assert request.means == {"unprocessable": "disabled"}


@needs_recordings
@pytest.mark.parametrize(
    ("name", "expected"),
    [("code_frequency", None), ("commit_activity", None), ("participation", 52), ("punch_card", 168)],
)
def test_recorded_statistics_are_rows(name: str, expected: int | None) -> None:
    for exchange in recorded(f"exchanges/repos_owner_repo_stats_{name}.json"):
        body = exchange["response"]["body"]
        found = parsed(f"statistics_{name}", body)
        assert found.faults == []
        assert len(found.rows[f"statistics_{name}"]) == (expected or len(body))


@needs_recordings
def test_a_recording_that_lost_its_body_is_a_fault() -> None:
    for exchange in recorded("exchanges/repos_owner_repo_stats_contributors.json"):
        assert parsed("statistics_contributors", exchange["response"]["body"]).faults
