"""What an administrator is told, and by which way.

One function, `evaluate`, serves the sensor and the end of a command line run alike; what was told already is
remembered in the queue's database, so neither a restart nor the other of the two tells it twice.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue, Letter, Transition
from oss_datastore.settings import Settings

logger = logging.getLogger("oss_datastore.alerts")

_REMEMBERED = "alerted_up_to_transition"


@dataclass(frozen=True)
class Alert:
    """One grouped message: a first line for a pager, the rest for whoever acts."""

    severity: str
    subject: str
    body: str
    letters: int
    at: str


class Notifier(Protocol):
    """A way to reach people. `name` is what is remembered of it: what it told, it does not tell again."""

    @property
    def name(self) -> str:
        """Short and stable, such as `log`."""

    def tell(self, alert: Alert) -> bool:
        """Delivers one message; whether that succeeded."""


@dataclass(frozen=True)
class LogNotifier:
    """Writes to the log and, one JSON line each, to `alerts.jsonl` under the home."""

    path: Path
    name: str = "log"

    def tell(self, alert: Alert) -> bool:
        """Logs the alert; False when the file cannot be written."""
        logger.warning("%s\n%s", alert.subject, alert.body)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(alert), ensure_ascii=False) + "\n")
        except OSError as why:
            logger.error("the alert could not be written to %s: %s", self.path.name, why)
            return False
        return True


def notifiers(settings: Settings) -> list[Notifier]:
    """The ways of OSS_DATASTORE_ALERTS; one that this version cannot use is said aloud, and the log serves instead."""
    for target in settings.alerts:
        if target != "log":
            way = target.partition(":")[0]
            logger.warning("OSS_DATASTORE_ALERTS: this version tells by log only, not by %s", way)
    return [LogNotifier(settings.home_path / "alerts.jsonl")]


def evaluate(queue: DeadLetterQueue, notifiers: list[Notifier], clock: Clock) -> Alert | None:
    """Tells of letters that are new or were opened again since the last time; None when there is nothing to tell.

    Letters that can no longer be had expire first: nobody is told to retry what is lost. A way that failed is tried
    again the next time, without the others telling it twice; it never fails the caller.
    """
    queue.expire_lost(who="alerts")
    told = None
    for notifier in notifiers:
        memory = f"{_REMEMBERED}:{notifier.name}"
        transitions = queue.transitions_since(int(queue.recall(memory) or 0))
        alert = _news(queue, transitions, clock)
        if alert is not None:
            told = alert
            if not _deliver(notifier, alert):
                continue
        if transitions:
            queue.remember(memory, str(max(t.id for t in transitions)))
    return told


def _news(queue: DeadLetterQueue, transitions: Sequence[Transition], clock: Clock) -> Alert | None:
    opened = [t.letter_id for t in transitions if t.to_state == "open" and t.from_state in (None, "resolved")]
    if not opened:
        return None
    still_open = {letter.id: letter for letter in queue.list(states=("open", "retrying"), limit=10_000)}
    letters = [still_open[id] for id in dict.fromkeys(opened) if id in still_open]
    return compose(letters, clock.now()) if letters else None


def _deliver(notifier: Notifier, alert: Alert) -> bool:
    try:
        delivered = notifier.tell(alert)
    except Exception as why:
        # Of any kind: what people reach others by is not ours, and a run must not fail with it.
        logger.error("alert not delivered by %s: %s", notifier.name, type(why).__name__)
        return False
    if not delivered:
        logger.error("alert not delivered by %s; it is tried again", notifier.name)
    return delivered


def compose(letters: list[Letter], now: datetime) -> Alert:
    """One message for any number of letters: counts, causes, the first error, what will be lost when, what to do."""
    causes = Counter((letter.dataset, letter.error_class) for letter in letters)
    days = sorted({letter.day for letter in letters})
    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    noun = "letter" if len(letters) == 1 else "letters"
    lines = [f"- {count} × {dataset}: {kind}" for (dataset, kind), count in causes.most_common(10)]
    if len(causes) > 10:
        lines.append(f"- and {len(causes) - 10} more kinds")
    first = min(letters, key=lambda letter: letter.id)
    lines += ["", f"First: letter {first.id}, {first.dataset} of {first.scope}, {first.day}: {first.message}"]
    losing = sorted((le.recoverable_until, le.id, le) for le in letters if le.recoverable_until)
    if losing:
        _, _, soonest = losing[0]
        lines.append(f"Lost first: {soonest.dataset} of {soonest.day}, {soonest.recoverable(now)}")
    lines += ["", "See it:   oss-datastore dlq show " + str(first.id), "Retry it: oss-datastore dlq retry --due"]
    return Alert(
        severity="page" if losing else "mail",
        subject=f"{len(letters)} new dead {noun} for {span}",
        body="\n".join(lines),
        letters=len(letters),
        at=now.isoformat(),
    )
