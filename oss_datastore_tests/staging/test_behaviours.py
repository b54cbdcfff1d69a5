"""Whatever GitHub does, one fault at a time: no row is lost without a word, and none is invented.

A day without faults is the measure. A fault of single requests must leave nothing behind once it is gone; one that
lasts is the truth while it lasts, and then it is said here what is left of the measure.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from oss_datastore.catalogue import ANSWER_SETS, TABLES
from oss_datastore.github import GitHubError
from oss_datastore.simulator.faults import KINDS
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.fetch import Fetcher
from oss_datastore.staging.ledger import SETTLED, Coverage, LedgerEntry, State, state_counts
from oss_datastore.staging.lines import Staging
from oss_datastore.warehouse import DuckDbWarehouse, PsaLoader
from oss_datastore_tests.staging.fetching import PLENTY, MemoryLetters, MemoryWarehouse, after, fetcher

DAY = date(2025, 6, 14)
"""A day on which the small world is still young: there are some of everything, and not many."""

BROAD = ("traffic_views", "repository_shelf", "issues", "teams")
"""Sets of every kind: by repository, many in one query, paged, and with lists inside lists."""
PAGED = ("issues", "issue_comments", "issue_events")
BY_GRAPHQL = ("repositories", "members", "teams", "repository_shelf", "pull_requests")
STATISTICS = (
    "statistics_contributors",
    "statistics_commit_activity",
    "statistics_code_frequency",
    "statistics_participation",
    "statistics_punch_card",
)
STARS = ("stargazers", "watchers")
INVENTORY = ("repositories", "repository_security_settings")
"""What tells of repositories before anything is asked of them."""
ALERTS = ("dependabot_alerts", "code_scanning_alerts", "secret_scanning_alerts")

TOKENS = {"ghp_owner": "owner", "ghp_member": "member"}

Rows = dict[tuple[str, str], list[dict[str, Any]]]
"""The rows of each table and scope."""


@dataclass(frozen=True)
class Expected:
    """What a fault may do to a day.

    `states` are those that scopes may come to beside complete, of which one at least must show; `how` is the pattern
    and the rate. `rows` says what a whole list holds while the fault lasts: the `same` as without it, `fewer`, those
    of the same `keys`, or `none`; a lasting fault is over as soon as it is not declared any more. `inventory` lets the
    list of repositories meet the fault, too. `strikes` is False where the client never asks what would be struck.
    """

    sets: tuple[str, ...] = BROAD
    how: str = "=0.5"
    states: frozenset[str] = frozenset()
    rows: str = "same"
    inventory: bool = False
    rest: bool = False
    role: str = "ghp_owner"
    strikes: bool = True
    raises: str = ""


def _may(*states: str, **more: Any) -> Expected:
    return Expected(states=frozenset(states), **more)


BROKEN = _may("failed", "partial", how="=0.85")
HASTY = _may("pending", how="=0.9")
EXPECTED = {
    "headers_missing": Expected(),
    "unknown_version": _may("failed", "partial", how="@/[or]*=0.85"),
    "older_version": Expected(),
    "user_agent_refused": _may("forbidden", "partial", how="=0.7"),
    "bad_credentials": _may("pending", how="=1", raises="unauthorized"),
    "short_pages": Expected(PAGED, "=1"),
    "pages_shift": Expected(PAGED, "=1"),
    "page_beyond_end": Expected(PAGED),
    "pagination_limited": _may("partial", sets=PAGED, how="=1"),
    "etag_ignored": Expected(strikes=False),
    "rate_limit_hidden": Expected(how="=1"),
    "primary_limit": HASTY,
    "primary_limit_429": HASTY,
    "secondary_limit": HASTY,
    "secondary_limit_429": Expected(),
    "secondary_limit_bare": HASTY,
    "secondary_limit_remaining": HASTY,
    "secondary_limit_longer": Expected(),
    "statistics_computing": _may("pending", sets=STATISTICS, how="=1"),
    "statistics_too_large": _may("disabled", sets=STATISTICS, how="=1", rows="keys"),
    "traffic_forbidden": _may("forbidden", sets=("traffic_views", "traffic_paths"), how="=1"),
    "star_list_hidden": _may("forbidden", sets=STARS, how="=1"),
    "star_list_forbidden": _may("forbidden", sets=STARS, how="=1", rest=True),
    "moved": Expected(PAGED, "=1"),
    "deleted": _may("gone", how="=1"),
    "blocked": _may("gone", how="@/repos/*=0.8"),
    "blocked_403": _may("gone", how="@/repos/*=0.8"),
    "empty_repository": Expected(("commits", "statistics_punch_card"), "=1", rows="none"),
    "issues_disabled": _may("disabled", sets=PAGED, how="=1"),
    "issue_deleted": Expected(PAGED, "=0.3", rows="fewer"),
    "issue_transferred": Expected(PAGED, "=0.3", rows="fewer"),
    "pull_requests_disabled": _may("disabled", sets=("pull_requests",), how="=1", inventory=True),
    "malformed_item": _may("partial", sets=(*PAGED, *ALERTS), how="=0.2", rows="keys"),
    "since_ignored": Expected(strikes=False),
    "ghost_authors": Expected(("issues", "commits", "releases"), "=1", rows="keys"),
    "dependabot_disabled": _may("disabled", sets=("dependabot_alerts",), how="=1", inventory=True),
    "alerts_archived": Expected(("dependabot_alerts",), "=1", rows="fewer"),
    # Of public repositories no setting tells whether their code is scanned: nothing found is all there is to see.
    "code_scanning_disabled": Expected(("code_scanning_alerts",), "=1", rows="none"),
    "security_unavailable": _may("failed", sets=ALERTS, how="=1"),
    "secret_in_clear": Expected(("secret_scanning_alerts",), "=1"),
    "secret_scanning_disabled": _may("disabled", sets=("secret_scanning_alerts",), how="=1", inventory=True),
    "members_hidden": _may("partial", sets=("members",), how="=1", rows="keys", role="ghp_member"),
    "events_delayed": Expected(("events",), "=1", rows="fewer"),
    "server_error": BROKEN,
    "bad_gateway": BROKEN,
    "unavailable": BROKEN,
    "reset": BROKEN,
    "truncated": BROKEN,
    "not_json": BROKEN,
    "timeout": BROKEN,
    "graphql_invalid": _may("failed", "partial", sets=BY_GRAPHQL, how="=0.7"),
    "graphql_node_limit": _may("failed", "partial", sets=BY_GRAPHQL, how="=0.7"),
    "graphql_rate_limit": _may("pending", sets=BY_GRAPHQL),
    "graphql_secondary_limit": Expected(BY_GRAPHQL),
    "graphql_node_error": _may("failed", "partial", sets=BY_GRAPHQL),
    "graphql_null_nodes": _may("failed", "partial", sets=BY_GRAPHQL, how="=1"),
    "graphql_forbidden": _may("failed", "partial", "forbidden", sets=BY_GRAPHQL, how="=1"),
    "graphql_resource_limits": _may("failed", "partial", sets=BY_GRAPHQL, how="=0.9"),
    "graphql_timeout": _may("failed", "partial", sets=BY_GRAPHQL, how="=0.9"),
    "graphql_timeout_200": _may("failed", "partial", sets=BY_GRAPHQL, how="=0.9"),
    "former_node_ids": Expected(BY_GRAPHQL, "=1", rows="keys"),
    "forbidden": _may("forbidden", "partial"),
    "not_found": _may("gone", "partial", how="@/repos/*=0.7"),
    "download_reset": Expected(("releases",), "=1", rows="keys"),
    "counts_stale": Expected(PAGED, "=1", inventory=True),
    "search_incomplete": Expected(strikes=False),
    "search_limit": Expected(strikes=False),
}


@pytest.fixture(scope="module")
def small() -> Iterator[Simulator]:
    with Simulator(repos=2, seed=3, now=after(DAY), tokens=TOKENS, limits=PLENTY, timeout_seconds=0.01) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def roots(small: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that knows the organisation, its repositories and what they have switched on, and nothing else."""
    folder = tmp_path_factory.mktemp("roots")
    fetch = fetcher(small, folder, now=after(DAY))
    for name in ("organizations", *INVENTORY):
        fetch.fetch(name, DAY)
    return folder


