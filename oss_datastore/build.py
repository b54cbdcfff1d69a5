"""The only place where things are put together.

`build_definitions` takes overrides, so that a test swaps a resource without patching anything.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from oss_datastore.assets.feeding import graph_of
from oss_datastore.assets.links import with_links
from oss_datastore.assets.psa import build_psa_assets
from oss_datastore.assets.report import build_report_assets
from oss_datastore.assets.staging import build_staging_assets
from oss_datastore.assets.vault import build_vault_assets
from oss_datastore.jobs import build_jobs
from oss_datastore.partitions import daily_partitions
from oss_datastore.resources import (
    DeadLetterQueueResource,
    GitHubResource,
    StoreResource,
    WarehouseResource,
)
from oss_datastore.resources.dbt import DbtResource, prepare_manifest
from oss_datastore.schedules import build_schedules
from oss_datastore.sensors import build_sensors
from oss_datastore.settings import Settings

# Backfill policies have been beta for years and are pinned with the rest of the family; a warning per asset at every
# start hides the ones that matter.
warnings.filterwarnings("ignore", category=dg.BetaWarning)


def build_definitions(*, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Assets, checks, jobs, sensors and resources. Raises WrongSetting and ProjectDoesNotParse."""
    settings = Settings.load()
    daily = daily_partitions(settings)
    loaded = [*build_staging_assets(daily), *build_psa_assets(daily, settings.warehouse)]
    above = graph_of(spec for made in loaded for spec in made.specs)
    vault = build_vault_assets(daily, prepare_manifest(), settings.warehouse, above)
    return dg.Definitions(
        assets=with_links([*loaded, vault, *build_report_assets(daily)], settings),
        jobs=build_jobs(),
        sensors=build_sensors(),
        schedules=build_schedules(),
        # One DuckDB file has one writer, and a step of its own process costs more than most of our steps.
        executor=dg.in_process_executor,
        resources={
            "github": GitHubResource(),
            "store": StoreResource(),
            "dlq": DeadLetterQueueResource(),
            "warehouse": WarehouseResource(),
            "dbt": DbtResource(),
            **(resources or {}),
        },
    )
