"""From the numbers of a visual to a Vega-Lite specification, by Altair.

Colours are names of the page's own palette (`ink`, `accent`, `severity-1`): the page puts the values of its light or
dark theme in their place before it draws. Nothing here reads a mart.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import altair as alt
import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.dashboards import Visual
from oss_datastore.report.frames import Gathered

_CATEGORY = tuple(f"series-{n}" for n in range(1, 9))
_SEVERITY = {"critical": "severity-1", "high": "severity-2", "medium": "severity-3", "low": "severity-4"}
_KNOWN = {"on": "series-1", "off": "series-2", "unknown": "severity-4"}
_WHOLE = (
    ("nothing came whole", "whole-1"),
    ("less than half", "whole-2"),
    ("half or more", "whole-3"),
    ("all", "whole-4"),
)
_ROW_HEIGHT = 24
_DAY_LABEL = "utcFormat(toDate(datum.value), '%-d %b')"


def specification(visual: Visual, gathered: Gathered) -> dict[str, Any]:
    """The Vega-Lite specification of a visual, with its rows inside and as wide as its place on the page."""
    draw = {
        "line": _line,
        "area": _area,
        "grouped_bar": _grouped_bar,
        "stacked_bar": _stacked_bar,
        "ranked_bar": _ranked_bar,
        "heatmap": _heatmap,
    }[visual.chart]
    chart = draw(visual, gathered).properties(width="container", description=f"{visual.title}. {visual.definition}")
    plain: dict[str, Any] = chart.to_dict()
    plain.pop("config", None)
    plain["autosize"] = {"type": "fit-x", "contains": "padding"}
    return plain


def _source(rows: pd.DataFrame) -> alt.Data:
    records = [
        {"d": r.dimension, "s": r.series, "v": None if pd.isna(r.value) else int(r.value)} for r in rows.itertuples()
    ]
    return alt.Data(values=records)  # type: ignore[no-untyped-call]


def key_of(visual: Visual, gathered: Gathered) -> tuple[tuple[str, str], ...]:
    """What each colour of a chart means: (name, colour of the page's palette). The page writes it above the chart."""
    if visual.palette == "whole":
        return _WHOLE
    if visual.chart == "heatmap":
        return ()
    if visual.palette == "known":
        return tuple((name, _KNOWN.get(name, "ink-3")) for name in gathered.series)
    if visual.palette == "severity":
        return tuple((name, _SEVERITY.get(name.lower(), "ink-3")) for name in gathered.series)
    return tuple((name, _CATEGORY[n % len(_CATEGORY)]) for n, name in enumerate(gathered.series))


def _colour(visual: Visual, gathered: Gathered) -> alt.Color:
    key = key_of(visual, gathered)
    scale = alt.Scale(domain=[name for name, _ in key], range=[f"@{colour}@" for _, colour in key])
    return alt.Color("s:N", scale=scale, legend=None)


def _days(visual: Visual) -> alt.X:
    # Days are UTC: without the utc unit a reader west of Greenwich would see each a day early.
    axis = alt.Axis(title=None, format="%-d %b", labelOverlap=True, tickCount=8, grid=False)
    return alt.X("d:T", timeUnit="utcyearmonthdate", scale=alt.Scale(type="utc"), axis=axis)


def _amount(stack: Any = None) -> alt.Y:
    return alt.Y("v:Q", axis=alt.Axis(title=None, tickMinStep=1, tickCount=5), stack=stack)


def _tooltip(visual: Visual, *, day: bool = False) -> list[alt.Tooltip]:
    first = (
        alt.Tooltip("d:T", title=visual.dimension.label, timeUnit="utcyearmonthdate", format="%a %-d %b %Y")
        if day
        else alt.Tooltip("d:N", title=visual.dimension.label)
    )
    label = visual.series.label if visual.series else "Measure"
    unit = visual.measures[0].unit
    return [
        first,
        alt.Tooltip("s:N", title=label),
        alt.Tooltip("v:Q", title=f"Number{f' ({unit})' if unit else ''}", format=",d"),
    ]


def _with_gaps(gathered: Gathered) -> pd.DataFrame:
    """Each day of the range for each series, so that a day without data breaks the line instead of being drawn over."""
    first, last = (date.fromisoformat(d) for d in (gathered.dimensions[0], gathered.dimensions[-1]))
    days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    grid = pd.MultiIndex.from_product([gathered.series, days], names=["series", "dimension"]).to_frame(index=False)
    return grid.merge(gathered.rows, how="left", on=["dimension", "series"])


def _line(visual: Visual, gathered: Gathered) -> Any:
    chart = alt.Chart(_source(_with_gaps(gathered)), height=250)
    y = _amount()
    # A range far from zero would look flat: stars are read by their change, downloads by their size.
    values = gathered.rows["value"].dropna()
    if len(visual.measures) == 1 and 2 * values.min() > values.max():
        y = y.scale(zero=False)
    return chart.mark_line(
        point=alt.OverlayMarkDef(size=14, filled=True),
        strokeWidth=2,
        invalid="break-paths-show-domains",
    ).encode(x=_days(visual), y=y, color=_colour(visual, gathered), tooltip=_tooltip(visual, day=True))


def _area(visual: Visual, gathered: Gathered) -> Any:
    return (
        alt.Chart(_source(_with_gaps(gathered)), height=250)
        .mark_bar(binSpacing=0)
        .encode(
            x=_days(visual),
            y=_amount("zero"),
            color=_colour(visual, gathered),
            order=alt.Order("o:Q", sort="descending"),
            tooltip=_tooltip(visual, day=True),
        )
        .transform_calculate(o=f"indexof({list(gathered.series)!r}, datum.s)")
    )


def _grouped_bar(visual: Visual, gathered: Gathered) -> Any:
    chart = alt.Chart(_source(gathered.rows), height=250)
    weeks = visual.dimension.bucket == "week"
    names = list(gathered.dimensions)
    if weeks:
        x = alt.X(
            "d:O",
            sort=names,
            axis=alt.Axis(title="Week from Monday", labelAngle=0, labelOverlap=True, labelExpr=_DAY_LABEL),
        )
        return chart.mark_bar(cornerRadiusEnd=2).encode(
            x=x,
            xOffset=alt.XOffset("s:N", sort=list(gathered.series)),
            y=_amount(),
            color=_colour(visual, gathered),
            tooltip=_tooltip(visual),
        )
    return (
        alt.Chart(_source(gathered.rows), height=max(80, len(names) * 34))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            y=alt.Y("d:N", sort=names, axis=alt.Axis(title=None, labelLimit=170)),
            yOffset=alt.YOffset("s:N", sort=list(gathered.series)),
            x=alt.X("v:Q", axis=alt.Axis(title=None, tickMinStep=1, tickCount=5)),
            color=_colour(visual, gathered),
            tooltip=_tooltip(visual),
        )
    )


