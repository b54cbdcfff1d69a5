"""From GitHub through psa to the vault: a relation ends only when a whole list, seen by an owner, lacks it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from oss_datastore.catalogue import TABLES
from oss_datastore.resources.dbt import PROJECT, dbt_environment
from oss_datastore.settings import Settings
from oss_datastore.simulator.server import Simulator
from oss_datastore.warehouse import PSA_TABLES, DuckDbWarehouse, PsaLoader
from oss_datastore_tests.staging.fetching import DAY, PLENTY, MemoryLetters, after, fetcher

# Whole, seen by a member, refused and failed, unchanged list of repositories but no access, whole again much later.
WHOLE, BY_MEMBER, REFUSED, FAILED, WHOLE_AGAIN = (DAY + timedelta(days=n) for n in (0, 1, 2, 3, 60))
ASKED = ("organizations", "repositories", "members", "teams", "repository_collaborators")
SATELLITES = {
    "eff_sat_org_user": "members",
    "eff_sat_team_user": "team_members",
    "eff_sat_repo_user": "repository_collaborators",
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Five days brought into the three satellites in one load."""
    folder = tmp_path_factory.mktemp("absence")
    tokens = {"ghp_owner": "owner", "ghp_member": "member"}
    days: list[tuple[date, str, str]] = [
        (WHOLE, "ghp_owner", ""),
        (BY_MEMBER, "ghp_member", ""),
        (
            REFUSED,
            "ghp_owner",
            "forbidden@/graphql/Members*=1,forbidden@/graphql/Teams*=1,forbidden@/graphql/RepositoryC*=1",
        ),
        (FAILED, "ghp_owner", "server_error@/graphql/*=1:sticky,graphql_node_error=1"),
        (WHOLE_AGAIN, "ghp_owner", ""),
    ]
    home = folder / "home"
    home.mkdir()
    with Simulator(repos=6, now=after(DAY), tokens=tokens, limits=PLENTY) as github:
        for day, token, faults in days:
            github.set_now(after(day))
            github.set_faults(faults)
            fetch = fetcher(github, folder / "store", now=after(day), role=token)
            for name in ASKED:
                fetch.fetch(name, day)
    loader = PsaLoader(fetch.staging, DuckDbWarehouse(home / "warehouse.duckdb"), MemoryLetters())
    loader.warehouse.prepare(PSA_TABLES)
    for day, _, _ in days:
        for name in ASKED:
            loader.load(name, [day])
    settings = Settings.load(OSS_DATASTORE_HOME=home, _env_file=None)
    end = WHOLE_AGAIN + timedelta(days=1)
    window = ["--event-time-start", WHOLE.isoformat(), "--event-time-end", end.isoformat()]
    places = [
        "--project-dir",
        str(PROJECT),
        "--target-path",
        str(folder / "target"),
        "--log-path",
        str(folder / "logs"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "run", *window, *places, "--select", *SATELLITES],
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


def rows(warehouse: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return warehouse.execute(sql).fetchall()


@pytest.mark.parametrize(("satellite", "dataset"), SATELLITES.items())
def test_only_a_whole_list_seen_by_an_owner_ends_a_relation(
    satellite: str, dataset: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    states = {
        day: {
            state
            for (state,) in rows(
                warehouse,
                f"select distinct state from psa.fetch_ledger where dataset = '{dataset}' and load_date = '{day}'",
            )
        }
        for day in (WHOLE, BY_MEMBER, REFUSED, FAILED, WHOLE_AGAIN)
    }
    assert states[WHOLE] == {"complete"}
    assert states[BY_MEMBER] <= {"partial", "forbidden"}
    assert states[REFUSED] <= {"forbidden"}
    assert states[FAILED] <= {"failed", "partial"}
    assert "complete" in states[WHOLE_AGAIN]
    ended = rows(
        warehouse, f"select load_date::date, count(*) from raw_vault.{satellite} where not is_active group by 1"
    )
    assert [day for day, _ in ended] == [WHOLE_AGAIN], "a list that was not whole ended a relation"
    key = next(name for name in TABLES[dataset].hash_keys if name.startswith("link_"))
    left = rows(
        warehouse,
        f"select count(distinct p.{key}) from psa.{dataset} p join psa.fetch_ledger l on l.dataset = '{dataset}'"
        f" and l.scope = p.scope and l.load_date = '{WHOLE_AGAIN}' and l.state = 'complete'"
        f" where p.load_date < '{WHOLE_AGAIN}' and p.{key} not in"
        f" (select {key} from psa.{dataset} where load_date = '{WHOLE_AGAIN}')",
    )[0][0]
    assert ended[0][1] == left > 0
