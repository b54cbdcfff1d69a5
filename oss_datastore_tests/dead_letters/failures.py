"""Failures as the fetch loop tells them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from oss_datastore.dead_letters import Failure

DAY = date(2026, 11, 1)
SCOPE = "github.com/repository/1296269"


def failure(**changes: Any) -> Failure:
    """A server fault while the views of a repository were fetched, or what `changes` make of it."""
    told: dict[str, Any] = {
        "dataset": "traffic_views",
        "scope": SCOPE,
        "day": DAY,
        "source": "github_v3",
        "error_class": "server_fault",
        "message": "GitHub answered 502 five times",
        "request": {"api": "v3", "method": "GET", "url": "https://api.github.com/repositories/1296269/traffic/views"},
        "status": 502,
        "headers": {"Content-Type": "text/html", "X-GitHub-Request-Id": "ABCD:1", "Set-Cookie": "x=y"},
        "body": b"<html><body>Unicorn! &amp; friends</body></html>",
        "recoverable_until": datetime(2026, 11, 14, tzinfo=UTC),
    }
    return Failure(**(told | changes))
