"""Figures for alarms that stand outside: measured from queue and ledger, and put into CloudWatch.

An alarm there also fires when nothing here is alive to tell anybody: silence is one. What is alarming is decided there
(`infra/observability.yaml`); names and meanings are those that its alarms read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from oss_datastore.accepted_gaps import AcceptedGap
from oss_datastore.alerts.letters import as_patterns, still_losing
from oss_datastore.clock import Clock
from oss_datastore.completeness import LOOK_BACK_DAYS, day_state
from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore.staging.lines import Staging

TIMEOUT = 5.0
"""Seconds that CloudWatch may take to connect, and again to answer; it is asked twice at most."""


class NotPut(Exception):
    """CloudWatch did not take the figures; the text says why."""


@dataclass(frozen=True)
class Metric:
    """One figure of this moment. Without dimensions: the alarms read it by its name alone."""

    name: str
    value: float
    unit: Literal["Count", "None"] = "Count"


HEARTBEAT = Metric("Heartbeat", 1)
"""That anybody was there to measure."""


def run_failures(count: int) -> Metric:
    """How many runs failed since they were last counted."""
    return Metric("RunFailures", count)


def of_letters(
    queue: DeadLetterQueue, staging: Staging, gaps: Sequence[AcceptedGap], clock: Clock
) -> tuple[Metric, ...]:
    """Open letters, the age of the oldest in hours, and the hours until the first of them is lost for ever.

    The last only while something can be lost; letters of accepted gaps do not count. Raises QueueError, StoreError.
    """
    rows, now = queue.outstanding(0, as_patterns(gaps)), clock.now()
    oldest = min((row["oldest"] for row in rows), default=now)
    figures = [
        Metric("OpenLetters", sum(row["letters"] for row in rows)),
        Metric("OldestLetterHours", _hours(now - oldest), "None"),
    ]
    moments = sorted(
        (row for row in rows if row["recoverable_until"] and row["recoverable_until"] > now),
        key=lambda row: row["recoverable_until"],
    )
    first: datetime | None = next(
        (row["recoverable_until"] for row in moments if still_losing(queue, staging, row)), None
    )
    if first is not None:
        figures.append(Metric("HoursUntilLoss", _hours(first - now), "None"))
    return tuple(figures)


def complete_days(
    staging: Staging, gaps: Sequence[AcceptedGap], clock: Clock, start: date, patterns: Sequence[str]
) -> Metric:
    """Of the last fourteen days, how many lack nothing that was promised.

    Days before `start` or before the first that was ever staged were not promised; where nothing ever was, the last
    day was. Raises StoreError.
    """
    last = clock.last_closed_day()
    begun = max(start, min(staging.days("organizations"), default=last))
    promised = [day for n in range(LOOK_BACK_DAYS) if (day := last - timedelta(days=n)) >= begun]
    states = (day_state(staging, day, patterns, gaps) for day in promised)
    lacking = sum(1 for state in states if state.left_out or state.unaccepted or not state.is_staged)
    return Metric("CompleteDays", LOOK_BACK_DAYS - lacking)


def put(namespace: str, metrics: Sequence[Metric], region: str | None, endpoint: str | None) -> None:
    """Hands the figures to CloudWatch, all at once. Raises NotPut."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"total_max_attempts": 2})
    try:
        client = boto3.client("cloudwatch", region_name=region, endpoint_url=endpoint, config=config)
        client.put_metric_data(
            Namespace=namespace,
            MetricData=[{"MetricName": one.name, "Value": one.value, "Unit": one.unit} for one in metrics],
        )
    except ClientError as why:
        raise NotPut(f"CloudWatch refused them: {why.response.get('Error', {}).get('Code', 'unknown')}") from None
    except (BotoCoreError, ValueError) as why:
        raise NotPut(f"CloudWatch: {type(why).__name__}") from None


def _hours(span: timedelta) -> float:
    return max(0.0, round(span / timedelta(hours=1), 2))
