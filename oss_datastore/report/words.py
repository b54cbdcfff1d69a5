"""How the page writes days, numbers and text that came from outside.

Everything that a person on GitHub may have written is escaped here and nowhere else: names of repositories, titles and
referrers are input of strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
from markupsafe import Markup, escape

SMALLEST_BASE_OF_A_PERCENTAGE = 20
"""No percentage of fewer than this many: 2 of 3 is no 67 %."""


def day_text(day: date) -> str:
    """`Sun 22 Nov 2026`."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def short_day(day: date) -> str:
    """`22 Nov`."""
    return f"{day.day} {day:%b}"


def count_text(value: int, one: str, many: str | None = None) -> str:
    """`1 repository`, `3 repositories`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def number(name: str, value: Any, *, signed: bool = False, rows: str = "") -> Markup:
    """A number of the page that a test finds by its name; `rows` is the list or chart that holds what it counts."""
    text = "unknown" if value is None or pd.isna(value) else f"{int(value):+,}" if signed else f"{int(value):,}"
    bold = Markup('<b data-number="{}">{}</b>').format(name, text)
    return Markup('<a href="#{}">{}</a>').format(rows, bold) if rows else bold


def leading_somewhere(text: Markup, places: Iterable[str]) -> Markup:
    """The sentence without links to lists that this page does not have."""
    known = set(places)
    return Markup(  # noqa: S704 - the sentence stays as it was, less some elements
        re.sub(r'<a href="#(\w+)">(.*?)</a>', lambda found: found[0] if found[1] in known else found[2], text)
    )


def say(text: str, **values: Any) -> Markup:
    """A sentence with its values escaped; `text` is ours."""
    return Markup(text).format(**values)  # noqa: S704 - the sentence is ours, format() escapes the values


def spoken(dataset: str) -> str:
    """The name of a dataset in a sentence."""
    return dataset.replace("_", " ")


def joined(parts: Iterable[str]) -> Markup:
    """Sentences after one another."""
    return Markup(" ").join(escape(part) for part in parts if part)


def listed(items: Iterable[Any], most: int = 3) -> str:
    """`a, b and 4 more`."""
    names = [str(item) for item in items]
    if len(names) <= most:
        return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def share(part: int, whole: int, rows: str) -> Markup:
    """`82 % of 61`, or `9 of 11` where a percentage would say too much."""
    base = number("due", whole, rows=rows)
    if whole < SMALLEST_BASE_OF_A_PERCENTAGE:
        return say("{part} of {whole}", part=number("met", part), whole=base)
    return say("{percent} of {whole}", percent=Markup("<b>{} %</b>").format(round(100 * part / whole)), whole=base)


def unless_all(values: Iterable[Any], usual: Any) -> list[Any]:
    """The values of a column, or nothing at all where each is the usual one and the column would be noise."""
    kept = list(values)
    return [None] * len(kept) if all(value == usual for value in kept) else kept


def of_days(counted: Iterable[Any], expected: Iterable[Any]) -> list[str | None]:
    """`12 of 14` days for each row; nothing where all rows have all of their days."""
    pairs = [(int(n), int(of)) for n, of in zip(counted, expected, strict=True)]
    return [None] * len(pairs) if all(n == of for n, of in pairs) else [f"{n} of {of}" for n, of in pairs]


def cell(value: Any) -> str:
    """A value as a table shows it; what was not observed is said and never a zero."""
    if value is None or value is pd.NaT or (not isinstance(value, str | list) and pd.isna(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (hasattr(value, "is_integer") and float(value).is_integer()):
        return f"{int(value):,}"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}" if (value.hour or value.minute) else f"{value:%Y-%m-%d}"
    return str(value)
