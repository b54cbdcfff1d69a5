"""The sensors' ticks: on by default, told once, shown on an asset, and over when a run succeeds."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from oss_datastore.alerts import Alert
from oss_datastore.dead_letters import DeadLetterQueue, SpoolingQueue
from oss_datastore.resources import DeadLetterQueueResource, StoreResource
from oss_datastore.sensors import build_sensors, failed_runs, tell_and_show
from oss_datastore.settings import Settings
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.alerts.conftest import DAY, Watch, entry, failure


@dg.op
def work(context: dg.OpExecutionContext) -> None:
    if context.run.tags.get("breaks"):
        raise ValueError("boom\nwith https://user:hunter2hunter2@host/")


@dg.job
def daily() -> None:
    work()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def tick(name: str, instance: dg.DagsterInstance) -> Any:
    [sensor] = [sensor for sensor in build_sensors() if sensor.name == name]
    resources = {"dlq": DeadLetterQueueResource(), "store": StoreResource()}
    needed = {key: value for key, value in resources.items() if key in sensor.required_resource_keys}
    with dg.build_sensor_context(instance=instance, resources=needed) as context:
        return sensor.evaluate_tick(context)


def alerts(home: Path) -> list[Alert]:
    return [Alert(**json.loads(line)) for line in (home / "alerts.jsonl").read_text().splitlines()]


def test_all_sensors_are_on_by_default() -> None:
    sensors = build_sensors()
    assert {sensor.name for sensor in sensors} == {"dead_letters", "failed_runs", "completeness", "metrics"}
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.RUNNING}


def test_a_tick_tells_of_letters_once_and_shows_it_on_the_asset(
    home: Path, watch: Watch, instance: dg.DagsterInstance
) -> None:
    watch.queue.put(failure(1))
    data = tick("dead_letters", instance)
    assert data.skip_message == f"told: 1 new dead letter for {DAY}"
    [shown] = data.asset_events
    assert shown.asset_key == dg.AssetKey(["staging", "issues"])
    assert "dlq retry --due" in shown.metadata["what_to_do"].value
    again = tick("dead_letters", instance)
    assert (again.skip_message, list(again.asset_events)) == ("no new dead letter", [])
    assert [alert.letters for alert in alerts(home)] == [1]


def test_a_tick_tells_of_missing_days(
    home: Path, watch: Watch, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.stage(entry("members", "organization/1"))
    assert tick("completeness", instance).skip_message == "nothing new is missing"
    monkeypatch.setenv("OSS_DATASTORE_NOW", datetime(2026, 10, 16, 12, tzinfo=UTC).isoformat())
    assert "told: Nothing is staged since 2026-10-14" in tick("completeness", instance).skip_message


def test_failed_runs_are_one_message_with_the_first_error_and_over_when_the_job_succeeds(
    home: Path, instance: dg.DagsterInstance
) -> None:
    for day in ("2026-10-13", "2026-10-14"):
        tags = {"breaks": "yes", "dagster/partition": day}
        assert not daily.execute_in_process(instance=instance, tags=tags, raise_on_error=False).success
    assert tick("failed_runs", instance).skip_message == "told: 2 runs failed"
    [alert] = alerts(home)
    assert alert.severity == "page"
    assert "daily of 2026-10-13: /runs/" in alert.body
    assert "First error: work: ValueError: boom" in alert.body
    assert "hunter2" not in alert.body
    assert tick("failed_runs", instance).skip_message == "no new failed run"
    daily.execute_in_process(instance=instance)
    assert tick("failed_runs", instance).skip_message == "told: Over: 2 runs failed"
    assert failed_runs(instance) == []


def test_the_end_of_a_command_tells_what_the_sensors_would_and_they_then_do_not(
    home: Path, watch: Watch, instance: dg.DagsterInstance
) -> None:
    watch.queue.put(failure(1))
    [alert], away = tell_and_show(Settings.load(), instance)
    assert away == ""
    [shown] = instance.fetch_observations(dg.AssetKey(["staging", "issues"]), limit=5).records
    assert shown.asset_observation is not None
    assert shown.asset_observation.metadata["alert"].value == alert.subject
    assert tick("dead_letters", instance).skip_message == "no new dead letter"


def test_a_queue_that_is_away_is_told_once_and_when_it_is_back_and_what_waited_is_taken_in(
    home: Path, queue_url: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = "postgresql://nobody@127.0.0.1:9/nothing"
    monkeypatch.setenv("DLQ_URL", gone)
    clock = Settings.load().clock
    waiting = SpoolingQueue(lambda: DeadLetterQueue(gone, clock=clock), LocalStore(home / "store"), clock=clock)
    assert waiting.put(failure(1)) is None
    first = tick("dead_letters", instance)
    assert first.skip_message == "told: The dead letter queue cannot be reached"
    assert [event.asset_key for event in first.asset_events] == [dg.AssetKey(["staging", "organizations"])]
    # Another sensor, or the same after a restart, has nothing new to tell.
    assert "cannot be used" in tick("completeness", instance).skip_message
    assert tell_and_show(Settings.load(), instance)[0] == []

    monkeypatch.setenv("DLQ_URL", queue_url)
    assert (
        tick("dead_letters", instance).skip_message
        == f"told: Over: The dead letter queue cannot be reached; 1 new dead letter for {DAY}"
    )
    assert tick("dead_letters", instance).skip_message == "no new dead letter"
    assert [(alert.severity, alert.recovery) for alert in alerts(home)][:2] == [("page", False), ("note", True)]

    # A server that comes and goes is no news within the hour.
    monkeypatch.setenv("DLQ_URL", gone)
    assert "cannot be used" in tick("dead_letters", instance).skip_message
