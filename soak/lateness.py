"""What must be left of a day whose failures were retried when its time was over.

It is computed from the answers of the calm day, the ledger of the late one and the catalogue, and has to be what the
tables of the late day hold, row by row. GitHub is held still meanwhile: only the calendar of the run has moved on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import cast

from oss_datastore.catalogue import ACTORS, ANSWER_SET_OF, ANSWER_SETS, DATASETS
from oss_datastore.catalogue.model import ScopeKind
from oss_datastore.staging.days import can_be_had
from oss_datastore.staging.ledger import Coverage, Ledger, LedgerEntry, State
from oss_datastore.staging.lines import StagedLine, Staging
from oss_datastore.staging.scopes import INVENTORY, SETTINGS
from oss_datastore.warehouse import DuckDbWarehouse, PsaLoader
from oss_datastore_tests.staging.fetching import MemoryLetters, MemoryWarehouse, Tables, entries, load, tables

Key = tuple[str, str]

LATE_BY = timedelta(days=1)
"""How much too late a day is retried: its snapshots are over, its traffic is not."""

_LEDGER = "fetch_ledger"
_LISTS = (INVENTORY, SETTINGS)
_DAY = re.compile(r"'load_date': datetime\.datetime\([^)]*\)")
_TABLES = {table.name: (dataset.name, table) for dataset in DATASETS.values() for table in dataset.tables}
_ACTIVE = tuple(s.name for s in ANSWER_SETS.values() if any(d.subject != "popularity" for d in s.datasets))
"""Answer sets whose accounts have a profile: whoever only stars, watches or forks a repository is left alone."""


@dataclass
class Lateness:
    """Rows of the calm day that the late one lacks, by what the ledger says of their scope, and what is not explained.

    `unlisted` scopes have no entry of their own, since the list that names them is unavailable or in part; `moments`
    are totals of the moment of fetching, which a day that is fetched later never has; `accounts` were seen only in
    what is lost; `known` are rows of earlier days that the calm day's inventory had listed once more.
    """

    unavailable: int = 0
    partial: int = 0
    unlisted: int = 0
    moments: int = 0
    accounts: int = 0
    known: int = 0
    scopes: int = 0
    """Scopes that the ledger calls unavailable."""
    broken: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """All rows that are missing."""
        return self.unavailable + self.partial + self.unlisted + self.moments + self.accounts + self.known


class _Remaining:
    """Answers of the calm day as they must be left of the late one; stands where the loader reads staging.

    What is complete there came as on the calm day, at the moment at which it was asked; of `own` scopes (in part, or
    asked without the inventory) it is what came; of all else there is nothing. With `all_of_it` nothing is taken away:
    only the moments are those of the late day.
    """

    def __init__(self, mine: Staging, calm: Staging, own: Collection[Key], *, all_of_it: bool = False) -> None:
        self._mine, self._calm, self._own, self._all = mine, calm, own, all_of_it

    def ledger(self, name: str, day: date) -> Ledger:
        return (self._calm if self._all else self._mine).ledger(name, day)

    def lines(self, name: str, day: date, ledger: Ledger | None = None) -> Iterator[StagedLine]:
        mine = self._mine.ledger(name, day)
        for line in self._calm.lines(name, day):
            for part in line.parts:
                key = part.dataset, part.scope
                entry = mine.get(key)
                came = entry is not None and entry.state is State.complete
                if self._all or (came and key not in self._own):
                    late = entry.fetched_at if came and entry is not None and _is_late(entry) else None
                    yield replace(line, parts=(part,), fetched_at=late or line.fetched_at)
        for line in self._mine.lines(name, day) if not self._all else ():
            parts = tuple(part for part in line.parts if (part.dataset, part.scope) in self._own)
            if parts:
                yield replace(line, parts=parts)


def judge_late(staging: Staging, calm: Staging, day: date, now: datetime, told: set[Key]) -> Lateness:
    """Compares a day that was retried at `now`, too late, with the calm one; `told` are scopes that have a letter."""
    found = Lateness()
    mine = {entry.key: entry for entry in entries(staging, day)}
    right = {entry.key: entry for entry in entries(calm, day)}
    blind = _blind(mine, right)
    own = blind | {key for key, entry in mine.items() if entry.state is State.partial}
    remaining = cast(Staging, _Remaining(staging, calm, own))
    _compare_ledgers(found, mine, right, day, now, told, blind)
    _compare_unlisted(found, mine, right, _accounts(remaining, day))
    rows, expected = load(staging, [day]), load(remaining, [day])
    in_time, whole = load(calm, [day]), load(cast(Staging, _Remaining(staging, calm, own, all_of_it=True)), [day])
    for table in expected.keys() - {_LEDGER}:
        for word, some in (("missing", _less(expected, rows, table)), ("invented", _less(rows, expected, table))):
            if some:
                found.broken.append(f"{len(some)} rows {word} in {table}, {day}, which is late: {some[0][:300]}")
        beyond = _less(rows, whole, table) if table != ACTORS.name else []
        beyond = _not_of_before(calm, table, beyond, day) if beyond else []
        if beyond:
            found.broken.append(f"{len(beyond)} rows of {table}, {day}, which is late, are not calm: {beyond[0][:300]}")
        _count(found, table, _less(in_time, rows, table), _less(rows, in_time, table), mine, blind)
    found.scopes = sum(entry.state is State.unavailable for entry in mine.values())
    return found


def _count(
    found: Lateness,
    table: str,
    lost: list[str],
    other: list[str],
    mine: dict[Key, LedgerEntry],
    blind: Collection[Key],
) -> None:
    """Sorts missing rows by what the ledger says of their scope."""
    if table == ACTORS.name:
        known = set(map(_account, other))
        found.accounts += sum(_account(row) not in known for row in lost)
        return
    dataset, declared = _TABLES[table]
    for row in lost:
        entry = mine.get((dataset, _field(row, "scope")))
        if entry is None:
            found.unlisted += 1
        elif entry.state is State.unavailable:
            found.unavailable += 1
        elif entry.state is State.partial:
            found.partial += 1
        elif declared.snapshot_only:
            found.moments += 1
        elif _is_late(entry) and "'is_window_edge': False" in row:
            continue  # it is there as the edge of a later window: with what is expected it was compared as such
        elif entry.key in blind and _is_known(row, table, entry.day):
            found.known += 1
        else:
            found.broken.append(f"{table} of {entry.scope}, {entry.day}, which is late, lacks {row[:300]}")


def _blind(mine: Mapping[Key, LedgerEntry], right: Mapping[Key, LedgerEntry]) -> set[Key]:
    """What was asked without the day's inventory, which could not be had any more, and would have been told by it.

    The calm ledger says `unchanged`, `disabled` or `empty` there, or that the whole list was read because it was due.
    """
    lacking = {key[1] for key, entry in mine.items() if key[0] in _LISTS and entry.state is not State.complete}
    organizations = any(f"/{ScopeKind.organization}/" in scope for scope in lacking)
    return {
        key
        for key, entry in mine.items()
        if DATASETS[key[0]].scope_kind is ScopeKind.repository
        and (organizations or key[1] in lacking)
        and entry.state is State.complete
        and (calm := right.get(key)) is not None
        and (entry.state, entry.coverage) != (calm.state, calm.coverage)
        and (
            (calm.state is State.complete and not calm.rows)
            or calm.state is State.disabled
            or (entry.coverage, calm.coverage) == (Coverage.delta, Coverage.full)
        )
    }


def _not_of_before(calm: Staging, table: str, rows: list[str], day: date) -> list[str]:
    """Rows that no earlier calm list of their scope holds: the calm day believed them unchanged."""
    dataset, _ = _TABLES[table]
    name = ANSWER_SET_OF[dataset].name
    left = {_DAY.sub("", row): row for row in rows}
    for before in reversed([staged for staged in calm.days(name) if staged < day]):
        known = {_DAY.sub("", row) for row in _tables_of(calm, name, before)[table]}
        left = {bare: row for bare, row in left.items() if bare not in known}
        if not left:
            break
    return list(left.values())


def _is_known(row: str, table: str, day: date) -> bool:
    """Whether a row lies before the moment from which changes are asked; what hangs on such a row has no time."""
    column = _TABLES[table][1].time_column
    found = re.search(rf"'{column}': datetime\.datetime\(([\d, ]+)\)", row) if column else None
    if found is None:
        return table != _TABLES[table][0]
    overlap = ANSWER_SET_OF[_TABLES[table][0]].overlap
    year, month, of_month, hour, minute, *rest = map(int, found[1].split(", "))
    moment = datetime.combine(date(year, month, of_month), time(hour, minute, rest[0] if rest else 0))
    return moment < datetime.combine(day, time()) - overlap


def _compare_ledgers(
    found: Lateness,
    mine: Mapping[Key, LedgerEntry],
    right: Mapping[Key, LedgerEntry],
    day: date,
    now: datetime,
    told: Collection[Key],
    blind: Collection[Key],
) -> None:
    """What became of each scope: what can still be had is complete as on the calm day, all else says why it is not."""
    for key, entry in mine.items():
        calm = right.get(key)
        said = f"{key}, {day}, which is late, is {entry.state} ({entry.coverage}, {entry.rows} rows)"
        can = can_be_had(DATASETS[key[0]].addressable, day, now)
        if calm is None:
            found.broken.append(f"{said} and was not planned on the calm day")
        elif entry.state is State.unavailable:
            if can:
                found.broken.append(f"{said}, and can still be had")
        elif entry.state is State.partial:
            if can or key not in told:
                found.broken.append(f"{said}, and {'can still be had' if can else 'has no letter'}")
        elif key not in blind and (entry.state, entry.coverage, entry.rows) != (calm.state, calm.coverage, calm.rows):
            found.broken.append(f"{said}, not {calm.state} ({calm.coverage}, {calm.rows} rows)")
        elif _is_late(entry) and not can:
            found.broken.append(f"{said}: seen on {entry.fetched_at}, and dated back")


def _compare_unlisted(
    found: Lateness, mine: dict[Key, LedgerEntry], right: dict[Key, LedgerEntry], seen: set[int]
) -> None:
    """Scopes without an entry: teams whose organisation's list is not whole, accounts that no answer named."""
    for dataset, scope in right.keys() - mine.keys():
        kind = DATASETS[dataset].scope_kind
        if kind is ScopeKind.user:
            explained = int(scope.rsplit("/", 1)[1]) not in seen
        else:
            lists = [d.name for d in ANSWER_SET_OF[dataset].datasets if d.scope_kind is ScopeKind.organization]
            explained = kind is ScopeKind.team and any(
                entry.state in (State.unavailable, State.partial) for key, entry in mine.items() if key[0] in lists
            )
        if not explained:
            found.broken.append(f"{dataset} of {scope} was never planned on the late day, and nothing explains it")


def _tables_of(staging: Staging, answer_set: str, day: date) -> Tables:
    warehouse = MemoryWarehouse()
    PsaLoader(staging, cast(DuckDbWarehouse, warehouse), MemoryLetters()).load(answer_set, [day])
    return tables(warehouse.rows)


def _accounts(staging: Staging, day: date) -> set[int]:
    """Accounts whose profiles are asked for: those that the answers of a day name."""
    warehouse = MemoryWarehouse()
    PsaLoader(staging, cast(DuckDbWarehouse, warehouse), MemoryLetters()).load_actors([day], _ACTIVE)
    return {row["user_id"] for row in warehouse.rows[ACTORS.name]}


def _is_late(entry: LedgerEntry) -> bool:
    """Whether a scope was seen when its day's snapshots were over."""
    seen = entry.fetched_at
    return seen is not None and seen.astimezone(UTC).date() > entry.day + timedelta(days=1)


def _less(rows: Tables, others: Tables, table: str) -> list[str]:
    return sorted((Counter(rows[table]) - Counter(others[table])).elements())


def _field(row: str, name: str) -> str:
    return row.partition(f"'{name}': '")[2].partition("'")[0]


def _account(row: str) -> str:
    return row.partition("'user_id': ")[2].partition(",")[0]
