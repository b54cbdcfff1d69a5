"""The persistent staging area: typed rows, one asset per table, one step per answer set.

Which rows a day has is `warehouse.psa`.
"""

from collections.abc import Iterator

import dagster as dg

from oss_datastore.catalogue import ACTORS, ANSWER_SETS
from oss_datastore.catalogue.model import AnswerSet, Dataset, Table
from oss_datastore.partitions import days_of
from oss_datastore.resources import DeadLetterQueueResource, StoreResource, WarehouseResource
from oss_datastore.staging.lines import Staging
from oss_datastore.warehouse import FETCH_LEDGER, PsaLoader, ask

_OWNERS = ["team:open_source_programme_office"]


def build_psa_assets(daily: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """One multi-asset per answer set, then accounts and ledger, which are made of all of them."""
    return [*(_answer_set_tables(s, daily) for s in ANSWER_SETS.values()), _actors(daily), _fetch_ledger(daily)]


def _answer_set_tables(answer_set: AnswerSet, daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    specs = [_spec(table, dataset, daily) for dataset in answer_set.datasets for table in dataset.tables]

    @dg.multi_asset(
        name=f"load_{answer_set.name}",
        specs=specs,
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
        for spec in specs:
            if spec.key in context.selected_asset_keys:
                yield dg.MaterializeResult(
                    asset_key=spec.key,
                    metadata={
                        "dagster/partition_row_count": report.rows[spec.key.path[-1]],
                        "records_that_do_not_parse": report.faults,
                    }
                    | ({"days_parsed_again": report.days_parsed_again} if report.days_parsed_again else {}),
                )

    return load


def _actors(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        key=["psa", ACTORS.name],
        deps=[dg.AssetKey(["staging", d.name]) for s in ANSWER_SETS.values() for d in s.datasets],
        description=f"{ACTORS.description} Logins stand here and in what files tell of persons.",
        group_name="psa",
        kinds={"python", "duckdb"},
        owners=_OWNERS,
        tags={"layer": "psa", "personal_data": "true"},
        metadata={"dagster/column_schema": _column_schema(ACTORS)},
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
        report = PsaLoader(Staging(store.open()), warehouse.open(), dlq.letters()).load_actors(days_of(context))
        return dg.MaterializeResult(metadata={"dagster/partition_row_count": report.rows[ACTORS.name]})

    return actors


def _fetch_ledger(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    tables = [t.name for s in ANSWER_SETS.values() for d in s.datasets for t in d.tables]

    @dg.asset(
        key=["psa", FETCH_LEDGER.name],
        deps=[dg.AssetKey(["psa", name]) for name in tables],
        description=f"{FETCH_LEDGER.description} Written with the tables it speaks of, in their transactions.",
        group_name="psa",
        kinds={"duckdb"},
        owners=_OWNERS,
        tags={"layer": "psa"},
        metadata={"dagster/column_schema": _column_schema(FETCH_LEDGER)},
        pool="warehouse",
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def fetch_ledger(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
        days = days_of(context)
        _, states = ask(
            warehouse.open(),
            "select state, count(*) from psa.fetch_ledger "  # noqa: S608
            f"where load_date between date '{days[0]}' and date '{days[-1]}' group by state order by state",
        )
        return dg.MaterializeResult(
            metadata={
                "dagster/partition_row_count": sum(count for _, count in states),
                **{f"scopes_{state}": count for state, count in states},
            }
        )

    return fetch_ledger


def _spec(table: Table, dataset: Dataset, daily: dg.DailyPartitionsDefinition) -> dg.AssetSpec:
    return dg.AssetSpec(
        ["psa", table.name],
        deps=[dg.AssetKey(["staging", dataset.name])],
        description=f"{table.description}\n\nTyped rows of `{dataset.name}`: {dataset.description}",
        group_name="psa",
        kinds={"python", "duckdb"},
        owners=_OWNERS,
        tags={"subject": dataset.subject, "layer": "psa"}
        | ({"personal_data": "true"} if table.schema == "psa_pii" else {}),
        partitions_def=daily,
        metadata={"dagster/column_schema": _column_schema(table)},
    )


def _column_schema(table: Table) -> dg.TableSchema:
    described = {column.name: column.description for column in table.columns}
    return dg.TableSchema(
        [dg.TableColumn(name, type_, description=described.get(name)) for name, type_ in table.fields]
    )
