"""What an administrator is told, and by which way.

One function, `evaluate`, serves the sensor and the end of a command line run alike; what was told already is
remembered in the queue's database, so neither a restart nor the other of the two tells it twice.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue, Letter

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
    """A way to reach people. `tell` returns whether the message was delivered and never raises."""

    def tell(self, alert: Alert) -> bool:
        """Delivers one message."""


@dataclass(frozen=True)
class LogNotifier:
    """Writes to the log and, one JSON line each, to `alerts.jsonl` under the home."""

    path: Path

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


def evaluate(queue: DeadLetterQueue, notifiers: list[Notifier], clock: Clock) -> Alert | None:
    """Tells of letters that are new or were opened again since the last time; None when there is nothing to tell."""
    seen = int(queue.recall(_REMEMBERED) or 0)
    transitions = queue.transitions_since(seen)
    if not transitions:
        return None
    opened = [t.letter_id for t in transitions if t.to_state == "open" and t.from_state in (None, "resolved")]
    alert = None
    if opened:
        still_open = {letter.id: letter for letter in queue.list(states=("open", "retrying"), limit=10_000)}
        letters = [still_open[id] for id in dict.fromkeys(opened) if id in still_open]
        if letters:
            alert = compose(letters, clock.now())
            delivered = [notifier.tell(alert) for notifier in notifiers]
            if not all(delivered):
                return alert
    queue.remember(_REMEMBERED, str(max(t.id for t in transitions)))
    return alert


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
