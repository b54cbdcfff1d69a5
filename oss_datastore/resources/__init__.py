"""Thin Dagster wrappers around the parts that `connections` makes from the settings.

They hold no value of a setting themselves, so that no token can appear where Dagster shows a resource's
configuration.
"""

from __future__ import annotations

from contextvars import ContextVar

import dagster as dg

from oss_datastore.connections import open_fetcher, open_letters, open_queue, open_store, open_warehouse
from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore.dead_letters.spool import SpoolingQueue
from oss_datastore.settings import Settings
from oss_datastore.staging.fetch import Fetcher, Progress
from oss_datastore.staging.store import RawStore
from oss_datastore.warehouse import DuckDbWarehouse

progress: ContextVar[Progress | None] = ContextVar("progress", default=None)
"""Who is told how far a fetch is: the command line sets it around a run it makes in its own process."""


class GitHubResource(dg.ConfigurableResource):
    """Opens the fetch loop. `pace` off means no spacing of calls, for a GitHub of one's own on loopback."""

    pace: bool = True

    def fetcher(self) -> Fetcher:
        """The fetch loop of the settings."""
        return open_fetcher(Settings.load(), pace=self.pace, progress=progress.get())


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

    def open(self) -> DuckDbWarehouse:
        """The warehouse that the settings name."""
        return open_warehouse(Settings.load())
