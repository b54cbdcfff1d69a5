"""docs/datasets.md says what the catalogue declares, about everything in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from oss_datastore.catalogue import ANSWER_SET_OF, DATASETS
from oss_datastore.catalogue.document import ADDRESSABLE, FILE, NEEDS, document, ways
from oss_datastore.catalogue.model import Addressable, Needs
from oss_datastore.staging.days import recoverable_until


def section(dataset: str) -> str:
    """What the page says of a dataset."""
    return document().partition(f"\n### {dataset}\n")[2].partition("\n### ")[0]


def test_the_page_is_made_from_the_catalogue_of_today() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "python -m oss_datastore.catalogue.document"


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_every_dataset_tells_how_it_is_asked_for_and_what_is_kept(name: str) -> None:
    told = section(name)
    dataset = DATASETS[name]
    assert list(ways(ANSWER_SET_OF[name], dataset))
    for words in (dataset.description, dataset.permission, dataset.classic_scope, ANSWER_SET_OF[name].cost):
        assert words in told
    for table in dataset.tables:
        kept = told.partition(f"**`{table.schema}.{table.name}`**")[2].partition("\n**`")[0]
        assert table.description in kept
        assert ("**Personal data.**" in kept) is (table.schema == "psa_pii")
        for column in table.columns:
            assert f"| `{column.name}` | {column.type} |" in kept
            assert column.description


def test_every_dataset_states_its_cost() -> None:
    assert "not stated" not in document()


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    cells = 0
    for line in document().splitlines():
        if not line.startswith("|"):
            cells = 0
        elif cells == 0:
            cells = line.count("|")
        else:
            assert line.count("|") == cells, line


def test_the_words_cover_every_way_to_be_addressable_and_every_need() -> None:
    assert set(ADDRESSABLE) == set(Addressable)
    assert set(NEEDS) == set(Needs)


@pytest.mark.parametrize(
    ("addressable", "after"),
    [
        (Addressable.window, timedelta(days=13)),
        (Addressable.snapshot, timedelta(days=2)),
        (Addressable.feed, timedelta(days=30)),
        (Addressable.since, None),
        (Addressable.history, None),
    ],
)
def test_the_page_says_until_when_as_the_fetch_loop_keeps_it(addressable: Addressable, after: timedelta | None) -> None:
    day = date(2026, 10, 14)
    until = recoverable_until(addressable, day)
    assert until == (datetime(2026, 10, 14, tzinfo=UTC) + after if after else None)
    _, told = ADDRESSABLE[addressable]
    expected = {
        None: "open",
        timedelta(days=2): "one day after the day's close",
    }.get(after, f"{after.days if after else 0} days after the day began")
    assert told == expected
