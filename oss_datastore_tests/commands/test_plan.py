"""What the hour's budget did not allow: `status` says what waits, why, and when it is asked again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.commands.homes import CANARY, DAY, PLENTY, after, command, environment
from oss_datastore_tests.staging.test_planner import Hours


def test_status_says_what_waits_why_and_when_it_is_asked_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Simulator(
        repos=3, now=after(DAY), tokens={"ghp_owner": "owner", CANARY: "owner"}, limits=replace(PLENTY, core=40)
    ) as github:
        fetch = Hours(github, LocalStore(home / "store")).run(after(DAY))
        env = environment(github, home, OSS_DATASTORE_NOW=(after(DAY) + timedelta(minutes=5)).isoformat())
    try:
        told = json.loads(command("status", "--json", env=env, cwd=tmp_path).stdout)
        read = command("status", env=env, cwd=tmp_path)
    finally:
        EmbeddedPostgres(home).stop()
    plan = fetch.planned(DAY)
    assert plan is not None
    assert not plan.fits
    assert told["plan"]["line"] == plan.line
    assert 0 < told["plan"]["spent"]["requests"] <= 40
    assert told["asked_again_from"].startswith("2026-10-15T01:")
    waits = {one["dataset"]: one for one in told["waiting"]}
    assert "of 40 spent" in waits["statistics_punch_card"]["why"]
    assert waits["statistics_punch_card"]["scopes"] > 0
    assert "traffic_views" not in waits
    untils = [one["until"] for one in told["waiting"]]
    assert untils == sorted(untils, key=lambda until: until or "9999")
    assert "does not fit" in read.stdout
    assert "asked again from 2026-10-15 01:" in read.stdout
    assert "spent since: " in read.stdout
