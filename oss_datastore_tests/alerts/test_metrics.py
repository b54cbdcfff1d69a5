"""Figures in CloudWatch (a stand-in): what they say, when there are none, and that nothing fails with them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest

from oss_datastore.accepted_gaps import accepted_gaps
from oss_datastore.alerts.metrics import complete_days, of_letters
from oss_datastore.resources import DeadLetterQueueResource, StoreResource
from oss_datastore.sensors import build_sensors
from oss_datastore.settings import Settings, WrongSetting
from oss_datastore.staging.ledger import State
from oss_datastore_tests.alerts.conftest import DAY, NOW, Watch, entry, failure

START = DAY - timedelta(days=300)


def figures(watch: Watch) -> dict[str, float]:
    gaps = accepted_gaps(watch.staging, watch.clock.last_closed_day())
    return {one.name: one.value for one in of_letters(watch.queue, watch.staging, gaps, watch.clock)}


def test_nothing_open_is_no_age_and_no_loss(watch: Watch) -> None:
    assert figures(watch) == {"OpenLetters": 0, "OldestLetterHours": 0}


def test_letters_are_counted_with_the_oldest_and_the_first_loss(watch: Watch) -> None:
    watch.queue.put(failure(1, until=NOW + timedelta(hours=30)))
    watch.queue.put(failure(2, until=NOW + timedelta(hours=90, minutes=30)))
    watch.queue.put(failure(3))
    watch.clock.held = NOW + timedelta(hours=5, minutes=15)
    assert figures(watch) == {"OpenLetters": 3, "OldestLetterHours": 5.25, "HoursUntilLoss": 24.75}


def test_what_is_lost_already_and_what_a_later_fetch_holds_will_not_be_lost(watch: Watch) -> None:
    watch.queue.put(failure(1, until=NOW - timedelta(hours=1)))
    watch.queue.put(failure(2, dataset="traffic_views", until=NOW + timedelta(hours=1), day=DAY - timedelta(days=1)))
    watch.stage(entry("traffic_views", "repository/2"))
    assert figures(watch) == {"OpenLetters": 2, "OldestLetterHours": 0}


def test_letters_of_accepted_gaps_do_not_count(watch: Watch) -> None:
    watch.queue.put(failure(1, until=NOW + timedelta(hours=1)))
    watch.accept(DAY, ("issues", "*", "2026-12-01"))
    assert figures(watch) == {"OpenLetters": 0, "OldestLetterHours": 0}


def days(watch: Watch) -> float:
    gaps = accepted_gaps(watch.staging, watch.clock.last_closed_day())
    return complete_days(watch.staging, gaps, watch.clock, START, watch.patterns).value


def test_days_before_the_first_that_was_staged_were_not_promised(watch: Watch) -> None:
    assert days(watch) == 13  # the last day was
    watch.stage(entry("members", "organization/1"))
    assert days(watch) == 14


def test_a_day_that_is_missing_or_not_whole_is_not_complete(watch: Watch) -> None:
    watch.stage(entry("members", "organization/1", day=DAY - timedelta(days=3)))
    assert days(watch) == 11
    watch.stage(entry("members", "organization/1", State.failed))
    assert days(watch) == 11
    watch.stage(entry("members", "organization/1"))
    assert days(watch) == 12


@pytest.fixture
def cloudwatch(moto_s3: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the stand-in, into which the process under test puts, in a namespace of the test's own."""
    for name, value in {
        "AWS_ENDPOINT_URL": moto_s3,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "OSS_DATASTORE_METRICS": f"OssDatastore-{secrets.token_hex(8)}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return boto3.client("cloudwatch", endpoint_url=moto_s3)


@pytest.fixture
def home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSS_DATASTORE_DATASETS", "organizations")
    return home


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> Any:
    [sensor] = [sensor for sensor in build_sensors() if sensor.name == "metrics"]
    resources = {"dlq": DeadLetterQueueResource(), "store": StoreResource()}
    with dg.build_sensor_context(instance=instance, resources=resources, cursor=cursor) as context:
        return sensor.evaluate_tick(context)


def sums(cloudwatch: Any) -> dict[str, float]:
    """What lies in the namespace, added up."""
    now, found, namespace = datetime.now(UTC), {}, Settings.load().metrics or ""
    for metric in cloudwatch.list_metrics(Namespace=namespace)["Metrics"]:
        assert metric["Dimensions"] == []  # the alarms read none
        [point] = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric["MetricName"],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=86400,
            Statistics=["Sum"],
        )["Datapoints"]
        found[metric["MetricName"]] = point["Sum"]
    return found


