"""Who is told what: one grouped message for what is new, once, whatever became of the process or of the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from oss_datastore.alerts import Alert, LogNotifier, evaluate, notifiers
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue, Failure
from oss_datastore.resources import DeadLetterQueueResource
from oss_datastore.sensors import build_sensors
from oss_datastore.settings import Settings

DAY = date(2026, 10, 14)
NOW = datetime(2026, 10, 15, 0, 10, tzinfo=UTC)


def failure(number: int, *, dataset: str = "traffic_views", until: datetime | None = None) -> Failure:
    return Failure(
        dataset, f"github.com/repository/{number}", DAY, "github_v3", "server_fault", "500", recoverable_until=until
    )


@dataclass
class Paper:
    """Keeps what it was told, or fails as it is bidden."""

    name: str
    fails: bool | Exception = False
    told: list[Alert] = field(default_factory=list)

    def tell(self, alert: Alert) -> bool:
        if isinstance(self.fails, Exception):
            raise self.fails
        if not self.fails:
            self.told.append(alert)
        return not self.fails


@pytest.fixture
def queue(queue_url: str) -> DeadLetterQueue:
    return DeadLetterQueue(queue_url, clock=Clock(NOW))


def test_many_letters_are_one_message_with_counts_first_error_and_what_is_lost_first(queue: DeadLetterQueue) -> None:
    soon = NOW + timedelta(days=1)
    queue.put_many([*(failure(n) for n in range(30)), failure(99, dataset="members", until=soon)])
    paper = Paper("paper")
    alert = evaluate(queue, [paper], Clock(NOW))
    assert paper.told == [alert]
    assert alert is not None
    assert alert.subject == f"31 new dead letters for {DAY}"
    assert "30 × traffic_views: server_fault" in alert.body
    assert "Lost first: members of 2026-10-14, until 2026-10-16 00:10 UTC" in alert.body
    assert "oss-datastore dlq retry --due" in alert.body
    assert alert.severity == "page"


def test_what_was_told_is_not_told_again_even_after_a_restart(queue: DeadLetterQueue, queue_url: str) -> None:
    queue.put_many([failure(1)])
    assert evaluate(queue, [Paper("paper")], Clock(NOW))
    restarted = DeadLetterQueue(queue_url, clock=Clock(NOW))
    paper = Paper("paper")
    assert evaluate(restarted, [paper], Clock(NOW)) is None
    restarted.put_many([failure(1)])  # fails once more: the same letter, no news
    assert evaluate(restarted, [paper], Clock(NOW)) is None
    restarted.put_many([failure(2)])
    assert evaluate(restarted, [paper], Clock(NOW))
    assert [alert.letters for alert in paper.told] == [1]


def test_a_letter_that_comes_back_is_news(queue: DeadLetterQueue) -> None:
    [letter] = queue.put_many([failure(1)])
    paper = Paper("paper")
    evaluate(queue, [paper], Clock(NOW))
    queue.resolve(letter, who="test", why="better")
    assert evaluate(queue, [paper], Clock(NOW)) is None
    queue.put_many([failure(1)])
    evaluate(queue, [paper], Clock(NOW))
    assert len(paper.told) == 2


@pytest.mark.parametrize("fails", [True, OSError("no route")])
def test_a_way_that_is_dead_fails_nobody_and_makes_no_other_tell_twice(
    fails: bool | Exception, queue: DeadLetterQueue, caplog: pytest.LogCaptureFixture
) -> None:
    queue.put_many([failure(1)])
    dead, paper = Paper("dead", fails), Paper("paper")
    for _ in range(3):
        evaluate(queue, [dead, paper], Clock(NOW))
    assert len(paper.told) == 1
    assert "not delivered by dead" in caplog.text
    dead.fails = False
    evaluate(queue, [dead, paper], Clock(NOW))
    assert (len(dead.told), len(paper.told)) == (1, 1)


def test_what_is_lost_already_expires_and_nobody_is_told_to_retry_it(queue: DeadLetterQueue) -> None:
    [letter] = queue.put_many([failure(1, until=NOW - timedelta(minutes=1))])
    assert evaluate(queue, [Paper("paper")], Clock(NOW)) is None
    assert queue.get(letter).state == "expired"


def test_a_folder_that_cannot_be_written_is_told_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    alert = Alert("page", "1 new dead letter", "body", 1, NOW.isoformat())
    assert LogNotifier(tmp_path / "missing" / "alerts.jsonl").tell(alert) is False
    assert "could not be written" in caplog.text
    assert LogNotifier(tmp_path / "alerts.jsonl").tell(alert) is True
    assert json.loads((tmp_path / "alerts.jsonl").read_text())["subject"] == "1 new dead letter"


def test_a_tick_of_the_sensor_tells_once_and_then_has_nothing_to_tell(
    queue_url: str, queue: DeadLetterQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLQ_URL", queue_url)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(tmp_path))
    monkeypatch.setenv("OSS_DATASTORE_NOW", NOW.isoformat())
    queue.put_many([failure(1)])
    [sensor] = [sensor for sensor in build_sensors() if sensor.name == "dead_letters"]

    def tick() -> str:
        with dg.build_sensor_context(resources={"dlq": DeadLetterQueueResource()}) as context:
            data = sensor.evaluate_tick(context)
        return data.skip_message or ""

    assert tick() == f"told: 1 new dead letter for {DAY}"
    assert tick() == "no new dead letter"
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 1


def test_a_way_that_cannot_be_used_yet_is_said_aloud(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OSS_DATASTORE_ALERTS", "log,webhook:https://example.test/hidden-part")
    ways = notifiers(Settings.load())
    assert [type(way) for way in ways] == [LogNotifier]
    assert "not by webhook" in caplog.text
    assert "hidden-part" not in caplog.text
