"""The persistent staging area: which typed rows a day has.

Loading a day replaces it. The rows are a pure function of what was staged: neither the order in which threads staged
answers nor the number of attempts it took may show, so a key that stands in several answers is settled by content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
import pyarrow as pa

from oss_datastore.catalogue import ACTORS, ANSWER_SETS, DATASETS, TABLES
from oss_datastore.catalogue.model import ColumnType, Table, bigint, day, text
from oss_datastore.catalogue.parse import Row, parse, parse_actors
from oss_datastore.dead_letters import Failure
from oss_datastore.staging.days import recoverable_until
from oss_datastore.staging.ledger import Ledger, LedgerEntry, State
from oss_datastore.staging.lines import Letters, StagedLine, Staging
from oss_datastore.warehouse.declarations import (
    DECLARATIONS,
    EVERY_ROW,
    contiguous,
    declaration_of,
    known_declarations,
    loaded_days,
    row_of,
)
from oss_datastore.warehouse.engine import Warehouse

FETCH_LEDGER = Table(
    "fetch_ledger",
    (
        text("dataset", description="Name of the dataset.", required=True),
        text("state", description="complete, partial, failed, pending, forbidden, disabled, gone or unavailable."),
        text("coverage", description="full, delta, unchanged or empty: absence is observed by full and empty only."),
        text("visibility", description="What the token could see of the organisation."),
        bigint("rows", description="Rows kept for the day."),
        bigint("requests", description="HTTP requests spent, retries included."),
        bigint("points", description="GraphQL points spent."),
        text("generation", description="The writing of the day that counts."),
        day("covered_by", description="A later day whose complete fetch holds the same rows."),
        bigint("letter", description="Id of the dead letter."),
        text("detail", description="Why it is not complete, in words."),
    ),
    key=("dataset", "scope"),
    description="One row per dataset, planned scope and UTC day: what became of it.",
)
"""The effective ledger as a table: what every mart asks before it calls a missing row a zero."""

PSA_TABLES = (*TABLES.values(), FETCH_LEDGER, DECLARATIONS)
"""Every table that the vault may read."""

_ARROW: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "decimal": pa.decimal128(38, 6),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "key": pa.string(),
}

_DAYS_AT_ONCE = 31


@dataclass(frozen=True)
class LoadReport:
    """Rows loaded per table and day, how many records did not parse, and how many other days were parsed again.

    `states` holds per day and dataset how many scopes are in which state, as the ledger in the warehouse has them.
    """

    rows: dict[str, Counter[date]]
    faults: int
    days_parsed_again: int = 0
    states: Mapping[date, Mapping[str, Counter[str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class PsaLoader:
    """Loads staged days into the warehouse. `letters` takes records that no longer parse."""

    staging: Staging
    warehouse: Warehouse
    letters: Letters

    def load(self, answer_set: str, days: Sequence[date]) -> LoadReport:
        """Replaces these days (contiguous) of every table of an answer set, and their lines of the ledger.

        Where the answer set is declared otherwise than when the other days in the warehouse were parsed, those are
        parsed again, too.
        """
        report = self._replace(answer_set, days)
        datasets = [dataset.name for dataset in ANSWER_SETS[answer_set].datasets]
        again = self._parse_again(answer_set, days, datasets, self._replace)
        return replace(report, days_parsed_again=len(again))

    def _parse_again(
        self,
        name: str,
        days: Sequence[date],
        datasets: Iterable[str],
        load: Callable[[str, Sequence[date]], LoadReport],
    ) -> list[date]:
        known = known_declarations(self.warehouse).get(name)
        if known == declaration_of(name):
            return []
        again = [one for one in loaded_days(self.warehouse, datasets) if one not in set(days)] if known else []
        for some in contiguous(again):
            load(name, some)
        row = arrow(DECLARATIONS, [row_of(name, again)])
        self.warehouse.replace([(DECLARATIONS, row, f"answer_set = '{name}'")], [EVERY_ROW])
        return again

    def _replace(self, answer_set: str, days: Sequence[date]) -> LoadReport:
        declared = ANSWER_SETS[answer_set]
        tables = [table for dataset in declared.datasets for table in dataset.tables]
        names = ", ".join(f"'{dataset.name}'" for dataset in declared.datasets)
        counts: dict[str, Counter[date]] = {table.name: Counter() for table in tables}
        states: dict[date, dict[str, Counter[str]]] = {}
        faults = 0
        for some in _chunks(days):
            rows: dict[str, list[Row]] = {table.name: [] for table in tables}
            ledger_rows: list[Row] = []
            for one in some:
                ledger = self.staging.ledger(answer_set, one)
                broken: dict[tuple[str, str], int] = {}
                merged = _Merged()
                failures: list[Failure] = []
                for line in self.staging.lines(answer_set, one, ledger):
                    for name, found in self._parsed(line, ledger, broken, failures).items():
                        merged.add(TABLES[name], found)
                faults += sum(broken.values())
                if failures:
                    self.letters.put_many(failures)
                for name in rows:
                    rows[name].extend(merged.rows(name))
                    counts[name][one] = len(merged.rows(name))
                of_the_day = [_ledger_row(entry, broken) for entry in ledger.values()]
                ledger_rows.extend(of_the_day)
                states[one] = {dataset.name: Counter() for dataset in declared.datasets}
                for row in of_the_day:
                    states[one].setdefault(row["dataset"], Counter())[row["state"]] += 1
            self.warehouse.replace(
                [
                    *((table, arrow(table, rows[table.name]), "") for table in tables),
                    (FETCH_LEDGER, arrow(FETCH_LEDGER, ledger_rows), f"dataset in ({names})"),
                ],
                some,
            )
        return LoadReport(counts, faults, states=states)

    def load_actors(self, days: Sequence[date], answer_sets: Iterable[str] = tuple(ANSWER_SETS)) -> LoadReport:
        """Replaces these days of `actors`: every account seen in any answer of the day."""

        def load(_: str, some: Sequence[date]) -> LoadReport:
            return self._replace_actors(some, answer_sets)

        report = load(ACTORS.name, days)
        return replace(report, days_parsed_again=len(self._parse_again(ACTORS.name, days, (), load)))

    def _replace_actors(self, days: Sequence[date], answer_sets: Iterable[str]) -> LoadReport:
        counts: Counter[date] = Counter()
        for some in _chunks(days):
            rows: list[Row] = []
            for one in some:
                merged = _Merged()
                for answer_set in (s for s in answer_sets if any(d.actors for d in ANSWER_SETS[s].datasets)):
                    for line in self.staging.lines(answer_set, one):
                        for part in line.parts:
                            dataset = DATASETS[part.dataset]
                            merged.add(ACTORS, parse_actors(dataset, part, line.payload, one, line.fetched_at))
                rows.extend(merged.rows(ACTORS.name))
                counts[one] = len(merged.rows(ACTORS.name))
            self.warehouse.replace([(ACTORS, arrow(ACTORS, rows), "")], some)
        return LoadReport({ACTORS.name: counts}, 0)

    def _parsed(
        self, line: StagedLine, ledger: Ledger, broken: dict[tuple[str, str], int], failures: list[Failure]
    ) -> dict[str, list[Row]]:
        rows: dict[str, list[Row]] = {}
        for part in line.parts:
            dataset = DATASETS[part.dataset]
            parsed = parse(dataset, part, line.payload, line.day, line.fetched_at, actors=False)
            for table in dataset.tables:
                rows.setdefault(table.name, []).extend(parsed.rows[table.name])
            entry = ledger[part.dataset, part.scope]
            for fault in parsed.faults:
                broken[entry.key] = broken.get(entry.key, 0) + 1
                # What did not parse when it was fetched has its letter already.
                if entry.state is State.complete:
                    failures.append(
                        Failure(
                            dataset=part.dataset,
                            scope=part.scope,
                            day=line.day,
                            source="etl",
                            error_class="does_not_parse",
                            message=f"record {fault.index + 1} of {fault.table} does not parse: {fault.message}",
                            cause=fault.cause,
                            request=None,
                            status=None,
                            headers={},
                            body=orjson.dumps(fault.item),
                            recoverable_until=recoverable_until(dataset.addressable, line.day),
                            staged={
                                "key": line.key,
                                "line": line.number,
                                "index": fault.index,
                                "table": fault.table,
                            },
                        )
                    )
        return rows


class _Merged:
    """Rows of one day by key. The same key in two answers is one row: the newest by its own time, then by content."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[Any, ...], Row]] = {}

    def add(self, table: Table, rows: Iterable[Row]) -> None:
        known = self._rows.setdefault(table.name, {})
        for row in rows:
            key = (*(row[name] for name in table.key), row["host"])
            other = known.get(key)
            if other is None or self._newer(table, row, other):
                known[key] = row

    def rows(self, name: str) -> Collection[Row]:
        return self._rows.get(name, {}).values()

    @staticmethod
    def _newer(table: Table, row: Row, other: Row) -> bool:
        at = table.time_column
        mine, theirs = (row[at], other[at]) if at else (None, None)
        if mine != theirs:
            return theirs is None or (mine is not None and mine > theirs)
        names = [column.name for column in table.columns]
        content, known = ([_sortable(r[n]) for n in names] + [r["scope"]] for r in (row, other))
        if content == known:
            return bool(row["fetched_at"] < other["fetched_at"])
        return content > known