@pytest.fixture(scope="module")
def measure(small: Simulator, roots: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, dict[Any, Any]]:
    """The rows of a day without faults, and what became of its scopes."""
    folder = tmp_path_factory.mktemp("measure") / "store"
    shutil.copytree(roots, folder)
    fetch = fetcher(small, folder, now=after(DAY))
    names = sorted({name for expected in EXPECTED.values() for name in expected.sets})
    ledger: dict[Any, Any] = {}
    for name in names:
        fetch.fetch(name, DAY)
        ledger |= {key: (entry.state, entry.coverage) for key, entry in fetch.staging.ledger(name, DAY).items()}
    assert {state for state, _ in ledger.values()} <= {State.complete, State.disabled}
    return rows_of(fetch.staging, names), ledger


def rows_of(staging: Staging, names: Any) -> Rows:
    """The psa rows of some answer sets, by table and scope, in the order of their keys."""
    warehouse = MemoryWarehouse()
    loader = PsaLoader(staging, cast(DuckDbWarehouse, warehouse), MemoryLetters())
    for name in names:
        loader.load(name, [DAY])
    found: Rows = defaultdict(list)
    for table, rows in warehouse.rows.items():
        if table not in ("actors", "fetch_ledger"):
            for row in sorted(rows, key=lambda row: str(_key(table, row))):
                found[table, row["scope"]].append({k: v for k, v in row.items() if k != "fetched_at"})
    return found


def _key(table: str, row: Any) -> tuple[Any, ...]:
    return tuple(row[name] for name in TABLES[table].key)


def _tables(name: str, dataset: str) -> list[str]:
    """The tables that hold rows of a dataset."""
    return [table.name for d in ANSWER_SETS[name].datasets if d.name == dataset for table in d.tables]


