"""From marts to the numbers of one chart.

`gather` turns a declared visual into a small table (dimension, series, value) and says in words what it had to leave
out. Drawing is `charts`; sentences and lists are elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.dashboards import Field, NotDeclarable, Visual
from oss_datastore.report.marts import Seen

NOT_KNOWN = "not known"
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Gathered:
    """The numbers of a chart: columns `dimension`, `series` (may be absent) and `value`, in the order of drawing."""

    rows: pd.DataFrame
    dimensions: tuple[str, ...]
    """Values of the dimension in their order."""
    series: tuple[str, ...]
    notes: tuple[str, ...]
    """What is left out, in words a reader understands."""

    @property
    def is_empty(self) -> bool:
        """Nothing to draw."""
        return self.rows.empty or bool(self.rows["value"].isna().all())


def last_day(seen: Seen) -> date | None:
    """The last loaded day: "now" for everything on the page."""
    days = seen.read("data_quality_daily")["day"]
    return None if days.empty else as_date(days.max())


def as_date(value: Any) -> date:
    """A day of a data frame as a date."""
    return date(value.year, value.month, value.day)


def dates(values: pd.Series) -> list[date | None]:
    """Moments of a column as days; None where there is none."""
    return [None if pd.isna(value) else as_date(value) for value in values]


def holds(values: pd.Series) -> pd.Series:
    """Where a flag is set; not known is not set. Of an empty column, too, pandas would keep no booleans otherwise."""
    return values.map(lambda v: not pd.isna(v) and bool(v)).astype(bool)


def on_day(frame: pd.DataFrame, column: str, day: date) -> pd.DataFrame:
    """The rows of one day."""
    return frame if frame.empty else frame[frame[column].map(as_date) == day]


def gather(visual: Visual, seen: Seen) -> Gathered:
    """The numbers of a visual for one audience. Raises NotDeclarable for a column that its mart does not have."""
    frame = _derived(visual.mart, seen.read(visual.mart), last_day(seen))
    for column in _columns(visual):
        if column not in frame.columns:
            raise NotDeclarable(f"visual {visual.id}: the mart {visual.mart} has no column {column}")
    notes: list[str] = []
    for column, values in (visual.where or {}).items():
        frame = frame[
            frame[column].isin([v for v in values if v is not None]) | (frame[column].isna() & (None in values))
        ]
    now = last_day(seen)
    if visual.days and now is not None and not frame.empty:
        column, count = visual.days
        frame = frame[frame[column].map(as_date) > now - timedelta(days=count)]
    if visual.newest and not frame.empty:
        frame, note = _newest(frame, visual.newest, visual.measures[0].field, now)
        notes += note
    if visual.like_for_like and not frame.empty:
        frame, note = _like_for_like(frame, visual)
        notes += note
    if visual.dimension.bucket == "week" and not frame.empty:
        frame, note = _whole_weeks(frame, visual)
        notes += note
    if visual.days and visual.measures[0].aggregate == "sum" and not visual.like_for_like and not frame.empty:
        notes += _uncounted(frame, visual)
    if frame.empty:
        return Gathered(pd.DataFrame({"dimension": [], "series": [], "value": []}), (), (), tuple(notes))
    frame = frame.assign(dimension=_labels(frame[visual.dimension.field], visual.dimension))
    rows = _measured(frame, visual)
    if visual.top:
        rows, note = _top(rows, visual)
        notes += note
    dimensions = _order(rows["dimension"], visual.dimension, visual, rows)
    series = _series_order(rows, visual)
    position = {name: n for n, name in enumerate(dimensions)}
    place = {name: n for n, name in enumerate(series)}
    rows = rows.assign(_d=rows["dimension"].map(position), _s=rows["series"].map(place)).sort_values(["_d", "_s"])
    return Gathered(rows.drop(columns=["_d", "_s"]).reset_index(drop=True), dimensions, series, tuple(notes))


def _columns(visual: Visual) -> list[str]:
    named = [visual.dimension.field, *(m.field for m in visual.measures), *(m.by for m in visual.measures)]
    named += [*(visual.where or {}), visual.newest, visual.whole_when, *([visual.days[0]] if visual.days else [])]
    return [name for name in (*named, visual.series.field if visual.series else "") if name]


def _derived(mart: str, frame: pd.DataFrame, now: date | None) -> pd.DataFrame:
    """Classes of rows that the page shows and no mart holds."""
    if frame.empty:
        derived = ("on_repository", "granted_by", "percent_whole", "days_missing", "due")
        return frame.assign(**{name: [] for name in derived if name not in frame.columns})
    if mart == "security_sla" and now is not None:
        soon = pd.Timestamp(now) + pd.Timedelta(days=8)
        due = [
            "no due date"
            if pd.isna(r.due_at)
            else "past due"
            if r.is_overdue
            else "due in 7 days"
            if r.due_at < soon
            else "due later"
            for r in frame.itertuples()
        ]
        return frame.assign(due=due, severity=frame["severity"].fillna("none"))
    if mart == "user_access_current":
        by = [
            "ownership"
            if r.organization_path == "owner"
            else "team"
            if _there(r.team_paths)
            else "direct"
            if _there(r.direct_path)
            else "base permission"
            if _there(r.organization_path)
            else NOT_KNOWN
            for r in frame.itertuples()
        ]
        return frame.assign(on_repository=frame["repo_id"].notna(), granted_by=by)
    if mart == "security_coverage_daily":
        return frame.assign(feature=frame["feature"].str.replace("_", " "))
    if mart in ("issue_metrics_daily", "pull_request_metrics_daily"):
        return frame.assign(days_missing=frame["due"].isna().astype(int))
    if mart == "data_quality_daily":
        frame = frame.assign(dataset=frame["dataset"].str.replace("_", " "))
        whole = frame["scopes_planned"] - frame["scopes_missing"]
        share = (100 * whole / frame["scopes_planned"].where(frame["scopes_planned"] > 0)).map(
            lambda v: None if pd.isna(v) else int(v)
        )
        return frame.assign(percent_whole=share)
    return frame


def _there(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _newest(frame: pd.DataFrame, day: str, value: str, now: date | None) -> tuple[pd.DataFrame, list[str]]:
    seen_whole = frame[frame["is_final"].astype(bool)]
    newest = seen_whole.groupby("repo_id")[day].transform("max")
    kept = seen_whole[seen_whole[day] == newest]
    known = frame["repo_id"].nunique()
    current = kept[kept[day].map(as_date) == now]["repo_id"].nunique() if not kept.empty else 0
    note = (
        []
        if current == known
        else [f"{known - current} of {known} repositories lack the list of the last day; theirs is older or missing."]
    )
    return kept[kept[value].notna()], note


def _uncounted(frame: pd.DataFrame, visual: Visual) -> list[str]:
    """How many of the days that a sum spans it lacks."""
    day, measure = (visual.days or ("", 0))[0], visual.measures[0].field
    if "repo_id" not in frame.columns or not frame[measure].isna().any():
        return []
    lacking = frame[frame[measure].isna()]
    days, repositories = lacking[day].nunique(), lacking["repo_id"].nunique()
    return [
        f"{days} of {frame[day].nunique()} days {'is' if days == 1 else 'are'} not in the sums of "
        f"{repositories} of {frame['repo_id'].nunique()} repositories: not observed."
    ]


def _like_for_like(frame: pd.DataFrame, visual: Visual) -> tuple[pd.DataFrame, list[str]]:
    """Only repositories observed on every observed day; a day counts as observed where most repositories were."""
    day = visual.dimension.field
    fields = [m.field for m in visual.measures]
    observed = frame.dropna(subset=fields)
    known = frame["repo_id"].nunique()
    per_day = observed.groupby(day)["repo_id"].nunique()
    days = per_day[per_day * 2 > per_day.max()].index
    observed = observed[observed[day].isin(days)]
    per_repository = observed.groupby("repo_id")[day].nunique()
    whole = per_repository[per_repository == len(days)].index
    kept = observed[observed["repo_id"].isin(whole)]
    notes = []
    if len(whole) < known:
        notes.append(
            f"Like for like over {len(whole)} of {known} repositories: the others were not observed on each day."
        )
    # Nothing observed at all (a server whose lists lack these counters) is an empty chart, which says so itself.
    missing = (as_date(days.max()) - as_date(days.min())).days + 1 - len(days) if len(days) else 0
    if missing:
        notes.append(f"{missing} {'day' if missing == 1 else 'days'} without data: the line is broken there.")
    return kept, notes


def _whole_weeks(frame: pd.DataFrame, visual: Visual) -> tuple[pd.DataFrame, list[str]]:
    column = visual.dimension.field
    days = frame[column].map(as_date)
    frame = frame.assign(**{column: days.map(lambda d: d - timedelta(days=d.weekday()))}, _day=days)
    left_out = 0
    kept = []
    for _, week in frame.groupby(column):
        gaps = week[visual.whole_when] if visual.whole_when else pd.Series(0, index=week.index)
        if week["_day"].nunique() < 7:
            continue
        if (gaps.isna() | (gaps > 0)).any():
            left_out += 1
            continue
        kept.append(week)
    notes = []
    if left_out:
        weeks = "week is" if left_out == 1 else "weeks are"
        notes.append(f"{left_out} whole {weeks} left out: some repositories were not observed.")
    return (pd.concat(kept) if kept else frame.iloc[0:0]), notes


def _labels(values: pd.Series, field: Field) -> pd.Series:
    if field.bucket == "month":
        return values.map(lambda v: f"{as_date(v):%Y-%m}")
    if field.buckets:
        return values.map(lambda v: bucket_label(None if pd.isna(v) else int(v), field))
    if pd.api.types.is_datetime64_any_dtype(values) or isinstance(values.iloc[0], date):
        return values.map(lambda v: as_date(v).isoformat())
    return values.map(lambda v: NOT_KNOWN if v is None or pd.isna(v) else str(v))


def bucket_label(value: int | None, field: Field) -> str:
    """The class a whole number falls into, in words: `0–2 days`, `31 days and more`."""
    if value is None:
        return NOT_KNOWN
    for low, high in zip(field.buckets, (*field.buckets[1:], None), strict=True):
        if high is None or value < high:
            return f"{low} {field.unit} and more" if high is None else f"{low}–{high - 1} {field.unit}"
    raise AssertionError("the last class is open")


def _measured(frame: pd.DataFrame, visual: Visual) -> pd.DataFrame:
    parts = []
    for measure in visual.measures:
        if visual.series:
            keys = frame.assign(series=_labels(frame[visual.series.field], visual.series))
        else:
            keys = frame.assign(series=measure.label)
        groups = keys.groupby(["dimension", "series"], sort=False)
        if measure.aggregate == "count":
            value = groups.size()
        elif measure.aggregate == "last":
            observed = keys.dropna(subset=[measure.field]).sort_values(measure.by)
            value = observed.groupby(["dimension", "series"], sort=False)[measure.field].last()
        else:
            value = groups[measure.field].agg(lambda v: None if v.isna().all() else int(v.dropna().sum()))
        parts.append(value.rename("value").reset_index())
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(value=pd.to_numeric(rows["value"]).astype("Int64"))


def _top(rows: pd.DataFrame, visual: Visual) -> tuple[pd.DataFrame, list[str]]:
    notes = []
    columns = [("dimension", visual.dimension)] + ([("series", visual.series)] if visual.series else [])
    for column, field in columns:
        largest = rows.groupby(column)["value"].max().sort_values(ascending=False, kind="stable")
        if len(largest) > visual.top:
            rows = rows[rows[column].isin(largest.index[: visual.top])]
            notes.append(f"{field.label}: the {visual.top} largest of {len(largest)}; the rest is in the mart.")
    return rows, notes


def _order(values: pd.Series, field: Field, visual: Visual, rows: pd.DataFrame) -> tuple[str, ...]:
    there = list(dict.fromkeys(values))
    if field.buckets:
        wanted = [bucket_label(low, field) for low in field.buckets] + [NOT_KNOWN]
        return tuple(v for v in wanted if v in there or v != NOT_KNOWN)
    if field.order:
        return (*(v for v in field.order if v in there), *sorted(v for v in there if v not in field.order))
    if visual.top or visual.chart in ("ranked_bar",):
        largest = rows.groupby("dimension")["value"].max()
        return tuple(sorted(there, key=lambda v: (-(largest[v] if pd.notna(largest[v]) else -1), v)))
    return tuple(sorted(there))


def _series_order(rows: pd.DataFrame, visual: Visual) -> tuple[str, ...]:
    there = list(dict.fromkeys(rows["series"]))
    if visual.series is None:
        return tuple(m.label for m in visual.measures)
    if visual.series.order:
        return (
            *(v for v in visual.series.order if v in there),
            *sorted(v for v in there if v not in visual.series.order),
        )
    if visual.top:
        largest = rows.groupby("series")["value"].max()
        return tuple(sorted(there, key=lambda v: (-largest[v], v)))
    return tuple(sorted(there))
