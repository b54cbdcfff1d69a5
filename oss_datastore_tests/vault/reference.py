"""What every kind of table must hold, in plain Python, as a function of everything staged: slow, short, without SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from oss_datastore_tests.vault.invariants import FAR

Row = Mapping[str, Any]
Day = datetime
Version = tuple[Any, Day, Day, Any]


def first_sightings(rows: Iterable[Row], *, tie: str | None = None) -> dict[Any, Row]:
    """Per key the row of the first day, of the smallest record source, of the smallest hash."""
    first: dict[Any, Row] = {}

    def order(row: Row) -> tuple[Any, ...]:
        return (row["load_date"], row["rec_src"], row[tie] if tie else "")

    for row in rows:
        key = row["thing_hk"]
        if key is not None and (key not in first or order(row) < order(first[key])):
            first[key] = row
    return first


def chain(observed: Mapping[Any, Mapping[Day, Any]], nothing: Any = None) -> list[Version]:
    """(key, load_date, load_end_date, state) of every version; `nothing` ends a version and is none itself."""
    versions = []
    for key, states in observed.items():
        changes: list[tuple[Day, Any]] = []
        for day in sorted(states):
            before = changes[-1][1] if changes else nothing
            if states[day] != before or (not changes and nothing is None):
                changes.append((day, states[day]))
        ends = [day for day, _ in changes[1:]] + [FAR]
        versions += [
            (key, day, end, state) for (day, state), end in zip(changes, ends, strict=True) if state != nothing
        ]
    return versions


def satellite(rows: Iterable[Row]) -> set[tuple[Any, ...]]:
    """(key, load_date, load_end_date, v): of two texts on one day the one with the smallest hash."""
    observed: dict[Any, dict[Day, tuple[str, str]]] = defaultdict(dict)
    for row in rows:
        if row["thing_hk"] is not None:
            state = (row["row_hd"], row["v"])
            days = observed[row["thing_hk"]]
            days[row["load_date"]] = min(days.get(row["load_date"], state), state)
    return {(key, day, end, state[1]) for key, day, end, state in chain(observed)}


def absences(
    presences: Mapping[Any, Mapping[Day, Any]], complete: Mapping[Any, set[Day]], scope_of: Callable[[Any], Any]
) -> Iterable[tuple[Any, Day, Any]]:
    """(key, day, scope): the first complete list of the scope after a presence, unless seen in between."""
    for key, days in presences.items():
        for day, state in days.items():
            scope = scope_of(state)
            later = [d for d in complete.get(scope, ()) if d > day]
            if later and not any(day < d <= min(later) for d in days):
                yield key, min(later), scope


def multi_active(rows: Iterable[Row], complete: Mapping[Any, set[Day]] | None) -> set[tuple[Any, ...]]:
    """(key, load_date, load_end_date, child, v); complete lists by scope end a block, where given."""
    observed: dict[Any, dict[Day, frozenset[tuple[str, str]]]] = defaultdict(dict)
    scopes = {}
    for row in rows:
        if row["thing_hk"] is not None and row["child"] is not None:
            days = observed[row["thing_hk"]]
            days[row["load_date"]] = days.get(row["load_date"], frozenset()) | {(row["child"], row["v"])}
            scopes[row["thing_hk"]] = row["scope"]
    gone = []
    if complete is not None:
        for key, days in observed.items():
            gone += list(absences({key: days}, complete, lambda _, key=key: scopes[key]))
    for key, day, _ in gone:
        observed[key][day] = frozenset()
    return {(key, day, end, child, v) for key, day, end, block in chain(observed, frozenset()) for child, v in block}


def effectivity(rows: Iterable[Row], scope: str, complete: Mapping[Any, set[Day]]) -> set[tuple[Any, ...]]:
    """(key, load_date, load_end_date, is_active, scope)."""
    presences: dict[Any, dict[Day, Any]] = defaultdict(dict)
    for row in rows:
        if row["thing_hk"] is not None:
            days = presences[row["thing_hk"]]
            days[row["load_date"]] = min(days.get(row["load_date"], row[scope]), row[scope])
    observed = {key: {day: (True, where) for day, where in days.items()} for key, days in presences.items()}
    for key, day, where in list(absences(presences, complete, lambda state: state)):
        observed[key][day] = (False, where)
    return {(key, day, end, *state) for key, day, end, state in chain(observed)}
