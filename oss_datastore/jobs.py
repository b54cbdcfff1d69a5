"""Jobs by the names people look for in the launchpad."""

from datetime import date

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from pydantic import Field

from oss_datastore.catalogue import DATASETS
from oss_datastore.job_names import BACKFILL, DAILY, REBUILD, RETRY, WEEKLY_DIGEST
from oss_datastore.retrying import Choice, retry_chosen
from oss_datastore.settings import Settings

_FORCED = "`ops: {stage_traffic_views: {config: {force: true}}}`"


def _tags(*, asks_github: bool, writes: str) -> dict[str, str]:
    """What a run of the job will do, for whoever is about to begin it."""
    return {"oss_datastore/asks_github": "yes" if asks_github else "no", "oss_datastore/writes": writes}


class RetryConfig(dg.Config):
    """Which letters to retry; what is left empty does not narrow."""

    ids: list[int] = Field(default=[], description="Numbers of letters; none: all that can still be had.")
    dataset: str = Field(default="", description="Only letters of this dataset.")
    day: str = Field(default="", description="Only letters of this UTC day, as 2026-11-22.")
    error_class: str = Field(default="", description="Only letters of this error class, as server_fault.")
    limit: int = Field(default=1000, description="At most so many letters.")


def build_jobs() -> list[dg.JobDefinition | UnresolvedAssetJobDefinition]:
    """The jobs of the launchpad, each with a sentence of its own."""
    return [
        dg.define_asset_job(
            DAILY,
            selection=dg.AssetSelection.all(),
            executor_def=dg.in_process_executor,
            tags=_tags(asks_github=True, writes="staging and warehouse"),
            description="Fetches a day (or a range of days) and brings it all the way to the report. What is staged "
            f"already is loaded and not fetched again, unless the launchpad says so: {_FORCED}.",
        ),
        dg.define_asset_job(
            BACKFILL,
            selection=dg.AssetSelection.all(),
            executor_def=dg.in_process_executor,
            # What is due today goes first.
            tags={"dagster/priority": "-1", **_tags(asks_github=True, writes="staging and warehouse")},
            description="Fetches what GitHub still has of past days and loads them as one run, after what is due now. "
            "Choose the days by Materialize; a day that GitHub no longer has becomes `unavailable` and fails nothing.",
        ),
        _retry_job(),
        _rebuild_job(),
        _digest_job(),
    ]


def _retry_job() -> dg.JobDefinition:
    @dg.op(
        name="retry_letters",
        description="Asks once more for what the chosen letters tell of, and loads the days into which it came.",
    )
    def retry_letters(context: dg.OpExecutionContext, config: RetryConfig) -> None:
        day = None
        if config.day:
            try:
                day = date.fromisoformat(config.day)
            except ValueError as why:
                message = f"day {config.day!r} is no calendar day such as 2026-11-22"
                raise dg.Failure(message, allow_retries=False) from why
        if config.dataset and config.dataset not in DATASETS:
            raise dg.Failure(f"dataset {config.dataset!r} is none of ours: {', '.join(DATASETS)}", allow_retries=False)
        chosen = Choice(tuple(config.ids), config.dataset or None, day, config.error_class or None, config.limit)
        settings = Settings.load()
        retried = retry_chosen(settings, chosen)
        context.add_output_metadata(
            {
                "resolved": list(retried.resolved),
                "still_open": list(retried.open),
                "expired": list(retried.expired),
                "skipped": list(retried.skipped),
                "days_loaded": [day.isoformat() for day in retried.days],
            }
        )
        context.log.info(
            f"{len(retried.resolved)} resolved, {len(retried.open)} still open, {len(retried.expired)} expired, "
            f"{len(retried.skipped)} skipped (not open, or being retried by another)"
        )
        if retried.days:
            # The days are loaded by runs of their own, as the command does: their tables and checks show them.
            from oss_datastore.commands.running import load_days

            load_days(settings, retried.days, retried.datasets)

    @dg.job(
        name=RETRY,
        executor_def=dg.in_process_executor,
        tags=_tags(asks_github=True, writes="staging, warehouse and queue"),
        description="Asks once more for what failed: letters by number, dataset, day or error class, else all that "
        "can still be had. What comes lands in its original day, which is then loaded. Narrow it in the launchpad, "
        "as by `dataset: traffic_views`; `oss-datastore dlq list` names the letters.",
    )
    def retry_dead_letters() -> None:
        retry_letters()

    return retry_dead_letters


def _rebuild_job() -> dg.JobDefinition:
    @dg.op(
        name="load_everything_anew",
        description="Empties the warehouse and loads every staged day; GitHub is not asked.",
    )
    def load_everything_anew() -> None:
        # Its runs are made of these definitions.
        from oss_datastore.commands.running import rebuild_all

        if rebuild_all(Settings.load()):
            raise dg.Failure("a load failed: its own run tells why; the days before it are loaded", allow_retries=False)

    @dg.job(
        name=REBUILD,
        executor_def=dg.in_process_executor,
        tags=_tags(asks_github=False, writes="warehouse"),
        description="Empties the warehouse and makes it again of what is staged, as `oss-datastore rebuild` does. "
        "GitHub is not asked, and nothing staged is lost.",
    )
    def rebuild() -> None:
        load_everything_anew()

    return rebuild


def _digest_job() -> dg.JobDefinition:
    @dg.op(
        name="send_digest",
        description="Sends the first screen of the report to each way of OSS_DATASTORE_DIGEST.",
        required_resource_keys={"warehouse"},
    )
    def send_digest(context: dg.OpExecutionContext) -> None:
        # Pandas takes a second to import, which every process of Dagster would pay.
        from oss_datastore.alerts.notifiers import deliver, digest_notifiers
        from oss_datastore.report import SqlMarts
        from oss_datastore.report.digest import weekly_digest

        settings = Settings.load()
        ways = digest_notifiers(settings)
        if not ways:
            raise dg.Failure(
                "OSS_DATASTORE_DIGEST names nobody: set it to log, sns:<arn>, webhook:<url> or apprise:<url>",
                allow_retries=False,
            )
        with context.resources.warehouse.open().reading() as cursors:
            message = weekly_digest(SqlMarts(cursors), settings.clock.now())
        context.add_output_metadata({"subject": message.subject, "digest": dg.MetadataValue.md(message.body)})
        failed = {way.name: why for way in ways if (why := deliver(way, message))}
        if failed:
            told = "; ".join(f"{name}: {why}" for name, why in failed.items())
            raise dg.Failure(f"the digest did not reach {len(failed)} of {len(ways)} ways: {told}")

    @dg.job(
        name=WEEKLY_DIGEST,
        executor_def=dg.in_process_executor,
        tags=_tags(asks_github=False, writes="nothing"),
        description="Sends the first screen of the report, as text, to the ways of OSS_DATASTORE_DIGEST. The schedule "
        "of the same name does so each Monday.",
    )
    def weekly() -> None:
        send_digest()

    return weekly
