"""Where to go from an asset: to the report, to the queue and its retry, and to the rows. On every asset alike."""

from __future__ import annotations

from typing import Any

import dagster as dg

from oss_datastore.job_names import RETRY
from oss_datastore.settings import Settings

REPORT = dg.AssetKey(["report", "page"])


def with_links(assets: list[dg.AssetsDefinition], settings: Settings) -> list[dg.AssetsDefinition]:
    """The assets, each with its links in the metadata of its definition."""
    return list(dg.map_asset_specs(lambda spec: spec.merge_attributes(metadata=links(spec, settings)), assets))


def links(spec: dg.AssetSpec, settings: Settings) -> dict[str, Any]:
    """The report's page and file, the command that lists letters, the job that retries them, and a first query."""
    table = spec.metadata.get("dagster/table_name")
    narrowed = f" --dataset {spec.key.path[-1]}" if spec.key.path[0] == "staging" else ""
    return {
        "report": dg.MetadataValue.asset(REPORT),
        "report_file": dg.MetadataValue.path(settings.report_path),
        "dead_letters": f"oss-datastore dlq list{narrowed}",
        "retry_dead_letters": dg.MetadataValue.job(RETRY, location_name="oss_datastore"),
        **({"first_query": f'oss-datastore query "select * from {table} limit 20"'} if table else {}),  # noqa: S608
    }
