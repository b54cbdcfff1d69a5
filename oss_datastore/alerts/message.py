"""The messages: what a concern is, what is sent of it, and the phrases that all of them use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from oss_datastore.redaction import redact_text

LISTED = 10
"""A message names so many kinds of a thing and counts the others."""

RETRY = "Retry: the job retry_dead_letters in the launchpad, or\n  oss-datastore dlq retry --due"


class Severity(StrEnum):
    """How urgent: something is being lost (page), somebody must act (mail), good to know (note)."""

    page = "page"
    mail = "mail"
    note = "note"

    @property
    def rank(self) -> int:
        """0 is the most urgent."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Concern:
    """Something an administrator should know of, as it stands now.

    `key` names it from one evaluation to the next. `mark` is what is to be remembered of what was told: the same mark
    is told once. What `passes` has no recovery notice: it happened, and is not over at any time. `dataset` is where it
    is shown among the assets.
    """

    key: str
    mark: Any
    severity: Severity
    subject: str
    body: str
    dataset: str = "organizations"
    count: int = 0
    passes: bool = False


@dataclass(frozen=True)
class Alert:
    """One message: a first line for a pager, the rest for whoever acts. `at` is when it was judged, UTC.

    `letters` counts the letters, scopes, days or runs it is about.
    """

    concern: str
    severity: str
    subject: str
    body: str
    letters: int
    at: str
    dataset: str
    recovery: bool = False

    @classmethod
    def of(cls, concern: Concern, now: datetime) -> Alert:
        """What is sent of a concern, without secrets."""
        return cls(
            concern.key,
            concern.severity.value,
            redact_text(concern.subject),
            redact_text(concern.body),
            concern.count,
            now.isoformat(),
            concern.dataset,
        )


def counted(number: int, noun: str) -> str:
    """`1 letter`, `2,000 letters`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def listed(counts: Mapping[str, int]) -> list[str]:
    """The most frequent as lines, and how many kinds more there are."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"- {count:,} × {what}" for what, count in ordered[:LISTED]]
    if len(ordered) > LISTED:
        lines.append(f"- and {len(ordered) - LISTED} more kinds")
    return lines


def span(days: Iterable[date]) -> str:
    """`2026-10-14`, or `2026-10-14 to 2026-10-16`."""
    ordered = sorted(set(days))
    return f"{ordered[0]}" if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def losses(rows: Iterable[tuple[datetime, str, int]]) -> list[str]:
    """What is lost for ever and when, soonest first: rows of (moment, what, how much)."""
    together: dict[tuple[datetime, str], int] = {}
    for until, what, count in rows:
        together[until, what] = together.get((until, what), 0) + count
    ordered = sorted(together.items())
    if not ordered:
        return []
    lines = [
        f"- at {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {count:,} × {what}"
        for (until, what), count in ordered[:LISTED]
    ]
    if len(ordered) > LISTED:
        lines.append(f"- and {len(ordered) - LISTED} more kinds later")
    return ["", "Lost for ever unless it is had before:", *lines]
