"""A UTC day as an option of a command."""

from __future__ import annotations

from datetime import date, datetime

import click


class Day(click.ParamType):
    """A UTC day, 2026-03-01."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day; anything else is wrong usage."""
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(str(value), "%Y-%m-%d").date()  # noqa: DTZ007
        except ValueError:
            self.fail(f"expected a day such as 2026-03-01, came {value!r}", param, ctx)
