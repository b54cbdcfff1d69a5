"""How commands speak: tables and progress on a terminal, plain lines elsewhere, JSON where asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
"""Where tables go: as wide as the terminal, and wide enough for every row where there is none."""


def as_json(value: Any) -> None:
    """Prints JSON."""
    click.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Prints rows: a table on a terminal, tab-free aligned text elsewhere."""
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*("" if value is None else str(value) for value in row))
    console.print(shown)


class FetchProgress:
    """Shows how far fetching is: a bar per answer set on a terminal, a line per answer set and day elsewhere."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[tuple[str, date], Any] = {}
        self._live = sys.stderr.isatty()

    def __call__(self, answer_set: str, day: date, done: int, planned: int) -> None:
        """Told by the fetch loop after every unit."""
        key = (answer_set, day)
        if not self._live:
            if done == planned:
                click.echo(f"{day} {answer_set}: {planned} asked", err=True)
            return
        if key not in self._tasks:
            self._tasks[key] = self._bars.add_task(f"{day} {answer_set}", total=planned)
        self._bars.update(self._tasks[key], completed=done)
        if done == planned:
            self._bars.remove_task(self._tasks.pop(key))


@contextmanager
def fetch_progress() -> Iterator[None]:
    """Shows progress of every fetch made within, in this process."""
    from oss_datastore.resources import progress

    shown = FetchProgress()
    token = progress.set(shown)
    try:
        with shown._bars if shown._live else _nothing():
            yield
    finally:
        progress.reset(token)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
