"""The ways of OSS_DATASTORE_ALERTS and OSS_DATASTORE_DIGEST: the log, SNS, a webhook, and whatever apprise reaches.

Addresses are secrets: they stand in no name, message or log.
"""

from __future__ import annotations

import hashlib
import json
import logging
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from oss_datastore.alerts.message import Alert, Severity
from oss_datastore.redaction import remember_secret
from oss_datastore.secret_settings import Secret
from oss_datastore.settings import Settings, WrongSetting

logger = logging.getLogger("oss_datastore.alerts")

TIMEOUT = 10.0
"""Seconds that a notifier may take to connect, and again to answer."""

_LONGEST_SNS_SUBJECT = 100


class NotDelivered(Exception):
    """The message did not reach anybody; the text says why, without the address."""


class Notifier(Protocol):
    """A way to reach people. `name` is what is remembered of it: what it told, it does not tell again."""

    @property
    def name(self) -> str:
        """Short and stable, without a secret."""

    def tell(self, alert: Alert) -> None:
        """Delivers one message. Raises NotDelivered."""


def notifiers(settings: Settings) -> list[Notifier]:
    """The ways of OSS_DATASTORE_ALERTS; the settings have seen to it that each can be used."""
    return [_notifier("alerts", target, settings) for target in settings.alerts]


def digest_notifiers(settings: Settings) -> list[Notifier]:
    """The ways of OSS_DATASTORE_DIGEST; none where it is empty."""
    return [_notifier("digest", target, settings) for target in settings.digest]


def deliver(notifier: Notifier, alert: Alert) -> str:
    """Why the alert did not reach anybody by this notifier, without its address; '' where it did. Never raises."""
    try:
        notifier.tell(alert)
    except NotDelivered as why:
        told = str(why)
    except Exception as why:
        # Of any kind: what people are reached by is not ours, and a run must not fail with it. Its text may hold the
        # address, which is a secret.
        told = type(why).__name__
    else:
        return ""
    logger.error("alert not delivered by %s (%s); it is tried again", notifier.name, told)
    return told or "it did not say why"


def _notifier(field: str, target: str, settings: Settings) -> Notifier:
    way, _, address = target.partition(":")
    if way == "sns":
        return SnsNotifier(address, settings.aws_endpoint_url)
    if way == "webhook":
        return WebhookNotifier(settings.address(field, address))
    if way == "apprise":
        return AppriseNotifier(settings.address(field, address))
    return LogNotifier(settings.home_path / "alerts.jsonl")


def _read(address: Secret) -> str:
    """The address itself. Raises NotDelivered where it is kept elsewhere and cannot be read."""
    try:
        url = address.get_secret_value()
    except WrongSetting as why:
        raise NotDelivered(str(why)) from None
    remember_secret(url)
    return url


def _named(way: str, address: str) -> str:
    """Tells two addresses apart without giving either away."""
    return f"{way}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class LogNotifier:
    """Writes to the log and, one JSON line each, to `alerts.jsonl` under the home."""

    path: Path
    name: str = "log"

    def tell(self, alert: Alert) -> None:
        """Logs the alert. Raises NotDelivered when the file cannot be written."""
        level = logging.INFO if alert.severity == Severity.note.value else logging.WARNING
        logger.log(level, "%s\n%s", alert.subject, alert.body)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(alert), ensure_ascii=False) + "\n")
        except OSError as why:
            raise NotDelivered(f"{self.path.name} cannot be written: {why.strerror or why}") from None


@dataclass(frozen=True)
class SnsNotifier:
    """Publishes to an SNS topic; `severity` is an attribute, so that subscriptions can filter by it."""

    arn: str
    endpoint: str | None

    @property
    def name(self) -> str:
        """By topic."""
        return _named("sns", self.arn)

    def tell(self, alert: Alert) -> None:
        """Publishes the alert. Raises NotDelivered."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        config = Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"total_max_attempts": 2})
        try:
            client = boto3.client("sns", region_name=self.arn.split(":")[3], endpoint_url=self.endpoint, config=config)
            client.publish(
                TopicArn=self.arn,
                # SNS takes printable ASCII of one line only.
                Subject=alert.subject.encode("ascii", "replace").decode()[:_LONGEST_SNS_SUBJECT],
                Message=f"{alert.subject}\n\n{alert.body}",
                MessageAttributes={"severity": {"DataType": "String", "StringValue": alert.severity}},
            )
        except ClientError as why:
            raise NotDelivered(f"SNS refused it: {why.response.get('Error', {}).get('Code', 'unknown')}") from None
        except BotoCoreError as why:
            raise NotDelivered(f"SNS: {type(why).__name__}") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A message is not carried on to an address that nobody set."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True)
class WebhookNotifier:
    """Posts the alert as JSON; any 2xx is a delivery."""

    address: Secret

    @property
    def name(self) -> str:
        """By address."""
        return _named("webhook", self.address.written)

    def tell(self, alert: Alert) -> None:
        """Posts the alert. Raises NotDelivered."""
        url = _read(self.address)
        if not url.startswith(("http://", "https://")):
            raise NotDelivered("the webhook's address does not begin with https:// (or http://)")
        # `text` is what chats show of a message.
        body = {**asdict(alert), "text": f"{alert.subject}\n{alert.body}"}
        request = urllib.request.Request(  # noqa: S310
            url,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "User-Agent": "oss-datastore"},
        )
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT):
                return
        except urllib.error.HTTPError as why:
            why.close()
            raise NotDelivered(f"the webhook answered {why.code}") from None
        except (OSError, ValueError) as why:
            reason = getattr(why, "reason", why)
            raise NotDelivered(f"the webhook cannot be reached: {type(reason).__name__}") from None


@dataclass(frozen=True)
class AppriseNotifier:
    """Hands the alert to apprise, which knows a hundred services by their address."""

    address: Secret

    @property
    def name(self) -> str:
        """By address."""
        return _named("apprise", self.address.written)

    def tell(self, alert: Alert) -> None:
        """Notifies the service. Raises NotDelivered."""
        import apprise

        service = apprise.Apprise()
        if not service.add(_read(self.address)):
            raise NotDelivered("apprise does not know the form of this address")
        kind = {"page": apprise.NotifyType.FAILURE, "mail": apprise.NotifyType.WARNING}.get(
            alert.severity, apprise.NotifyType.INFO
        )
        if not service.notify(
            title=alert.subject, body=alert.body, notify_type=kind, body_format=apprise.NotifyFormat.TEXT
        ):
            raise NotDelivered("the service did not take it")
