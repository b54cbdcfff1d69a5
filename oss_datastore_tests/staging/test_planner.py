"""A day is planned before it is asked for, and a day that needs hours of budget takes hours, whole at last."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.clock import Clock, day_close
from oss_datastore.github import GitHub, StaticTokens, Timer
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.due import Question
from oss_datastore.staging.fetch import Fetcher
from oss_datastore.staging.ledger import Coverage, LedgerEntry, State
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.planner import (
    Cost,
    DayPlan,
    Past,
    Purse,
    SetPlan,
    Wanted,
    day_plan,
    estimate,
    reserve,
)
from oss_datastore.staging.plans import last_plan, spent_since, waiting
from oss_datastore.staging.scopes import Inventories
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.staging.fetching import DAY, PLENTY, MemoryLetters, after, entries

NOON = datetime(2026, 10, 15, 12, tzinfo=UTC)
RESET = datetime(2026, 10, 15, 15, tzinfo=UTC)


def entry(dataset: str, number: int, coverage: Coverage | None, requests: int = 0, points: int = 0) -> LedgerEntry:
    scope = f"github.com/repository/{number}"
    return LedgerEntry(dataset, scope, DAY, State.complete, "g", coverage, requests=requests, points=points)


def cost(
    name: str, questions: Sequence[tuple[Question, Mapping[str, Any]]], past: Past | None = None, **more: Any
) -> Cost:
    answer_set = ANSWER_SETS[name]
    return estimate(answer_set, answer_set.requests[0], Wanted(questions, **more), past or Past())


def plan(
    *sets: tuple[str, int, int], core: int = 5000, graphql: int = 5000, limit: int = 5000, org: str = "acme"
) -> DayPlan:
    return day_plan(
        DAY,
        "20261015T120000000000-aaaa",
        NOON,
        [SetPlan(name, org, 1, Cost(requests, points), None) for name, requests, points in sets],
        [Purse((org,), "core", limit, core, RESET), Purse((org,), "graphql", limit, graphql, RESET)],
    )


WHOLE: tuple[Question, dict[str, Any]] = (Question(None), {})
CHANGES: tuple[Question, dict[str, Any]] = (Question(day_close(DAY - timedelta(days=1))), {})


def test_what_was_never_asked_costs_what_its_request_looks_like() -> None:
    assert cost("traffic_views", [WHOLE] * 600) == Cost(600, 0)
    assert cost("statistics_punch_card", [WHOLE] * 10) == Cost(20, 0)
    assert cost("issue_comments", [CHANGES] * 7) == Cost(7, 0)
    assert cost("repository_shelf", [WHOLE] * 120) == Cost(0, 6)
    assert cost("outside_collaborators", [WHOLE]).requests >= 1


def test_a_first_list_costs_the_pages_that_github_counts() -> None:
    counted = Question(None, expected=950)
    assert cost("issues", [(counted, {}), CHANGES]) == Cost(10 + 1, 0)
    hanging = {"issues_count": 301, "pull_requests_count": 0}
    assert cost("issue_comments", [(Question(None), hanging)]) == Cost(4, 0)
    assert cost("pull_requests", [(replace(counted, expected=26), {})]).points == 4


def test_what_was_asked_before_costs_what_it_cost_then_per_scope_that_was_asked() -> None:
    shelf = ANSWER_SETS["repository_shelf"]
    # One scope of a query bears its cost.
    before = [
        entry("labels", n, Coverage.full, requests=2 if n == 0 else 0, points=8 if n == 0 else 0) for n in range(50)
    ]
    past = Past.of(shelf, before)
    assert cost("repository_shelf", [WHOLE] * 100, past) == Cost(0, 16)
    assert cost("repository_shelf", [WHOLE] * 3, past) == Cost(0, 1)


def test_what_a_first_list_cost_says_nothing_of_what_changes_cost() -> None:
    issues = ANSWER_SETS["issues"]
    first = Past.of(issues, [entry("issues", 1, Coverage.full, requests=40)])
    assert cost("issues", [CHANGES], first) == Cost(1, 0)
    changes = Past.of(issues, [entry("issues", 1, Coverage.delta, requests=3), entry("issues", 2, Coverage.unchanged)])
    assert cost("issues", [CHANGES] * 2, changes) == Cost(6, 0)


def test_before_the_inventory_of_the_day_is_there_as_many_are_taken_for_moved_as_the_time_before() -> None:
    past = Past.of(ANSWER_SETS["issues"], [entry("issues", n, Coverage.delta, requests=1) for n in range(5)])
    assert cost("issues", [CHANGES] * 100, past) == Cost(100, 0)
    assert cost("issues", [CHANGES] * 100, past, forecast=True) == Cost(5, 0)


def test_lists_of_organisations_share_what_they_cost_before() -> None:
    past = Past.of(ANSWER_SETS["members"], [entry("members", n, Coverage.full, requests=1, points=3) for n in range(2)])
    assert cost("members", [WHOLE], past, organizations=2) == Cost(0, 3)


def test_a_day_that_fits_says_so_in_one_line() -> None:
    fits = plan(("traffic_views", 2310, 0), ("issues", 2000, 0), ("repository_shelf", 0, 260), core=4990)
    assert fits.fits
    assert fits.hours == 1
    assert fits.postponed == ()
    assert fits.line == ("2026-10-14: about 4,310 requests and 260 points; 4,990 and 5,000 left until 15:00: fits")


def test_a_day_that_does_not_fit_says_what_waits_and_for_how_long() -> None:
    long = plan(("issues", 9000, 0), ("traffic_views", 600, 0), ("deploy_keys", 0, 20), core=1000)
    assert not long.fits
    assert long.hours == 3
    assert [planned.answer_set for planned in long.sets] == ["traffic_views", "deploy_keys", "issues"]
    assert [planned.answer_set for planned in long.postponed] == ["issues"]
    assert long.line.endswith("does not fit, needs about 3 hours; for the next: issues")


def test_traffic_goes_first_then_what_ends_with_the_day_after_then_what_github_keeps() -> None:
    ordered = sorted(ANSWER_SETS.values(), key=plan().urgency)
    names = [answer_set.name for answer_set in ordered]
    assert set(names[:4]) == {"traffic_views", "traffic_clones", "traffic_referrers", "traffic_paths"}
    assert names.index("branch_rules") < names.index("events") < names.index("issues")


def test_what_expires_sooner_and_is_not_fetched_yet_is_left_alone() -> None:
    today = plan(("traffic_views", 600, 0), ("deploy_keys", 5, 20), ("issues", 900, 0), ("commits", 0, 7))
    issues = today.urgency(ANSWER_SETS["issues"])
    kept = reserve(today, issues, set())
    assert kept["acme", "core"] == 605
    assert kept["acme", "graphql"] == 20
    assert reserve(today, issues, {"traffic_views"})["acme", "core"] == 5
    assert sum(reserve(today, today.urgency(ANSWER_SETS["traffic_views"]), set()).values()) == 0


def test_a_list_that_takes_more_than_an_hour_keeps_nothing_else_of_its_kind_waiting() -> None:
    today = plan(("stargazers", 0, 6000), ("forks", 0, 6), ("branch_rules", 0, 1), ("commits", 0, 7))
    assert [planned.answer_set for planned in today.sets] == ["forks", "branch_rules", "stargazers", "commits"]
    assert reserve(today, today.urgency(ANSWER_SETS["stargazers"]), set())["acme", "graphql"] == 6 + 5


def test_two_tokens_have_a_fit_each() -> None:
    rich, poor = plan(("issues", 100, 0), org="acme"), plan(("issues", 100, 0), org="globex", core=10)
    both = replace(rich, sets=rich.sets + poor.sets, purses=rich.purses + poor.purses)
    assert rich.fits
    assert not both.fits
    assert [planned.organization for planned in both.postponed] == ["globex"]
    assert "acme: 5,000 and 5,000 left until 15:00; globex: 10 and 5,000 left until 15:00" in both.line


def test_a_plan_comes_back_from_json_as_it_was() -> None:
    kept = plan(("issues", 9000, 0), ("traffic_views", 600, 0))
    assert DayPlan.from_dict(kept.as_dict()) == kept


@dataclass
class Hours:
    """Runs on one GitHub whose calendar moves on with every pause, and what each run waited."""

    github: Simulator
    store: LocalStore
    letters: MemoryLetters = field(default_factory=MemoryLetters)
    waited: list[float] = field(default_factory=list)
    tokens: StaticTokens = field(default_factory=lambda: StaticTokens("ghp_owner"))
    organizations: tuple[str, ...] = ("acme",)

    def run(self, now: datetime, names: Sequence[str] = tuple(ANSWER_SETS)) -> Fetcher:
        """A run of a day that begins at a moment, with a client of its own."""
        clock, lock = Clock(now), threading.Lock()
        self.github.set_now(now)
        self.waited.append(0.0)

        def sleep(seconds: float) -> None:
            with lock:
                self.waited[-1] += seconds
                clock.held = now + timedelta(seconds=self.waited[-1])
                self.github.set_now(clock.held)
            time.sleep(0)

        fetch = Fetcher(
            github=GitHub(
                tokens=self.tokens,
                api_url=self.github.url,
                graphql_url=self.github.graphql_url,
                clock=clock,
                pace=False,
                timer=Timer(lambda: time.monotonic() + self.waited[-1], sleep),
                timeout=5.0,
            ),
            staging=Staging(self.store),
            letters=self.letters,
            clock=clock,
            organizations=self.organizations,
            api_url=self.github.url,
        )
        for name in names:
            fetch.fetch(name, DAY)
        return fetch


SOME = ("organizations", "repositories", "traffic_views", "traffic_clones", "issues", "issue_events", "forks")


def pending(fetch: Fetcher) -> set[str]:
    return {entry.dataset for entry in entries(fetch.staging, DAY) if entry.state is State.pending}


@pytest.fixture(scope="module")
def three_hours(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Three runs at three hours on a token whose hour holds less than half of what the day needs."""
    limits = replace(PLENTY, core=78, graphql=60)
    with Simulator(repos=6, now=after(DAY), limits=limits, timeout_seconds=0.05) as github:
        hours = Hours(github, LocalStore(tmp_path_factory.mktemp("three_hours")))
        yield hours, [(run := hours.run(after(DAY, hours=n)), run.planned(DAY), pending(run)) for n in range(3)]


