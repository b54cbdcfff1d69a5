"""A queue in a fresh database, and failures to put into it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue


@pytest.fixture
def clock() -> Clock:
    return Clock(held=datetime(2026, 11, 2, 0, 10, tzinfo=UTC))


@pytest.fixture
def queue(queue_url: str, clock: Clock) -> Iterator[DeadLetterQueue]:
    queue = DeadLetterQueue(queue_url, clock=clock)
    yield queue
    queue.close()