def _stacked_bar(visual: Visual, gathered: Gathered) -> Any:
    names = list(gathered.dimensions)
    return (
        alt.Chart(_source(gathered.rows), height=max(90, len(names) * 36))
        .mark_bar()
        .encode(
            y=alt.Y("d:N", sort=names, scale=alt.Scale(domain=names), axis=alt.Axis(title=None, labelLimit=210)),
            x=alt.X("v:Q", axis=alt.Axis(title=visual.measures[0].label, tickMinStep=1, tickCount=5), stack="zero"),
            color=_colour(visual, gathered),
            order=alt.Order("o:Q"),
            tooltip=_tooltip(visual),
        )
        .transform_calculate(o=f"indexof({list(gathered.series)!r}, datum.s)")
    )


def _ranked_bar(visual: Visual, gathered: Gathered) -> Any:
    names = list(gathered.dimensions)
    values = gathered.rows["value"].dropna()
    lowest, highest = min(0, int(values.min())), max(0, int(values.max()))
    # Room for the number behind the longest bar.
    scale = alt.Scale(domain=[lowest, highest + max(1, (highest - lowest) // 6)], nice=False)
    base = alt.Chart(_source(gathered.rows), height=max(60, len(names) * _ROW_HEIGHT)).encode(
        y=alt.Y("d:N", sort=names, axis=alt.Axis(title=None, labelLimit=170)),
    )
    axis = alt.Axis(title=visual.measures[0].label, tickMinStep=1, tickCount=5)
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        x=alt.X("v:Q", axis=axis, scale=scale), color=alt.value("@series-1@"), tooltip=_tooltip(visual)
    )
    numbers = base.transform_calculate(end="max(0, datum.v)").mark_text(align="left", dx=5, color="@ink-2@")
    return bars + numbers.encode(x=alt.X("end:Q"), text=alt.Text("v:Q", format="+,d"))


def _heatmap(visual: Visual, gathered: Gathered) -> Any:
    # A cell without a number stays blank: nothing was planned or nothing was listed there.
    chart = alt.Chart(
        _source(gathered.rows.dropna(subset=["value"])), height=max(80, len(gathered.series) * _ROW_HEIGHT)
    )
    whole = visual.palette == "whole"
    if whole:
        names, colours = zip(*_WHOLE, strict=True)
        classes = (
            f"datum.v >= 100 ? '{names[3]}' : datum.v >= 50 ? '{names[2]}' : datum.v > 0 ? '{names[1]}' : '{names[0]}'"
        )
        chart = chart.transform_calculate(c=classes)
        colour = alt.Color("c:N", scale=alt.Scale(domain=list(names), range=[f"@{c}@" for c in colours]), legend=None)
        x: Any = alt.X(
            "d:O",
            sort=list(gathered.dimensions),
            axis=alt.Axis(title=None, labelOverlap=True, labelAngle=0, labelExpr=_DAY_LABEL),
        )
    else:
        colour = alt.Color(
            "v:Q",
            scale=alt.Scale(range=["@ramp-1@", "@ramp-2@"]),
            legend=alt.Legend(title=visual.measures[0].label, orient="top"),
        )
        x = alt.X("d:N", sort=list(gathered.dimensions), axis=alt.Axis(title=None, labelAngle=-35, labelLimit=110))
    return chart.mark_rect(stroke="@paper@", strokeWidth=1).encode(
        x=x,
        y=alt.Y("s:N", sort=list(gathered.series), axis=alt.Axis(title=None, labelLimit=190)),
        color=colour,
        tooltip=_tooltip(visual, day=False),
    )
