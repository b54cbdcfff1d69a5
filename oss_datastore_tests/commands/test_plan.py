"""A run says beforehand what the day will cost, asks for what expires first, and `status` says what waits and why."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.commands.conftest import Lived
from oss_datastore_tests.commands.homes import CANARY, DAY, PLENTY, after, command, environment
from oss_datastore_tests.staging.test_planner import Hours


def test_the_plan_is_said_before_the_first_question_of_the_day(lived: Lived) -> None:
    said = lived.done.stderr.splitlines()
    plan = next(n for n, line in enumerate(said) if line.startswith(f"{DAY}: about "))
    assert re.search(r"about [\d,]+ requests and [\d,]+ points; [\d,]+ .*left until \d\d:\d\d: fits", said[plan])
    assert plan < next(n for n, line in enumerate(said) if "traffic_views" in line)


def test_the_summary_says_what_became_of_every_planned_scope_and_what_it_cost(lived: Lived) -> None:
    lines = lived.done.stdout.splitlines()
    columns = next(line.split() for line in lines if line.startswith("dataset"))
    assert columns[:2] == ["dataset", "planned"]
    rows = {
        line.split()[0]: [int(n) for n in line.split()[1:]] for line in lines if re.match(r"[a-z_]+ +\d+ +\d", line)
    }
    assert rows.keys() >= {"traffic_views", "issues", "labels"}
    assert [name for name, (planned, *states) in rows.items() if planned != sum(states)] == []
    spent = re.search(r"spent: ([\d,]+) requests and ([\d,]+) points", lived.done.stdout)
    assert spent is not None
    assert int(spent[1].replace(",", "")) > 50


def test_what_expires_first_is_fetched_first_and_loading_waits_for_it(lived: Lived) -> None:
    with dg.DagsterInstance.from_config(str(lived.home / "dagster")) as instance:
        run = instance.get_runs()[-1]  # the first of all: others may have come on the same home
        records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_START).records
    order = [record.event_log_entry.step_key or "" for record in records]
    staged = [key.removeprefix("stage_") for key in order if key.startswith("stage_")]
    assert staged == list(ANSWER_SETS)
    assert all(key.startswith("stage_") for key in order[: len(staged)])


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