def _sortable(value: Any) -> str:
    return "" if value is None else f"={value}"


def arrow(table: Table, rows: Sequence[Row]) -> pa.Table:
    """The rows of a psa table as an Arrow table, columns in declared order."""
    return pa.table({name: pa.array([row.get(name) for row in rows], _ARROW[type_]) for name, type_ in table.fields})


def _ledger_row(entry: LedgerEntry, broken: dict[tuple[str, str], int]) -> Row:
    if entry.state is State.complete and broken.get(entry.key):
        entry = replace(entry, state=State.partial, coverage=None, detail="a record does not parse")
    fetched = entry.fetched_at.astimezone(UTC).replace(tzinfo=None) if entry.fetched_at else None
    return {
        "load_date": datetime.combine(entry.day, time()),
        "scope": entry.scope,
        "host": entry.scope.split("/")[0],
        "fetched_at": fetched,
        "rec_src": "oss_datastore/fetch_ledger",
        **{name: getattr(entry, name) for name in ("dataset", "visibility", "rows", "requests", "points")},
        **{name: getattr(entry, name) for name in ("generation", "covered_by", "letter", "detail")},
        "state": entry.state.value,
        "coverage": entry.coverage.value if entry.coverage else None,
    }


def _chunks(days: Sequence[date]) -> Iterable[list[date]]:
    ordered = sorted(days)
    for start in range(0, len(ordered), _DAYS_AT_ONCE):
        some = ordered[start : start + _DAYS_AT_ONCE]
        if some[-1] - some[0] != timedelta(days=len(some) - 1):
            raise ValueError(f"days to load must be contiguous, came {some[0]} to {some[-1]} with gaps")
        yield some
