"""Jobs by the names people look for in the launchpad."""

from __future__ import annotations

import dagster as dg

DAILY = "daily"


def build_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """`daily`: everything, for one day or a range of days."""
    return [
        dg.define_asset_job(
            DAILY,
            selection=dg.AssetSelection.all(),
            executor_def=dg.in_process_executor,
            description="Fetches a day (or a range of days) and brings it all the way to the report.",
        )
    ]
