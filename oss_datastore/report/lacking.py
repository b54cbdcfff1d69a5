"""What the data lacks, said where a reader would otherwise be misled, and listed with the time that is left."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.frames import as_date, holds, last_day
from oss_datastore.report.listing import Listing, listing_of
from oss_datastore.report.marts import Audience, Seen
from oss_datastore.report.sentences import losing_traffic
from oss_datastore.report.words import count_text, listed, short_day, spoken

_LOOK_BACK = 60


def notices(datasets: tuple[str, ...], seen: Seen) -> list[str]:
    """What a section must say before its charts: which of its datasets are not whole on the last day."""
    quality = seen.read("data_quality_daily")
    now = last_day(seen)
    today = (
        quality[(quality["day"].map(as_date) == now) & quality["dataset"].isin(datasets)] if now else quality.iloc[0:0]
    )
    told: dict[str, list[str]] = {}
    for row in today[~holds(today["is_whole"])].itertuples():
        states = ", ".join(
            f"{count} {state}"
            for state in ("partial", "failed", "pending", "forbidden", "unavailable")
            if (count := int(getattr(row, f"scopes_{state}")))
        )
        planned = count_text(int(row.scopes_planned), "scope")
        trouble = f"{int(row.scopes_missing)} of {planned} ({states})" if row.scopes_planned else "nothing was fetched"
        if seen.audience is Audience.public:
            # The number of scopes would tell of private repositories.
            trouble = ""
        told.setdefault(trouble, []).append(spoken(row.dataset))
    return [
        f"Not whole on the last day: {listed(names, len(names))}"
        f"{', ' if trouble else ''}{'each ' if trouble and len(names) > 1 else ''}{trouble}. "
        "Nothing is concluded from what is missing."
        for trouble, names in told.items()
    ]


def lacking(seen: Seen, now: date) -> Listing:
    quality = seen.read("data_quality_daily")
    recent = quality[quality["day"].map(as_date) > now - timedelta(days=_LOOK_BACK)]
    frame = _ranges(recent[~holds(recent["is_whole"])])
    columns = {
        "dataset": "Dataset",
        "days": "Days",
        "state": "State",
        "scopes": "Scopes missing",
        "until": "Can be fetched before",
    }
    if seen.audience is Audience.public:
        del columns["scopes"]
    frame = frame.assign(dataset=[spoken(name) for name in frame["dataset"]])
    return listing_of(
        "lacking",
        "Days that are not whole",
        frame,
        columns,
        f"The last {_LOOK_BACK} days. Disabled and gone scopes lack nothing.",
    )


def _ranges(lacking: pd.DataFrame) -> pd.DataFrame:
    """Consecutive days of a dataset with the same trouble as one row."""
    found: list[dict[str, Any]] = []
    for row in lacking.sort_values(["dataset", "day"]).itertuples():
        day, missing = as_date(row.day), int(row.scopes_missing)
        until = "no longer" if not row.is_recoverable else "any time" if pd.isna(row.recoverable_until) else "day"
        last = found[-1] if found else None
        same = last is not None and (last["dataset"], last["state"], last["scopes"]) == (
            row.dataset,
            row.data_state,
            missing,
        )
        if last is not None and same and last["last"] + timedelta(days=1) == day and last["until"] == until:
            last["last"] = day
        else:
            found.append(
                {
                    "dataset": row.dataset,
                    "first": day,
                    "last": day,
                    "state": row.data_state,
                    "scopes": missing,
                    "until": until,
                    "recoverable_until": row.recoverable_until,
                }
            )
    for row_ in found:
        length = row_["last"] - row_["first"]
        row_["days"] = _span(row_["first"], length)
        if row_["until"] == "day":
            row_["until"] = _span(as_date(row_["recoverable_until"]), length)
    found.sort(key=lambda r: (r["last"], r["first"], r["dataset"]), reverse=True)
    return pd.DataFrame(found, columns=["dataset", "days", "state", "scopes", "until", "first", "last"])


def _span(first: date, length: timedelta) -> str:
    return f"{short_day(first)} – {short_day(first + length)}" if length else short_day(first)


def losing(seen: Seen, now: date) -> Listing | None:
    found = losing_traffic(seen, now)
    if found.empty:
        return None
    frame = found.groupby("repository").agg(
        first=("traffic_date", "min"), count=("traffic_date", "nunique"), until=("recoverable_until", "min")
    )
    frame = frame.reset_index().sort_values(["until", "repository"])
    frame = frame.assign(first=frame["first"].map(as_date), until=[short_day(as_date(v)) for v in frame["until"]])
    columns = {"repository": "Repository", "first": "First day lacking", "count": "Days", "until": "Lost from"}
    return listing_of(
        "losing",
        "Traffic that is about to be lost",
        frame,
        columns,
        "Retry its letters, or fetch any later day in time.",
    )
