"""What a day can still give, and until when.

A partition is a UTC day. It is asked for on the day after; a snapshot taken then is the state at its close, and
nothing observed later is ever dated back.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from oss_datastore.catalogue.model import Addressable
from oss_datastore.clock import day_close, day_start

TRAFFIC_WINDOW_DAYS = 14
"""GitHub serves fourteen UTC days of traffic, the present one included."""


class DayNotOver(ValueError):
    """A partition was asked for before its day was over."""


def recoverable_until(addressable: Addressable, day: date) -> datetime | None:
    """The moment from which the day cannot be had any more; None where GitHub keeps it."""
    if addressable is Addressable.window:
        return day_start(day) + timedelta(days=TRAFFIC_WINDOW_DAYS - 1)
    if addressable is Addressable.snapshot:
        return day_start(day) + timedelta(days=2)
    if addressable is Addressable.feed:
        return day_start(day) + timedelta(days=30)
    return None


def is_overdue(day: date, now: datetime) -> bool:
    """Whether a scope that is still pending should have been had by now: from the noon after the day on."""
    return now >= day_close(day) + timedelta(hours=12)


def can_be_had(addressable: Addressable, day: date, now: datetime) -> bool:
    """Whether the day can still be asked for. Raises DayNotOver for a day that is not over."""
    if now < day_close(day):
        raise DayNotOver(
            f"{day} is not over yet (it is {now:%Y-%m-%d %H:%M} UTC): its partition exists from its close on"
        )
    until = recoverable_until(addressable, day)
    return until is None or now < until


def covering_days(addressable: Addressable, day: date) -> tuple[date, ...]:
    """Later days whose complete fetch holds the day's rows whole: the leftmost day of a window is cut, so not it."""
    if addressable is not Addressable.window:
        return ()
    return tuple(day + timedelta(days=n) for n in range(1, TRAFFIC_WINDOW_DAYS - 2))
