"""Tables in Markdown, as the Dagster UI shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def markdown(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table in Markdown; what a cell holds stays on one line and in its cell."""
    names = list(columns)
    lines = [names, ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    text = text if len(text) <= 200 else f"{text[:199]}…"
    return text.replace("|", "\\|").replace("\r", " ").replace("\n", " ")
