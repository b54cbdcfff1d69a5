"""Nothing is lost silently: what goes wrong at GitHub's end stands in the ledger and in a letter, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.due import WAITING
from oss_datastore.staging.ledger import State, state_counts
from oss_datastore_tests.staging.fetching import (
    PLENTY,
    MemoryLetters,
    Tables,
    after,
    differences,
    entries,
    fetch_all,
    fetcher,
    load,
)

DAY = date(2025, 6, 14)
"""A day on which the small world is still young: every dataset is asked for, and few have many rows."""

FAULTS = [
    "server_error=0.5",
    "unavailable=0.5",
    "reset=0.4",
    "truncated=0.5",
    "not_json=0.5",
    "timeout=0.5",
    "secondary_limit=0.1",
    "forbidden=0.2",
    "not_found=0.15",
    "blocked=0.2",
    "malformed_item=0.2",
    "graphql_resource_limits=0.5",
    "server_error@/repos/*=0.4:sticky",
    "bad_gateway@/graphql/*=0.3:sticky",
    "reset@/repos/*/traffic/*=1",
    "forbidden@/graphql/*=0.4:sticky",
    "not_json@/graphql/Repositor*=1",
    "graphql_node_error=1",
]

ASKED = tuple(sorted(DATASETS.keys() - {"statistics_contributors", "stargazers"}))
"""All but the two that make most of all rows; they are asked for as the other statistics and the watchers are."""

ANSWERS_OF_THEIR_OWN = ("not_found", "blocked", "malformed_item", "forbidden=")
"""What settles a scope: gone is gone, an event whose issue has no id is an event all the same, and where the
organisation's list of code scanning alerts is refused a repository says itself that its code is not scanned."""


@pytest.fixture(scope="module")
def young() -> Iterator[Simulator]:
    with Simulator(repos=2, seed=3, now=after(DAY), limits=PLENTY, timeout_seconds=0.01) as simulator:
        yield simulator


@pytest.fixture
def github(young: Simulator) -> Iterator[Simulator]:
    """The young world just after the close of DAY, without faults."""
    young.set_now(after(DAY))
    yield young
    young.set_faults(None)


@pytest.fixture(scope="module")
def whole(young: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The psa tables of DAY as a fetch without faults gives them."""
    fetch = fetcher(young, tmp_path_factory.mktemp("whole") / "store", now=after(DAY), datasets=ASKED)
    fetch_all(fetch, DAY)
    return load(fetch.staging, [DAY])


@pytest.mark.parametrize("fault", FAULTS)
def test_every_scope_that_is_not_whole_has_its_letter_and_all_is_whole_once_the_fault_is_gone(
    fault: str, github: Simulator, tmp_path: Path, whole: Tables
) -> None:
    letters = MemoryLetters()
    fetch = fetcher(github, tmp_path / "store", letters, now=after(DAY), datasets=ASKED)
    fetch.fetch("organizations", DAY)
    github.set_faults(fault)
    reports = [fetch.fetch(name, DAY) for name in ANSWER_SETS]
    for report in reports:
        ledger = fetch.staging.ledger(report.answer_set, DAY)
        assert sum(sum(states.values()) for states in report.states.values()) == report.planned == len(ledger)
        assert report.states == state_counts(ledger.values())
    for entry in entries(fetch.staging, DAY):
        mine = [key for key in letters.open if key[:2] == entry.key]
        if entry.state in (State.failed, State.partial):
            assert mine, f"{entry} has no letter"
            assert entry.letter is not None
        else:
            # A run waits for limits only so long in sum, and for a list of repositories that failed until noon; what
            # is left then says so.
            limited = fault.startswith("secondary_limit") and "rate limit" in (entry.detail or "")
            left = entry.state is State.pending and (limited or entry.detail == WAITING.detail)
            assert left or entry.state is not State.pending, f"nobody said what became of {entry}"
            assert not mine, f"{entry} has a letter and needs none"
    assert github.application.faults.struck, "the fault never struck: the test shows nothing"
    github.set_faults(None)
    again = fetcher(github, tmp_path / "store", letters, now=after(DAY, minutes=30), datasets=ASKED)
    fetch_all(again, DAY, force=fault.startswith(ANSWERS_OF_THEIR_OWN))
    assert not letters.open
    assert differences(load(again.staging, [DAY]), whole) == {}
