"""Recorded items of public repositories from fetch to marts: every one is a row or a letter, every hub is exact.

The marts of conversations and people are compared with pandas on the raw JSON (see by_pandas.py). What the recording
cannot tell: members, collaborators and teams were not recorded, so nobody is a maintainer; all recorded issues are
closed, so none waits; nor were inventories with counters, traffic, commits of a default branch, releases and alerts, so
the marts of those hold no number here, which is checked as well. Only the newest fifty events were, so the deeds before
2022 are comments and reviews.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import pandas as pd  # type: ignore[import-untyped]
import pytest

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.settings import Settings
from oss_datastore_tests.parsed import parsed_home
from oss_datastore_tests.recorded import by_pandas
from oss_datastore_tests.recorded.devlake_world import DevlakeWorld, Item, repositories
from oss_datastore_tests.recorded.homes import after_close, environment, fetch_loop, rows
from oss_datastore_tests.recorded.loading import load_windows
from oss_datastore_tests.recorded.moved import as_if_loaded_daily
from oss_datastore_tests.recorded.recordings import needs_recordings
from oss_datastore_tests.recorded.replay import Replay

pytestmark = needs_recordings

DAY = date(2026, 3, 2)

LISTED = ("issues", "issue_comments", "issue_events", "pull_requests")


@dataclass(frozen=True)
class Loaded:
    """The home after the job, and what was served."""

    settings: Settings
    world: DevlakeWorld

    def items(self, dataset: str) -> list[tuple[int, Item]]:
        """(number of the repository, item) of everything that was served of a dataset."""
        found: list[tuple[int, Item]] = []
        for repository in self.world.repositories.values():
            if dataset in LISTED:
                items = repository.lists.get(dataset, [])
            elif dataset == "pull_request_reviews":
                items = [i for some in repository.reviews.values() for i in some]
            else:
                pulls = repository.lists.get("pull_requests", [])
                items = [
                    {"pull": p["id"], **asked}
                    for p in pulls
                    for asked in [*(p.get("requested_reviewers") or []), *(p.get("requested_teams") or [])]
                ]
            found += [(repository.id, item) for item in items]
        return found

    def column(self, sql: str) -> list[Any]:
        return [row[0] for row in rows(self.settings, sql)]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Loaded]:
    world = DevlakeWorld(repositories())
    home = parsed_home(tmp_path_factory.mktemp("devlake"))
    now = {"OSS_DATASTORE_NOW": after_close(DAY).isoformat(), "OSS_DATASTORE_START_DATE": "2026-03-01"}
    with (
        Replay(world) as replay,
        environment(home, replay.url, ",".join(world.owners), postgres_url, **now) as settings,
    ):
        loop = fetch_loop(settings)
        for name in ANSWER_SETS:
            loop.fetch(name, DAY)
        loop.github.close()
        load_windows([(DAY, DAY)], list(ANSWER_SETS))
        yield Loaded(settings, world)


def test_every_item_is_a_row_or_has_a_letter(loaded: Loaded) -> None:
    for dataset, key in (
        ("issues", "issue_id"),
        ("issue_comments", "comment_id"),
        ("issue_events", "event_id"),
        ("pull_requests", "pull_request_id"),
        ("pull_request_reviews", "review_id"),
    ):
        served = Counter(item["id"] for _, item in loaded.items(dataset))
        assert served
        kept = loaded.column(f"select {key} from psa.{dataset}")
        assert Counter(kept) == dict.fromkeys(served, 1), dataset
    served_pairs = {(i["pull"], i["id"]) for _, i in loaded.items("review_requests")}
    assert set(rows(loaded.settings, "select pull_request_id, reviewer_id from psa.review_requests")) == served_pairs


def test_every_planned_scope_has_a_state_that_says_what_was_there(loaded: Loaded) -> None:
    states: dict[str, Counter[tuple[str, str | None]]] = defaultdict(Counter)
    for dataset, state, coverage in rows(loaded.settings, "select dataset, state, coverage from psa.fetch_ledger"):
        states[dataset][state, coverage] += 1
    count = len(loaded.world.repositories)
    for dataset in (*LISTED, "pull_request_reviews", "review_requests"):
        full = len({repo for repo, _ in loaded.items(dataset)})
        assert states[dataset] == Counter({("complete", "full"): full, ("complete", "empty"): count - full}), dataset
    for dataset in ("traffic_views", "traffic_clones", "traffic_paths", "traffic_referrers", "dependabot_alerts"):
        assert states[dataset] == {("gone", None): count}, dataset


def test_each_hub_holds_exactly_the_ids_of_the_items(loaded: Loaded) -> None:
    heads = {i["head"]["repo"]["id"] for _, i in loaded.items("pull_requests") if (i.get("head") or {}).get("repo")}
    expected = {
        "hub_issue.issue_id": {i["id"] for _, i in loaded.items("issues")},
        "hub_pull_request.pull_request_id": {i["id"] for _, i in loaded.items("pull_requests")},
        "hub_repo.repo_id": {r.id for r in loaded.world.repositories.values()} | heads,
        "hub_org.org_id": set(range(1, 1 + len(loaded.world.owners))),
        "hub_user.user_id": set(accounts(loaded)),
        "hub_team.team_id": {i["id"] for _, i in loaded.items("review_requests") if "slug" in i},
        "hub_advisory.ghsa_id": set(),
    }
    for name, ids in expected.items():
        hub, column = name.split(".")
        found = loaded.column(f"select {column} from raw_vault.{hub}")
        assert len(found) == len(set(found)), hub
        assert set(found) == ids, hub


def test_the_issues_list_holds_pull_requests_and_both_sides_are_kept_apart(loaded: Loaded) -> None:
    served = {i["id"]: "pull_request" in i for _, i in loaded.items("issues")}
    assert any(served.values())
    assert not all(served.values())
    assert dict(rows(loaded.settings, "select issue_id, is_pull_request from psa.issues")) == served
    shown = loaded.column("select issue_id from infomarts.issue_current")
    assert sorted(shown) == sorted(i for i, is_pull in served.items() if not is_pull)


def test_links_and_their_attributes_are_those_of_the_items(loaded: Loaded) -> None:
    pairs = {
        (
            "link_repo_issue",
            "hub_repo r using (repo_hk) join raw_vault.hub_issue i using (issue_hk)",
            "repo_id, issue_id",
        ): {(repo, i["id"]) for repo, i in loaded.items("issues")},
        (
            "link_repo_pull_request",
            "hub_repo r using (repo_hk) join raw_vault.hub_pull_request p using (pull_request_hk)",
            "repo_id, pull_request_id",
        ): {(repo, i["id"]) for repo, i in loaded.items("pull_requests")},
        (
            "link_issue_author",
            "hub_user u on u.user_hk = author_hk join raw_vault.hub_issue i using (issue_hk)",
            "issue_id, user_id",
        ): {(i["id"], i["user"]["id"]) for _, i in loaded.items("issues") if i.get("user")},
        (
            "link_pull_request_author",
            "hub_user u on u.user_hk = author_hk join raw_vault.hub_pull_request p using (pull_request_hk)",
            "pull_request_id, user_id",
        ): {(i["id"], i["user"]["id"]) for _, i in loaded.items("pull_requests") if i.get("user")},
        (
            "link_issue_assignee",
            "hub_user u on u.user_hk = assignee_hk join raw_vault.hub_issue i using (issue_hk)",
            "issue_id, user_id",
        ): {(i["id"], a["id"]) for _, i in loaded.items("issues") for a in i.get("assignees") or []},
    }
    for (link, joined, columns), expected in pairs.items():
        found = rows(loaded.settings, f"select {columns} from raw_vault.{link} join raw_vault.{joined}")
        assert len(found) == len(set(found)), link
        assert set(found) == expected, link
    for link, column, dataset in (
        ("nh_link_issue_comment", "comment_id", "issue_comments"),
        ("nh_link_issue_event", "event_id", "issue_events"),
        ("link_pull_request_review", "review_id", "pull_request_reviews"),
    ):
        found_ids = loaded.column(f"select {column} from raw_vault.{link}")
        assert sorted(found_ids) == sorted({i["id"] for _, i in loaded.items(dataset)}), link


def accounts(loaded: Loaded) -> Iterator[int]:
    """Everybody whom an item names; a fork's owner and the account of a branch are no part of what happened."""
    for dataset in (*LISTED, "pull_request_reviews"):
        for _, item in loaded.items(dataset):
            yield from _accounts({k: v for k, v in item.items() if k not in ("head", "base")})


