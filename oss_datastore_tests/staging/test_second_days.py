"""What shows only on a second day or a second call: changes asked for since a moment, lists counted, answers kept."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.clock import Clock
from oss_datastore.github import GitHub, RateLimited, StaticTokens
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.ledger import Coverage, State
from oss_datastore_tests.staging.fetching import (
    DAY,
    PLENTY,
    MemoryLetters,
    after,
    entries,
    fetcher,
    hurried,
    load,
)

NEXT = DAY + timedelta(days=1)
ROOTS = ("organizations", "repositories")
CHANGED = ("issues", "issue_comments", "commits")
STATISTICS = "statistics_commit_activity"
TOO_LARGE = "graphql_timeout@/graphql/PullRequests?*first=[1-9][0-9]*=1:sticky"
BUSY = (f"acme/tidepool busy 4 2 on {NEXT}",)


@pytest.fixture
def github() -> Iterator[Simulator]:
    with Simulator(repos=2, now=after(DAY), limits=PLENTY, changes=BUSY, timeout_seconds=0.01) as simulator:
        yield simulator


def client(simulator: Simulator) -> GitHub:
    return GitHub(
        tokens=StaticTokens("ghp_owner"),
        api_url=simulator.url,
        graphql_url=simulator.graphql_url,
        clock=Clock(after(DAY)),
        pace=False,
        timer=hurried(),
    )


def at(simulator: Simulator, folder: Path, day: date, letters: Any = None, **more: float) -> Any:
    simulator.set_now(after(day, **more))
    return fetcher(simulator, folder, letters, now=after(day, **more))


def test_a_since_that_is_ignored_loses_no_row_brings_none_twice_and_invents_none(
    github: Simulator, tmp_path: Path
) -> None:
    found = []
    for fault in ("", "since_ignored"):
        folder, letters = tmp_path / (fault or "measure"), MemoryLetters()
        first = at(github, folder, DAY, letters)
        for name in (*ROOTS, *CHANGED):
            first.fetch(name, DAY)
        github.set_faults(fault)
        second = at(github, folder, NEXT, letters)
        for name in (*ROOTS, *CHANGED):
            second.fetch(name, NEXT)
        assert bool(github.application.faults.struck["since_ignored"]) is bool(fault)
        github.set_faults(None)
        assert {entry.state for entry in entries(second.staging, NEXT)} == {State.complete}
        assert Coverage.delta in {entry.coverage for entry in second.staging.ledger("issues", NEXT).values()}
        assert not letters.open
        found.append(load(second.staging, [DAY, NEXT]))
    measure, ignored = found
    for table in ("commits", "issue_comments", "issues"):
        assert len(set(ignored[table])) == len(ignored[table]), table
        assert set(measure[table]) <= set(ignored[table]), table
        told, again = ({re.findall(r"_hk': '(\w+)'", row)[0] for row in rows[table]} for rows in (measure, ignored))
        assert told == again, table


@pytest.mark.parametrize(("rest", "fault"), [(True, "short_pages=1"), (False, TOO_LARGE)])
def test_the_size_of_a_page_shows_in_no_table(github: Simulator, tmp_path: Path, rest: bool, fault: str) -> None:
    lists = ("pull_requests", "issue_events", "forks")
    found = []
    for what in ("", fault):
        folder = tmp_path / (what or "measure")
        for day, faults in ((DAY, ""), (NEXT, what)):
            github.set_now(after(day))
            github.set_faults(faults)
            fetch = fetcher(github, folder, now=after(day), rest=rest)
            for name in (*ROOTS, *lists):
                fetch.fetch(name, day)
        assert bool(github.application.faults.struck) is bool(what)
        github.set_faults(None)
        assert Coverage.delta in {entry.coverage for entry in fetch.staging.ledger("pull_requests", NEXT).values()}
        found.append(load(fetch.staging, [NEXT]))
    assert found[0] == found[1]
    assert found[0]["pull_requests"]


@pytest.mark.parametrize(
    ("what", "state"),
    [
        ("graphql_rate_limit=1", State.pending),
        ("bad_gateway@/graphql/Repositories*=1:sticky", State.failed),
    ],
)
def test_a_day_whose_inventory_came_late_has_the_tables_of_any_other(tmp_path: Path, what: str, state: State) -> None:
    sets = (*ROOTS, "dependencies", "issues", "events", "traffic_views")
    brief = replace(PLENTY, window_seconds=0.2)
    found = []
    with Simulator(repos=2, now=after(DAY), limits=brief, changes=BUSY) as github:
        for fault in ("", what):
            folder = tmp_path / ("late" if fault else "measure")
            first = at(github, folder, DAY)
            for name in sets:
                first.fetch(name, DAY)
            github.set_faults(fault)
            held = at(github, folder, NEXT)
            for name in sets:
                held.fetch(name, NEXT)
            github.set_faults(None)
            states = {entry.dataset: entry.state for entry in entries(held.staging, NEXT)}
            came = State.pending if fault else State.complete
            assert {states[name] for name in ("dependencies", "issues", "events")} == {came}
            assert states["repositories"] is (state if fault else State.complete)
            assert states["traffic_views"] is State.complete
            time.sleep(brief.window_seconds)
            again = at(github, folder, NEXT)
            for name in sets:
                again.fetch(name, NEXT)
            found.append(load(again.staging, [NEXT]))
    assert found[0] == found[1]


def test_an_inventory_that_is_not_there_by_noon_is_not_waited_for(github: Simulator, tmp_path: Path) -> None:
    first = at(github, tmp_path, DAY)
    for name in (*ROOTS, "issues"):
        first.fetch(name, DAY)
    github.set_faults("graphql_rate_limit=1")
    late = at(github, tmp_path, NEXT, hours=12)
    for name in (*ROOTS, "issues"):
        late.fetch(name, NEXT)
    github.set_faults(None)
    assert {entry.state for entry in late.staging.ledger("repositories", NEXT).values()} == {State.pending}
    assert {entry.state for entry in late.staging.ledger("issues", NEXT).values()} == {State.complete}


def test_an_etag_that_is_ignored_gives_the_whole_answer_again(github: Simulator) -> None:
    asking = client(github)
    first = asking.get("/orgs/acme")
    assert first.etag
    assert asking.get("/orgs/acme", etag=first.etag).status == 304
    github.set_faults("etag_ignored")
    again = asking.get("/orgs/acme", etag=first.etag)
    assert github.application.faults.struck["etag_ignored"] == 1
    assert (again.status, again.payload) == (200, first.payload)


SEARCH = {"q": "repo:acme/tidepool is:issue"}


def test_a_search_that_is_incomplete_says_so_beside_the_right_count(github: Simulator) -> None:
    asking = client(github)
    whole = asking.get("/search/issues", SEARCH).payload
    github.set_faults("search_incomplete")
    some = asking.get("/search/issues", SEARCH).payload
    assert github.application.faults.struck["search_incomplete"] == 1
    assert (whole["incomplete_results"], some["incomplete_results"]) == (False, True)
    assert some["total_count"] == whole["total_count"]


def test_a_spent_budget_of_searches_does_not_hold_up_other_calls(github: Simulator) -> None:
    asking = client(github)
    github.set_faults("search_limit@/search/*=1")
    with pytest.raises(RateLimited):
        asking.get("/search/issues", SEARCH)
    assert github.application.faults.struck["search_limit"]
    assert asking.get("/orgs/acme").status == 200


def test_statistics_asked_early_are_collected_at_the_end_without_a_letter(github: Simulator, tmp_path: Path) -> None:
    letters = MemoryLetters()
    fetch = at(github, tmp_path, DAY, letters)
    for name in ROOTS:
        fetch.fetch(name, DAY)
    github.set_faults("statistics_computing=1")
    fetch.fetch(STATISTICS, DAY, early=True)
    assert {entry.state for entry in fetch.staging.ledger(STATISTICS, DAY).values()} == {State.pending}
    assert not letters.open
    github.set_faults(None)
    fetch.fetch(STATISTICS, DAY)
    assert {entry.state for entry in fetch.staging.ledger(STATISTICS, DAY).values()} == {State.complete}
    assert not letters.open
    straight = at(github, tmp_path / "straight", DAY)
    for name in (*ROOTS, STATISTICS):
        straight.fetch(name, DAY)
    assert load(fetch.staging, [DAY])[STATISTICS] == load(straight.staging, [DAY])[STATISTICS]


def test_statistics_that_are_never_computed_stay_pending_with_a_letter(github: Simulator, tmp_path: Path) -> None:
    letters = MemoryLetters()
    fetch = at(github, tmp_path, DAY, letters)
    for name in ROOTS:
        fetch.fetch(name, DAY)
    github.set_faults("statistics_computing=1")
    fetch.fetch(STATISTICS, DAY, early=True)
    fetch.fetch(STATISTICS, DAY)
    ledger = fetch.staging.ledger(STATISTICS, DAY).values()
    assert {entry.state for entry in ledger} == {State.pending}
    assert {failure.scope for failure in letters.of(STATISTICS)} == {entry.scope for entry in ledger}
    assert {failure.error_class for failure in letters.of(STATISTICS)} == {"computing"}
    assert not load(fetch.staging, [DAY])[STATISTICS]


@pytest.mark.parametrize("fault", ["issue_deleted", "issue_transferred"])
def test_an_issue_that_left_is_missed_by_the_count_and_read_from_the_whole_list(
    fault: str, github: Simulator, tmp_path: Path
) -> None:
    first = at(github, tmp_path, DAY)
    for name in (*ROOTS, "issues"):
        first.fetch(name, DAY)
    before = {entry.scope: entry.listed for entry in first.staging.ledger("issues", DAY).values()}
    repository = client(github).get("/repos/acme/tidepool").payload["id"]
    mine = [
        row
        for row in load(first.staging, [DAY])["issues"]
        if f"/repository/{repository}'" in row and "'is_pull_request': False" in row
    ]
    number = re.findall(r"'number': (\d+),", mine[0])[0]
    github.set_faults(f"{fault}@/repos/acme/tidepool/issues/{number}=1")
    second = at(github, tmp_path, NEXT)
    for name in (*ROOTS, "issues"):
        second.fetch(name, NEXT)
    assert github.application.faults.struck[fault]
    tidepool = second.staging.ledger("issues", NEXT)["issues", f"127.0.0.1/repository/{repository}"]
    assert (tidepool.state, tidepool.coverage, tidepool.listed_on) == (State.complete, Coverage.full, NEXT)
    assert tidepool.listed == (before[tidepool.scope] or 0) + 6 - 1
    days = {day: load(second.staging, [day])["issues"] for day in (DAY, NEXT)}
    numbered = {
        day: [row for row in rows if f"'number': {number}," in row and tidepool.scope in row]
        for day, rows in days.items()
    }
    assert (len(numbered[DAY]), len(numbered[NEXT])) == (1, 0)
