"""Which declarations the typed rows were parsed by: a column declared later is parsed again, for all days.

`psa.declarations` holds one row per answer set. Where its declaration is no longer the one in the catalogue, the loader
parses all days again that the warehouse has, and notes which: the vault then loads those days again, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, time
from typing import Any

from oss_datastore.catalogue import ACTORS, ANSWER_SETS
from oss_datastore.catalogue.model import Column, Dataset, Table, day, text
from oss_datastore.warehouse.engine import Warehouse, WarehouseRefused, ask

DECLARATIONS = Table(
    "declarations",
    (
        text("answer_set", description="Name of the answer set, or actors.", required=True),
        text("declaration", description="Hash of what the catalogue declares of its tables."),
        day("parsed_again_from", description="First day that was parsed again when the declaration changed last."),
        day("parsed_again_to", description="Last day that was parsed again then."),
    ),
    key=("answer_set",),
    description="One row per answer set: by which declaration its typed rows were parsed, and since when (fetched_at).",
)
"""What the vault asks to know whether days before its window have other rows than when it loaded them."""

EVERY_ROW = date(1970, 1, 1)
"""The load_date of this table's rows, which belong to no day."""


def declaration_of(answer_set: str) -> str:
    """The hash of an answer set's declaration: tables, columns, types, paths, keys and hashes; not descriptions."""
    if answer_set == ACTORS.name:
        paths = sorted((d.name, d.actors) for s in ANSWER_SETS.values() for d in s.datasets)
        return _hash([_table(ACTORS), repr(paths)])
    return _hash(text for dataset in ANSWER_SETS[answer_set].datasets for text in _dataset(dataset))


def known_declarations(warehouse: Warehouse) -> dict[str, str]:
    """By answer set, the declaration that its rows were parsed by; empty for a new warehouse."""
    if not warehouse.is_loaded():
        return {}
    try:
        _, rows = ask(warehouse, "select answer_set, declaration from psa.declarations")
    except WarehouseRefused:
        return {}
    return dict(rows)


def loaded_days(warehouse: Warehouse, datasets: Iterable[str] = ()) -> list[date]:
    """Days for which the fetch ledger has lines of these datasets (of any, where none is named), in order."""
    names = ", ".join(f"'{name}'" for name in datasets)
    narrow = f" where dataset in ({names})" if names else ""
    _, rows = ask(warehouse, f"select distinct load_date from psa.fetch_ledger{narrow} order by load_date")  # noqa: S608
    return [at.date() for (at,) in rows]


def contiguous(days: Sequence[date]) -> list[list[date]]:
    """These days, in order, as runs without gaps."""
    runs: list[list[date]] = []
    for one in sorted(days):
        if runs and (one - runs[-1][-1]).days == 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def row_of(answer_set: str, again: Sequence[date]) -> dict[str, Any]:
    """The row that says an answer set is parsed by its present declaration, after these days were parsed again."""
    return {
        "load_date": datetime.combine(EVERY_ROW, time()),
        "scope": answer_set,
        "host": "",
        "fetched_at": datetime.now(UTC).replace(tzinfo=None),
        "rec_src": "oss_datastore/catalogue",
        "answer_set": answer_set,
        "declaration": declaration_of(answer_set),
        "parsed_again_from": min(again, default=None),
        "parsed_again_to": max(again, default=None),
    }


def _dataset(dataset: Dataset) -> list[str]:
    return [f"{dataset.name} {dataset.addressable} {dataset.is_object}", *(_table(table) for table in dataset.tables)]


def _table(table: Table) -> str:
    rest = [f"{f.name}={getattr(table, f.name)!r}" for f in fields(table) if f.name not in ("columns", "description")]
    return "\n".join([*rest, *(_column(column) for column in table.columns)])


def _column(column: Column) -> str:
    values = (column.name, column.type, column.paths, column.required, _function(column.via), _function(column.of))
    return repr(values)


def _function(function: Callable[..., Any] | None) -> str:
    """A function by its name and the names and values it uses: an address would differ with each start."""
    code = getattr(function, "__code__", None)
    body = f" {code.co_names} {[c for c in code.co_consts if isinstance(c, str | int)]}" if code else ""
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}{body}"


def _hash(texts: Iterable[str]) -> str:
    return hashlib.md5("\n\n".join(texts).encode(), usedforsecurity=False).hexdigest()
