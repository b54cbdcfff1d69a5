"""What GitHub's headers say about limits and time.

Only reading belongs here; what follows from it is `budget.py`. A value that is no number or no date reads as None:
recordings and proxies hold such values, and nothing may wait for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from oss_datastore.github.classification import Limit

POOLS = ("core", "graphql", "search", "code_search", "dependency_sbom")
FREE = "free"
"""The pool of calls that no hourly limit counts."""


def pool_of(url: str) -> str:
    """The pool GitHub counts a REST address in."""
    path = urlsplit(url).path
    if re.fullmatch(r"(?:/api/v3)?/rate_limit", path):
        return FREE
    if search := re.match(r"(?:/api/v3)?/search/(code)?", path):
        return "code_search" if search[1] else "search"
    return "dependency_sbom" if path.endswith("/dependency-graph/sbom") else "core"


def told_limits(payload: Any) -> dict[str, tuple[int, int, datetime]]:
    """Limit, remaining and reset of each pool that we use, from an answer of /rate_limit."""
    resources = payload.get("resources") if isinstance(payload, dict) else None
    found = {}
    for pool in POOLS:
        told = resources.get(pool) if isinstance(resources, dict) else None
        if isinstance(told, dict):
            limit, remaining, reset = (told.get(name) for name in ("limit", "remaining", "reset"))
            if isinstance(limit, int) and isinstance(remaining, int) and (moment := epoch(str(reset))) is not None:
                found[pool] = (limit, remaining, moment)
    return found


def named_wait(limit: Limit, headers: Mapping[str, str], server_now: datetime) -> float | None:
    """Seconds until the moment the answer itself names, or None where it names none."""
    if limit == "primary" and (reset := epoch(headers.get("x-ratelimit-reset"))) is not None:
        return (reset - server_now).total_seconds() + 1.0
    named = headers.get("retry-after", "").strip()
    seconds = count(named)
    if seconds is not None:
        return float(seconds)
    moment = http_date(named)
    return (moment - server_now).total_seconds() if moment else None


def count(text: str | None) -> int | None:
    """A counter's value."""
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,15}", text) else None


def epoch(text: str | None) -> datetime | None:
    """A moment given in seconds since 1970."""
    seconds = count(text)
    if seconds is None:
        return None
    # Milliseconds occur in recordings; taken for seconds they would mean a wait of ages.
    return datetime.fromtimestamp(seconds / 1000 if seconds > 10**11 else seconds, UTC)


def http_date(text: str | None) -> datetime | None:
    """A moment in the form of the `Date` header."""
    try:
        moment = parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError):
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
