"""Sensors: what watches the queue while nobody looks. The judgement is `alerts`; here stand only the ticks."""

import dagster as dg

from oss_datastore.alerts import evaluate, notifiers
from oss_datastore.resources import DeadLetterQueueResource
from oss_datastore.settings import Settings


def build_sensors() -> list[dg.SensorDefinition]:
    """All sensors, on by default."""
    return [_dead_letters()]


def _dead_letters() -> dg.SensorDefinition:
    @dg.sensor(
        name="dead_letters",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of requests and records that failed: one grouped message for what is new since the last.",
    )
    def dead_letters(context: dg.SensorEvaluationContext, dlq: DeadLetterQueueResource) -> dg.SkipReason:
        settings = Settings.load()
        alert = evaluate(dlq.open(), notifiers(settings), settings.clock)
        if alert is None:
            return dg.SkipReason("no new dead letter")
        context.log.warning(f"{alert.subject}\n{alert.body}")
        return dg.SkipReason(f"told: {alert.subject}")

    return dead_letters
