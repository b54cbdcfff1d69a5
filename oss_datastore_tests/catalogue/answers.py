"""Rows that an answer gives, without the columns that every row has: what tests of datasets compare."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oss_datastore.catalogue import ANSWER_SET_OF, DATASETS, TABLES
from oss_datastore.catalogue.model import RestRequest
from oss_datastore.catalogue.parse import Parsed, Part, parse

DAY = date(2026, 10, 14)
FETCHED = datetime(2026, 10, 15, 0, 10, tzinfo=UTC)


def parsed(
    dataset: str,
    payload: Any,
    *path: str | int,
    day: date = DAY,
    fetched: datetime = FETCHED,
    context: Mapping[str, Any] | None = None,
) -> Parsed:
    """What the part of an answer at `path` gives for the scope of number 7."""
    scope = f"github.com/{DATASETS[dataset].scope_kind}/7"
    return parse(DATASETS[dataset], Part(dataset, scope, path, context), payload, day, fetched)


def rows(found: Parsed, table: str) -> list[dict[str, Any]]:
    """Its rows in a table, declared columns only, for an answer in which everything parses."""
    assert found.faults == []
    names = [column.name for column in TABLES[table].columns]
    return [{name: row[name] for name in names} for row in found.rows[table]]


def values(found: Parsed, table: str) -> list[tuple[Any, ...]]:
    """The same as tuples, where a table is narrow."""
    return [tuple(row.values()) for row in rows(found, table)]


def week(sunday: str) -> int:
    """The moment by which GitHub names a week."""
    return int(datetime.fromisoformat(f"{sunday}T00:00:00+00:00").timestamp())


def days_after(first: str, count: int) -> list[date]:
    """So many days from the first on."""
    return [date.fromisoformat(first) + timedelta(days=number) for number in range(count)]


def at(text: str) -> datetime:
    """A moment as tables hold it: in UTC, without a zone."""
    return datetime.fromisoformat(text)


def md5(text: str) -> str:
    """The digest that stands beside a cut text."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def rest_request(dataset: str) -> RestRequest:
    """The only way in which a dataset is asked for, by REST."""
    (request,) = ANSWER_SET_OF[dataset].requests
    assert isinstance(request, RestRequest)
    return request
