"""What time it is.

Which calendar day it is may be held still by the setting NOW (tests, demo); how long something took never is:
durations use `time.monotonic()` and do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass
class Clock:
    """The calendar: real time, or the moment it is held at.

    `held` is the only thing that may change during a process (the demo lives through thirty days in one).
    """

    held: datetime | None = None

    def now(self) -> datetime:
        """The present moment, timezone-aware UTC."""
        return self.held if self.held is not None else datetime.now(UTC)

    def last_closed_day(self) -> date:
        """The newest UTC day that is over: the newest partition there can be."""
        return self.now().date() - timedelta(days=1)


def day_start(day: date) -> datetime:
    """The first moment of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def day_close(day: date) -> datetime:
    """The first moment after a UTC day."""
    return day_start(day) + timedelta(days=1)
