"""How commands answer: tables for people, JSON where asked. Progress is `progress`."""

from __future__ import annotations

import json
import sys
from collections.abc import Container, Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
"""Where tables go: as wide as the terminal, and wide enough for every row where there is none."""


def as_json(value: Any) -> None:
    """Prints JSON."""
    click.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Container[int] = ()) -> None:
    """Prints rows as aligned text; `numbers` are the columns (from 0) that are set to the right."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        shown.add_column(column, overflow="fold", justify="right" if place in numbers else "left")
    for row in rows:
        shown.add_row(*("" if value is None else str(value) for value in row))
    console.print(shown)
