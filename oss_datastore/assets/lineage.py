"""Of which columns a column is made: `sql/column_lineage.json` says so, made of the models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import dagster as dg

from oss_datastore.resources.dbt import PROJECT

FILE = PROJECT / "column_lineage.json"
_LOG_OF_LOADS = "metrics_vault.vault_load_log"


def with_lineage(events: Iterable[Any]) -> Iterator[Any]:
    """The events of a dbt run, each table's with the lineage of its columns."""
    for event in events:
        found = lineage_of(event.output_name) if isinstance(event, dg.Output) else None
        if found is None:
            yield event
        else:
            yield event.with_metadata({**event.metadata, "dagster/column_lineage": found})


@cache
def lineage_of(output_name: str) -> dg.TableColumnLineage | None:
    """The lineage of an output, which bears its asset's key with `__` between the parts; None for what has none."""
    columns = _lineages().get(output_name)
    if not columns:
        return None
    return dg.TableColumnLineage(
        {
            column: [_source(name) for name in sources if not name.startswith(_LOG_OF_LOADS)]
            for column, sources in columns.items()
        }
    )


@cache
def personal_columns(key: dg.AssetKey) -> frozenset[str]:
    """The columns of a table of which personal data is a part, however many tables away."""
    columns = _lineages().get("__".join(key.path), {})
    return frozenset(name for name, sources in columns.items() if any(_is_personal(source) for source in sources))


@cache
def _is_personal(name: str) -> bool:
    schema, table, column = name.split(".")
    if schema.endswith("_pii"):
        return True
    sources = _lineages().get(f"{schema}__{table}", {}).get(column, [])
    return any(_is_personal(source) for source in sources if source != name)


@cache
def _lineages() -> dict[str, dict[str, list[str]]]:
    by_table: dict[str, dict[str, list[str]]] = json.loads(FILE.read_text())
    return {table.replace("/", "__"): columns for table, columns in by_table.items()}


def _source(name: str) -> dg.TableColumnDep:
    schema, table, column = name.split(".")
    return dg.TableColumnDep(dg.AssetKey([schema.removesuffix("_pii"), table]), column)
