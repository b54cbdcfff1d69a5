"""From GitHub through psa to the vault: names pass from one to another, hub keys stay with their numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from oss_datastore.resources.dbt import PROJECT, dbt_environment
from oss_datastore.settings import Settings
from oss_datastore.simulator.server import Simulator
from oss_datastore.warehouse import PSA_TABLES, DuckDbWarehouse, PsaLoader
from oss_datastore_tests.staging.fetching import DAY, PLENTY, MemoryLetters, after, fetcher

NEXT = DAY + timedelta(days=1)
CHANGES = (
    f"acme/tidepool renamed lagoon on {NEXT}",
    f"acme/lantern transferred globex/beaconry on {NEXT}",
    f"acme/gantry-cli deleted on {NEXT}",
    f"acme/gantry-cli created on {NEXT}T15:00",
    f"coral-pika25 renamed renamed-person on {NEXT}",
)
ASKED = ("organizations", "repositories", "members")
MODELS = (
    "hub_repo",
    "hub_user",
    "hub_org",
    "sat_org",
    "sat_repo",
    "link_org_repo",
    "eff_sat_org_repo",
    "link_org_user",
    "eff_sat_org_user",
    "sat_user",
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The day before the changes and the day of them, brought into the vault in one load."""
    folder = tmp_path_factory.mktemp("identity")
    home = folder / "home"
    home.mkdir()
    with Simulator(orgs=("acme", "globex"), repos=3, now=after(DAY), limits=PLENTY, changes=CHANGES) as github:
        for day in (DAY, NEXT):
            github.set_now(after(day))
            fetch = fetcher(github, folder / "store", now=after(day), organizations=("acme", "globex"))
            for name in ASKED:
                fetch.fetch(name, day)
    loader = PsaLoader(fetch.staging, DuckDbWarehouse(home / "warehouse.duckdb"), MemoryLetters())
    loader.warehouse.prepare(PSA_TABLES)
    for day in (DAY, NEXT):
        for name in ASKED:
            loader.load(name, [day])
        loader.load_actors([day])
    settings = Settings.load(OSS_DATASTORE_HOME=home, _env_file=None)
    window = ["--event-time-start", f"{DAY}", "--event-time-end", f"{NEXT + timedelta(days=1)}"]
    places = ["--project-dir", str(PROJECT), "--target-path", str(folder / "target"), "--log-path", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "run", *window, *places, "--select", *MODELS],
        env=os.environ | dbt_environment(settings),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    connection = duckdb.connect(str(home / "warehouse.duckdb"), read_only=True)
    yield connection
    connection.close()


def rows(warehouse: duckdb.DuckDBPyConnection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    return warehouse.execute(sql, list(values)).fetchall()


def keys(warehouse: duckdb.DuckDBPyConnection, full_name: str, day: date) -> list[Any]:
    """Hub keys of the repositories that bore a name on a day."""
    told = "select repo_hk from psa.repositories where full_name = ? and load_date::date = ?"
    return [key for (key,) in rows(warehouse, told, full_name, day)]


def versions(warehouse: duckdb.DuckDBPyConnection, satellite: str, hub_key: str, key: Any, column: str) -> list[Any]:
    told = f"select {column} from raw_vault.{satellite} where {hub_key} = ? order by load_date"
    return [value for (value,) in rows(warehouse, told, key)]


def test_a_renamed_repository_keeps_its_hub_key(warehouse: duckdb.DuckDBPyConnection) -> None:
    (before,), (now,) = keys(warehouse, "acme/tidepool", DAY), keys(warehouse, "acme/lagoon", NEXT)
    assert before == now
    assert rows(warehouse, "select count(*) from raw_vault.hub_repo where repo_hk = ?", before) == [(1,)]
    assert versions(warehouse, "sat_repo", "repo_hk", before, "full_name") == ["acme/tidepool", "acme/lagoon"]


def test_a_name_that_is_used_again_stays_two_repositories(warehouse: duckdb.DuckDBPyConnection) -> None:
    (before,), (now,) = keys(warehouse, "acme/gantry-cli", DAY), keys(warehouse, "acme/gantry-cli", NEXT)
    assert before != now
    hubs = rows(warehouse, "select repo_hk, repo_id, load_date::date from raw_vault.hub_repo")
    mine = {key: (number, day) for key, number, day in hubs if key in (before, now)}
    assert len({number for number, _ in mine.values()}) == 2
    assert {key: day for key, (_, day) in mine.items()} == {before: DAY, now: NEXT}
    assert {n for key in mine for n in versions(warehouse, "sat_repo", "repo_hk", key, "full_name")} == {
        "acme/gantry-cli"
    }


def test_a_transfer_leaves_one_organisation_and_enters_the_other_on_its_day(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    (key,), (same,) = keys(warehouse, "acme/lantern", DAY), keys(warehouse, "globex/beaconry", NEXT)
    assert key == same
    told = rows(
        warehouse,
        "select o.login, e.load_date::date, e.is_active from raw_vault.eff_sat_org_repo e"
        " join raw_vault.link_org_repo l using (link_org_repo_hk)"
        " join (select distinct org_hk, login from psa.organizations) o on o.org_hk = l.org_hk"
        " where l.repo_hk = ? order by e.load_date, o.login",
        key,
    )
    assert told == [("acme", DAY, True), ("acme", NEXT, False), ("globex", NEXT, True)]


def test_a_renamed_user_keeps_its_hub_key(warehouse: duckdb.DuckDBPyConnection) -> None:
    told = "select distinct user_hk from psa_pii.actors where login = ?"
    (before,), (now,) = rows(warehouse, told, "coral-pika25"), rows(warehouse, told, "renamed-person")
    assert before == now
    assert rows(warehouse, "select count(*) from raw_vault.hub_user where user_hk = ?", before[0]) == [(1,)]
    member = (
        "select e.is_active from raw_vault.eff_sat_org_user e join raw_vault.link_org_user l"
        " using (link_org_user_hk) where l.user_hk = ?"
    )
    assert set(rows(warehouse, member, before[0])) == {(True,)}
