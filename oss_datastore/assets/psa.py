"""The persistent staging area: typed rows, one asset per table, one step per answer set.

Which rows a day has is `warehouse.psa`.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import dagster as dg

from oss_datastore.assets.ledger import ledger_metadata, ledger_of, ledger_table
from oss_datastore.catalogue import ACTORS, ANSWER_SETS, DATASETS
from oss_datastore.catalogue.model import AnswerSet, Dataset, Table
from oss_datastore.partitions import SHOWN_DAYS, days_of, tell_by_day
from oss_datastore.resources import DeadLetterQueueResource, StoreResource, WarehouseResource
from oss_datastore.staging.ledger import state_counts
from oss_datastore.staging.lines import Staging
from oss_datastore.warehouse import FETCH_LEDGER, LoadReport, PsaLoader, asking

_OWNERS = ["team:open_source_programme_office"]


def build_psa_assets(daily: dg.DailyPartitionsDefinition, engine: str) -> list[dg.AssetsDefinition]:
    """One multi-asset per answer set, then accounts and ledger, which are made of all of them.

    `engine` is the warehouse's, as OSS_DATASTORE_WAREHOUSE has it: the graph shows it.
    """
    return [
        *(_answer_set_tables(s, daily, engine) for s in ANSWER_SETS.values()),
        _actors(daily, engine),
        _fetch_ledger(daily, engine),
    ]


def _answer_set_tables(answer_set: AnswerSet, daily: dg.DailyPartitionsDefinition, engine: str) -> dg.AssetsDefinition:
    specs = [
        (dataset.name, table.name, _spec(table, dataset, daily, engine))
        for dataset in answer_set.datasets
        for table in dataset.tables
    ]

    @dg.multi_asset(
        name=f"load_{answer_set.name}",
        specs=[spec for _, _, spec in specs],
        can_subset=True,
        pool="warehouse",
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def load(
        context: dg.AssetExecutionContext,
        store: StoreResource,
        warehouse: WarehouseResource,
        dlq: DeadLetterQueueResource,
    ) -> Iterator[dg.MaterializeResult]:
        loader = PsaLoader(Staging(store.open()), warehouse.open(), dlq.letters())
        report = loader.load(answer_set.name, days_of(context))
        for dataset, table, spec in specs:
            if spec.key in context.selected_asset_keys:
                rows = report.rows[table]
                tell_by_day(context, spec.key, {day: _of_day(rows[day], report, day, [dataset]) for day in rows})
                yield dg.MaterializeResult(
                    asset_key=spec.key,
                    metadata={"records_that_do_not_parse": report.faults}
                    | ({"days_parsed_again": report.days_parsed_again} if report.days_parsed_again else {}),
                )

    return load


def _actors(daily: dg.DailyPartitionsDefinition, engine: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=["psa", ACTORS.name],
        deps=[dg.AssetKey(["staging", d.name]) for s in ANSWER_SETS.values() for d in s.datasets],
        description=f"{ACTORS.description} Logins stand here and in what files tell of persons.",
        group_name="psa",
        kinds={"python", engine},
        owners=_OWNERS,
        tags={"layer": "psa", "personal_data": "true"},
        metadata=_metadata(ACTORS),
        pool="warehouse",
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def actors(
        context: dg.AssetExecutionContext,
        store: StoreResource,
        warehouse: WarehouseResource,
        dlq: DeadLetterQueueResource,
    ) -> dg.MaterializeResult:
        staging = Staging(store.open())
        rows = PsaLoader(staging, warehouse.open(), dlq.letters()).load_actors(days_of(context)).rows[ACTORS.name]
        told: dict[date, dict[str, Any]] = {day: {"dagster/partition_row_count": rows[day]} for day in rows}
        # Every ledger of a day is a list of the store's: of the last day only.
        last = max(rows)
        ledgers = (staging.ledger(name, last).values() for name in ANSWER_SETS)
        told[last] |= ledger_metadata(state_counts(entry for ledger in ledgers for entry in ledger), DATASETS)
        tell_by_day(context, context.asset_key, told)
        return dg.MaterializeResult()

    return actors


def _fetch_ledger(daily: dg.DailyPartitionsDefinition, engine: str) -> dg.AssetsDefinition:
    tables = [t.name for s in ANSWER_SETS.values() for d in s.datasets for t in d.tables]

    @dg.asset(
        key=["psa", FETCH_LEDGER.name],
        deps=[dg.AssetKey(["psa", name]) for name in tables],
        description=f"{FETCH_LEDGER.description} Written with the tables it speaks of, in their transactions.",
        group_name="psa",
        kinds={engine},
        owners=_OWNERS,
        tags={"layer": "psa"},
        metadata=_metadata(FETCH_LEDGER),
        pool="warehouse",
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def fetch_ledger(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
        with asking(warehouse.open()) as ask:
            ledger = ledger_of(ask, days_of(context)[-SHOWN_DAYS:])
        told = {
            day: {
                "dagster/partition_row_count": sum(counts.total() for counts in states.values()),
                **ledger_metadata(states, DATASETS),
                "by_dataset": ledger_table(states, DATASETS),
            }
            for day, states in ledger.items()
        }
        tell_by_day(context, context.asset_key, told)
        return dg.MaterializeResult()

    return fetch_ledger


def _of_day(rows: int, report: LoadReport, day: date, datasets: Sequence[str]) -> dict[str, Any]:
    return {"dagster/partition_row_count": rows, **ledger_metadata(report.states[day], datasets)}


def _spec(table: Table, dataset: Dataset, daily: dg.DailyPartitionsDefinition, engine: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        ["psa", table.name],
        deps=[dg.AssetKey(["staging", dataset.name])],
        description=f"{table.description}\n\nTyped rows of `{dataset.name}`: {dataset.description}",
        group_name="psa",
        kinds={"python", engine},
        owners=_OWNERS,
        tags={"subject": dataset.subject, "layer": "psa"}
        | ({"personal_data": "true"} if table.schema == "psa_pii" else {}),
        partitions_def=daily,
        metadata=_metadata(table),
    )


def _metadata(table: Table) -> dict[str, Any]:
    return {
        "dagster/column_schema": _column_schema(table),
        "dagster/table_name": f"{table.schema}.{table.name}",
    }


def _column_schema(table: Table) -> dg.TableSchema:
    described = {column.name: column.description for column in table.columns}
    return dg.TableSchema(
        [dg.TableColumn(name, type_, description=described.get(name)) for name, type_ in table.fields]
    )
