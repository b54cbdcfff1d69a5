"""Sensors: what watches while nobody looks. The judgement is `alerts`; here stand the ticks, and what both they and the
commands need of Dagster: which runs failed, and where an alert is shown.

Sensors read the queue, the ledger and the list of runs, never the warehouse. One of them tells nobody: it puts figures
where alarms outside read them.
"""

import json
import textwrap
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from oss_datastore.accepted_gaps import accepted_gaps
from oss_datastore.alerts import Alert, FailedRun, evaluate, notifiers, tell_away, tell_back
from oss_datastore.alerts.evaluation import Judge
from oss_datastore.alerts.failed_runs import RunJudge
from oss_datastore.alerts.ledger import LedgerJudge
from oss_datastore.alerts.letters import LetterJudge
from oss_datastore.alerts.metrics import HEARTBEAT, Metric, NotPut, complete_days, of_letters, put, run_failures
from oss_datastore.connections import open_queue, open_store
from oss_datastore.dead_letters import DeadLetterQueue, PostgresUnavailable, QueueError, QueueUnavailable, SpoolingQueue
from oss_datastore.redaction import redact_text
from oss_datastore.resources import DeadLetterQueueResource, StoreResource
from oss_datastore.settings import Settings
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import RawStore, StoreError

_RUNS_LOOKED_AT = 100
_RUNS_LOOK_BACK = timedelta(days=14)
_LONGEST_ERROR = 500


def build_sensors() -> list[dg.SensorDefinition]:
    """All sensors, on by default."""
    return [_dead_letters(), _failed_runs(), _completeness(), _metrics()]


def tell_and_show(settings: Settings, instance: dg.DagsterInstance) -> tuple[list[Alert], str]:
    """What the sensors do, all at once, at the end of a command: what was told, and why the queue is away, if it is."""
    store = open_store(settings)
    staging = Staging(store)
    alerts, away = _look(
        settings,
        store,
        lambda: open_queue(settings),
        lambda queue: [_letter_judge(settings, queue, staging), _run_judge(instance), _ledger_judge(settings, staging)],
    )
    for event in observations(alerts):
        instance.report_runless_asset_event(event)
    return alerts, away


def observations(alerts: Iterable[Alert]) -> list[dg.AssetObservation]:
    """Each alert on the staged asset it is about, for the UI."""
    return [
        dg.AssetObservation(
            asset_key=dg.AssetKey(["staging", alert.dataset]),
            description=alert.subject,
            metadata={
                "alert": dg.MetadataValue.text(alert.subject),
                "severity": alert.severity,
                "what_to_do": dg.MetadataValue.md(f"```\n{_wrapped(alert.body)}\n```"),
                "recovery": alert.recovery,
            },
        )
        for alert in alerts
    ]


def _wrapped(body: str) -> str:
    """Lines as long as the UI shows them."""
    lines = (textwrap.wrap(line, 100, subsequent_indent="  ", break_on_hyphens=False) for line in body.splitlines())
    return "\n".join("\n".join(some) for some in lines)


def failed_runs(instance: dg.DagsterInstance) -> list[FailedRun]:
    """Runs of the last fourteen days that failed after the last success of their job, the newest first."""
    since = datetime.now(UTC) - _RUNS_LOOK_BACK
    records = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since), limit=_RUNS_LOOKED_AT
    )
    succeeded: dict[str, datetime] = {}
    for job in {record.dagster_run.job_name for record in records}:
        good = instance.get_run_records(
            dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS], updated_after=since), limit=1
        )
        if good:
            succeeded[job] = good[0].create_timestamp
    found = []
    for record in records:
        run = record.dagster_run
        if run.job_name in succeeded and record.create_timestamp <= succeeded[run.job_name]:
            continue
        first, last = run.tags.get(ASSET_PARTITION_RANGE_START_TAG), run.tags.get(ASSET_PARTITION_RANGE_END_TAG)
        days = run.tags.get(PARTITION_NAME_TAG, "") if first is None else first if first == last else f"{first}…{last}"
        found.append(FailedRun(run.run_id, run.job_name, days))
    return found


def _first_error(instance: dg.DagsterInstance, run_id: str) -> str:
    """The first line of the innermost error of a run's first failed step, else of the run itself."""
    for kind in (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE):
        for entry in instance.all_logs(run_id, of_type=kind):
            event = entry.get_dagster_event()
            data = event.event_specific_data
            error = getattr(data, "error", None)
            while error is not None and error.cause is not None:
                error = error.cause
            told = (error.message if error is not None else event.message or "").strip()
            where = f"{event.step_key}: " if event.step_key else ""
            if told:
                return redact_text(f"{where}{told.splitlines()[0]}")[:_LONGEST_ERROR]
    return "it is told in the run's log"


def _letter_judge(settings: Settings, queue: DeadLetterQueue, staging: Staging) -> Judge:
    return LetterJudge(queue, staging, accepted_gaps(staging, settings.clock.last_closed_day()), settings.clock)


def _ledger_judge(settings: Settings, staging: Staging) -> Judge:
    gaps = accepted_gaps(staging, settings.clock.last_closed_day())
    return LedgerJudge(staging, gaps, settings.clock, settings.datasets)


def _run_judge(instance: dg.DagsterInstance) -> Judge:
    return RunJudge(failed_runs(instance), lambda run_id: _first_error(instance, run_id))


