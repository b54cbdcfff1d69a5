"""Dagster's event log on SQLite, with connections that are kept.

Dagster's own storage makes an engine for every event: no statement is ever compiled twice from a cache, every commit
waits for the disk and every close checkpoints the log. A range of thirty days over a hundred and thirty assets writes
some four thousand events, one per asset and day, and spent four minutes on them. The tables and files are Dagster's;
only how they are reached differs, so a home can go back to Dagster's class by its `dagster.yaml`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

_BUSY_SECONDS = 60
_ENGINES_KEPT = 8


class KeptSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's SQLite event log with one engine per file and, for a batch of events, one transaction per file."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._batches = threading.local()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> KeptSqliteEventLogStorage:
        """Made by Dagster from `dagster.yaml`."""
        return cls(inst_data=inst_data, **config_value)

    def store_event_batch(self, events: Sequence[Any]) -> None:
        """Stores events in one transaction per file."""
        with ExitStack() as open_files:
            self._batches.open = (open_files, {})
            try:
                for one in events:
                    self.store_event(one)
            finally:
                self._batches.open = None

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        batch = getattr(self._batches, "open", None)
        if batch is None:
            with self._transaction(shard) as connection:
                yield connection
            return
        open_files, connections = batch
        if shard not in connections:
            connections[shard] = open_files.enter_context(self._transaction(shard))
        yield connections[shard]

    @contextmanager
    def _transaction(self, shard: str) -> Iterator[Connection]:
        with self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        with self._db_lock:
            engine = self._engines.get(shard)
            if engine is None:
                engine = create_engine(self.conn_string_for_shard(shard), connect_args={"timeout": _BUSY_SECONDS})
                event.listen(engine, "connect", _without_waiting_for_the_disk)
                self._engines[shard] = engine
                while len(self._engines) > _ENGINES_KEPT:
                    self._engines.popitem(last=False)[1].dispose()
            self._engines.move_to_end(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            return engine

    def dispose(self) -> None:
        """Closes every kept connection."""
        while self._engines:
            self._engines.popitem()[1].dispose()
        super().dispose()


def _without_waiting_for_the_disk(connection: Any, record: Any) -> None:
    # With a write-ahead log this keeps the file consistent through any crash; the last events before a power cut may
    # be lost, and they are only Dagster's: nothing of ours is proved by them.
    connection.execute("pragma synchronous=normal")
