"""Chance and time: generators of their own for every thing that happens, and seconds since 1970.

Each generator is named by what it decides, so that adding a new decision never moves an old one.
"""

from __future__ import annotations

import hashlib
import random
import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

HOUR = 3_600
DAY = 86_400
ANCHOR = int(datetime(2024, 6, 1, tzinfo=UTC).timestamp())
"""Where the histories begin: early enough that any present from 2025 on has a past."""
ANCHOR_DAY = ANCHOR // DAY
HORIZON = int(datetime(2034, 1, 1, tzinfo=UTC).timestamp())
"""Where what is made in advance (tenures, grants) ends."""


def dice(*scope: object) -> random.Random:
    """A generator that belongs to this scope alone and is the same in every process."""
    digest = hashlib.blake2b("\x1f".join(map(str, scope)).encode(), digest_size=8).digest()
    return random.Random(int.from_bytes(digest, "big"))


def share(*scope: object) -> float:
    """One number in [0, 1) that belongs to this scope."""
    digest = hashlib.blake2b("\x1f".join(map(str, scope)).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / (1 << 56)


def sha(*scope: object) -> str:
    """A forty-digit commit id that belongs to this scope."""
    return hashlib.blake2b("\x1f".join(map(str, scope)).encode(), digest_size=20).hexdigest()


def about(rng: random.Random, mean: float) -> int:
    """A count that is `mean` on average and between nothing and twice that."""
    return int(mean * (rng.random() + rng.random()) + rng.random())


@lru_cache(maxsize=65_536)
def iso(instant: int) -> str:
    """The way GitHub writes an instant."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant))


def maybe_iso(instant: int | None) -> str | None:
    """As `iso`, for something that may not have happened."""
    return None if instant is None else iso(instant)


def seconds(moment: datetime) -> int:
    """Seconds since 1970 of an aware datetime."""
    return int(moment.timestamp())


def parse_instant(text: str) -> int:
    """Seconds since 1970 of a timestamp as clients write them; a bare date is its midnight. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def day_of(instant: int) -> date:
    """The UTC day of an instant."""
    return date(1970, 1, 1) + timedelta(days=instant // DAY)


@lru_cache(maxsize=256)
def month_start(month: int) -> int:
    """The first second of a month, counted from the anchor's month (0)."""
    years, rest = divmod(5 + month, 12)
    return int(datetime(2024 + years, rest + 1, 1, tzinfo=UTC).timestamp())


def month_of(instant: int) -> int:
    """The month of an instant, counted from the anchor's month; negative before it."""
    moment = time.gmtime(instant)
    return (moment.tm_year - 2024) * 12 + moment.tm_mon - 6
