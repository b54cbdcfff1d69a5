"""Dagster keeps runs, events, ticks and pools in PostgreSQL where it is told so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
import yaml  # type: ignore[import-untyped]

from oss_datastore import runs
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore.resources import GitHubResource
from oss_datastore.settings import Settings
from oss_datastore.simulator.server import Simulator
from oss_datastore_tests.commands.homes import DAY, PLENTY, after, environment
from oss_datastore_tests.dead_letters.failures import failure
from oss_datastore_tests.infra.conftest import CONFIGURATION

PLACE = """
import dagster as dg
from oss_datastore.resources import DeadLetterQueueResource, StoreResource
from oss_datastore.sensors import build_sensors


@dg.asset(pool="warehouse")
def kept():
    return dg.MaterializeResult(metadata={"rows": 7})


job = dg.define_asset_job("keep", [kept])


@dg.sensor(job=job, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def asks_once():
    return dg.RunRequest(run_key="once")


defs = dg.Definitions(
    assets=[kept],
    jobs=[job],
    sensors=[asks_once, *(sensor for sensor in build_sensors() if sensor.name == "dead_letters")],
    resources={"dlq": DeadLetterQueueResource(), "store": StoreResource()},
)
"""


def test_the_configuration_for_deployment_differs_from_a_homes_in_its_storage_only() -> None:
    deployed = yaml.safe_load(CONFIGURATION.read_text())
    written = yaml.safe_load(runs._INSTANCE.format(history="history"))
    assert deployed.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    written.pop("event_log_storage")
    assert deployed == written


@dg.asset(pool="warehouse")
def kept() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 7})


def test_a_run_in_this_process_is_kept_in_postgresql(
    instance: dg.DagsterInstance, dagster_folder: Path, dagster_url: str
) -> None:
    done = dg.materialize([kept], instance=instance)
    assert done.success
    event = instance.get_latest_materialization_event(dg.AssetKey("kept"))
    assert event is not None
    assert event.run_id == done.run_id
    with closing(psycopg2.connect(dagster_url)) as connection, connection.cursor() as cursor:
        cursor.execute("select run_id, status from runs")
        assert cursor.fetchall() == [(done.run_id, "SUCCESS")]
        cursor.execute("select count(*) from event_logs where run_id = %s", (done.run_id,))
        assert cursor.fetchone()[0] > 5
    assert list(dagster_folder.rglob("*.db")) == []


def test_what_a_command_or_a_retry_loads_is_kept_where_dagster_home_says(
    instance: dg.DagsterInstance, dagster_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Simulator(repos=1, now=after(DAY), limits=PLENTY) as github:
        for name, value in environment(github, tmp_path / "elsewhere").items():
            monkeypatch.setenv(name, value)
        done = runs.Runner(Settings.load(), resources={"github": GitHubResource(pace=False)}).run(
            DAY, DAY, select='key:"staging/organizations"'
        )
    assert done.errors == ()
    assert [run.run_id for run in instance.get_runs()] == [done.run_id]
    assert not (tmp_path / "elsewhere" / "dagster").exists()


def test_the_daemon_ticks_launches_and_frees_its_places_on_postgresql(
    instance: dg.DagsterInstance, dagster_folder: Path, queue_url: str, tmp_path: Path
) -> None:
    clock = Clock(held=datetime(2026, 11, 2, 0, 10, tzinfo=UTC))
    with closing(DeadLetterQueue(queue_url, clock=clock)) as queue:
        queue.put(failure())
    (tmp_path / "place.py").write_text(PLACE)
    environment = {
        **os.environ,
        "DLQ_URL": queue_url,
        "OSS_DATASTORE_HOME": str(dagster_folder.parent),
        "OSS_DATASTORE_NOW": clock.now().isoformat(),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    with (tmp_path / "daemon.log").open("w") as log:
        daemon = subprocess.Popen(
            [Path(sys.executable).parent / "dagster-daemon", "run", "-f", tmp_path / "place.py"],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
        try:
            patience = time.monotonic() + 120
            observed = False
            while time.monotonic() < patience and daemon.poll() is None:
                records = instance.get_run_records()
                told = instance.fetch_observations(dg.AssetKey(["staging", "traffic_views"]), limit=1).records
                observed = bool(told)
                if records and records[0].dagster_run.is_finished and observed:
                    break
                time.sleep(0.3)
        finally:
            # It ends its code server with it when it is interrupted.
            daemon.send_signal(signal.SIGINT)
            daemon.wait(30)
    what = (tmp_path / "daemon.log").read_text()[-4000:]
    assert observed, what
    (run,) = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.SUCCESS, what
    assert run.tags["dagster/sensor_name"] == "asks_once"
    ticks = {
        state.instigator_name: instance.get_ticks(state.instigator_origin_id, state.selector_id)
        for state in instance.all_instigator_state()
    }
    assert {name for name, found in ticks.items() if found} == {"asks_once", "dead_letters"}
    assert {tick.status.value for found in ticks.values() for tick in found} <= {"SUCCESS", "SKIPPED", "STARTED"}
    assert instance.event_log_storage.get_concurrency_info("warehouse").active_run_ids == set()
    assert (dagster_folder.parent / "alerts.jsonl").exists()