def test_a_day_of_three_hours_is_whole_after_three_runs_and_what_expires_comes_first(three_hours: Any) -> None:
    _, runs = three_hours
    (_, first, left), (_, _, later), (_, _, last) = runs
    assert not first.fits
    assert first.hours >= 2
    assert "does not fit" in first.line
    assert {"star_history", "statistics_contributors"} <= left
    snapshots = {"traffic_views", "traffic_clones", "traffic_referrers", "traffic_paths", "labels", "deploy_keys"}
    assert not left & snapshots
    # Whose profiles are asked for shows with what was fetched.
    assert later - {"users"} < left
    assert last == set()


def test_no_question_was_ever_answered_with_a_limit_and_no_run_waited_over_five_minutes(three_hours: Any) -> None:
    hours, _ = three_hours
    limited = [e for e in hours.github.log if e.status in (403, 429) or "limit" in e.outcome.lower()]
    assert limited == []
    assert max(hours.waited) <= 300
    assert hours.letters.open == set()


def test_what_a_run_left_says_what_was_spent_and_when_there_is_more(tmp_path: Path) -> None:
    limits = replace(PLENTY, core=60, graphql=60)
    with Simulator(repos=6, now=after(DAY), limits=limits, timeout_seconds=0.05) as github:
        fetch = Hours(github, LocalStore(tmp_path)).run(after(DAY))
    left = waiting(entry for entry in entries(fetch.staging, DAY))
    assert left
    why = {one.why for one in left if one.dataset in ("issues", "statistics_punch_card")}
    assert all("GitHub's hourly budget: " in text and "of 60 spent" in text for text in why), why
    assert all("next at 01:10 UTC" in text for text in why), why
    kept = last_plan(fetch.staging.store, DAY)
    assert kept is not None
    assert kept == fetch.planned(DAY)
    assert 0 < spent_since(fetch.staging, DAY, kept.made).requests <= 60


