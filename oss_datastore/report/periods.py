"""Whole periods beside the ones before: only what is known of the same repositories in both is compared."""

from __future__ import annotations

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.frames import as_date
from oss_datastore.report.listing import Listing, listing_of
from oss_datastore.report.marts import Seen
from oss_datastore.report.words import short_day, spoken


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
        name=[spoken(name).capitalize() for name in newest["metric"]],
        signed=[None if pd.isna(v) else f"{int(v):+,}" if int(v) else "0" for v in newest["delta"]],
        _place=newest["metric"].map(order),
        over=[_over(row) for row in newest.itertuples()],
    ).sort_values(["org_login", "_place"])
    for column in ("value", "value_compared", "previous"):
        frame[column] = pd.to_numeric(frame[column]).astype("Int64")
    first, last = as_date(newest["start_on"].iloc[0]), as_date(newest["end_on"].iloc[0])
    columns = {"org_login": "Organisation"} if several else {}
    columns |= {
        "name": "Metric",
        "value": "Value",
        "value_compared": "Like for like",
        "previous": "The one before",
        "signed": "Change",
        "over": "Compared over",
    }
    note = (
        f"The {period} from {short_day(first)} to {short_day(last)}, UTC. Like for like: over what was "
        "known whole in both. Our own forks are left out."
    )
    return listing_of(f"period_{period}", f"Last whole {period}", frame, columns, note, is_open=period == "week")


def _over(row: object) -> str:
    compared_, count = int(row.n_compared), int(row.repositories_count)  # type: ignore[attr-defined]
    return f"{compared_} of {count} repositories"