def judge(entry: LedgerEntry, name: str, rows: Rows, whole: Rows, expected: str) -> None:
    """What a scope's rows are must fit what its ledger says of them."""
    for table in _tables(name, entry.dataset):
        mine, right = rows.get((table, entry.scope), []), whole.get((table, entry.scope), [])
        if entry.state not in (State.complete, State.partial):
            assert not mine, f"{entry} observes nothing, yet {table} has rows"
        elif expected == "keys":
            assert {_key(table, row) for row in mine} <= {_key(table, row) for row in right}
            if entry.state is State.complete:
                assert [_key(table, row) for row in mine] == [_key(table, row) for row in right], (table, entry)
        elif expected == "none" and entry.state is State.complete:
            assert not mine, (table, entry)
        elif expected == "same" and entry.state is State.complete:
            assert mine == right, (table, entry)
        else:
            assert all(row in right for row in mine), (table, entry)
    if entry.state is not State.complete and not entry.only_parsing:
        assert (entry.coverage, entry.listed) == (None, None), entry


@pytest.mark.parametrize("name", KINDS)
def test_what_github_does_loses_no_row_without_a_word_and_invents_none(
    name: str, small: Simulator, roots: Path, measure: tuple[Rows, dict[Any, Any]], tmp_path: Path
) -> None:
    expected, (whole, states) = EXPECTED[name], measure
    store, letters = tmp_path / "store", MemoryLetters()
    shutil.copytree(roots, store)
    for judged in INVENTORY if expected.inventory else {"repositories"} & {*expected.sets}:
        shutil.rmtree(store / "staging" / judged)
    fetch = fetcher(small, store, letters, now=after(DAY), rest=expected.rest, role=expected.role)
    small.set_faults(f"{name}{expected.how}")
    small.application.faults.struck.clear()
    try:
        for name_of_set in INVENTORY if expected.inventory else ():
            fetch.fetch(name_of_set, DAY)
        _fetch(fetch, expected)
        assert bool(small.application.faults.struck) is expected.strikes, "whether it struck decides what is shown"
    finally:
        small.set_faults(None)
        # The budget of an hour is whole again a day later, and then the calendar is held where it was.
        small.set_now(after(DAY, days=1))
        small.set_now(after(DAY))
    found = _judge_day(fetch, letters, expected, whole)
    if expected.states:
        assert found & expected.states, "the fault left no mark: the test shows nothing"
    else:
        assert found <= {"complete"}
    lasting = expected.rows != "same" or expected.inventory or found & {State.gone, State.disabled}
    again = fetcher(small, store, letters, now=after(DAY, minutes=30), rest=expected.rest)
    for name_of_set in INVENTORY if expected.inventory else ():
        again.fetch(name_of_set, DAY, force=True)
    for answer_set in expected.sets:
        again.fetch(answer_set, DAY, force=bool(lasting))
    assert not letters.open
    for answer_set in expected.sets:
        for key, entry in again.staging.ledger(answer_set, DAY).items():
            assert (entry.state, entry.coverage) == states[key], entry
    made = rows_of(again.staging, expected.sets)
    asked = [dataset for answer_set in expected.sets for dataset in ANSWER_SETS[answer_set].datasets]
    for table, scope in {**made, **whole}:
        if expected.rest and any(table == dataset.name for dataset in asked):
            # REST leaves out columns and child tables: what it tells of a row is compared in test_two_ways.
            keys = [[_key(table, row) for row in rows[table, scope]] for rows in (made, whole)]
            assert keys[0] == keys[1], (table, scope)
        elif not expected.rest and any(table == one.name for dataset in asked for one in dataset.tables):
            assert made[table, scope] == whole[table, scope], (table, scope)


def _fetch(fetch: Fetcher, expected: Expected) -> None:
    for answer_set in expected.sets:
        if not expected.raises:
            report = fetch.fetch(answer_set, DAY)
            ledger = fetch.staging.ledger(answer_set, DAY)
            assert sum(sum(states.values()) for states in report.states.values()) == report.planned == len(ledger)
            assert report.states == state_counts(ledger.values())
            continue
        with pytest.raises(GitHubError) as raised:
            fetch.fetch(answer_set, DAY)
        assert raised.value.kind == expected.raises


def _judge_day(fetch: Fetcher, letters: MemoryLetters, expected: Expected, whole: Rows) -> set[str]:
    """Judges every scope of the day; the states that were found."""
    found: set[str] = set()
    rows = rows_of(fetch.staging, expected.sets)
    for answer_set in expected.sets:
        for entry in fetch.staging.ledger(answer_set, DAY).values():
            found.add(entry.state.value)
            assert entry.state.value in expected.states | {"complete"}, entry
            mine = [key for key in letters.open if key[:2] == entry.key]
            needs_one = entry.state in (State.failed, State.partial) or "still computing" in entry.detail
            assert bool(mine) is bool(entry.letter is not None) is needs_one, (entry, mine)
            judge(entry, answer_set, rows, whole, expected.rows)
            assert entry.state is not State.complete or isinstance(entry.coverage, Coverage)
            assert entry.state in SETTLED or entry.state.value in expected.states
    return found


def test_every_behaviour_is_expected_and_none_beside_them() -> None:
    assert EXPECTED.keys() == KINDS.keys()