def _accounts(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        if isinstance(value.get("login"), str) and isinstance(value.get("id"), int):
            yield value["id"]
        for inner in value.values():
            yield from _accounts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _accounts(inner)


REPO = "panjf2000/ants"
LONG_AGO, UNTIL = date(2018, 7, 2), date(2019, 10, 27)
"""The time of the recorded conversations, in whole weeks."""


@pytest.fixture(scope="module")
def recorded(loaded: Loaded) -> by_pandas.Recorded:
    return by_pandas.Recorded.of(loaded.world.repositories)


@pytest.fixture(scope="module")
def past(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    marts = ("issue_metrics_daily", "pull_request_metrics_daily", "metric_period")
    with as_if_loaded_daily(loaded.settings, LONG_AGO, UNTIL, marts, tmp_path_factory.mktemp("past")) as connection:
        yield connection


def frame(loaded: Loaded, mart: str) -> pd.DataFrame:
    """A mart of the home as it was loaded, with its times as pandas has them."""
    names = loaded.column(
        f"select column_name from information_schema.columns where table_name = '{mart}' order by ordinal_position"
    )
    found = pd.DataFrame(rows(loaded.settings, f"select * from infomarts.{mart}"), columns=names)
    times = [n for n in names if n.endswith("_at") or n == "waiting_since"]
    return found.assign(**{n: pd.to_datetime(found[n]) for n in times})


def same(ours: pd.DataFrame, theirs: pd.DataFrame, columns: dict[str, str]) -> None:
    """Two frames with the same index agree on columns: name of ours, name of theirs."""
    assert sorted(ours.index) == sorted(theirs.index)
    assert len(ours) > 0
    for our, their in columns.items():
        left, right = ours[our].sort_index(), theirs[their].sort_index()
        unequal = (left != right) & ~(left.isna() & right.isna())
        assert not unequal.any(), (our, left[unequal].head(), right[unequal].head())


def test_issues_and_their_answers_are_those_of_pandas(loaded: Loaded, recorded: by_pandas.Recorded) -> None:
    ours = frame(loaded, "issue_current").set_index("issue_id")
    theirs = by_pandas.issues_of(recorded).set_index("id")
    theirs["response_seconds"] = (theirs["first_response_at"] - theirs["created_at"]).dt.total_seconds()
    theirs["response_business_seconds"] = [
        by_pandas.business_time(b, e).total_seconds() if pd.notna(e) else None
        for b, e in zip(theirs["created_at"], theirs["first_response_at"], strict=True)
    ]
    now = pd.Timestamp(DAY + timedelta(days=1))
    late = theirs["first_response_at"].fillna(theirs["closed_at"]).fillna(now) > theirs["due_at"]
    theirs["breached"] = late.where(theirs["due_at"].notna())
    still = theirs["state"] == "open"
    theirs["waiting_since"] = theirs["created_at"].where(still)
    theirs["open_days"] = (pd.Timestamp(DAY) - theirs["created_at"].dt.normalize()).dt.days.where(still)
    equal = ("number", "state", "created_at", "closed_at", "first_response_at", "due_at", "breached", "waiting_since")
    same(ours, theirs, {c: c for c in (*equal, "response_seconds", "response_business_seconds", "open_days")})
    assert theirs["first_response_at"].notna().sum() > 10
    assert set(ours["author_kind"]) == {"unknown"}
    assert ours["first_maintainer_response_at"].isna().all()


def test_pull_requests_and_their_answers_are_those_of_pandas(loaded: Loaded, recorded: by_pandas.Recorded) -> None:
    ours = frame(loaded, "pull_request_attention").set_index("pull_request_id")
    theirs = by_pandas.pulls_of(recorded).set_index("id")
    theirs["response_seconds"] = (theirs["first_response_at"] - theirs["ready_at"]).dt.total_seconds()
    equal = ("number", "state", "created_at", "ready_at", "closed_at", "merged_at", "first_response_at", "due_at")
    same(ours, theirs, {c: c for c in (*equal, "response_seconds")})
    assert theirs["first_response_at"].notna().sum() > 10


def test_numbers_of_the_loaded_day_are_those_of_pandas(loaded: Loaded, recorded: by_pandas.Recorded) -> None:
    for mart, items, begins, touching in _kinds(recorded):
        for row in frame(loaded, mart).to_dict("records"):
            of = items[items["repo"] == row["full_name"]]
            expected = by_pandas.daily(recorded, of, begins, touching, DAY) if len(of) else {}
            found = {c: _plain(row[c]) for c in expected if c in row}
            assert found == {c: expected[c] for c in found}, (mart, row["full_name"])


def test_past_days_have_the_numbers_of_pandas(past: duckdb.DuckDBPyConnection, recorded: by_pandas.Recorded) -> None:
    for mart, items, begins, touching in _kinds(recorded):
        ours = past.execute(f"select * from infomarts.{mart} where full_name = '{REPO}' order by day").df()
        assert len(ours) == (UNTIL - LONG_AGO).days + 1
        assert ours["is_final"].all()
        of = items[items["repo"] == REPO]
        moments = pd.concat([of[c] for c in ("created_at", "closed_at", "first_response_at", "due_at")])
        eventful = ours["day"].isin(moments.dt.normalize()) | (ours.index % 20 == 0)
        for row in ours[eventful].to_dict("records"):
            expected = by_pandas.daily(recorded, of, begins, touching, row["day"].date())
            found = {c: _plain(row[c]) for c in expected if c in row}
            assert found == {c: expected[c] for c in found}, (mart, row["day"])
        assert ours["opened"].sum() > 10
        assert ours["first_responses"].sum() > 5


def test_periods_are_those_of_pandas(past: duckdb.DuckDBPyConnection, recorded: by_pandas.Recorded) -> None:
    issues, pulls = (f[f["repo"] == REPO] for f in (recorded.issues, recorded.pulls))
    dated = {
        "issues_opened": issues["created_at"],
        "issues_closed": issues["closed_at"],
        "pull_requests_opened": pulls["created_at"],
        "pull_requests_merged": pulls["merged_at"],
    }
    for metric, times in dated.items():
        for period, rule in (("week", "W-SUN"), ("month", "M"), ("quarter", "Q")):
            counted = times.dropna().dt.to_period(rule).value_counts()
            ours = past.execute(
                "select start_on, value, previous, n, complete_days, expected_days, is_comparable "
                f"from infomarts.metric_period where full_name = '{REPO}' and metric = '{metric}' "
                f"and period = '{period}' order by start_on"
            ).fetchall()
            # The calendar begins two weeks before the first loaded day, for the sake of traffic.
            whole = pd.period_range(LONG_AGO, UNTIL, freq=rule)
            whole = [p for p in whole if p.start_time.date() >= LONG_AGO and p.end_time.date() <= UNTIL]
            values = [int(counted.get(p, 0)) for p in whole]
            previous = [None, *values[:-1]]
            days = [(p.end_time.date() - p.start_time.date()).days + 1 for p in whole]
            assert [tuple(row) for row in ours if row[0] >= LONG_AGO] == [
                (p.start_time.date(), value, before, 1, count, count, before is not None)
                for p, value, before, count in zip(whole, values, previous, days, strict=True)
            ], (metric, period)


def test_people_and_their_ways_are_those_of_pandas(loaded: Loaded, recorded: by_pandas.Recorded) -> None:
    ours = frame(loaded, "contributors")
    for owner in loaded.world.owners:
        theirs = by_pandas.people(recorded, owner)
        of = ours[ours["org_login"] == owner].set_index("user_id")
        if theirs.empty:
            assert of.empty
            continue
        theirs.index = theirs.index.astype(int)
        theirs["merges_count"] = theirs["merges_count"].fillna(0)
        within = theirs["second_merge_at"] <= theirs["first_merge_at"] + pd.Timedelta(days=90)
        theirs["merged_again_in_90_days"] = within
        now = pd.Timestamp(DAY + timedelta(days=1))
        theirs["is_inactive"] = theirs["last_seen_at"] < now - pd.Timedelta(days=180)
        same(of, theirs, {c: c for c in theirs.columns})
        # Commits were not recorded, so who is first seen here need not be new.
        assert not of["is_history_complete"].any()
        funnel = frame(loaded, "contributor_funnel")
        funnel = funnel[funnel["org_login"] == owner].set_index("cohort_month")
        cohorts = theirs.groupby(theirs["first_seen_at"].dt.to_period("M").dt.start_time.dt.date)
        counted = pd.DataFrame(
            {
                "contributors": cohorts.size(),
                "conversed": cohorts["first_conversation_at"].count(),
                "opened_pull_request": cohorts["first_pull_request_at"].count(),
                "merged": cohorts["first_merge_at"].count(),
                "merged_again_in_90_days": cohorts["merged_again_in_90_days"].sum(),
                "reviewed": cohorts["first_review_at"].count(),
                "inactive": cohorts["is_inactive"].sum(),
            }
        )
        funnel.index = pd.to_datetime(pd.Series(funnel.index)).dt.date
        same(funnel, counted, {c: c for c in counted.columns})


def test_health_knows_the_last_word_and_not_what_was_never_recorded(
    loaded: Loaded, recorded: by_pandas.Recorded
) -> None:
    ours = frame(loaded, "repo_health_current").set_index("full_name")
    said = recorded.deeds[recorded.deeds["what"].isin(("comment", "review", "closed", "merged", "reopened"))]
    human = said[~said["who"].isin(recorded.bots)]
    opened = pd.concat(
        [
            f[~f["author"].isin(recorded.bots)].rename(columns={"created_at": "at"})
            for f in (recorded.issues, recorded.pulls)
        ]
    )
    last = pd.concat([human[["repo", "at"]], opened[["repo", "at"]]]).groupby("repo")["at"].max()
    found = ours["last_conversation_at"].dropna()
    assert found.to_dict() == last.dropna().to_dict()
    for column in (
        "releases_count",
        "releases_in_365_days",
        "branch_rules_count",
        "maintainers_active",
        "days_since_push",
    ):
        assert ours[column].isna().all(), column
    assert ours["is_archive_candidate"].isna().all()


def test_what_was_not_recorded_has_no_number(loaded: Loaded) -> None:
    factor = frame(loaded, "contributor_absence_factor")
    assert factor["commits_count"].isna().all()
    assert set(factor["data_state"]) == {"gone"}
    assert frame(loaded, "release_adoption_daily").empty
    # One loaded day is no whole week.
    assert frame(loaded, "metric_period").empty
    alerts = frame(loaded, "security_alerts_daily")
    assert alerts["open_at_close"].isna().all()


def _kinds(recorded: by_pandas.Recorded) -> list[tuple[str, pd.DataFrame, str, tuple[str, ...]]]:
    events = by_pandas.COUNTED_EVENTS
    return [
        ("issue_metrics_daily", by_pandas.issues_of(recorded), "created_at", ("comment", *events)),
        ("pull_request_metrics_daily", by_pandas.pulls_of(recorded), "ready_at", ("comment", "review", *events)),
    ]


def _plain(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
