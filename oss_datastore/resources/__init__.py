"""Thin Dagster wrappers around the parts that `connections` makes from the settings.

They hold no value of a setting themselves, so that no token can appear where Dagster shows a resource's
configuration.
"""

from __future__ import annotations

from contextvars import ContextVar

import dagster as dg
from pydantic import PrivateAttr

from oss_datastore.connections import open_fetcher, open_letters, open_queue, open_store, open_warehouse
from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore.dead_letters.spool import SpoolingQueue
from oss_datastore.settings import Settings
from oss_datastore.staging.fetch import Fetcher, Progress
from oss_datastore.staging.store import RawStore
from oss_datastore.warehouse import Warehouse

progress: ContextVar[Progress | None] = ContextVar("progress", default=None)
"""Who is told how far a fetch is: the command line sets it around a run it makes in its own process."""


class GitHubResource(dg.ConfigurableResource):
    """The fetch loop of a run: one for all its steps, since they share a budget and what is known of the token.

    `pace` off means no spacing of calls, for a GitHub of one's own on loopback.
    """

    pace: bool = True
    _fetcher: Fetcher | None = PrivateAttr(default=None)

    def fetcher(self) -> Fetcher:
        """The fetch loop of the settings, made at first need."""
        if self._fetcher is None:
            self._fetcher = open_fetcher(Settings.load(), pace=self.pace, progress=progress.get())
        return self._fetcher

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Closes the connections of the run."""
        if self._fetcher is not None:
            self._fetcher.github.close()
            self._fetcher = None


class StoreResource(dg.ConfigurableResource):
    """Opens the raw store: a folder under the home, or an S3 bucket."""

    def open(self) -> RawStore:
        """The store that the settings name."""
        return open_store(Settings.load())


class DeadLetterQueueResource(dg.ConfigurableResource):
    """Opens the dead letter queue."""

    def open(self) -> DeadLetterQueue:
        """The queue that the settings name."""
        return open_queue(Settings.load())

    def letters(self) -> SpoolingQueue:
        """Where a run puts letters, whether the queue can be reached or not."""
        return open_letters(Settings.load())


class WarehouseResource(dg.ConfigurableResource):
    """Opens the warehouse."""

    def open(self) -> Warehouse:
        """The warehouse that the settings name."""
        return open_warehouse(Settings.load())
