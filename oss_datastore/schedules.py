"""The schedules: hourly the ledger is asked what is missing, weekly the digest is sent.

Nothing is requested that is on its way already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from oss_datastore.completeness import missing_days, spans
from oss_datastore.connections import open_store
from oss_datastore.job_names import DAILY, WEEKLY_DIGEST
from oss_datastore.settings import Settings
from oss_datastore.staging.lines import Staging


def build_schedules() -> list[dg.ScheduleDefinition]:
    """What is missing, each hour; the digest, each Monday. Both are on by default."""
    return [_hourly(), _weekly_digest()]


def _weekly_digest() -> dg.ScheduleDefinition:
    @dg.schedule(
        name="weekly_digest",
        job_name=WEEKLY_DIGEST,
        cron_schedule="0 7 * * 1",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Each Monday at 7:00 UTC, when Sunday is loaded: the first screen of the report as a message.",
    )
    def weekly_digest(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if not Settings.load().digest:
            return dg.SkipReason("OSS_DATASTORE_DIGEST names nobody")
        return dg.RunRequest(run_key=f"digest of {context.scheduled_execution_time:%Y-%m-%d}")

    return weekly_digest


def _hourly() -> dg.ScheduleDefinition:
    @dg.schedule(
        name="hourly",
        job_name=DAILY,
        cron_schedule="0 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Requests the days of the last two weeks that are missing or unfinished; days in a row as one run.",
    )
    def hourly(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        settings = Settings.load()
        if not settings.github_orgs:
            return dg.SkipReason("GITHUB_ORGS names no organisation")
        closed = settings.clock.last_closed_day()
        if closed < settings.start_date:
            return dg.SkipReason(f"OSS_DATASTORE_START_DATE ({settings.start_date}) lies ahead")
        missing = missing_days(Staging(open_store(settings)), settings.start_date, closed, settings.datasets)
        under_way = days_under_way(context.instance)
        wanted = spans(day for day in missing if day not in under_way)
        if wanted:
            return [_range(first, last, context.scheduled_execution_time) for first, last in wanted]
        return dg.SkipReason("what is missing is queued or running" if missing else "no day is missing or unfinished")

    return hourly


def days_under_way(instance: dg.DagsterInstance) -> set[date]:
    """Days for which a run is queued or running, whatever it was begun by: `daily`, a backfill, or by hand."""
    runs = instance.get_runs(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES))
    return {day for run in runs for day in _days_of(run.tags)}


def _days_of(tags: Mapping[str, str]) -> Iterable[date]:
    only = tags.get(PARTITION_NAME_TAG)
    first, last = (tags.get(tag, only) for tag in (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG))
    if first is None or last is None:
        return []
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [date.fromordinal(number) for number in range(begin.toordinal(), end.toordinal() + 1)]


def _range(first: date, last: date, at: datetime) -> dg.RunRequest:
    # A key that was used stays used: without the hour a day that failed could never be asked for again.
    return dg.RunRequest(
        run_key=f"{first} to {last}, {at:%Y-%m-%dT%H:%M}",
        tags={
            ASSET_PARTITION_RANGE_START_TAG: first.isoformat(),
            ASSET_PARTITION_RANGE_END_TAG: last.isoformat(),
        },
    )
