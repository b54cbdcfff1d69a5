"""A field that GitHub cannot give in time: smaller pages, then field by field, then one letter for what is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.ledger import State
from oss_datastore_tests.staging.fetching import (
    DAY,
    PLENTY,
    MemoryLetters,
    Tables,
    after,
    differences,
    entries,
    fetcher,
    load,
)

EARLY = DAY.replace(year=2025, month=5, day=10)
"""A day on which the small world is still young: a fault may make every pull request be asked for by itself."""
SETS = ("organizations", "repositories", "pull_requests", "repository_shelf")


@pytest.fixture(scope="module")
def young() -> Iterator[Simulator]:
    with Simulator(repos=1, seed=3, now=after(EARLY), limits=PLENTY, timeout_seconds=0.01) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def without_faults(young: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    fetch = fetcher(young, tmp_path_factory.mktemp("heavy") / "store", now=after(EARLY))
    for name in SETS:
        fetch.fetch(name, EARLY)
    tables = load(fetch.staging, [EARLY])
    assert tables["pull_requests"]
    assert tables["pull_request_reviews"]
    return tables


@pytest.fixture(autouse=True)
def _without_fault_afterwards(young: Simulator) -> Iterator[None]:
    young.application.log.clear()
    yield
    young.set_faults(None)


def test_a_page_that_is_too_heavy_is_halved_until_it_comes_and_nothing_is_missing(
    young: Simulator, tmp_path: Path, without_faults: Tables
) -> None:
    letters = MemoryLetters()
    fetch = fetcher(young, tmp_path, letters, now=after(EARLY))
    young.set_faults("graphql_timeout@/graphql/PullRequests/reviews?*first=[1-9][0-9]*=1:sticky")
    for name in SETS:
        fetch.fetch(name, EARLY)
    assert young.application.faults.struck["graphql_timeout"]
    assert {entry.state for entry in entries(fetch.staging, EARLY)} == {State.complete}
    assert not letters.open
    assert differences(load(fetch.staging, [EARLY]), without_faults) == {}


@pytest.mark.parametrize(
    ("operation", "field", "dataset", "answer_set"),
    [
        ("PullRequests", "reviews", "pull_request_reviews", "pull_requests"),
        ("PullRequests", "reviewRequests", "review_requests", "pull_requests"),
        ("RepositoryShelf", "labels", "labels", "repository_shelf"),
    ],
)
def test_a_field_too_heavy_even_alone_is_a_letter_per_item_while_all_else_is_loaded(
    operation: str,
    field: str,
    dataset: str,
    answer_set: str,
    young: Simulator,
    tmp_path: Path,
    without_faults: Tables,
) -> None:
    letters = MemoryLetters()
    fetch = fetcher(young, tmp_path, letters, now=after(EARLY))
    young.set_faults(f"graphql_timeout@/graphql/{operation}/{field}=1:sticky")
    for name in SETS:
        fetch.fetch(name, EARLY)
    ledger = {entry.dataset: entry for entry in fetch.staging.ledger(answer_set, EARLY).values()}
    assert {name for name, entry in ledger.items() if entry.state is not State.complete} == {dataset}
    assert ledger[dataset].state is State.failed
    items = len(without_faults["pull_requests"]) if operation == "PullRequests" else 1
    assert [key[0] for key in letters.open] == [dataset] * items
    assert f"{field} is too heavy even alone" in letters.of(dataset)[0].message
    assert set(differences(load(fetch.staging, [EARLY]), without_faults)) <= {dataset, "fetch_ledger", "actors"}
    young.set_faults(None)
    again = fetcher(young, tmp_path, letters, now=after(EARLY, minutes=30))
    again.fetch(answer_set, EARLY)
    assert not letters.open
    assert differences(load(again.staging, [EARLY]), without_faults) == {}


def test_one_pull_request_whose_reviews_are_too_heavy_leaves_one_letter(
    young: Simulator, tmp_path: Path, without_faults: Tables
) -> None:
    letters = MemoryLetters()
    fetch = fetcher(young, tmp_path, letters, now=after(EARLY))
    young.set_faults("graphql_timeout@/graphql/PullRequests/reviews?after=None&*=1:sticky")
    for name in SETS:
        fetch.fetch(name, EARLY)
    ledger = {entry.dataset: entry for entry in fetch.staging.ledger("pull_requests", EARLY).values()}
    open_ = {name for name, entry in ledger.items() if entry.state is not State.complete}
    assert open_ == {"pull_request_reviews"}
    assert ledger["pull_request_reviews"].state is State.partial
    assert len(letters.open) == 1
    young.set_faults(None)
    again = fetcher(young, tmp_path, letters, now=after(EARLY, minutes=30))
    again.fetch("pull_requests", EARLY)
    assert not letters.open
    assert differences(load(again.staging, [EARLY]), without_faults) == {}
