"""Whole periods beside the ones before: only what is known of the same repositories in both is compared."""

from __future__ import annotations

from typing import Any

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.frames import as_date
from oss_datastore.report.listing import Listing, listing_of
from oss_datastore.report.marts import Seen
from oss_datastore.report.words import short_day, spoken

_TITLES = {
    "stargazers_net": "Stars gained",
    "stargazers_count": "Stars",
    "forks_net": "Forks gained",
    "views_count": "Page views",
    "clones_count": "Clones",
}
"""Metrics whose names are those of columns; all others are called what they are."""


def compared(seen: Seen, period: str) -> Listing | None:
    """The newest whole week, month or quarter of each organisation, metric by metric."""
    values = seen.read("metric_period")
    of_period = values[(values["scope_kind"] == "organization") & (values["period"] == period)]
    if of_period.empty:
        return None
    newest = of_period[of_period["start_on"] == of_period["start_on"].max()]
    order = {name: place for place, name in enumerate(seen.read("metric_catalogue")["metric"])}
    several = newest["org_login"].nunique() > 1
    frame = newest.assign(
        name=[_TITLES.get(name, spoken(name).capitalize()) for name in newest["metric"]],
        signed=[_change(row) for row in newest.itertuples()],
        _place=newest["metric"].map(order),
        of=[f"{int(row.n)} of {int(row.repositories_count)}" for row in newest.itertuples()],
        over=[f"{int(row.n_compared)} of {int(row.repositories_count)}" for row in newest.itertuples()],
    ).sort_values(["org_login", "_place"])
    for column in ("value", "value_compared", "previous"):
        frame[column] = pd.to_numeric(frame[column]).astype("Int64")
    first, last = as_date(newest["start_on"].iloc[0]), as_date(newest["end_on"].iloc[0])
    columns = {"name": "Metric", "value": "Value", "of": "Repositories"}
    columns |= {"org_login": "Organisation"} if several else {}
    note = f"The {period} from {short_day(first)} to {short_day(last)}, UTC, over repositories known whole in it"
    before = {"previous": f"{period.capitalize()} before", "signed": "Change"}
    if (newest["n_compared"] == newest["n"]).all():
        columns |= before
        note += " and in the one before"
    elif (newest["n_compared"] > 0).any():
        columns |= {"value_compared": "Like for like", **before, "over": "Compared over"}
        note += "; like for like and the change over those known whole in both"
    else:
        note += f". The {period} before is not known whole of any: nothing to compare with"
    return listing_of(
        f"period_{period}",
        f"Last whole {period}",
        frame,
        columns,
        f"{note}. Our own forks are left out.",
        is_open=period == "week",
    )


def _change(row: Any) -> str | None:
    """`+269 (+4 %)`; the share only of what is large enough and over all repositories."""
    if pd.isna(row.delta):
        return None
    delta = f"{int(row.delta):+,}" if int(row.delta) else "0"
    if pd.isna(row.change_ratio) or not row.is_comparable:
        return delta
    percent = round(100 * row.change_ratio)
    return f"{delta} ({percent:+d} %)" if percent else delta