def _look(
    settings: Settings,
    store: RawStore,
    open_queue: Callable[[], DeadLetterQueue],
    judges: Callable[[DeadLetterQueue], Sequence[Judge]],
) -> tuple[list[Alert], str]:
    """What was told, and why the queue cannot be reached, if so: then that is what is told.

    What waits in the raw store since the queue was away is taken in first.
    """
    ways = notifiers(settings)
    try:
        queue = open_queue()
        try:
            SpoolingQueue(lambda: queue, store, clock=settings.clock).drain()
            back = tell_back(ways, store, settings.clock)
            told = evaluate(queue, ways, judges(queue), settings.clock)
        finally:
            queue.close()
    except (QueueUnavailable, PostgresUnavailable) as why:
        return tell_away(str(why), ways, store, settings.clock), str(why)
    return [*back, *told], ""


def _tick(
    dlq: DeadLetterQueueResource,
    store: RawStore,
    judges: Callable[[DeadLetterQueue], Sequence[Judge]],
    nothing: str,
) -> dg.SensorResult:
    alerts, away = _look(Settings.load(), store, dlq.open, judges)
    told = "; ".join(alert.subject for alert in alerts)
    return dg.SensorResult(skip_reason=f"told: {told}" if told else away or nothing, asset_events=observations(alerts))


def _dead_letters() -> dg.SensorDefinition:
    @dg.sensor(
        name="dead_letters",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of dead letters that are new or open again, that will be lost within hours, and that are "
        "lost: grouped, each once, and when it is over.",
    )
    def dead_letters(dlq: DeadLetterQueueResource, store: StoreResource) -> dg.SensorResult:
        settings, kept = Settings.load(), store.open()
        staging = Staging(kept)
        return _tick(dlq, kept, lambda queue: [_letter_judge(settings, queue, staging)], "no new dead letter")

    return dead_letters


def _failed_runs() -> dg.SensorDefinition:
    @dg.sensor(
        name="failed_runs",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of runs that failed after the last success of their job: any number is one message.",
    )
    def failed_runs_sensor(
        context: dg.SensorEvaluationContext, dlq: DeadLetterQueueResource, store: StoreResource
    ) -> dg.SensorResult:
        return _tick(dlq, store.open(), lambda _: [_run_judge(context.instance)], "no new failed run")

    return failed_runs_sensor


def _completeness() -> dg.SensorDefinition:
    @dg.sensor(
        name="completeness",
        minimum_interval_seconds=900,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of missing days, stale data, what the token sees no longer, scopes that became forbidden, "
        "disabled or gone, and accepted gaps that ended.",
    )
    def completeness(dlq: DeadLetterQueueResource, store: StoreResource) -> dg.SensorResult:
        settings, kept = Settings.load(), store.open()
        return _tick(dlq, kept, lambda _: [_ledger_judge(settings, Staging(kept))], "nothing new is missing")

    return completeness


def _metrics() -> dg.SensorDefinition:
    @dg.sensor(
        name="metrics",
        minimum_interval_seconds=900,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Puts figures for alarms into CloudWatch where OSS_DATASTORE_METRICS names a namespace: a sign of "
        "life, failed runs, open letters and what they will lose, and once an hour the complete days.",
    )
    def metrics(
        context: dg.SensorEvaluationContext, dlq: DeadLetterQueueResource, store: StoreResource
    ) -> dg.SensorResult:
        settings = Settings.load()
        if not settings.metrics:
            return dg.SensorResult(skip_reason="OSS_DATASTORE_METRICS is not set")
        figures, troubles, cursor = _measured(settings, context.instance, dlq, store, context.cursor)
        try:
            put(settings.metrics, figures, settings.aws_default_region, settings.aws_endpoint_url)
        except NotPut as why:
            # The cursor stays: failed runs are counted again by the next tick.
            context.log.warning("metrics not put: %s", why)
            return dg.SensorResult(skip_reason=f"not put: {why}", cursor=context.cursor)
        told = ", ".join(f"{one.name} {one.value:g}" for one in figures)
        return dg.SensorResult(skip_reason="; ".join([f"put: {told}", *troubles]), cursor=cursor)

    return metrics


def _measured(
    settings: Settings,
    instance: dg.DagsterInstance,
    dlq: DeadLetterQueueResource,
    store: StoreResource,
    cursor: str | None,
) -> tuple[list[Metric], list[str], str]:
    """Figures, what could not be measured and why, and the cursor: until when failed runs are counted, and in which
    hour complete days were, since these are read from fourteen days of ledgers.
    """
    now = datetime.now(UTC)
    known = json.loads(cursor) if cursor else {"runs": (now - timedelta(hours=1)).isoformat(), "days": ""}
    failed = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=datetime.fromisoformat(known["runs"])),
        limit=_RUNS_LOOKED_AT,
    )
    if failed:
        known["runs"] = max(record.update_timestamp for record in failed).isoformat()
    figures, troubles = [HEARTBEAT, run_failures(len(failed))], []
    try:
        staging, clock, hour = Staging(store.open()), settings.clock, now.strftime("%Y-%m-%dT%H")
        gaps = accepted_gaps(staging, clock.last_closed_day())
        if known["days"] != hour:
            figures.append(complete_days(staging, gaps, clock, settings.start_date, settings.datasets))
            known["days"] = hour
        queue = dlq.open()
        try:
            figures += of_letters(queue, staging, gaps, clock)
        finally:
            queue.close()
    except (QueueError, PostgresUnavailable, StoreError) as why:
        # Whoever cannot be asked has an alert of their own; that somebody is there is said nevertheless.
        troubles.append(f"not measured: {redact_text(str(why))}")
    return figures, troubles, json.dumps(known)
