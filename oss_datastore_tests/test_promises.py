"""Promise 3, end to end: the tables are a pure function of what was staged, whatever the order it was loaded in."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from oss_datastore.commands.running import rebuild_all
from oss_datastore.connections import release_queue
from oss_datastore.resources import GitHubResource
from oss_datastore.runs import Runner
from oss_datastore.settings import Settings
from oss_datastore.simulator.server import Simulator
from oss_datastore_tests.commands.homes import PLENTY, after, all_tables, environment

FIRST = date(2026, 10, 12)
DAYS = [FIRST + timedelta(days=n) for n in range(2)]
SCHEMAS = ("psa", "psa_pii", "raw_vault", "raw_vault_pii", "business_vault", "infomarts")
# What promise 3 excepts: when something was fetched, and the numbers of letters.
EXCEPTED = frozenset({"fetched_at", "letter"})


@pytest.mark.timeout(600)
def test_the_last_day_first_and_a_rebuild_of_all_days_give_the_same_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with Simulator(repos=3, limits=PLENTY, faults={"bad_gateway@/repos/acme/lantern/traffic/views": 0.2}) as github:
        for name, value in environment(github, home, OSS_DATASTORE_START_DATE=FIRST.isoformat()).items():
            monkeypatch.setenv(name, value)
        runner = None
        for day in DAYS:
            monkeypatch.setenv("OSS_DATASTORE_NOW", after(day).isoformat())
            github.set_now(after(day))
            runner = runner or Runner(Settings.load(), resources={"github": GitHubResource(pace=False)})
            assert runner.run(day, day, select="group:staging").errors == ()
        assert runner is not None
        for day in reversed(DAYS):
            assert runner.run(day, day, select="not group:staging").errors == ()
    try:
        in_any_order = all_tables(home, SCHEMAS, EXCEPTED)
        assert {name.split(".")[0] for name, rows in in_any_order.items() if rows} == set(SCHEMAS)

        assert rebuild_all(Settings.load()) == 0

        anew = all_tables(home, SCHEMAS, EXCEPTED)
        assert anew.keys() == in_any_order.keys()
        for name in sorted(anew):
            assert anew[name] == in_any_order[name], name
    finally:
        release_queue()
