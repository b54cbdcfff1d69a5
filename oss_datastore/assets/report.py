"""What leaves the warehouse: the page, and the infomarts as files. What they hold is said elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from oss_datastore.assets.ledger import ledger_metadata, ledger_of, ledger_table
from oss_datastore.catalogue import DATASETS
from oss_datastore.partitions import days_of, tell_by_day
from oss_datastore.resources import StoreResource, WarehouseResource
from oss_datastore.resources.dbt import PROJECT
from oss_datastore.settings import Settings
from oss_datastore.warehouse import Warehouse, asking

_OF_BOTH: Mapping[str, Any] = {
    "group_name": "report",
    "owners": ["team:open_source_programme_office"],
    "pool": "warehouse",
    "backfill_policy": dg.BackfillPolicy.single_run(),
}


def build_report_assets(daily: dg.DailyPartitionsDefinition) -> Sequence[dg.AssetsDefinition]:
    """The page and the files, which every infomart feeds."""
    infomarts = [dg.AssetKey(["infomarts", model.stem]) for model in (PROJECT / "models" / "infomarts").glob("*.sql")]
    return [_page(daily, infomarts), _parquet(daily, infomarts)]


def _page(daily: dg.DailyPartitionsDefinition, infomarts: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["report", "page"],
        deps=infomarts,
        description="One self-contained HTML page of the infomarts as of the last loaded day, to open each Monday.",
        kinds={"html", "altair"},
        tags={"layer": "report"},
        partitions_def=daily,
        **_OF_BOTH,
    )
    def page(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, store: StoreResource
    ) -> dg.MaterializeResult:
        # Charts take a second to import, which every process of Dagster would pay.
        from oss_datastore.report.writing import write_report
        from oss_datastore.warehouse.published import PAGE

        path, kept = Settings.load().report_path, store.open()
        size = write_report(warehouse.open(), path)
        # The folder of a container goes with it; the store stays.
        kept.overwrite(PAGE, path.read_bytes())
        _tell_ledger(context, warehouse.open())
        return dg.MaterializeResult(
            metadata={
                "page": dg.MetadataValue.path(path),
                "in_store": dg.MetadataValue.url(kept.url(PAGE)),
                "bytes": size,
                "days": len(days_of(context)),
            }
        )

    return page


def _parquet(daily: dg.DailyPartitionsDefinition, infomarts: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["report", "parquet"],
        deps=infomarts,
        description="Every infomart as a Parquet file in the store: whoever reads there never waits for a load.",
        kinds={"parquet"},
        tags={"layer": "report", "personal_data": "true"},
        partitions_def=daily,
        **_OF_BOTH,
    )
    def parquet(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, store: StoreResource
    ) -> dg.MaterializeResult:
        from oss_datastore.warehouse.published import LATEST, publish

        kept = store.open()
        published = publish(warehouse.open(), kept)
        _tell_ledger(context, warehouse.open())
        return dg.MaterializeResult(
            metadata={
                "files": dg.MetadataValue.url(kept.url(LATEST)),
                "infomarts": published.marts,
                "bytes": published.bytes,
                "as_of": str(published.as_of),
                "days": len(days_of(context)),
            }
        )

    return parquet


def _tell_ledger(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
    """Under the last day of the run, how whole it is: every dataset feeds what leaves."""
    last = days_of(context)[-1]
    with asking(warehouse) as ask:
        states = ledger_of(ask, [last])[last]
    told = {**ledger_metadata(states, DATASETS), "fed_by": ledger_table(states, DATASETS)}
    tell_by_day(context, context.asset_key, {last: told})
