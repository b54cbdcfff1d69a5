"""Which rows a dbt test found, beside how many: its query is asked again once dbt has let go of the warehouse.

Nobody can be forgotten in what Dagster has written down, so values that tell of persons are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from oss_datastore.markdown import markdown
from oss_datastore.warehouse import Warehouse, WarehouseBusy, WarehouseRefused, WarehouseUnavailable, ask

SHOWN = 20
"""So many rows are shown of each test."""


Hidden = Callable[[dg.AssetKey], Collection[str]]
"""The columns of a table whose values are not shown."""


def with_rows_at_fault(events: Iterable[Any], target: Path, warehouse: Warehouse, hidden: Hidden) -> Iterator[Any]:
    """The events of a dbt run; checks that failed come at its end, with their rows. `target` is dbt's folder.

    What dbt raises when it ends is raised after them.
    """
    failed: list[dg.AssetCheckResult] = []
    ended: Exception | None = None
    try:
        for event in events:
            if isinstance(event, dg.AssetCheckResult) and not event.passed:
                failed.append(event)
            else:
                yield event
    except Exception as why:
        ended = why
    for result in failed:
        yield _told(result, target, warehouse, hidden)
    if ended is not None:
        raise ended


def _told(result: dg.AssetCheckResult, target: Path, warehouse: Warehouse, hidden: Hidden) -> dg.AssetCheckResult:
    query = _query(result, target)
    if query is None:
        return result
    try:
        columns, rows = ask(warehouse, f"select * from (\n{query}\n) as at_fault limit {SHOWN}")  # noqa: S608
    except (WarehouseBusy, WarehouseRefused, WarehouseUnavailable):
        return result  # the check has failed with or without its rows
    personal = hidden(result.asset_key) if result.asset_key is not None else ()
    shown = [number for number, name in enumerate(columns) if name not in personal]
    told = markdown([columns[number] for number in shown], [[row[number] for number in shown] for row in rows])
    if left := [name for name in columns if name in personal]:
        told += f"\n\nNot shown, since made of personal data: {', '.join(left)}."
    return result._replace(metadata={**result.metadata, "rows_at_fault": dg.MetadataValue.md(told)})


def _query(result: dg.AssetCheckResult, target: Path) -> str | None:
    """The compiled SQL of the test, which lies under its name below dbt's folder."""
    unique_id = result.metadata.get("unique_id")
    name = str(unique_id.value).split(".")[2] if unique_id is not None else result.check_name
    found = next((path for path in (target / "compiled").rglob("*.sql") if path.stem == name), None)
    return found.read_text().strip().rstrip(";") if found is not None else None
