"""The one function that sensors and commands use: judges, tells what was not told, and remembers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from oss_datastore.alerts.memory import Memory, Told
from oss_datastore.alerts.message import Alert, Concern, Severity
from oss_datastore.alerts.notifiers import Notifier, deliver
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue

COOL_DOWN = timedelta(hours=1)
"""News of a concern that was told wait so long, unless they are more urgent."""


class Judge(Protocol):
    """Finds concerns. `keys` are the first parts of all keys it may give: what it does not give of them is over."""

    @property
    def keys(self) -> frozenset[str]:
        """First parts of keys, in front of a colon."""

    def prepare(self) -> None:
        """Brings what is judged up to date; done once."""

    def judge(self, told: Mapping[str, Any]) -> list[Concern]:
        """What there is, given the marks of what was told."""

    def end(self, key: str) -> str:
        """What is said when a concern is over."""


def evaluate(
    queue: DeadLetterQueue,
    notifiers: Sequence[Notifier],
    judges: Sequence[Judge],
    clock: Clock,
    *,
    cool_down: timedelta = COOL_DOWN,
) -> list[Alert]:
    """Tells by each notifier what it has not told; what was delivered by at least one of them.

    One process at a time: another one that asks waits, and then finds it told. A notifier that fails is tried again
    at the next evaluation, without the others telling it twice; it never fails the caller. Raises QueueError where
    the queue is away.
    """
    told: dict[tuple[str, bool], Alert] = {}
    with queue.alone("alerts"):
        for judge in judges:
            judge.prepare()
        for notifier in notifiers:
            memory = Memory.of(queue, notifier.name)
            before = replace(memory, told=dict(memory.told))
            for judge in judges:
                for alert in _tell(queue, notifier, memory, judge, clock, cool_down):
                    told[alert.concern, alert.recovery] = alert
            if memory != before:
                memory.write(queue)
    return list(told.values())


def _tell(
    queue: DeadLetterQueue, notifier: Notifier, memory: Memory, judge: Judge, clock: Clock, cool_down: timedelta
) -> list[Alert]:
    delivered = []
    now = datetime.now(UTC)
    found = {concern.key: concern for concern in judge.judge(memory.marks())}
    for key, concern in found.items():
        known = memory.told.get(key)
        if not _is_news(known, concern, now, cool_down):
            if known is not None and not known.over and _is_part(concern.mark, known.mark):
                memory.told[key] = replace(known, mark=concern.mark)
            continue
        alert = Alert.of(concern, clock.now())
        if _deliver(notifier, memory, alert):
            memory.told[key] = Told(
                concern.mark,
                concern.severity.value,
                alert.subject,
                concern.dataset,
                now.isoformat(),
                passes=concern.passes,
            )
            # At once: a process that is killed later must not tell it again.
            memory.write(queue)
            delivered.append(alert)
    for key, known in memory.standing().items():
        if key.partition(":")[0] not in judge.keys or key in found:
            continue
        alert = Alert(
            key,
            Severity.note.value,
            f"Over: {known.subject}",
            judge.end(key),
            0,
            clock.now().isoformat(),
            known.dataset,
            recovery=True,
        )
        if _deliver(notifier, memory, alert):
            memory.end(key, now)
            memory.write(queue)
            delivered.append(alert)
    memory.prune(set(found), set(judge.keys), now)
    return delivered


def _is_news(known: Told | None, concern: Concern, now: datetime, cool_down: timedelta) -> bool:
    if not concern.subject:
        return False
    if known is None:
        return True
    if not known.over and (known.mark == concern.mark or _is_part(concern.mark, known.mark)):
        return False
    more_urgent = concern.severity.rank < Severity(known.severity).rank
    return more_urgent or known.since(now) >= cool_down


def _is_part(mark: Any, told: Any) -> bool:
    """Of many things some are over, and none is new."""
    return isinstance(mark, list) and isinstance(told, list) and set(mark) <= set(told)


def _deliver(notifier: Notifier, memory: Memory, alert: Alert) -> bool:
    why = deliver(notifier, alert)
    if why:
        memory.failed(why)
        return False
    memory.delivered()
    return True
