"""The report: one page made of the infomarts. What it shows is `report`; here only where it is written."""

import dagster as dg

from oss_datastore.partitions import days_of
from oss_datastore.resources import WarehouseResource
from oss_datastore.resources.dbt import PROJECT
from oss_datastore.settings import Settings


def build_report_asset(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The page as an asset that every infomart feeds."""

    @dg.asset(
        key=["report", "page"],
        deps=[dg.AssetKey(["infomarts", model.stem]) for model in (PROJECT / "models" / "infomarts").glob("*.sql")],
        description="One self-contained HTML page of the infomarts as of the last loaded day, to open each Monday.",
        group_name="report",
        kinds={"html", "altair"},
        owners=["team:open_source_programme_office"],
        tags={"layer": "report"},
        pool="warehouse",
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def page(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
        # Charts take a second to import, which every process of Dagster would pay.
        from oss_datastore.report.writing import write_report

        path = Settings.load().report_path
        size = write_report(warehouse.open(), path)
        return dg.MaterializeResult(
            metadata={"page": dg.MetadataValue.path(path), "bytes": size, "days": len(days_of(context))}
        )

    return page
