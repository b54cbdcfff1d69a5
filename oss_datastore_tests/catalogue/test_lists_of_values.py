"""Answers that are no plain lists of records: values in lists, objects of names, lists of a whole organisation."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from oss_datastore.catalogue import DATASETS
from oss_datastore.catalogue.model import Addressable, Dataset, Needs, ScopeKind, Table, bigint, text, timestamp
from oss_datastore.catalogue.model import day as date_column
from oss_datastore.catalogue.parse import Parsed, Part, parse

DAY = date(2026, 10, 14)
FETCHED = datetime(2026, 10, 15, 0, 10, tzinfo=UTC)


def dataset(table: Table, addressable: Addressable = Addressable.snapshot) -> Dataset:
    return Dataset(table, "", ScopeKind.repository, addressable, Needs.anyone, "", "")


def parsed(of: Dataset, payload: Any, context: dict[str, Any] | None = None) -> Parsed:
    return parse(of, Part(of.name, "github.com/repository/7", (), context), payload, DAY, FETCHED)


def kept(outcome: Parsed, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns) for row in outcome.rows[table]]


PLACES = Table(
    "places",
    (bigint("place", "@rank"), bigint("of", "@parent.id"), bigint("value", required=True)),
    key=("place",),
    each="values",
    scalars=True,
)


def test_a_value_in_a_list_is_a_record_with_its_position() -> None:
    outcome = parsed(dataset(PLACES), [{"id": 1, "values": [5, 0]}, {"id": 2, "values": []}, {"id": 3}])
    assert kept(outcome, "places", "place", "of", "value") == [(1, 1, 5), (2, 1, 0)]
    assert outcome.items == 2


def test_a_list_in_a_list_is_a_record_whose_values_go_by_position() -> None:
    table = Table("weeks", (bigint("week", "value.0"), bigint("added", "value.1")), key=("week",), scalars=True)
    assert kept(parsed(dataset(table), [[100, 3], [200, 4]]), "weeks", "week", "added") == [(100, 3), (200, 4)]


@pytest.mark.parametrize("value", [None, "x", {"a": 1}, True])
def test_a_value_of_another_type_is_a_fault(value: Any) -> None:
    outcome = parsed(dataset(PLACES), [{"id": 1, "values": [1, value]}])
    assert kept(outcome, "places", "value") == [(1,)]
    assert [(fault.table, fault.index) for fault in outcome.faults] == [("places", 1)]


def test_what_is_no_list_where_a_list_of_values_belongs_is_a_fault_and_no_value() -> None:
    table = Table("words", (text("word", "value", required=True),), key=("word",), each="words", scalars=True)
    outcome = parsed(dataset(table), [{"words": "none"}])
    assert outcome.rows["words"] == []
    assert len(outcome.faults) == 1


def test_an_object_of_names_and_values_gives_a_record_for_each_name() -> None:
    languages = DATASETS["repository_languages"]
    named = parsed(languages, {"Python": 700, "C": 0})
    listed = parsed(languages, [{"size": 700, "node": {"name": "Python"}}, {"size": 0, "node": {"name": "C"}}])
    assert kept(named, "repository_languages", "language", "bytes") == [("Python", 700), ("C", 0)]
    assert named.rows == listed.rows
    assert parsed(languages, {}).items == 0
    assert not parsed(languages, {}).faults


def test_only_the_items_of_the_scope_are_taken_from_the_list_of_an_organisation() -> None:
    table = Table("alerts", (bigint("number"), bigint("place", "@rank")), key=("number",))
    items = [
        {"number": 1, "repository": {"id": 8}},
        {"number": 2, "repository": {"id": 7}},
        {"number": 3, "repository": None},
        {"number": 4, "repository": {"id": 7}},
    ]
    outcome = parsed(dataset(table), items, {"only": ["repository.id", 7]})
    assert kept(outcome, "alerts", "number", "place") == [(2, 1), (4, 2)]
    assert outcome.items == 2
    assert parsed(dataset(table), items, {"only": ["repository.id", "7"]}).rows == outcome.rows
    assert parsed(dataset(table), items, {"only": ["repository.id", 9]}).items == 0


def test_a_record_of_another_scope_that_does_not_parse_is_none_of_this_scopes_faults() -> None:
    table = Table("alerts", (bigint("number", required=True),), key=("number",))
    items = [{"number": "x", "repository": {"id": 8}}, {"number": 2, "repository": {"id": 7}}]
    assert parsed(dataset(table), items, {"only": ["repository.id", 7]}).faults == []
    assert len(parsed(dataset(table), items, {"only": ["repository.id", 8]}).faults) == 1


def test_a_part_with_its_items_named_survives_staging() -> None:
    part = Part("alerts", "github.com/repository/7", ("data",), {"only": ["repository.id", 7]})
    assert Part.from_list(part.as_list()) == part


def test_a_record_belongs_to_the_day_its_column_of_days_names() -> None:
    table = Table("days", (date_column("on"), timestamp("updated_at")), key=("on",), dated_by="on")
    later = {"on": "2026-10-15", "updated_at": "2026-10-01T00:00:00Z"}
    same = {"on": "2026-10-14", "updated_at": "2026-10-20T00:00:00Z"}
    outcome = parsed(dataset(table, Addressable.history), [later, same, {"on": None}])
    assert kept(outcome, "days", "on") == [(DAY,), (None,)]


def test_a_record_belongs_to_the_day_before_the_close_of_which_its_column_of_times_lies() -> None:
    table = Table("times", (timestamp("at"), timestamp("updated_at")), key=("at",), dated_by="at")
    last = {"at": "2026-10-14T23:59:59Z", "updated_at": "2026-10-20T00:00:00Z"}
    outcome = parsed(dataset(table, Addressable.since), [last, {"at": "2026-10-15T00:00:00Z"}])
    assert kept(outcome, "times", "at") == [(datetime(2026, 10, 14, 23, 59, 59),)]  # noqa: DTZ001


@pytest.mark.parametrize("hours", [-11, -7, 0, 5, 11])
def test_stars_are_given_on_the_days_of_githubs_week_whatever_its_time_zone(hours: int) -> None:
    sunday = int(datetime(2026, 10, 4, tzinfo=UTC).timestamp()) - hours * 3600
    weeks = [{"week": sunday + 7 * 86_400, "total": 9, "days": [9, 0, 0, 4, 5, 0, 0]}]
    weeks += [{"week": sunday, "total": 2, "days": [2, 0, 0, 0, 0, 0, 0]}]
    outcome = parsed(DATASETS["star_history"], weeks)
    rows = kept(outcome, "star_history", "star_date", "count")
    assert rows[:4] == [
        (date(2026, 10, 11), 9),
        (date(2026, 10, 12), 0),
        (date(2026, 10, 13), 0),
        (date(2026, 10, 14), 4),
    ]
    assert rows[4] == (date(2026, 10, 4), 2), "days after the day are left out"
    assert len(rows) == 11
    assert not outcome.faults
