"""Letters are looked at without waiting for Dagster: its import alone takes longer than reading a full queue."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore_tests.dead_letters.failures import failure

CALLED = """
import atexit, sys
from oss_datastore.cli import main
heavy = ("dagster", "dbt", "duckdb", "pandas", "pyarrow", "altair", "boto3")
atexit.register(lambda: print("imported:", *(name for name in heavy if name in sys.modules), file=sys.stderr))
main()
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list"], "traffic_views"),
        (["list", "--json"], '"traffic_views"'),
        (["list", "--state", "resolved"], "no dead letters"),
        (["show", "1"], "letter 1"),
        (["discard", "1", "--reason", "known"], ""),
    ],
)
def test_looking_at_letters_imports_nothing_heavy(
    queue: DeadLetterQueue, queue_url: str, tmp_path: Path, arguments: list[str], said: str
) -> None:
    queue.put(failure())
    done = subprocess.run(
        [sys.executable, "-c", CALLED, "dlq", *arguments],
        env={"PATH": "/usr/bin:/bin", "DLQ_URL": queue_url, "OSS_DATASTORE_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert done.stderr == "imported:\n"
