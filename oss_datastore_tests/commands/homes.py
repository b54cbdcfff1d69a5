"""Homes and commands as a person would use them: a process of its own, an environment with nothing in it but ours."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from oss_datastore.simulator.limits import Limits
from oss_datastore.simulator.server import Simulator

DAY = date(2026, 10, 14)
CANARY = "ghp_" + "C4n4ry" * 6
PLENTY = Limits(core=10_000_000, graphql=10_000_000, points_per_minute=10_000_000, graphql_points_per_minute=10_000_000)


def after(day: date) -> datetime:
    """Ten minutes after the close of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, minutes=10)


def environment(simulator: Simulator | None, home: Path, **more: str) -> dict[str, str]:
    """A token and an organisation, as the README asks; where they lead and which day it is, as tests need."""
    # PYTHONPATH, so that a command in a process of its own is of the code that is being tested.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "GITHUB_TOKEN": CANARY,
        "GITHUB_ORGS": "acme",
        "GITHUB_API_URL": simulator.url if simulator else "http://127.0.0.1:9",
        "OSS_DATASTORE_HOME": str(home),
        "OSS_DATASTORE_NOW": after(DAY).isoformat(),
        **more,
    }


def command(
    *arguments: str, env: dict[str, str], cwd: Path, prelude: str = "", timeout: float = 500
) -> subprocess.CompletedProcess[str]:
    """`oss-datastore` with these arguments, waited for."""
    return subprocess.run(
        words(arguments, prelude), env=env, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
    )


def words(arguments: tuple[str, ...], prelude: str = "") -> list[str]:
    """The command line; `prelude` is Python that runs before it, to make parts small or disks full."""
    if not prelude:
        return [sys.executable, "-m", "oss_datastore", *arguments]
    program = f"{prelude}\nimport sys\nsys.argv[1:] = {list(arguments)!r}\nfrom oss_datastore.cli import main\nmain()"
    return [sys.executable, "-c", program]
