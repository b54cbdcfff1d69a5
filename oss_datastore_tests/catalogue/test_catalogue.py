"""The declarations hold together: whatever a dataset, a table or an answer set names is there."""

from __future__ import annotations

from collections import Counter

import pytest

from oss_datastore.catalogue import ANSWER_SETS, DATASETS, TABLES
from oss_datastore.catalogue.model import AnswerSet, GraphRequest, RestRequest, Table


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_keys_hashes_and_days_are_made_of_columns_of_the_table(table: Table) -> None:
    columns = {column.name for column in table.columns}
    named = {name for parts in (*table.hash_keys.values(), *table.hash_diffs.values()) for name in parts}
    assert {*table.key, *named, *filter(None, [table.dated_by])} <= columns
    assert table.key
    assert table.description.startswith("One row per ")
    assert [name for name, count in Counter(name for name, _ in table.fields).items() if count > 1] == []


INVENTORY = ("repositories", "repository_security_settings")


def test_no_two_datasets_share_a_table() -> None:
    names = [table.name for dataset in DATASETS.values() for table in dataset.tables]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("answer_set", ANSWER_SETS.values(), ids=lambda answer_set: answer_set.name)
def test_what_an_answer_set_reads_in_the_inventory_is_a_column_of_it(answer_set: AnswerSet) -> None:
    inventory, settings = ({column.name for column in TABLES[name].columns} for name in INVENTORY)
    assert {*answer_set.probe, *answer_set.counts, *filter(None, [answer_set.present])} <= inventory
    assert {*answer_set.switch} <= inventory | settings
    assert answer_set.cost


@pytest.mark.parametrize("answer_set", ANSWER_SETS.values(), ids=lambda answer_set: answer_set.name)
def test_either_api_answers_for_every_dataset_of_a_set_that_asks_it(answer_set: AnswerSet) -> None:
    names = {dataset.name for dataset in answer_set.datasets}
    by_rest = [r for r in answer_set.requests if isinstance(r, RestRequest)]
    answered = {d for r in by_rest for d in (*r.datasets, *(d for inner in r.per_item for d in inner.datasets))}
    assert not by_rest or answered == names
    for request in answer_set.requests:
        if isinstance(request, GraphRequest):
            assert {part.dataset for part in request.parts} == names
