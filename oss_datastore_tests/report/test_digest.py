"""The weekly digest: the sentences of the page as text, sent to each way that is set; one that is deaf fails it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from oss_datastore.job_names import WEEKLY_DIGEST
from oss_datastore.jobs import build_jobs
from oss_datastore.report import SqlMarts
from oss_datastore.report.digest import weekly_digest
from oss_datastore.schedules import build_schedules
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.infomarts.world import World

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)


class Warehouse:
    """The marts of a world as the job opens them."""

    def __init__(self, marts: Marts) -> None:
        self.marts = marts

    def open(self) -> Warehouse:
        return self

    @contextmanager
    def reading(self) -> Iterator[Any]:
        yield self.marts.connection.cursor


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(tmp_path))
    return tmp_path


def send(marts: Marts) -> dg.ExecuteInProcessResult:
    [job] = [job for job in build_jobs() if isinstance(job, dg.JobDefinition) and job.name == WEEKLY_DIGEST]
    return job.execute_in_process(resources={"warehouse": Warehouse(marts)}, raise_on_error=False)


def test_it_says_what_the_page_says(marts: Marts, page: Callable[[str], str]) -> None:
    digest = weekly_digest(SqlMarts(marts.connection.cursor), NOW)
    on_page = re.findall(r"<dt>.*?>([\w ]+)</a></dt>\s*<dd>(.*?)</dd>", page("internal"), re.S)
    plain = [f"{heading}: {re.sub(r'<.*?>', '', text)}" for heading, text in on_page]
    assert len(plain) == 7
    assert digest.body.split("\n\n") == [text.replace("&#39;", "'").replace("&amp;", "&") for text in plain]
    assert digest.subject == "Open source, week to Sun 22 Nov 2026: 5 things want a decision"
    assert "<" not in digest.body


def test_the_public_one_tells_nothing_of_people_or_security(marts: Marts) -> None:
    digest = weekly_digest(SqlMarts(marts.connection.cursor), NOW, audience="public")
    assert [p.split(":")[0] for p in digest.body.split("\n\n")] == ["Trust", "Waiting for us", "Grew"]


def test_without_any_day_it_says_so(mart_sql: dict[str, str]) -> None:
    marts = Marts(mart_sql, World())
    for name in mart_sql:
        marts.build(name)
    assert weekly_digest(SqlMarts(marts.connection.cursor), NOW).subject == "Open source: no day has been loaded yet"


def test_the_job_sends_it_and_shows_it(marts: Marts, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSS_DATASTORE_DIGEST", "log")
    done = send(marts)
    assert done.success
    [line] = (home / "alerts.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert told["concern"] == "weekly_digest"
    assert told["subject"].startswith("Open source, week to Sun 22 Nov 2026")
    assert "Decide: 2 archive candidates; 1 without an owner." in told["body"]


def test_a_way_that_is_deaf_fails_the_run_and_keeps_no_other_from_it(
    marts: Marts, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSS_DATASTORE_DIGEST", "webhook:http://127.0.0.1:9/secret,log")
    done = send(marts)
    assert not done.success
    assert len((home / "alerts.jsonl").read_text().splitlines()) == 1
    [failure] = [e for e in done.all_events if e.event_type_value == "STEP_FAILURE"]
    assert "the digest did not reach 1 of 2 ways: webhook-" in str(failure.step_failure_data.error)
    assert "secret" not in str(failure.step_failure_data.error)


def test_where_nobody_is_set_nothing_runs(marts: Marts, home: Path) -> None:
    [schedule] = [s for s in build_schedules() if s.name == WEEKLY_DIGEST]
    context = dg.build_schedule_context(scheduled_execution_time=NOW)
    told = schedule.evaluate_tick(context)
    assert told.skip_message == "OSS_DATASTORE_DIGEST names nobody"
    assert not send(marts).success


def test_each_monday_is_told_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSS_DATASTORE_DIGEST", "log")
    [schedule] = [s for s in build_schedules() if s.name == WEEKLY_DIGEST]
    context = dg.build_schedule_context(scheduled_execution_time=NOW)
    [request] = schedule.evaluate_tick(context).run_requests or []
    assert request.run_key == "digest of 2026-11-23"
