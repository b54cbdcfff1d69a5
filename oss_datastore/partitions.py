"""`daily`, the one partitions definition, and the days of a run.

Every partitioned asset shares it: different start dates would split a backfill that is meant to be one run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, timedelta
from typing import Any

import dagster as dg

from oss_datastore.settings import Settings


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """UTC days from OSS_DATASTORE_START_DATE to the last one that is over."""
    return dg.DailyPartitionsDefinition(start_date=settings.start_date.isoformat(), timezone="UTC")


def days_of(context: dg.AssetExecutionContext) -> list[date]:
    """The days a run is of, oldest first: one in a run of a partition, many in a backfill.

    `partition_time_window` serves both; `has_partition_key` is False in a run of a range.
    """
    window = context.partition_time_window
    first, end = window.start.astimezone(UTC).date(), window.end.astimezone(UTC).date()
    return [first + timedelta(days=n) for n in range((end - first).days)]


SHOWN_DAYS = 31
"""So many days of a run, its last ones, have figures of their own in the UI."""


def tell_by_day(context: dg.AssetExecutionContext, key: dg.AssetKey, told: Mapping[date, Mapping[str, Any]]) -> None:
    """Puts figures under the days they are of.

    What a step returns stands under each day of a range alike, so the rows of thirty days would be called those of
    each. Dagster copies all it was told before whenever it is told more; of a year only the last month is told.
    """
    for day in sorted(told)[-SHOWN_DAYS:]:
        context.add_asset_metadata(told[day], asset_key=key, partition_key=day.isoformat())
