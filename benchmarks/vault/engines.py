"""The two engines as the benchmark sees them: statements in one transaction, and the processor time they took."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg2

_TICK = os.sysconf("SC_CLK_TCK")


class Engine(Protocol):
    """A warehouse with one connection."""

    name: str
    environment: Mapping[str, str]

    def run(self, sql: str) -> None: ...
    def value(self, sql: str) -> Any: ...
    def cpu(self) -> float: ...
    def close(self) -> None: ...


class OnDuckDB:
    """A DuckDB file; its processor time is this process's."""

    name = "duckdb"

    def __init__(self, path: Path) -> None:
        self.environment = {"OSS_DATASTORE_WAREHOUSE": "duckdb", "OSS_DATASTORE_WAREHOUSE_PATH": str(path)}
        self.path = path
        self.open()

    def open(self) -> None:
        """Takes the file, which one process at a time can have."""
        self.handle = duckdb.connect(str(self.path))

    def run(self, sql: str) -> None:
        self.handle.execute(sql)

    def value(self, sql: str) -> Any:
        row = self.handle.execute(sql).fetchone()
        return row[0] if row else None

    def cpu(self) -> float:
        return time.process_time()

    def close(self) -> None:
        self.handle.close()


class OnPostgres:
    """A database of a server; its processor time is that of the whole server, its workers and writers included."""

    name = "postgres"

    def __init__(self, url: str) -> None:
        parts = psycopg2.extensions.parse_dsn(url)
        self.environment = {
            "OSS_DATASTORE_WAREHOUSE": "postgres",
            "OSS_DATASTORE_WAREHOUSE_HOST": parts["host"],
            "OSS_DATASTORE_WAREHOUSE_PORT": parts.get("port", "5432"),
            "OSS_DATASTORE_WAREHOUSE_USER": parts["user"],
            "OSS_DATASTORE_WAREHOUSE_DATABASE": parts["dbname"],
        }
        self.url = url
        self.open()

    def open(self) -> None:
        """A new session."""
        self.handle = psycopg2.connect(self.url)
        self.handle.autocommit = True
        self.cursor = self.handle.cursor()
        self.server = _parent(self.value("select pg_backend_pid()"))

    def run(self, sql: str) -> None:
        self.cursor.execute(sql)

    def value(self, sql: str) -> Any:
        self.cursor.execute(sql)
        row = self.cursor.fetchone()
        return row[0] if row else None

    def cpu(self) -> float:
        return _times(self.server, children=True) + sum(
            _times(pid, children=False) for pid in _running() if _parent(pid) == self.server
        )

    def close(self) -> None:
        self.handle.close()


def _running() -> Sequence[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _status(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat (Linux) after the program's name; none where the process has ended."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _parent(pid: int) -> int:
    found = _status(pid)
    return int(found[1]) if found else 0


def _times(pid: int, *, children: bool) -> float:
    found = _status(pid)
    return sum(map(int, found[11 : 15 if children else 13])) / _TICK if found else 0.0
