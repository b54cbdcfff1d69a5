"""A key that stands twice in a hub: nothing below the hub is loaded, and the check names the key."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from oss_datastore.connections import open_store, open_warehouse
from oss_datastore.runs import Runner, RunOutcome
from oss_datastore.settings import Settings
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.lines import Staging
from oss_datastore.warehouse import PsaLoader
from oss_datastore_tests.commands.homes import DAY, PLENTY, after
from oss_datastore_tests.parsed import parsed_home
from oss_datastore_tests.staging.fetching import MemoryLetters, fetcher

HUB, PIT = dg.AssetKey(["raw_vault", "hub_repo"]), dg.AssetKey(["business_vault", "pit_repo"])
SATELLITES = {dg.AssetKey(["raw_vault", name]) for name in ("sat_repo", "sat_repo_counter", "sat_repo_activity")}
ALL = " or ".join(f'key:"{key.to_user_string()}"' for key in (HUB, PIT, *sorted(SATELLITES)))


def materialized(run: RunOutcome) -> set[dg.AssetKey | None]:
    records = dg.DagsterInstance.get().all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    return {record.dagster_event.asset_key for record in records if record.dagster_event is not None}


def test_a_duplicate_in_a_hub_stops_what_lies_below_it_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(parsed_home(tmp_path / "home")))
    monkeypatch.setenv("OSS_DATASTORE_NOW", after(DAY).isoformat())
    settings = Settings.load()
    with Simulator(orgs=("acme",), repos=3, now=after(DAY), limits=PLENTY) as github:
        fetch = fetcher(github, settings.home_path / "store", now=after(DAY), organizations=("acme",))
        for name in ("organizations", "repositories"):
            fetch.fetch(name, DAY)
    loader = PsaLoader(Staging(open_store(settings)), open_warehouse(settings), MemoryLetters())
    loader.load("repositories", [DAY])
    runner = Runner(settings)
    whole = runner.run(DAY, DAY, select=ALL)
    assert whole.success, whole.errors
    assert materialized(whole) == {HUB, PIT, *SATELLITES}

    with duckdb.connect(str(settings.warehouse_path)) as connection:
        [(key,)] = connection.execute(
            "insert into raw_vault.hub_repo select * from raw_vault.hub_repo order by repo_hk limit 1 returning repo_hk"
        ).fetchall()
    broken = runner.run(DAY, DAY, select=ALL)

    assert not broken.success
    # Satellites are fed by what was staged and not by the hub.
    assert materialized(broken) == {HUB, *SATELLITES}
    checks = dg.DagsterInstance.get().all_logs(broken.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    failed = [
        record.dagster_event.asset_check_evaluation_data
        for record in checks
        if record.dagster_event is not None and not record.dagster_event.asset_check_evaluation_data.passed
    ]
    assert [(check.asset_key, check.blocking) for check in failed] == [(HUB, True)]
    assert str(key) in str(failed[0].metadata["rows_at_fault"].value)
