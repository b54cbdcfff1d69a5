"""What stands under a table that dbt made: its rows, what the ledger says of what feeds it, and a look into it.

All of it is asked once dbt has ended, over one connection: DuckDB has one writer, and dagster-dbt's own counting keeps
the file open for the rest of the process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import dagster as dg

from oss_datastore.assets.feeding import Graph, datasets_of, graph_of
from oss_datastore.assets.ledger import ledger_metadata, ledger_of, ledger_table
from oss_datastore.assets.lineage import personal_columns
from oss_datastore.markdown import markdown
from oss_datastore.partitions import SHOWN_DAYS, days_of, tell_by_day
from oss_datastore.warehouse import (
    Ask,
    Warehouse,
    WarehouseBusy,
    WarehouseRefused,
    WarehouseUnavailable,
    asking,
)

SHOWN_ROWS = 10
"""So many rows of an infomart are shown."""

_OF_A_DAY = ("load_date", "as_of", "day", "traffic_date")
"""Columns that hold the UTC day to which a row belongs; a table without one is counted as a whole only."""


@dataclass(frozen=True)
class Table:
    """A table that dbt made: its key, its name in the warehouse and its columns."""

    key: dg.AssetKey
    name: str
    columns: tuple[str, ...]

    @property
    def day_column(self) -> str | None:
        """The column by which its rows belong to days."""
        return next((name for name in _OF_A_DAY if name in self.columns), None)

    @property
    def relation(self) -> str:
        """Schema and name, quoted."""
        return ".".join(f'"{part}"' for part in self.name.split("."))

    @classmethod
    def of(cls, spec: dg.AssetSpec) -> Table:
        """The table of an asset."""
        schema: dg.TableSchema = spec.metadata["dagster/column_schema"]
        return cls(spec.key, spec.metadata["dagster/table_name"], tuple(column.name for column in schema.columns))


@dataclass(frozen=True)
class Figures:
    """What is told of the tables of a run: of each as a whole, and of each and its days."""

    whole: Mapping[dg.AssetKey, Mapping[str, Any]] = field(default_factory=dict)
    by_day: Mapping[dg.AssetKey, Mapping[date, Mapping[str, Any]]] = field(default_factory=dict)


def with_figures(
    events: Iterable[Any],
    context: dg.AssetExecutionContext,
    tables: dg.AssetsDefinition,
    above: Graph,
    warehouse: Warehouse,
) -> Iterator[Any]:
    """The events of a dbt run with the figures of its tables; `above` is the graph of what the tables are made of.

    They are held until dbt has ended. What it raises then is raised after them. A warehouse that does not answer takes
    away the figures and nothing else.
    """
    held: list[Any] = []
    ended: Exception | None = None
    try:
        held.extend(events)
    except Exception as why:
        ended = why
    names = tables.keys_by_output_name
    made = {names[event.output_name] for event in held if isinstance(event, dg.Output)}
    figures = Figures()
    try:
        if made:
            graph = {**above, **graph_of(tables.specs)}
            with asking(warehouse) as ask:
                figures = figures_of(ask, [spec for spec in tables.specs if spec.key in made], graph, days_of(context))
    except (WarehouseBusy, WarehouseRefused, WarehouseUnavailable) as why:
        context.log.warning(f"the tables are made; their figures are not shown: {why}")
    for event in held:
        if isinstance(event, dg.Output):
            key = names[event.output_name]
            tell_by_day(context, key, figures.by_day.get(key, {}))
            yield event.with_metadata({**event.metadata, **figures.whole.get(key, {})})
        else:
            yield event
    if ended is not None:
        raise ended


def figures_of(ask: Ask, specs: Sequence[dg.AssetSpec], graph: Graph, days: Sequence[date]) -> Figures:
    """The figures of these tables for the last of these days."""
    shown = list(days)[-SHOWN_DAYS:]
    tables = [Table.of(spec) for spec in specs]
    counted: dict[tuple[str, date | None], int] = {
        (name, day): count for name, day, count in ask(" union all ".join(_counts(tables, shown)))[1]
    }
    ledger = ledger_of(ask, shown)
    by_day: dict[dg.AssetKey, dict[date, dict[str, Any]]] = {}
    for table in tables:
        fed = datasets_of(table.key, graph)
        told = by_day[table.key] = {day: ledger_metadata(ledger[day], fed) for day in shown}
        if table.day_column:
            for day in shown:
                told[day]["dagster/partition_row_count"] = counted.get((table.name, day), 0)
        if table.key.path[0] == "infomarts":
            told[shown[-1]] |= {
                "fed_by": ledger_table(ledger[shown[-1]], fed),
                "preview": preview(ask, table, shown[-1]),
            }
    return Figures({table.key: {"dagster/row_count": counted[table.name, None]} for table in tables}, by_day)


def _counts(tables: Iterable[Table], days: Sequence[date]) -> Iterator[str]:
    """Queries of name, day and rows: one for the whole of each table, one for its days."""
    first, end = days[0], days[-1] + timedelta(days=1)
    for table in tables:
        yield f"select '{table.name}', cast(null as date), count(*) from {table.relation}"  # noqa: S608
        if day := table.day_column:
            yield (
                f"select '{table.name}', cast({day} as date), count(*) from {table.relation} "  # noqa: S608
                f"where {day} >= date '{first}' and {day} < date '{end}' group by 2"
            )


def preview(ask: Ask, table: Table, day: date) -> dg.MarkdownMetadataValue:
    """The first rows of an infomart (of the day, where its rows belong to days), without what tells of persons.

    Nobody can be forgotten in what Dagster has written down, so columns that are made of personal data are left out,
    and rows of persons altogether. Open alerts are for the audience `security` only. Ids say nothing beside names.
    """
    if table.key.path[-1].startswith("security_"):
        return dg.MetadataValue.md("Not shown here: open alerts are for the audience `security` only.")
    personal = personal_columns(table.key)
    if "user_id" in personal:
        return dg.MetadataValue.md("Not shown here: each row tells of a person.")
    columns = [name for name in table.columns if name not in personal and not name.endswith("_id")]
    names = ", ".join(f'"{name}"' for name in columns)
    narrowed = f" where {table.day_column} = date '{day}'" if table.day_column else ""
    order = ", ".join(str(number + 1) for number in range(len(columns)))
    _, rows = ask(f"select {names} from {table.relation}{narrowed} order by {order} limit {SHOWN_ROWS}")  # noqa: S608
    told = markdown(columns, rows) if rows else "No row of this day." if table.day_column else "No row."
    if personal:
        told += f"\n\nNot shown, since made of personal data: {', '.join(sorted(personal))}."
    return dg.MetadataValue.md(told)
