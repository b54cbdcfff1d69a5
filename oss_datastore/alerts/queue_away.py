"""The queue itself is away: what is told then cannot be remembered in its database, so the raw store remembers it.

One object per notifier says that it was told, and another when that was over: no restart tells it twice, on whatever
machine. A process that is killed between delivering and noting it tells it once more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from oss_datastore.alerts.evaluation import COOL_DOWN
from oss_datastore.alerts.message import Alert, Concern, Severity
from oss_datastore.alerts.notifiers import Notifier, deliver
from oss_datastore.clock import Clock
from oss_datastore.staging.store import ObjectExists, ObjectMissing, RawStore

PREFIX = "alerts/queue_away/"
_SUBJECT = "The dead letter queue cannot be reached"
_BODY = """\
{why}

Nothing is lost: failures wait in the raw store and are taken in by themselves once the queue is back. Until then no
other alert can be told, and nothing can be retried.

Read: oss-datastore status, which shows what the ledger knows
Mend: start the PostgreSQL that DLQ_URL names, or look at the home's postgres/log where it is the embedded one"""
_BACK = "The queue is back; what waited in the raw store is taken in."


def tell_away(why: str, notifiers: Sequence[Notifier], store: RawStore, clock: Clock) -> list[Alert]:
    """Tells by each notifier, once, that the queue is away; what was delivered."""
    concern = Concern("queue_away:queue", why, Severity.page, _SUBJECT, _BODY.format(why=why))
    alert = Alert.of(concern, clock.now())
    told = []
    for notifier in notifiers:
        if _noted(store, notifier) or _is_fresh(store, notifier) or deliver(notifier, alert):
            continue
        with suppress(ObjectExists):  # another process was as quick
            store.put_if_absent(_key(notifier), json.dumps({"at": datetime.now(UTC).isoformat()}).encode())
        told.append(alert)
    return told[:1]


def tell_back(notifiers: Sequence[Notifier], store: RawStore, clock: Clock) -> list[Alert]:
    """Tells by those who told that the queue was away that it is back; what was delivered."""
    if not any(True for _ in store.list(PREFIX)):
        return []
    over = Concern("queue_away:queue", "", Severity.note, f"Over: {_SUBJECT}", _BACK)
    alert = replace(Alert.of(over, clock.now()), recovery=True)
    told = []
    for notifier in notifiers:
        at = _noted(store, notifier)
        if at is None or deliver(notifier, alert):
            continue
        store.delete(_key(notifier))
        store.delete(_over(notifier))
        with suppress(ObjectExists):
            store.put_if_absent(_over(notifier), json.dumps({"at": at.isoformat()}).encode())
        told.append(alert)
    return told[:1]


def _noted(store: RawStore, notifier: Notifier) -> datetime | None:
    return _moment(store, _key(notifier))


def _is_fresh(store: RawStore, notifier: Notifier) -> bool:
    """A server that comes and goes is told of once in a while."""
    at = _moment(store, _over(notifier))
    return at is not None and datetime.now(UTC) - at < COOL_DOWN


def _moment(store: RawStore, key: str) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(store.get(key))["at"])
    except ObjectMissing:
        return None


def _key(notifier: Notifier) -> str:
    return f"{PREFIX}{notifier.name}.json"


def _over(notifier: Notifier) -> str:
    return f"{PREFIX}{notifier.name}.over.json"