@dg.job
def breaking() -> None:
    @dg.op
    def broken() -> None:
        raise ValueError("boom")

    broken()


def test_a_tick_puts_what_the_alarms_read(
    home: Path, watch: Watch, instance: dg.DagsterInstance, cloudwatch: Any
) -> None:
    watch.stage(entry("members", "organization/1"))
    watch.queue.put(failure(1, until=NOW + timedelta(hours=30)))
    breaking.execute_in_process(instance=instance, raise_on_error=False)
    told = tick(instance)
    assert "put: Heartbeat 1, RunFailures 1, CompleteDays 14, OpenLetters 1" in told.skip_message
    assert sums(cloudwatch) == {
        "Heartbeat": 1,
        "RunFailures": 1,
        "CompleteDays": 14,
        "OpenLetters": 1,
        "OldestLetterHours": 0,
        "HoursUntilLoss": 30,
    }


def test_a_failed_run_is_counted_once_and_days_are_read_once_an_hour(
    home: Path, instance: dg.DagsterInstance, cloudwatch: Any
) -> None:
    breaking.execute_in_process(instance=instance, raise_on_error=False)
    cursor = tick(instance).cursor
    again = tick(instance, cursor)
    assert "RunFailures 0, OpenLetters 0" in again.skip_message
    breaking.execute_in_process(instance=instance, raise_on_error=False)
    assert "RunFailures 1" in tick(instance, again.cursor).skip_message
    assert sums(cloudwatch)["RunFailures"] == 2
    earlier = json.dumps({**json.loads(cursor), "days": "2026-01-01T00"})
    assert "CompleteDays" in tick(instance, earlier).skip_message


def test_a_queue_that_is_away_leaves_the_sign_of_life(
    home: Path, instance: dg.DagsterInstance, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLQ_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    assert "; not measured: " in tick(instance).skip_message
    assert sums(cloudwatch) == {"Heartbeat": 1, "RunFailures": 0, "CompleteDays": 13}


def test_what_cannot_be_put_fails_nothing_and_is_counted_again(
    home: Path, instance: dg.DagsterInstance, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking.execute_in_process(instance=instance, raise_on_error=False)
    reached = Settings.load().aws_endpoint_url
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    away = tick(instance)
    assert away.skip_message == "not put: CloudWatch: EndpointConnectionError"
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(reached))
    tick(instance, away.cursor)
    assert sums(cloudwatch)["RunFailures"] == 1


def test_nothing_is_put_where_nobody_asked_for_it(
    home: Path, instance: dg.DagsterInstance, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cloudwatch.list_metrics()["Metrics"]
    monkeypatch.setenv("OSS_DATASTORE_METRICS", "")
    assert tick(instance).skip_message == "OSS_DATASTORE_METRICS is not set"
    assert cloudwatch.list_metrics()["Metrics"] == before


@pytest.mark.parametrize("wrong", ["AWS/RDS", ":x", "a" * 256, "naïve"])
def test_a_namespace_that_cloudwatch_would_refuse_stops_the_start(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSS_DATASTORE_METRICS", wrong)
    with pytest.raises(WrongSetting, match="OSS_DATASTORE_METRICS: expected a namespace of CloudWatch"):
        Settings.load()