def test_a_run_that_meets_a_limit_in_every_list_waits_five_minutes_in_sum(tmp_path: Path) -> None:
    with Simulator(repos=2, now=after(DAY), limits=replace(PLENTY, block_seconds=1.0), timeout_seconds=0.05) as github:
        hours = Hours(github, LocalStore(tmp_path))
        github.set_faults("secondary_limit=0.5")
        fetch = hours.run(after(DAY), SOME)
        github.set_faults(None)
        assert pending(fetch)
        assert hours.waited[0] <= 300 + 30
        assert pending(hours.run(after(DAY, hours=1), SOME)) == set()


def test_a_token_that_is_spent_stops_its_own_organisation_only(tmp_path: Path) -> None:
    with Simulator(orgs=("acme", "globex"), repos=3, now=after(DAY), limits=PLENTY, timeout_seconds=0.05) as github:
        github.application.gate.allow("ghp_poor", 20)
        tokens = StaticTokens(None, {"acme": "ghp_rich", "globex": "ghp_poor"})
        hours = Hours(github, LocalStore(tmp_path), tokens=tokens, organizations=("acme", "globex"))
        fetch = hours.run(after(DAY), SOME)
        plan_made = fetch.planned(DAY)
    listed = Inventories(fetch.staging)
    numbers = {s.names["org"]: {str(r) for r in listed.repositories(DAY, DAY, s, ())} for s in fetch.resolve(DAY)}
    left = {e.scope for e in entries(fetch.staging, DAY) if e.state is State.pending}
    assert left & numbers["globex"]
    assert not left & numbers["acme"]
    assert plan_made is not None
    assert {planned.organization for planned in plan_made.postponed} == {"globex"}


def test_a_server_without_limits_is_asked_without_a_plan_in_its_way(tmp_path: Path) -> None:
    with Simulator(
        repos=2, now=after(DAY), limits=PLENTY, timeout_seconds=0.05, faults="rate_limit_hidden=1"
    ) as github:
        fetch = Hours(github, LocalStore(tmp_path)).run(after(DAY), SOME)
        assert pending(fetch) == set()
        assert fetch.planned(DAY) is None
