"""What was asked of the simulator, without a single header, so without a token."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """One request in the log. No header is kept, so no token is."""

    method: str
    target: str
    endpoint: str
    status: int
    outcome: str


@dataclass
class Log:
    """What was asked. Counts are complete; entries are the last hundred thousand."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=100_000))
    by_endpoint: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        """Writes one down."""
        self.entries.append(entry)
        self.by_endpoint[entry.endpoint] += 1
        self.by_status[entry.status] += 1

    def clear(self) -> None:
        """Forgets all."""
        self.entries.clear()
        self.by_endpoint.clear()
        self.by_status.clear()
