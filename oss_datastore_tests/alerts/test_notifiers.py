"""The ways of OSS_DATASTORE_ALERTS: what each delivers, how it fails, and that its address stays secret."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from oss_datastore.alerts import Alert, NotDelivered, notifiers
from oss_datastore.alerts.memory import Memory
from oss_datastore.alerts.notifiers import AppriseNotifier, LogNotifier, SnsNotifier, WebhookNotifier
from oss_datastore.secret_settings import Secret
from oss_datastore.settings import Settings, WrongSetting
from oss_datastore_tests.alerts.conftest import NOW, Watch, failure

HIDDEN = "hidden-part-of-an-address"
ALERT = Alert("dead_letters", "page", "2 new dead letters ×", "what to do", 2, NOW.isoformat(), "issues")


@dataclass
class Listener:
    """A webhook on loopback that keeps what it is sent and answers as it is bidden."""

    url: str = ""
    answer: int = 204
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    here = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            here.got.append((self.path, json.loads(body)))
            self.send_response(here.answer)
            if 300 <= here.answer < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    here.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield here
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Notifiers of a value of OSS_DATASTORE_ALERTS."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(tmp_path))

    def of(value: str) -> Any:
        monkeypatch.setenv("OSS_DATASTORE_ALERTS", value)
        return notifiers(Settings.load())

    return of


def test_the_log_also_writes_one_json_line_each(ways: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    [log] = ways("log")
    log.tell(ALERT)
    assert "2 new dead letters" in caplog.text
    [line] = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert (json.loads(line)["subject"], json.loads(line)["severity"]) == (ALERT.subject, "page")
    with pytest.raises(NotDelivered, match=r"alerts\.jsonl cannot be written"):
        LogNotifier(tmp_path / "missing" / "alerts.jsonl").tell(ALERT)


def test_a_webhook_is_posted_json(ways: Any, listener: Listener) -> None:
    [hook] = ways(f"webhook:{listener.url}/{HIDDEN}")
    hook.tell(ALERT)
    [(path, body)] = listener.got
    assert path == f"/{HIDDEN}"
    assert (body["subject"], body["severity"], body["text"]) == (
        ALERT.subject,
        "page",
        "2 new dead letters ×\nwhat to do",
    )


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_a_webhook_that_answers_otherwise_has_not_delivered(listener: Listener, answer: int) -> None:
    listener.answer = answer
    with pytest.raises(NotDelivered, match=f"the webhook answered {answer}"):
        WebhookNotifier(Secret(f"{listener.url}/{HIDDEN}")).tell(ALERT)
    assert [path for path, _ in listener.got] == [f"/{HIDDEN}"]


def test_the_address_of_a_webhook_is_in_no_log_no_memory_and_no_message(
    ways: Any, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = f"http://127.0.0.1:1/{HIDDEN}"
    log, hook = ways(f"log,webhook:{address}")
    watch.queue.put(failure(1, message=f"could not post to {address}"))
    [alert] = watch.look(log, hook)
    [trouble] = [memory.trouble for memory in Memory.all(watch.queue) if memory.notifier == hook.name]
    assert trouble is not None
    assert (trouble.why, trouble.tries) == ("the webhook cannot be reached: ConnectionRefusedError", 1)
    kept = json.dumps(watch.queue.memories(""))
    for text in (caplog.text, kept, repr(hook), hook.name, alert.subject, alert.body):
        assert HIDDEN not in text


def test_a_notifier_that_delivers_again_is_in_trouble_no_longer(ways: Any, watch: Watch, listener: Listener) -> None:
    listener.answer = 500
    [hook] = ways(f"webhook:{listener.url}")
    watch.queue.put(failure(1))
    assert watch.look(hook) == []
    assert watch.look(hook) == []
    assert [memory.trouble.tries for memory in Memory.all(watch.queue) if memory.trouble] == [2]
    listener.answer = 200
    assert watch.look(hook)
    assert Memory.of(watch.queue, hook.name).trouble is None


def test_sns_gets_subject_message_and_severity(ways: Any, moto_s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_s3)
    place = {"region_name": "eu-central-1", "endpoint_url": moto_s3}
    sqs, sns = boto3.client("sqs", **place), boto3.client("sns", **place)
    queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    [way] = ways(f"sns:{topic}")
    way.tell(ALERT)
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    got = json.loads(message["Body"])
    assert got["Subject"] == "2 new dead letters ?"
    assert got["Message"] == "2 new dead letters ×\n\nwhat to do"
    assert got["MessageAttributes"]["severity"]["Value"] == "page"
    with pytest.raises(NotDelivered, match="SNS refused it: NotFound"):
        SnsNotifier(f"{topic}-missing", moto_s3).tell(ALERT)


def test_apprise_reaches_what_it_knows(listener: Listener) -> None:
    pytest.importorskip("apprise", reason="the extra apprise is not installed")
    address = listener.url.removeprefix("http://")
    AppriseNotifier(Secret(f"json://{address}/{HIDDEN}")).tell(ALERT)
    [(_, body)] = listener.got
    assert (body["title"], body["message"], body["type"]) == (ALERT.subject, "what to do", "failure")
    listener.answer = 500
    with pytest.raises(NotDelivered, match="the service did not take it"):
        AppriseNotifier(Secret(f"json://{address}/{HIDDEN}")).tell(ALERT)
    with pytest.raises(NotDelivered, match="does not know"):
        AppriseNotifier(Secret("nothing-known://x")).tell(ALERT)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("mail:me@example.test", "expected log, sns:<arn>, webhook:<url> or apprise:<url>, separated by commas"),
        (" , ", "expected log, sns:<arn>, webhook:<url> or apprise:<url>, came only commas"),
        ("sns:topic", "expected sns:arn:aws:sns:<region>:<account>:<topic>"),
        (f"log,webhook:{HIDDEN}", "expected webhook:https://… (or webhook:http://…)"),
        (f"webhook:https://[{HIDDEN}", "expected webhook:https://… (or webhook:http://…)"),
        (f"apprise:{HIDDEN}", "expected apprise:<service>://… as apprise describes it (a comma within as %2C)"),
    ],
)
def test_a_wrong_value_stops_the_start_with_one_line_that_names_the_variable(
    ways: Any, value: str, expected: str
) -> None:
    with pytest.raises(WrongSetting) as told:
        ways(value)
    assert str(told.value) == f"OSS_DATASTORE_ALERTS: {expected}"


def test_an_empty_value_means_the_log_and_not_that_nobody_is_told(ways: Any) -> None:
    assert [way.name for way in ways("")] == ["log"]


def test_apprise_that_is_not_installed_stops_the_start(ways: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(WrongSetting, match=r"^OSS_DATASTORE_ALERTS: apprise:<url> needs apprise: pip install '"):
        ways(f"apprise:slack://{HIDDEN}")
