"""What a failure and a letter are: records without behaviour of the database.

A `Failure` is what went wrong, told by whoever met it. A `Letter` is what the queue keeps of it. How one becomes
the other, without secrets and within limits, is in `records`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any

STATES = ("open", "retrying", "resolved", "expired", "discarded")
UNRESOLVED = ("open", "retrying")


@dataclass(frozen=True)
class Failure:
    """One failed fetch of a scope, or one record that did not parse.

    `source` is github_v3, github_v4, file or etl. `cause` tells one failure from another of the same dataset,
    scope and day, and must be stable from attempt to attempt; by default the error class. `staged` says where the
    line lies that did not parse. `recoverable_until` is None where the answer can be had for ever.
    """

    dataset: str
    scope: str
    day: date
    source: str
    error_class: str
    message: str
    cause: str = ""
    request: Mapping[str, Any] | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    recoverable_until: datetime | None = None
    staged: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Letter:
    """A failure as the queue keeps it. All times are UTC.

    `body` is text as it came, or base64 where `body_encoding` says so, without secrets and cut; None in lists.
    `body_length` counts the bytes of the whole answer.
    """

    id: int
    dataset: str
    scope: str
    day: date
    cause: str
    source: str
    error_class: str
    message: str
    request: Mapping[str, Any] | None
    status: int | None
    headers: Mapping[str, str]
    body: str | None
    body_encoding: str | None
    body_length: int | None
    staged: Mapping[str, Any] | None
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    recoverable_until: datetime | None
    state: str
    lease_owner: str | None
    lease_until: datetime | None
    closed_at: datetime | None
    resolution: str | None
    covered_by: date | None
    note: str | None

    @property
    def body_bytes(self) -> bytes | None:
        """The kept part of the answer, byte for byte."""
        if self.body is None:
            return None
        return base64.b64decode(self.body) if self.body_encoding == "base64" else self.body.encode()

    def as_dict(self) -> dict[str, Any]:
        """The letter for JSON: times and dates in ISO 8601."""
        return {
            item.name: value.isoformat() if isinstance(value, date) else value
            for item in fields(self)
            for value in [getattr(self, item.name)]
        }

    def recoverable(self, now: datetime) -> str:
        """For people: whether, and how long, what is missing can still be had."""
        if self.state in ("resolved", "discarded"):
            return self.state
        if self.recoverable_until is None:
            return "at any time"
        until = f"{self.recoverable_until:%Y-%m-%d %H:%M} UTC"
        left = self.recoverable_until - now
        if self.state == "expired" or left <= timedelta(0):
            return f"lost since {until}"
        return f"until {until} ({_span(left)} left)"


@dataclass(frozen=True)
class Transition:
    """One change of a letter's state: when, by whom and why; `from_state` is None when it was written."""

    id: int
    letter_id: int
    at: datetime
    from_state: str | None
    to_state: str
    who: str
    why: str
    attempts: int

    def as_dict(self) -> dict[str, Any]:
        return {**{item.name: getattr(self, item.name) for item in fields(self)}, "at": self.at.isoformat()}


def _span(left: timedelta) -> str:
    minutes = max(1, int(left.total_seconds()) // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
