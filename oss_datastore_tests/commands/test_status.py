"""`status` and the exit code: what will be lost and when, what is accepted, and whom alerts do not reach."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from oss_datastore.accepted_gaps import accepted_gaps
from oss_datastore.alerts import notifiers
from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.commands.status import status
from oss_datastore.completeness import day_state, exit_code
from oss_datastore.dead_letters import DeadLetterQueue, SpoolingQueue
from oss_datastore.settings import Settings
from oss_datastore.staging.ledger import State
from oss_datastore_tests.alerts.conftest import DAY, NOW, Watch, clock, entry, failure, queue, watch
from oss_datastore_tests.alerts.conftest import home as watched_home

__all__ = ["clock", "queue", "watch", "watched_home"]
HIDDEN = "hidden-part-of-an-address"
ORG = "organization/1"


@pytest.fixture
def home(watched_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSS_DATASTORE_ALERTS", f"log,webhook:http://127.0.0.1:1/{HIDDEN}")
    return watched_home


def shown(*options: str) -> str:
    result = CliRunner().invoke(status, options, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def as_json() -> Any:
    return json.loads(shown("--json"))


def test_what_will_be_lost_and_what_is_lost_is_listed_soonest_first(home: Path, watch: Watch) -> None:
    later, soon = NOW + timedelta(days=2), NOW + timedelta(days=1)
    watch.queue.put_many([failure(n, dataset="members", until=later) for n in (1, 2)])
    watch.queue.put(failure(1, dataset="teams", until=soon))
    watch.queue.put(failure(1, dataset="labels", until=NOW))
    told = as_json()
    assert [(one["dataset"], one["day"], one["letters"], one["at"]) for one in told["will_be_lost"]] == [
        ("teams", DAY.isoformat(), 1, soon.isoformat()),
        ("members", DAY.isoformat(), 2, later.isoformat()),
    ]
    assert told["lost"] == 1
    text = shown()
    losing = text.partition("lost for ever unless it is had before:")[2]
    assert losing.index("teams") < losing.index("members")
    assert "letters lost for ever: 1" in text


def test_the_first_line_is_the_verdict_and_what_is_missing_has_cause_time_and_command(home: Path, watch: Watch) -> None:
    assert shown().splitlines()[:2] == [
        "No data yet: `oss-datastore run` fetches Wed 14 Oct, the last day that is over.",
        "Nothing is loaded into the infomarts yet.",
    ]
    for number in (1, 2):
        watch.stage(replace(entry("traffic_views", f"repository/{number}", State.failed), letter=number, detail="502"))
    watch.stage(replace(entry("members", ORG, State.forbidden), detail="403 Resource not accessible"))
    before = DAY - timedelta(days=3)
    watch.stage(
        replace(entry("teams", ORG, State.failed, day=before), letter=3, detail="500"), entry("labels", ORG, day=before)
    )
    told = [line.rstrip() for line in shown().splitlines()]
    assert told[0] == (
        "Data to Wed 14 Oct: 5 of 9 scopes whole in 2 days; 3 can be had until Fri 16 Oct 00:00 UTC; 1 lost."
    )
    assert as_json()["verdict"] == told[0]
    table = [line.split() for line in told if line[:3] in ("day", "Wed", "Tue", "Mon", "Sun")]
    unasked = str(len(ANSWER_SETS) - 4)
    assert table == [
        ["day", "scopes", "complete", "failed", "forbidden"],
        ["Wed", "14", "Oct", "3", "missing,", unasked, "lists", "not", "asked", "5", "2", "2", "1"],
        ["Tue", "13", "Oct", "not", "fetched"],
        ["Mon", "12", "Oct", "not", "fetched"],
        ["Sun", "11", "Oct", "1", "missing,", unasked, "lists", "not", "asked", "4", "3", "1"],
    ]
    missing = told.index("missing, what is lost first on top (times are UTC)")
    assert [line.split(None, 3) if line[0] != " " else line.strip() for line in told[missing + 1 : missing + 9]] == [
        ["members", "1", "forbidden", "Wed 14 Oct  until Fri 16 Oct 00:00"],
        "why: 403 Resource not accessible",
        "do:  oss-datastore doctor   says what to grant",
        ["traffic_views", "2", "failed", "Wed 14 Oct  until Tue 27 Oct 00:00"],
        "why: 502 (and 1 more)",
        "do:  oss-datastore dlq retry --dataset traffic_views",
        ["teams", "1", "failed", "Sun 11 Oct  lost"],
        "why: 500",
    ]


def test_what_a_later_fetch_holds_will_not_be_lost(home: Path, watch: Watch) -> None:
    watch.queue.put_many([failure(n, dataset="traffic_views", until=NOW + timedelta(days=9)) for n in (1, 2)])
    watch.stage(entry("traffic_views", "repository/1", day=DAY + timedelta(days=1)))
    assert [one["letters"] for one in as_json()["will_be_lost"]] == [1]


def test_alerts_that_stand_and_a_notifier_that_does_not_deliver_are_shown_without_its_address(
    home: Path, watch: Watch
) -> None:
    watch.queue.put(failure(1))
    log, hook = notifiers(Settings.load())
    watch.look(log, hook)
    told = as_json()
    assert [(one["subject"], one["by"]) for one in told["alerts"]] == [(f"1 new dead letter for {DAY}", ["log"])]
    assert [(one["notifier"], one["tries"]) for one in told["notifiers"]] == [(hook.name, 1)]
    text = shown()
    assert f"mail: 1 new dead letter for {DAY} (told by log)" in text
    assert f"OSS_DATASTORE_ALERTS: {hook.name} does not deliver since" in " ".join(text.split())
    assert HIDDEN not in text + json.dumps(told)


def test_an_accepted_gap_stays_shown_and_does_not_change_the_exit_code(home: Path, watch: Watch) -> None:
    watch.stage(entry("members", ORG, State.forbidden), entry("issues", "repository/1"))

    def code() -> int:
        gaps = accepted_gaps(watch.staging, DAY)
        return exit_code([day_state(watch.staging, DAY, (), gaps)])

    assert code() == 3
    watch.accept(DAY, ("memb*", f"github.com/{ORG}", "2026-12-01"))
    assert code() == 0
    [missing] = as_json()["days"][0]["missing"]
    assert missing["accepted"] == f"memb* of github.com/{ORG} until 2026-12-01: no rights (ada)"
    assert "accepted gaps" in shown()
    watch.stage(entry("issues", "repository/1", State.forbidden))
    watch.stage(entry("teams", ORG, State.failed))
    assert code() == 3


def test_a_gap_that_ended_is_accepted_no_longer(home: Path, watch: Watch) -> None:
    watch.stage(entry("members", ORG, State.forbidden))
    watch.accept(DAY, ("members", "*", DAY.isoformat()))
    gaps = accepted_gaps(watch.staging, DAY)
    assert exit_code([day_state(watch.staging, DAY, (), gaps)]) == 3
    assert f"ended: members of * until {DAY}" in shown()


def test_a_queue_that_is_away_is_said_and_what_waits_is_taken_in_once_it_is_back(
    home: Path, queue_url: str, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = "postgresql://nobody@127.0.0.1:9/nothing"
    SpoolingQueue(lambda: DeadLetterQueue(gone, clock=watch.clock), watch.staging.store, clock=watch.clock).put(
        failure(1)
    )
    monkeypatch.setenv("DLQ_URL", gone)
    told = as_json()
    assert "cannot be used" in told["queue"]
    assert (told["spooled"], told["letters"]) == (1, {})
    assert "1 waiting in the raw store" in shown()

    monkeypatch.setenv("DLQ_URL", queue_url)
    told = as_json()
    assert (told["queue"], told["spooled"], told["letters"]["open"]) == ("reachable", 0, 1)
