"""Homes of the tests: settings from the environment, a fetch loop with a calendar of its own, runs of the real job."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oss_datastore.connections import open_fetcher, open_warehouse
from oss_datastore.settings import Settings
from oss_datastore.staging.fetch import Fetcher

if TYPE_CHECKING:
    from oss_datastore.runs import Runner


@contextmanager
def environment(home: Path, api_url: str, orgs: str, queue_url: str, **more: str) -> Iterator[Settings]:
    """The environment of a home for as long as a test lasts."""
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("OSS_DATASTORE_", "GITHUB_")):
            del os.environ[name]
    os.environ |= {
        "GITHUB_TOKEN": "a-token-for-the-replay",
        "GITHUB_ORGS": orgs,
        "GITHUB_API_URL": api_url,
        "DLQ_URL": queue_url,
        "OSS_DATASTORE_HOME": str(home),
        **more,
    }
    try:
        yield Settings.load()
    finally:
        os.environ.clear()
        os.environ.update(before)


def at(moment: datetime) -> None:
    """Holds the calendar of what is opened from now on."""
    os.environ["OSS_DATASTORE_NOW"] = moment.isoformat()


def after_close(day: date) -> datetime:
    """Ten minutes after the close of a day."""
    return datetime(day.year, day.month, day.day, 0, 10, tzinfo=UTC) + timedelta(days=1)


def fetch_loop(settings: Settings) -> Fetcher:
    """The fetch loop of the settings, without spacing of calls."""
    return open_fetcher(settings, pace=False)


def runner() -> Runner:
    """Makes runs of the real job on the home of the environment, fetching without spacing of calls."""
    from oss_datastore.resources import GitHubResource
    from oss_datastore.runs import Runner

    return Runner(Settings.load(), resources={"github": GitHubResource(pace=False)})


def same_store(source: Path, target: Path, *, without: frozenset[date] = frozenset()) -> None:
    """Gives a home the staged objects of another, but for some days: objects never change, so links will do."""
    marks = {f"load_date={day.isoformat()}" for day in without}

    def leave_out(_: str, names: list[str]) -> set[str]:
        return marks & set(names)

    shutil.copytree(source / "store", target / "store", copy_function=os.link, ignore=leave_out)


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """What a query of the warehouse gives."""
    with open_warehouse(settings).connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()
