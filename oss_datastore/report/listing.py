"""A list of the page: what one is, and how it is made of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.words import cell

LONGEST = 40
_SIGNED = ("signed",)
_LONG = ("title", "path", "advisory_summary", "team_paths", "awaited_reviewers")


@dataclass(frozen=True)
class Listing:
    """A table of the page: plain text in cells, escaped by the template."""

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str
    kinds: tuple[str, ...]
    """Of each column: `n` for numbers, `d` for days, `long` for text of any length, else empty."""
    is_open: bool = True
    """Shown at once, or folded."""


def listing_of(
    ident: str,
    title: str,
    frame: pd.DataFrame,
    columns: dict[str, str],
    note: str = "",
    *,
    most: int = LONGEST,
    is_open: bool = True,
) -> Listing:
    """The first rows of a frame under these column names, and how many more there are."""
    # A column in which nothing is known of any row is noise; the first one says what a row is about.
    named = list(columns)
    columns = {c: columns[c] for c in named if c == named[0] or not frame[c].isna().all()} if len(frame) else columns
    shown = frame.head(most)
    more = len(frame) - len(shown)
    rest = f"{more:,} more in the mart." if more else ""
    rows = tuple(tuple(cell(value) for value in row) for row in shown[list(columns)].itertuples(index=False, name=None))
    kinds = tuple(
        "long"
        if c in _LONG
        else "n"
        if c in _SIGNED or (pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c]))
        else "d"
        if frame[c].map(lambda value: isinstance(value, date)).any()
        else ""
        for c in columns
    )
    return Listing(
        ident, title, tuple(columns.values()), rows, " ".join(part for part in (note, rest) if part), kinds, is_open
    )
