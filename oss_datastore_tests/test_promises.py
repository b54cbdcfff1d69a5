"""Promise 3, end to end: the tables are a pure function of what was staged, whatever the order it was loaded in."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.commands.running import rebuild_all
from oss_datastore.connections import open_warehouse, release_queue
from oss_datastore.report.writing import write_report
from oss_datastore.settings import Settings
from oss_datastore.simulator.server import Simulator
from oss_datastore_tests.commands.homes import PLENTY, after, environment
from oss_datastore_tests.parsed import parsed_home
from oss_datastore_tests.recorded.loading import load_windows
from oss_datastore_tests.staging.fetching import fetch_all, fetcher
from oss_datastore_tests.warehouse.digests import SCHEMAS, digests

FIRST = date(2026, 10, 12)
DAYS = [FIRST + timedelta(days=n) for n in range(2)]


@pytest.mark.timeout(1500)
def test_the_last_day_first_and_a_rebuild_of_all_days_on_another_engine_give_the_same_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queue_url: str
) -> None:
    home = parsed_home(tmp_path / "home")
    with Simulator(repos=2, limits=PLENTY, faults={"bad_gateway@/repos/acme/lantern/traffic/views": 0.2}) as github:
        for name, value in environment(github, home, OSS_DATASTORE_START_DATE=FIRST.isoformat()).items():
            monkeypatch.setenv(name, value)
        for day in DAYS:
            github.set_now(after(day))
            fetch_all(fetcher(github, home / "store", now=after(day)), day)
    monkeypatch.setenv("OSS_DATASTORE_NOW", after(DAYS[-1]).isoformat())
    load_windows([(day, day) for day in reversed(DAYS)], list(ANSWER_SETS), checks=False)
    try:
        settings = Settings.load()
        in_any_order = digests(open_warehouse(settings))
        assert {name.split(".")[0] for name, (rows, _) in in_any_order.items() if rows} == set(SCHEMAS)

        monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE", "postgres")
        monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE_URL", queue_url)
        # The last day alone, so that there is something to be emptied.
        load_windows([(DAYS[-1], DAYS[-1])], ["organizations"], ["hub_org"], checks=False)
        settings = Settings.load()
        assert rebuild_all(settings) == 0
        on_postgres = digests(open_warehouse(settings))
        assert on_postgres.keys() == in_any_order.keys()
        assert [name for name in on_postgres if on_postgres[name] != in_any_order[name]] == []
        assert write_report(open_warehouse(settings), tmp_path / "report.html") > 100_000
    finally:
        release_queue()
