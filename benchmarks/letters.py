"""A queue with many letters on a warm server of its own, for the benchmarks that look at one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue, EmbeddedPostgres, Failure

NOW = datetime(2026, 10, 15, 0, 10, tzinfo=UTC)
DATASETS = ("issues", "members", "traffic_views", "labels", "releases")
KINDS = ("server_fault", "unreachable", "malformed_body", "overdue")


@contextmanager
def warm_server(**settings: str) -> Iterator[tuple[EmbeddedPostgres, Path]]:
    """The embedded PostgreSQL, with these settings, in a folder that ends with it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - as root, the server's own user has to get in
        server = EmbeddedPostgres(Path(folder), settings=settings)
        try:
            server.start()
            yield server, Path(folder)
        finally:
            server.stop()


def filled(server: EmbeddedPostgres, folder: Path, count: int) -> dict[str, str]:
    """A database with so many open letters, and a home: the environment of a process that looks at them.

    They are of five datasets, four causes and thirteen days; some can be had for ever.
    """
    url = server.ensure_database(f"letters_{count}")
    first = date(2026, 10, 2)
    with closing(DeadLetterQueue(url, clock=Clock(NOW))) as queue:
        for begin in range(0, count, 10_000):
            queue.put_many(
                [
                    Failure(
                        DATASETS[n % len(DATASETS)],
                        f"github.com/repository/{n}",
                        first + timedelta(days=n % 13),
                        "github_v3",
                        KINDS[n // 7 % len(KINDS)],
                        "502 Bad Gateway",
                        body=b"<html>Bad Gateway</html>" * 20,
                        recoverable_until=NOW + timedelta(hours=30) if n % 3 else None,
                    )
                    for n in range(begin, min(begin + 10_000, count))
                ]
            )
    home = folder / f"home_{count}"
    home.mkdir()
    return {**os.environ, "DLQ_URL": url, "OSS_DATASTORE_HOME": str(home), "OSS_DATASTORE_NOW": NOW.isoformat()}
