"""The same days without any fault: fetched once, and what all campaigns are compared with."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.staging.fetching import PLENTY, Tables, after, fetch_all, fetcher, load

FIRST = date(2025, 6, 14)
LIMITS = replace(PLENTY, window_seconds=0.2, secondary_window_seconds=0.2)


def organisation(repositories: int) -> Simulator:
    """The organisation that every campaign asks about: the same history each time."""
    return Simulator(repos=repositories, seed=3, now=after(FIRST), limits=LIMITS, timeout_seconds=0.01)


@dataclass
class Calm(contextlib.AbstractContextManager["Calm"]):
    """Days from `FIRST` on, each fetched at its time and answered at once; a day is fetched when it is first needed."""

    repositories: int
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, init=False)
    _next: date = field(default=FIRST, init=False)
    _digests: dict[date, dict[str, str]] = field(default_factory=dict, init=False)

    def __enter__(self) -> Calm:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-calm-")))
        self._github = self._stack.enter_context(organisation(self.repositories))
        self._staging = Staging(LocalStore(self._folder))
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def staging(self, until: date) -> Staging:
        """What was staged, up to this day at least."""
        while self._next <= until:
            self._github.set_now(after(self._next))
            run = fetcher(self._github, self._folder, now=after(self._next), staging=self._staging)
            fetch_all(run, self._next)
            run.github.close()
            self._next += timedelta(days=1)
        return self._staging

    def tables(self, day: date) -> Tables:
        """The psa tables of a day."""
        return load(self.staging(day), [day])

    def digests(self, day: date) -> dict[str, str]:
        """The psa tables of a day, each as a digest of its rows: all that need be kept to tell that they are equal."""
        if day not in self._digests:
            self._digests[day] = digests(self.tables(day))
        return self._digests[day]


def digests(tables: Tables) -> dict[str, str]:
    """A digest of the rows of each table."""
    return {name: hashlib.sha256("\n".join(rows).encode()).hexdigest() for name, rows in tables.items()}
