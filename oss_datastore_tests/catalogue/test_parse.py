"""Parsing is lenient and total: whatever stands in place of a record becomes a row or a fault, never an error."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oss_datastore.catalogue import DATASETS
from oss_datastore.catalogue.parse import LONGEST_TEXT, NotParsable, Part, _bigint, _decimal, _text, _timestamp, parse
from oss_datastore.staging.lines import storable
from oss_datastore.warehouse.psa import arrow

DAY = date(2026, 10, 14)
FETCHED = datetime(2026, 10, 15, 0, 10, tzinfo=UTC)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["2026-10-14T10:00:00Z", "0001-01-01T00:00:00+14:00", "NaN", "1e400", "\ud800", "a\x00b", "9" * 30]
    )
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)


def paths_of(name: str) -> set[str]:
    """First steps of every path that any column of the dataset reads."""
    dataset = DATASETS[name]
    found = {path.partition(".")[0] for table in dataset.tables for column in table.columns for path in column.paths}
    found |= {each.partition(".")[0] for table in dataset.tables for each in table.each.replace("+", "|").split("|")}
    found |= {path.removesuffix("[]").partition(".")[0] for path in dataset.actors}
    extra = {"topics", "repositoryTopics", "visibility", "state", "source", "requestedReviewer", "permissions", "slug"}
    return {name for name in found | extra if name and not name.startswith("@")}


def parsed(name: str, payload: Any, **more: Any) -> Any:
    kind = DATASETS[name].scope_kind
    return parse(DATASETS[name], Part(name, f"github.com/{kind}/7", **more), payload, DAY, FETCHED)


@pytest.mark.parametrize("name", sorted(DATASETS))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_json_in_place_of_a_record_becomes_a_row_or_a_fault(name: str, data: st.DataObject) -> None:
    keys = sorted(paths_of(name))
    record = data.draw(JSON | st.dictionaries(st.sampled_from(keys), JSON, max_size=8))
    outcome = parsed(name, [record])
    own = len(outcome.rows[name])
    if not DATASETS[name].table.each:
        kept_for_later = outcome.items - own - len([f for f in outcome.faults if f.table == name])
        assert kept_for_later >= 0
        assert outcome.items == 1
    for table in DATASETS[name].tables:
        # A row is one that every engine takes: no text without a form in UTF-8, no number beyond its type.
        arrow(table, outcome.rows[table.name])


@pytest.mark.parametrize("payload", [None, "text", 7, True])
def test_an_answer_that_is_no_list_is_a_fault_and_not_an_empty_list(payload: Any) -> None:
    outcome = parsed("issues", payload)
    assert outcome.rows["issues"] == []
    assert len(outcome.faults) == 1


def test_a_list_inside_a_record_that_is_none_is_a_fault_of_that_record() -> None:
    issue = {"id": 1, "number": 1, "labels": "bug", "assignees": None}
    outcome = parsed("issues", [issue])
    assert len(outcome.rows["issues"]) == 1
    assert [fault.table for fault in outcome.faults] == ["issue_labels"]


@given(st.text(alphabet=st.characters(codec=None), max_size=50), st.integers(0, 5))
def test_text_is_cut_at_a_whole_character(tail: str, shift: int) -> None:
    value = "x" * (LONGEST_TEXT - shift) + tail
    cut = _text(value)
    encoded = cut.encode()
    assert len(encoded) <= LONGEST_TEXT
    assert "\x00" not in cut
    readable = value.replace("\x00", "�").encode("utf-8", "replace").decode()
    assert readable.startswith(cut)
    assert len(readable.encode()) <= LONGEST_TEXT or len(encoded) > LONGEST_TEXT - 4


def test_a_long_text_keeps_its_whole_length_and_the_hash_of_all_of_it() -> None:
    long, longer = "é" * 40_000, "é" * 40_000 + "!"
    rows = [parsed("issues", [{"id": 1, "number": 1, "body": body}]).rows["issues"][0] for body in (long, longer)]
    assert rows[0]["body"] == rows[1]["body"] == "é" * (LONGEST_TEXT // 2)
    assert [row["body_length"] for row in rows] == [40_000, 40_001]
    assert rows[0]["body_md5"] != rows[1]["body_md5"]
    assert rows[0]["sat_issue_text_hd"] != rows[1]["sat_issue_text_hd"]


@pytest.mark.parametrize("body", ["a\x00b", "a\ud800b"])
def test_what_utf8_or_postgresql_cannot_hold_does_not_lose_the_record(body: str) -> None:
    outcome = parsed("issues", [{"id": 1, "number": 1, "body": body}])
    assert not outcome.faults
    outcome.rows["issues"][0]["body"].encode()
    staged = orjson.loads(orjson.dumps(storable([{"id": 1, "number": 1, "body": body}])))
    assert parsed("issues", staged).rows["issues"][0]["body"] == outcome.rows["issues"][0]["body"]


def test_an_integer_beyond_64_bits_can_be_staged_and_is_told_as_a_fault() -> None:
    staged = orjson.loads(orjson.dumps(storable([{"id": 2**70, "number": 1}])))
    outcome = parsed("issues", staged)
    assert "does not fit 64 bits" in outcome.faults[0].message


@pytest.mark.parametrize(
    ("convert", "value"),
    [
        (_bigint, True),
        (_bigint, 1.5),
        (_bigint, float("inf")),
        (_bigint, [1]),
        (_decimal, "NaN"),
        (_decimal, "Infinity"),
        (_decimal, {}),
    ],
)
def test_a_value_of_another_type_does_not_parse(convert: Any, value: Any) -> None:
    with pytest.raises(NotParsable):
        convert(value)


def test_moments_are_utc_without_a_zone() -> None:
    assert _timestamp("2026-10-14T23:30:00-02:00") == datetime(2026, 10, 15, 1, 30)  # noqa: DTZ001
    assert _timestamp("2026-10-14T23:30:00Z") == datetime(2026, 10, 14, 23, 30)  # noqa: DTZ001


def test_rows_of_traffic_after_the_day_are_left_out_and_the_cut_day_is_marked() -> None:
    edge = FETCHED.date() - timedelta(days=13)
    days = [edge, edge + timedelta(days=1), DAY, DAY + timedelta(days=1)]
    payload = {
        "count": 4,
        "uniques": 4,
        "views": [{"timestamp": f"{day}T00:00:00Z", "count": 1, "uniques": 1} for day in days],
    }
    rows = parsed("traffic_views", payload).rows["traffic_views"]
    assert [(row["traffic_date"], row["is_window_edge"]) for row in rows] == [
        (days[0], True),
        (days[1], False),
        (days[2], False),
    ]


def test_an_account_without_an_id_is_nobody_and_a_bot_is_named_alike_by_both_apis() -> None:
    ghost = parsed("issues", [{"id": 1, "number": 1, "user": {"login": "ghost"}}])
    assert ghost.rows["actors"] == []
    assert len(ghost.rows["issues"]) == 1
    by_rest = parsed("issues", [{"id": 1, "number": 1, "user": {"login": "bot[bot]", "id": 5, "type": "Bot"}}])
    node = {"fullDatabaseId": "9", "number": 1, "author": {"__typename": "Bot", "login": "bot", "databaseId": 5}}
    by_graphql = parsed("pull_requests", [node])
    assert (
        [r["login"] for r in by_rest.rows["actors"]] == [r["login"] for r in by_graphql.rows["actors"]] == ["bot[bot]"]
    )
