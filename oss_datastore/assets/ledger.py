"""What the ledger says of the datasets that feed an asset, as the UI shows it: counts, a sentence, a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import dagster as dg

from oss_datastore.markdown import markdown
from oss_datastore.staging.ledger import SETTLED, State
from oss_datastore.warehouse import Ask

States = Mapping[str, Counter[str]]
"""Per dataset, how many scopes are in which state."""

_NAMED = 8
"""So many datasets are named in a sentence."""


def ledger_of(ask: Ask, days: Iterable[date]) -> dict[date, dict[str, Counter[str]]]:
    """What the loaded ledger says of these days, in one query."""
    wanted = sorted(days)
    _, rows = ask(
        "select cast(load_date as date), dataset, state, count(*) from psa.fetch_ledger "  # noqa: S608
        f"where load_date between date '{wanted[0]}' and date '{wanted[-1]}' group by 1, 2, 3",
    )
    found: dict[date, dict[str, Counter[str]]] = {day: {} for day in wanted}
    for day, dataset, state, count in rows:
        found.setdefault(day, {}).setdefault(dataset, Counter())[state] = count
    return found


def scope_counts(states: Iterable[Counter[str]]) -> dict[str, int]:
    """`planned_scopes`, and `scopes_complete`, `scopes_failed` and the rest as far as they occur."""
    total: Counter[str] = sum(states, Counter())
    return {"planned_scopes": total.total(), **{f"scopes_{state}": count for state, count in sorted(total.items())}}


def ledger_metadata(states: States, datasets: Iterable[str]) -> dict[str, Any]:
    """Counts over the datasets that feed an asset, and what is missing of which, in words."""
    fed = {name: states.get(name, Counter()) for name in datasets}
    if not fed:
        return {"ledger": "No dataset feeds this table."}
    return {**scope_counts(fed.values()), "ledger": _sentence(fed)}


def ledger_table(states: States, datasets: Iterable[str]) -> dg.MarkdownMetadataValue:
    """The datasets that feed an asset with their scopes by state; those of which something is missing come first."""
    fed = [(name, states.get(name, Counter())) for name in datasets]
    used = [state.value for state in State if any(counts[state.value] for _, counts in fed)]
    rows = sorted(fed, key=lambda item: (-_missing(item[1]).total(), item[0]))
    return dg.MetadataValue.md(
        markdown(
            ["dataset", "planned", *used],
            [[name, counts.total(), *(counts[state] for state in used)] for name, counts in rows],
        )
    )


def _missing(counts: Counter[str]) -> Counter[str]:
    return Counter({state: n for state, n in counts.items() if State(state) not in SETTLED})


def _sentence(fed: States) -> str:
    lacking = {name: _missing(counts) for name, counts in sorted(fed.items()) if _missing(counts)}
    unasked = sorted(name for name, counts in fed.items() if not counts)
    parts = [
        f"{missing.total()} of {fed[name].total()} scopes of {name} are missing or not whole "
        f"({', '.join(f'{count} {state}' for state, count in sorted(missing.items()))})"
        for name, missing in list(lacking.items())[:_NAMED]
    ]
    if len(lacking) > _NAMED:
        parts.append(f"so it is with {len(lacking) - _NAMED} more datasets")
    if unasked:
        parts.append(f"no scope was planned of {_names(unasked)}")
    whole = [name for name in sorted(fed) if name not in lacking and name not in unasked]
    if whole:
        parts.append(f"whole: {_names(whole)}" if parts else f"whole is every dataset that feeds this: {_names(whole)}")
    told = "; ".join(parts)
    return f"{told[0].upper()}{told[1:]}."


def _names(names: list[str]) -> str:
    return f"{len(names)} datasets" if len(names) > _NAMED else ", ".join(names)
